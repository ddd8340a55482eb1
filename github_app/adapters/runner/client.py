"""Workspaces of another user: the broker's side of `core.ports.Workspaces`, with a runner behind a socket.

The broker keeps what needs a token (the mirrors) and brings the runner the commits that it lacks. Whatever the runner
answers is untrusted: it stands next to hostile code.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from github_app.adapters.repository.bases import Base
from github_app.adapters.repository.changes import MAX_FILE_BYTES
from github_app.adapters.repository.checkouts import ends_of
from github_app.adapters.repository.evictions import evict
from github_app.adapters.repository.git import Git, check_sha
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.packs import pack
from github_app.adapters.runner.claims import check_path, checked_result, pack_changes, printable, unpack_changes
from github_app.adapters.runner.desks import attending
from github_app.adapters.runner.line import USUAL_S, Line
from github_app.adapters.runner.messages import (
    Apply,
    Changed,
    Changes,
    Close,
    Delete,
    Discard,
    Done,
    Examine,
    Examined,
    Exec,
    List,
    Open,
    Opened,
    Ran,
    Reach,
    Reached,
    Read,
    Recall,
    Remember,
    Take,
    Tidy,
    Write,
)
from github_app.adapters.runner.wire import BODY_BYTES, ProtocolBroken
from github_app.adapters.sandbox.check import Check
from github_app.core.backing import NO_BACKING, Backing
from github_app.core.errors import SandboxUnavailable, ToolFailed, Transient
from github_app.core.model import ChangeSet, Repo
from github_app.core.ports import ExecLimits, ExecResult, GitAuth

_NO_ENV: Mapping[str, str] = MappingProxyType({})
_LIMITS = ExecLimits()
_CHECKOUT_S = 3_600.0
_PATH_BYTES = 4_096
_NOTE_BYTES = 4_000
# What a command may take longer than its own time: to start, to be killed, to be cleared away.
_MARGIN_S = 120.0
_START_S = 20.0
_AGAIN_S = 0.2


@dataclass(frozen=True, kw_only=True)
class RemoteWorkspace:
    """A `Workspace` that a runner holds; see there for each call. When the runner ends, calls raise `Transient`."""

    sha: str
    line: Line
    base: Base
    held: ExitStack = field(default_factory=ExitStack)
    key: str = ""
    runner: Path = Path()

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str = ".",
        env: Mapping[str, str] = _NO_ENV,
        limits: ExecLimits = _LIMITS,
        network: tuple[str, ...] = (),
        backing: Backing = NO_BACKING,
    ) -> ExecResult:
        """Run a command in the runner's sandbox; see `Workspace.exec`."""
        has_desk = backing.desk is not None
        request = Exec(argv=tuple(argv), cwd=cwd, env=dict(env), limits=limits, network=network, has_desk=has_desk)
        # Undecodable bytes became three each, and a note stands where the middle was cut.
        most, timeout_s = 3 * limits.output_bytes + 1_000, limits.timeout_s + _MARGIN_S
        async with attending(self.runner, self.key, backing.desk):
            ran, output = await self.line.ask(request, backing.stdin, answer=Ran, body_bytes=most, timeout_s=timeout_s)
        try:
            return checked_result(ran.result, output)
        except ProtocolBroken as error:
            raise self.line.broken(error) from None

    async def read(self, path: str, *, max_bytes: int = 1_000_000) -> bytes:
        """A regular file's content; see `Workspace.read`."""
        _, content = await self.line.ask(Read(path=path, max_bytes=max_bytes), answer=Done, body_bytes=max_bytes)
        return content

    async def read_base(self, path: str, *, max_bytes: int = 1_000_000) -> bytes | None:
        """A file's content at the commit, from our own mirror; see `Workspace.read_base`."""
        return await asyncio.to_thread(self.base.read, path, max_bytes=max_bytes)

    async def write(self, path: str, content: bytes, *, executable: bool | None = None) -> None:
        """Create or replace a file; see `Workspace.write`."""
        if len(content) > MAX_FILE_BYTES:
            raise ToolFailed(f"Cannot write {path!r}: more than {MAX_FILE_BYTES} bytes.")
        await self.line.ask(Write(path=path, executable=executable), content, answer=Done)

    async def delete(self, path: str) -> None:
        """Delete a file; see `Workspace.delete`."""
        await self.line.ask(Delete(path=path), answer=Done)

    async def list(self, prefix: str = "", *, limit: int = 10_000) -> list[str]:
        """Paths of files below a folder (or the file itself), sorted; see `Workspace.list`."""
        most = min(limit * _PATH_BYTES, BODY_BYTES)
        _, names = await self.line.ask(List(prefix=prefix, limit=limit), answer=Done, body_bytes=most)
        paths = [os.fsdecode(name) for name in names.split(b"\0")[:-1]]
        try:
            if len(paths) > limit:
                raise ProtocolBroken(f"{len(paths)} paths where {limit} were asked for")
            for path in paths:
                check_path(path)
        except ProtocolBroken as error:
            raise self.line.broken(error) from None
        return paths

    async def changes(self) -> ChangeSet:
        """What differs from `sha`; see `Workspace.changes`."""
        changed, contents = await self.line.ask(Changes(), answer=Changed, body_bytes=BODY_BYTES)
        try:
            if changed.base_sha != self.sha:
                raise ProtocolBroken(f"changes over {changed.base_sha} where {self.sha} is open")
            claimed = unpack_changes(changed.files, contents, base_sha=self.sha)
        except ProtocolBroken as error:
            raise self.line.broken(error) from None
        return await asyncio.to_thread(self.base.with_modes, claimed)

    async def apply(self, changes: ChangeSet) -> None:
        """Write the files of a change set over this workspace; see `Workspace.apply`."""
        files, contents = pack_changes(changes)
        await self.line.ask(Apply(files=files), contents, answer=Done)

    async def recall(self) -> str:
        """What `remember` was last told; see `Workspace.recall`."""
        _, note = await self.line.ask(Recall(), answer=Done, body_bytes=_NOTE_BYTES)
        return note.decode("utf-8", "replace")

    async def remember(self, note: str) -> None:
        """Keep a note with the workspace; see `Workspace.remember`."""
        await self.line.ask(Remember(note=note), answer=Done)

    async def close(self, *, discard: bool) -> None:
        """Let go of it; with `discard`, delete what was written."""
        try:
            await self.line.ask(Close(discard=discard), answer=Done)
        except Transient:
            # A runner that is gone holds nothing; what was written lies there.
            if discard:
                raise
        finally:
            self.held.close()
            self.line.drop()


