"""Each defence is needed: taken out alone, at least one attack gets through. So no attack passes by accident."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from github_app.adapters.egress import mirror, proxy, rules, upstream
from github_app.adapters.repository.workspaces import LocalWorkspaces
from github_app.adapters.runner import claims, line, wire
from github_app.adapters.sandbox import bubblewrap, files, process
from github_app.adapters.secrets import PatternScanner
from github_app.core import hosts, policy
from github_app.core.changes import findings
from tests.adapters.outside import NAME
from tests.attack import runner, weakened
from tests.attack.arena import Arena, enter
from tests.attack.cases import ATTACKS, SCENE_ATTACKS
from tests.attack.scene import open_scene, open_stage
from tests.fakes import users
from tests.fakes.users import why_not

_ALLOW_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)

Removal = Callable[[Arena, pytest.MonkeyPatch], None]
DEFENCES: list[tuple[str, Removal, tuple[str, ...]]] = []
"""Name, how to take it out, and the attacks of which one must then get through."""


def defence(name: str, *attacks: str) -> Callable[[Removal], Removal]:
    """Register how a defence is taken out."""

    def register(remove: Removal) -> Removal:
        DEFENCES.append((name, remove, attacks))
        return remove

    return register


def _without(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    flags = bubblewrap._WALLS
    for word in words:
        assert word in flags
        flags = flags.replace(word, "")
    monkeypatch.setattr(bubblewrap, "_WALLS", flags)


def _with_sandbox(arena: Arena, **changed: Any) -> None:
    old = arena.desk.workspaces
    new = LocalWorkspaces(root=old.root, git=old.git, sandbox=replace(old.sandbox, **changed))
    arena.desk = replace(arena.desk, workspaces=new)


@defence("empty environment of the sandbox's first process", "S03")
def _environment(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    popen: Any = subprocess.Popen

    def leaky(*args: Any, **options: Any) -> Any:
        if options.get("env") == {}:
            options["env"] = dict(os.environ)
        return popen(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", leaky)


@defence("network namespace", "S06")
def _network(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "--unshare-net")


@defence("seccomp filter", "S05", "S07", "S19", "S20")
def _seccomp(arena: Arena, _: pytest.MonkeyPatch) -> None:
    _with_sandbox(arena, _seccomp=_ALLOW_ALL)


@defence("a root made by hand", "S02", "S16")
def _root(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in (arena.key_file, arena.key_file.parent):
        secret.chmod(0o755)
    shown = (str(arena.key_file.parent),) * 2
    monkeypatch.setattr(bubblewrap, "_VAR", f"{bubblewrap._VAR} --ro-bind {shown[0]} {shown[1]}")


@defence("a read-only root", "S01")
def _read_only(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_SEAL", "--chdir /work")


@defence("links are not followed, paths stay beneath the tree", "S37", "X34", "X56", "X58")
def _beneath(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_RESOLVE", 0)


@defence("output limit", "S31a")
def _output_limit(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: process.SandboxProcess) -> None:
        await self._exited()

    monkeypatch.setattr(process.SandboxProcess, "_flooded", never)


@defence("protected paths", "X61")
def _protected(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.Policy, "__init__", _policy_without_protection(policy.Policy.__init__))


def _policy_without_protection(init: Any) -> Any:
    return lambda self, **values: init(self, **{"protected": (), **values})


@defence("weakened tests are found", "X67")
def _weakened_tests(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("find_weakened_tests", "find_weakened_checks"):
        monkeypatch.setattr(findings, name, lambda *_: ())


@defence("a scanner for secrets", "H44")
def _scanner(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatternScanner, "scan", lambda *_: ())


@defence("links out of the repository are refused", "X59")
def _links(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_link", lambda _: ())


@defence("an upper layer for each session", "X68")
def _own_layer(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalWorkspaces, "_folder", lambda self, _: self.root / "workspaces" / "shared")


if not why_not():

    @defence("broker and runner are two users", "H01", "H02")
    def _two_users(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runner, "RUNNER", users.BROKER)

    @defence("a runner's paths are checked", "H04")
    def _runners_paths(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(claims, "check_path", lambda _: None)

    @defence("who listens in the runner's place is looked at", "H08")
    def _listener(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wire, "ask_peer", lambda _: wire.Peer(pid=1, uid=users.RUNNER, gid=users.RUNNER))
        monkeypatch.setattr(line, "owner_of", lambda _: users.RUNNER)


@defence("TLS for the very host that was asked for", "S34", "H51")
def _server_name(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "read_server_name", lambda data: NAME if data else None)


@defence("an allow-list of hosts", "S34", "X40")
def _allow_list(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules.Rules, "check", lambda _, authority: rules.split_authority(authority))


@defence("public addresses only", "X39")
def _addresses(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "is_outside", lambda _: True)


@defence("a mirror that knows what installing needs", "X41")
def _shapes(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_NPM_PAGE", re.compile("/(.*)"))


@defence("hashes of packages", "H55")
def _hashes(_: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "_check", lambda *_: None)


@pytest.mark.parametrize(
    ("remove", "attacks"), [pytest.param(remove, attacks, id=name) for name, remove, attacks in DEFENCES]
)
async def test_without_it_an_attack_gets_through(
    remove: Removal, attacks: tuple[str, ...], arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(arena, monkeypatch)
    await enter(arena)

    for attack in attacks:
        if await ATTACKS[attack].run(arena) or await arena.leaks():
            return

    pytest.fail(f"{', '.join(attacks)} got nothing all the same")


@pytest.mark.slow
@pytest.mark.parametrize("name", weakened.REMOVALS)
def test_without_it_an_attack_on_the_running_app_gets_through(name: str) -> None:
    attack = SCENE_ATTACKS[weakened.REMOVALS[name][1]]
    with open_stage((sys.executable, weakened.__file__, name)) as stage, open_scene(stage, attack.id) as scene:
        scene.world.may_log_errors = True
        assert attack.run(scene) or scene.leaks(), f"{attack.id} got nothing all the same"
