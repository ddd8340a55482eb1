"""Wiring of what work is done with: workspaces and sandboxes, in this process or behind a runner's socket. With `app`
and `thinking`, the only file that names concrete adapters."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from github_app.adapters.clock import SystemClock
from github_app.core.errors import HonkError, Misconfigured, SandboxUnavailable
from github_app.settings import RunnerSettings, Settings

if TYPE_CHECKING:
    from github_app.adapters.repository.objects import CommitFiles
    from github_app.adapters.repository.workspaces import LocalWorkspaces
    from github_app.adapters.runner.client import RemoteWorkspaces
    from github_app.adapters.runner.server import Runner
    from github_app.adapters.sandbox.bubblewrap import Bubblewrap
    from github_app.adapters.sandbox.check import Check
    from github_app.adapters.secrets import PatternScanner
    from github_app.adapters.vault import Vault
    from github_app.core.ports import Clock


def system_clock() -> Clock:
    """The machine's clock."""
    return SystemClock()


def build_scanner(vault: Vault) -> PatternScanner:
    """What looks for secrets; those that the vault knows are named as ours."""
    from github_app.adapters.secrets import PatternScanner

    return PatternScanner(vault=vault)


def build_workspaces(settings: Settings) -> LocalWorkspaces | RemoteWorkspaces:
    """The workspaces of this machine, in a sandbox that was tried and works, or of a runner that was seen to be apart.

    Raises `SandboxUnavailable`.
    """
    if settings.runner_socket is not None:
        workspaces = _reach_runner(settings, settings.runner_socket)
        workspaces.require_apart(_secret_paths(settings))
        return workspaces
    make_data_dir(settings)
    sandbox = _probe_sandbox(settings)
    return _local_workspaces(settings, sandbox)


def _local_workspaces(settings: Settings | RunnerSettings, sandbox: Bubblewrap) -> LocalWorkspaces:
    from github_app.adapters.repository.git import Git
    from github_app.adapters.repository.workspaces import LocalWorkspaces

    return LocalWorkspaces(root=settings.data_dir, git=Git(env=settings.git_env), sandbox=sandbox)


def _reach_runner(settings: Settings, socket: Path) -> RemoteWorkspaces:
    from github_app.adapters.repository.git import Git
    from github_app.adapters.runner.client import RemoteWorkspaces

    make_data_dir(settings)
    return RemoteWorkspaces(socket=socket, root=settings.data_dir, git=Git(env=settings.git_env))


def build_runner(settings: RunnerSettings) -> Runner:
    """A runner for another user's Honk. Raises `SandboxUnavailable`, also for root, who could read all secrets."""
    from github_app.adapters.repository.packs import Imports
    from github_app.adapters.runner.messages import Examined
    from github_app.adapters.runner.server import Runner

    if os.geteuid() == 0:
        raise SandboxUnavailable("A runner is an ordinary user, neither root nor the broker's: see docs/install.md.")
    make_data_dir(settings)
    sandbox = _probe_sandbox(settings)
    workspaces = _local_workspaces(settings, sandbox)

    async def examine() -> Examined:
        about, walls = await _try_walls(sandbox)
        return Examined(about=about, walls=tuple(walls))

    return Runner(workspaces=workspaces, imports=Imports(mirrors=workspaces.mirrors), examine=examine)


def _probe_sandbox(settings: Settings | RunnerSettings) -> Bubblewrap:
    from github_app.adapters.claudecode.installed import find_folder
    from github_app.adapters.egress.proxy import Egress
    from github_app.adapters.sandbox.binary import usual_tool_paths
    from github_app.adapters.sandbox.bubblewrap import Bubblewrap

    egress = Egress.of_machine(settings.package_env, folder=settings.data_dir / "registries")
    tools = [*(settings.tool_paths or usual_tool_paths()), *filter(None, [find_folder()])]
    return Bubblewrap.probe(state_dir=settings.data_dir, tool_paths=tools, egress=egress)