@dataclass(frozen=True, kw_only=True)
class RemoteWorkspaces:
    """`Workspaces` of the runner that listens at `socket`. `root` has the mirrors, which the runner never sees."""

    socket: Path
    root: Path
    git: Git

    @property
    def mirrors(self) -> Mirrors:
        """The bare mirrors; also what is pushed from."""
        return Mirrors(root=self.root / "mirrors", git=self.git)

    async def open(self, repo: Repo, sha: str, key: str, *, auth: Callable[[], GitAuth]) -> RemoteWorkspace:
        """Open the workspace of a session at a commit; see `Workspaces.open`."""
        with ExitStack() as held:
            held.enter_context(self.mirrors.held(repo.id))
            line = await self._open(repo.id, sha, key, auth)
            base = Base(git=self.git, mirror=lambda: self.mirrors.ensure(repo.id, sha, auth), sha=sha)
            return RemoteWorkspace(sha=sha, key=key, runner=self.socket, line=line, base=base, held=held.pop_all())

    async def _open(self, repo_id: int, sha: str, key: str, auth: Callable[[], GitAuth]) -> Line:
        request = Open(repo_id=repo_id, sha=check_sha(sha), key=key)
        line = await Line.connect(self.socket)
        try:
            opened, _ = await line.ask(request, answer=Opened, timeout_s=_CHECKOUT_S)
            if not opened.is_open:
                await self._bring(line, repo_id, sha, opened.known, auth)
                opened, _ = await line.ask(request, answer=Opened, timeout_s=_CHECKOUT_S)
            if not opened.is_open:
                raise line.broken(ProtocolBroken("a commit is missing that was just brought"))
        except BaseException:
            line.drop()
            raise
        return line

    async def _bring(self, line: Line, repo_id: int, sha: str, known: str | None, auth: Callable[[], GitAuth]) -> None:
        mirror = await asyncio.to_thread(self.mirrors.ensure, repo_id, sha, auth)
        cut = await asyncio.to_thread(ends_of, self.git, mirror, sha)
        await line.bring(Take(repo_id=repo_id, sha=sha, cut=tuple(cut)), pack(self.git, mirror, sha, known=known))

    async def discard(self, key: str) -> None:
        """Delete all that a session holds on the runner's disk."""
        line = await Line.connect(self.socket)
        try:
            await line.ask(Discard(key=key), answer=Done)
        finally:
            line.drop()

    def tidy(self, *, idle_s: float, max_bytes: int | None = None) -> None:
        """Have the runner delete what lay idle or is too much, and do so with the mirrors here; `max_bytes` is for each
        of the two. Blocks; not within an event loop."""
        asyncio.run(self._tidy(idle_s, max_bytes))
        evict(self.mirrors.kept(), idle_s=idle_s, max_bytes=max_bytes)
        self.mirrors.tidy_all()

    async def _tidy(self, idle_s: float, max_bytes: int | None) -> None:
        line = await Line.connect(self.socket)
        try:
            await line.ask(Tidy(idle_s=idle_s, max_bytes=max_bytes), answer=Done, timeout_s=_CHECKOUT_S)
        finally:
            line.drop()

    async def inspect(self, secrets: Iterable[Path]) -> tuple[int, Examined, list[str]]:
        """The runner's uid, what it says of its sandbox, and what of these (and of our environment) it could read."""
        line = await Line.connect(self.socket)
        try:
            examined, _ = await line.ask(Examine(), answer=Examined, timeout_s=USUAL_S)
            walls = tuple(
                Check(name=printable(each.name), ok=each.ok, detail=printable(each.detail)) for each in examined.walls
            )
            about = Examined(about=printable(examined.about), walls=walls)
            return line.wire.peer.uid, about, await self._reached(line, secrets)
        finally:
            line.drop()

    def require_apart(self, secrets: Iterable[Path]) -> None:
        """Wait a little for the runner, and see that it cannot read any of these. Blocks; not within an event loop.

        Raises `SandboxUnavailable` with what to do.
        """
        asyncio.run(self._require_apart(secrets))

    async def _require_apart(self, secrets: Iterable[Path]) -> None:
        until = time.monotonic() + _START_S
        while True:
            try:
                line = await Line.connect(self.socket)
                break
            except Transient as error:
                if time.monotonic() > until:
                    raise SandboxUnavailable(str(error)) from error
                await asyncio.sleep(_AGAIN_S)
        try:
            open_ones = await self._reached(line, secrets)
        finally:
            line.drop()
        if open_ones:
            raise SandboxUnavailable(
                f"the runner could read {', '.join(open_ones)}: close it to uid {line.wire.peer.uid}"
            )

    async def _reached(self, line: Line, secrets: Iterable[Path]) -> list[str]:
        paths = tuple(str(path) for path in secrets)
        reached, _ = await line.ask(Reach(paths=paths), answer=Reached)
        return [printable(path) for path in reached.paths]
