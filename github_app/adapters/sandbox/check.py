"""What `honk doctor` asks of the sandbox: each wall is tried from inside, on this machine, and the answer is told."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from github_app.adapters.sandbox.binary import is_reachable
from github_app.adapters.sandbox.bubblewrap import BindMount, Bubblewrap
from github_app.core.errors import SandboxUnavailable
from github_app.core.policy import REGISTRIES
from github_app.core.ports import ExecLimits

# Runs inside, under the sandbox's own Python. It prints what it found; the judging is done outside.
_PROBE = r"""
import ctypes, errno, fcntl, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(do):
    try:
        do()
        return "allowed"
    except OSError as error:
        return errno.errorcode.get(error.errno, "?")
def unshare():
    if libc.unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")
def write(path):
    with open(path, "w"):
        pass
print(json.dumps({
    "vsock": attempt(lambda: socket.socket(40, socket.SOCK_STREAM)),
    "unshare": attempt(unshare),
    "tiocsti": attempt(lambda: fcntl.ioctl(0, 0x5412, b"x")),
    "connect": attempt(lambda: socket.create_connection(("192.0.2.1", 80), 2)),
    "routes": len(open("/proc/net/route").read().splitlines()) - 1,
    "userns": attempt(lambda: write("/proc/sys/user/max_user_namespaces")),
    "first_environ": len(open("/proc/1/environ").read()),
    "usr": attempt(lambda: write("/usr/honk")),
    "root": attempt(lambda: write("/honk")),
    "tree": attempt(lambda: write("/work/honk")),
    "environ": sorted(os.environ),
    "top": sorted(os.listdir("/")),
    "processes": sum(name.isdecimal() for name in os.listdir("/proc")),
    "session": os.getsid(0),
    "no_new_privs": "NoNewPrivs:\t1" in open("/proc/self/status").read(),
    "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")][0],
}))
"""
_TOP = {"bin", "dev", "etc", "home", "lib", "lib64", "proc", "run", "sbin", "tmp", "usr", "var", "work"}
_ENVIRON = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TMPDIR", "TERM", "CI", "PWD", "LC_CTYPE"}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One wall: its name, whether it stands, and what was seen."""

    name: str
    ok: bool
    detail: str


async def check(sandbox: Bubblewrap) -> list[Check]:
    """Try the walls of a sandbox from inside. Needs a python3 in it; without one the single check says so.

    Raises `SandboxUnavailable` if a sandbox cannot be made any more.
    """
    with tempfile.TemporaryDirectory(dir=sandbox.state_dir, prefix="check-") as name:
        tree = Path(name)
        if os.geteuid() == 0:
            os.chown(tree, sandbox.sandbox_uid, sandbox.sandbox_gid)
        limits = ExecLimits(timeout_s=30)
        result = await sandbox.run(["python3", "-c", _PROBE], tree=BindMount(path=tree), home=None, limits=limits)
        owner = (tree / "honk").lstat().st_uid if (tree / "honk").exists() else None
    try:
        seen = json.loads(result.output)
    except ValueError:
        seen = None
    if result.exit_code != 0 or not isinstance(seen, dict):
        detail = f"the probe did not run (it needs python3 in /usr): {result.output.strip()[:300]}"
        return [Check(name="sandbox", ok=False, detail=detail)]
    walls = _walls(seen, extra_top={path.parts[1] for path in sandbox.tool_paths})
    return [*walls, _owner(owner, sandbox), await _check_way_out(sandbox)]


async def _check_way_out(sandbox: Bubblewrap) -> Check:
    """Whether a command that may reach something finds the proxy, and nothing else. Asks nobody outside."""
    name = "the network that policies allow"
    script = "import socket; print(socket.create_connection(('127.0.0.1', 3128), 5) and 'found')"
    with tempfile.TemporaryDirectory(dir=sandbox.state_dir, prefix="check-") as top:
        if os.geteuid() == 0:
            os.chown(top, sandbox.sandbox_uid, sandbox.sandbox_gid)
        try:
            result = await sandbox.run(
                ["python3", "-c", script],
                tree=BindMount(path=Path(top)),
                home=None,
                limits=ExecLimits(timeout_s=30),
                network=(REGISTRIES,),
            )
        except SandboxUnavailable as error:
            return Check(name=name, ok=False, detail=str(error))
    return _is(name, result.output.strip()[-300:], "found")


def check_user(sandbox: Bubblewrap, *, secrets: Iterable[Path]) -> list[Check]:
    """Whether the sandbox's user could read what is secret on the host, were there no namespaces around it.

    Nothing to tell where Honk is not root: its sandboxes then are, for the host, its own user (docs/security.md).
    """
    if sandbox.sandbox_uid == os.geteuid():
        return []
    open_ones = [path for path in secrets if is_reachable(path, sandbox.sandbox_uid, sandbox.sandbox_gid)]
    return [
        Check(
            name="secrets are closed to the sandbox's user", ok=False, detail=f"uid {sandbox.sandbox_uid} reads {path}"
        )
        for path in open_ones
    ] or [Check(name="secrets are closed to the sandbox's user", ok=True, detail="none can be read")]


def _walls(seen: Mapping[str, object], *, extra_top: set[str]) -> list[Check]:
    unknown_top = sorted(_set(seen["top"]) - _TOP - extra_top)
    unknown_environ = sorted(_set(seen["environ"]) - _ENVIRON)
    return [
        _refused("AF_VSOCK", seen["vsock"], {"EAFNOSUPPORT"}),
        _refused("unshare", seen["unshare"], {"EPERM"}),
        _refused("TIOCSTI", seen["tiocsti"], {"EPERM"}),
        _refused("network", seen["connect"], {"ENETUNREACH"}),
        _is("routes", seen["routes"], 0),
        _refused("user namespaces", seen["userns"], {"EROFS", "EACCES", "EPERM"}),
        _refused("/usr is read-only", seen["usr"], {"EROFS"}),
        _refused("/ is read-only", seen["root"], {"EROFS"}),
        _is("the tree is writable", seen["tree"], "allowed"),
        _is("/proc/1/environ is empty", seen["first_environ"], 0),
        _is("environment", unknown_environ, []),
        _is("host folders", unknown_top, []),
        _is("own processes only", int(str(seen["processes"])) <= 3, True),
        _is("a session of its own", seen["session"] != 0, True),
        _is("no new privileges", seen["no_new_privs"], True),
        _is("no capabilities", int(str(seen["capabilities"]), 16), 0),
    ]


def _owner(owner: int | None, sandbox: Bubblewrap) -> Check:
    ok = owner == sandbox.sandbox_uid != 0 and owner is not None
    return Check(name="files are the sandbox uid's", ok=ok, detail=f"made by uid {owner}")


def _set(value: object) -> set[str]:
    return set(value) if isinstance(value, list) else set()


def _refused(name: str, answer: object, expected: set[str]) -> Check:
    return Check(name=name, ok=answer in expected, detail=str(answer))


def _is(name: str, found: object, expected: object) -> Check:
    return Check(name=name, ok=found == expected, detail=str(found))