async def check_sandbox(settings: Settings) -> tuple[str, list[Check]]:
    """What the sandbox is, in a line, and its walls as tried from inside. Raises `SandboxUnavailable`, `Transient`."""
    from github_app.adapters.sandbox.check import check_user

    if settings.runner_socket is not None:
        return await _check_runner(settings, settings.runner_socket)
    make_data_dir(settings)
    sandbox = _probe_sandbox(settings)
    about, walls = await _try_walls(sandbox)
    if sandbox.sandbox_uid == os.geteuid():
        about += "; that uid is Honk's own: a runner would give sandboxes another (docs/install.md, Two users)"
    return about, [*walls, *check_user(sandbox, secrets=_secret_paths(settings))]


async def _check_runner(settings: Settings, socket: Path) -> tuple[str, list[Check]]:
    from github_app.adapters.sandbox.check import Check

    uid, examined, reached = await _reach_runner(settings, socket).inspect(_secret_paths(settings))
    apart = [Check(name="secrets are closed to the runner", ok=False, detail=f"uid {uid} reads {it}") for it in reached]
    closed = Check(name="secrets are closed to the runner", ok=True, detail="none can be read")
    return f"a runner, uid {uid}; we are uid {os.geteuid()}: {examined.about}", [*examined.walls, *(apart or [closed])]


async def _try_walls(sandbox: Bubblewrap) -> tuple[str, list[Check]]:
    from github_app.adapters.claudecode.installed import find_folder
    from github_app.adapters.sandbox.check import Check, check

    kind = "overlays" if sandbox.has_overlay else "no overlays: workspaces are copies; bubblewrap 0.11 has them"
    about = f"bubblewrap {sandbox.version} ({kind}), as uid {sandbox.sandbox_uid}; hard limits: "
    hidden = [
        Check(name=f"{path} can be shown", ok=False, detail=f"uid {sandbox.sandbox_uid} may not enter it")
        for path in sandbox.unreachable
    ]
    about += f"{', '.join(sandbox.hard_limits)}; {await asyncio.to_thread(sandbox.egress.about)}"
    about += "; Claude Code can be run" * (find_folder() in sandbox.tool_paths)
    return about, [*await check(sandbox), *hidden]


def open_commit(repo: Path, rev: str) -> tuple[str, CommitFiles]:
    """A commit of a repository on this machine, bare or not, by any name: its SHA, and its files as objects. Nothing of
    the repository runs, its configuration's commands neither. Raises `Misconfigured`."""
    from github_app.adapters.repository.git import Git
    from github_app.adapters.repository.objects import CommitFiles, find_git_dir

    git, git_dir = Git(), find_git_dir(repo)
    if not (git_dir / "HEAD").is_file():
        raise Misconfigured(f"{repo} is no git repository")
    try:
        name = git.run(git_dir, ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}"])
    except HonkError as error:
        raise Misconfigured(f"{repo} has no commit {rev!r}") from error
    sha = name.decode().strip()
    return sha, CommitFiles(git=git, git_dir=git_dir, sha=sha)


def _secret_paths(settings: Settings) -> list[Path]:
    """What sandboxes' user (or runner) must not read on the host: the key, the database, mirrors, and the list of
    sessions."""
    inside = ("*.sqlite*", "mirrors", "mirrors/*", "checkouts", "workspaces")
    kept = [path for pattern in inside for path in settings.data_dir.glob(pattern)]
    key = settings.private_key_file
    named = [key] if key is not None else []
    return [settings.data_dir, *kept, *named, *map(Path, settings.model_access.secret_files)]


def make_data_dir(settings: Settings | RunnerSettings) -> None:
    """Make the data directory. Nobody else may look into it; pass through it others may only where we are root, because
    sandboxes, then, are another user. Raises `Misconfigured` if we cannot read or write there."""
    path = settings.data_dir
    has_guests = os.geteuid() == 0 and isinstance(settings, Settings) and settings.runner_socket is None
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.stat().st_uid == os.geteuid():
            path.chmod(0o711 if has_guests else 0o700)
        with os.scandir(path), tempfile.TemporaryFile(dir=path) as trial:
            trial.write(b"room")
    except OSError as error:
        raise Misconfigured(
            f"HONK_DATA_DIR {path} cannot be used ({error.strerror}): it must be a folder that uid {os.geteuid()} may "
            "read, write and enter, on a disk with room"
        ) from error
