"""Workspaces on this machine: an overlay over the commit's shared checkout, or, without overlays, a private checkout.

Below `root`: `mirrors/`, `checkouts/`, and for each session `workspaces/<key>/` with `home/` (kept between commands)
and `<sha>/` (what was written over that commit). All can be lost: it is fetched again, and work is kept in the store.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ParamSpec, TypeVar

from github_app.adapters.repository.bases import Base
from github_app.adapters.repository.boots import is_of_this_boot, note_boot
from github_app.adapters.repository.changes import Tree, check_path, collect, list_paths
from github_app.adapters.repository.checkouts import Checkouts, Lease, check_out, list_files, make_passage, remove_tree
from github_app.adapters.repository.copies import Copy
from github_app.adapters.repository.evictions import GOING, Kept, evict
from github_app.adapters.repository.git import Git, check_sha
from github_app.adapters.repository.ignores import IgnoreRules
from github_app.adapters.repository.locks import acquire, locked
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.overlays import Overlay
from github_app.adapters.sandbox.bubblewrap import BindMount, Bubblewrap, OverlayMount
from github_app.core.backing import NO_BACKING, Backing
from github_app.core.errors import Stopped
from github_app.core.model import ChangeSet, Repo
from github_app.core.ports import ExecLimits, ExecResult, GitAuth

_NO_ENV: Mapping[str, str] = MappingProxyType({})
_LIMITS = ExecLimits()

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class LocalWorkspace:
    """A `Workspace` of this machine. Commands and file accesses wait for each other."""

    sha: str
    tree: Tree
    home: Path
    git: Git
    base: Base
    sandbox: Bubblewrap
    note_file: Path
    on_close: Callable[[bool], None]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        """Run a command in the sandbox; see `Workspace.exec`."""
        async with self._turn:
            return await self.sandbox.run(
                argv,
                tree=self.tree.mount,
                home=self.home,
                cwd=cwd,
                env=env,
                limits=limits,
                network=network,
                backing=backing,
            )

    async def read(self, path: str, *, max_bytes: int = 1_000_000) -> bytes:
        """A regular file's content; see `Workspace.read`."""
        return await self._in_turn(self.tree.read, path, max_bytes=max_bytes)

    async def write(self, path: str, content: bytes, *, executable: bool | None = None) -> None:
        """Create or replace a file; see `Workspace.write`."""
        check_path(path)
        await self._in_turn(self.tree.write, path, content, executable=executable)

    async def delete(self, path: str) -> None:
        """Delete a file; see `Workspace.delete`."""
        await self._in_turn(self.tree.delete, path)

    async def read_base(self, path: str, *, max_bytes: int = 1_000_000) -> bytes | None:
        """A file's content at the commit, from the mirror: no command of the agent's can have changed that."""
        return await self._in_turn(self.base.read, path, max_bytes=max_bytes)

    async def list(self, prefix: str = "", *, limit: int = 10_000) -> list[str]:
        """Paths of files below a folder (or the file itself), sorted; see `Workspace.list`."""
        paths = await self._in_turn(self._list)
        folder = prefix.strip("/").removeprefix("./")
        inside = (p for p in paths if folder in ("", ".", p) or p.startswith(f"{folder}/"))
        return sorted(inside)[:limit]

    async def changes(self) -> ChangeSet:
        """What differs from `sha`; see `Workspace.changes`. Raises `ToolFailed` for more than fits into a commit."""
        return await self._in_turn(self._changes)

    async def apply(self, changes: ChangeSet) -> None:
        """Write the files of a change set over this workspace; see `Workspace.apply`."""
        await self._in_turn(self._apply, changes)

    async def recall(self) -> str:
        """What `remember` was last told; see `Workspace.recall`."""
        return self.note_file.read_text() if self.note_file.is_file() else ""

    async def remember(self, note: str) -> None:
        """Keep a note with the workspace; see `Workspace.remember`."""
        self.note_file.write_text(note)

    async def close(self, *, discard: bool) -> None:
        """Let go of it; with `discard`, delete what was written."""
        await self._in_turn(self.on_close, discard)

    async def _in_turn(self, act: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Do it in a thread, and be done with it before anything else begins, even if nobody waits any more."""
        async with self._turn:
            work = asyncio.ensure_future(asyncio.to_thread(act, *args, **options))
            try:
                return await asyncio.shield(work)
            finally:
                await asyncio.wait([work])

    def _rules(self) -> IgnoreRules:
        return IgnoreRules(self.git, self.tree.rules)

    def _list(self) -> set[str]:
        with self._rules() as rules:
            return list_paths(self.tree, rules)

    def _changes(self) -> ChangeSet:
        with self._rules() as rules:
            return collect(self.tree, self.sha, rules)

    def _apply(self, changes: ChangeSet) -> None:
        # Deletions first: a file may lie where a folder was, and the other way round.
        for change in sorted(changes.changes, key=lambda change: change.content is not None):
            self.tree.put(change)


@dataclass(frozen=True, kw_only=True)
class LocalWorkspaces:
    """`Workspaces` below `root`, for commands in `sandbox`. Several processes of one machine may share a root."""

    root: Path
    git: Git
    sandbox: Bubblewrap

    @property
    def mirrors(self) -> Mirrors:
        """The bare mirrors; also what is pushed from."""
        return Mirrors(root=self.root / "mirrors", git=self.git)

    @property
    def checkouts(self) -> Checkouts:
        """The shared checkouts."""
        return Checkouts(root=self.root / "checkouts", git=self.git, owner=self._owner)

    @property
    def _owner(self) -> tuple[int, int]:
        return (self.sandbox.sandbox_uid, self.sandbox.sandbox_gid)

    async def open(self, repo: Repo, sha: str, key: str, *, auth: Callable[[], GitAuth]) -> LocalWorkspace:
        """Open the workspace of a session at a commit; see `Workspaces.open`.

        What the session wrote over other commits is deleted: it has one commit at a time. So is all that it wrote
        before the machine was started.
        """
        return await self.open_from(lambda: self.mirrors.ensure(repo.id, sha, auth), repo.id, sha, key)

    async def open_from(self, mirror: Callable[[], Path], repo_id: int, sha: str, key: str) -> LocalWorkspace:
        """The same over whatever repository `mirror()` gives that has the commit. It is called in a thread."""
        given_up = threading.Event()
        work = asyncio.ensure_future(asyncio.to_thread(self._open, repo_id, check_sha(sha), key, mirror, given_up))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            given_up.set()
            work.add_done_callback(_let_go)
            raise

    async def discard(self, key: str) -> None:
        """Delete all that a session holds on disk."""
        await asyncio.to_thread(remove_tree, self._folder(key))

    def tidy(self, *, idle_s: float, max_bytes: int | None = None) -> None:
        """Delete workspaces, shared checkouts and mirrors that nobody used for `idle_s` seconds, and of the rest what
        is above `max_bytes` in all, longest unused first. Pack the mirrors that stay. Blocks."""
        for pattern in ("workspaces/*", "checkouts/*/*", "mirrors/*"):
            for left in self.root.glob(f"{pattern}{GOING}"):
                remove_tree(left)
        evict((*self.kept(), *self.checkouts.kept(), *self.mirrors.kept()), idle_s=idle_s, max_bytes=max_bytes)
        self.mirrors.tidy_all()

    def kept(self) -> Iterator[Kept]:
        """The workspaces of all sessions; one that is open is in use."""
        for session in sorted(self.root.glob("workspaces/*")):
            yield Kept(path=session, lock=session / "lock", remove=remove_tree)

    def _folder(self, key: str) -> Path:
        # A session's id in full where it is a plain name; otherwise as much as a path can hold, and a digest.
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", key)[:80]
        digest = "" if plain == key else "." + hashlib.sha256(key.encode()).hexdigest()[:16]
        return self.root / "workspaces" / f"{plain}{digest}"

    def _open(
        self, repo_id: int, sha: str, key: str, mirror: Callable[[], Path], given_up: threading.Event
    ) -> LocalWorkspace:
        session = self._folder(key)
        with ExitStack() as held:
            lock = _hold(session)
            held.callback(_release, lock)
            # One that was given up ends before the next begins, or does not begin: they write to the same places.
            opening = held.enter_context(ExitStack())
            opening.enter_context(locked(session / "opening"))
            if given_up.is_set():
                raise Stopped("nobody waits for this workspace any more")
            held.enter_context(self.mirrors.held(repo_id))
            kept = (sha, "home") if is_of_this_boot(lock) else ()
            for other in session.iterdir():
                if other.name not in (*kept, "lock", "opening"):
                    remove_tree(other)
            note_boot(lock)
            make_passage(session / sha)
            home = session / "home"
            _make_owned(home, self._owner)
            if self.sandbox.has_overlay:
                tree, release = self._open_overlay(repo_id, sha, session / sha, mirror)
            else:
                tree, release = self._open_copy(sha, session / sha, mirror)
            held.callback(release)
            opening.close()
            held = held.pop_all()

        def close(discard: bool) -> None:
            held.close()
            if discard:
                remove_tree(session / sha)

        return LocalWorkspace(
            sha=sha,
            tree=tree,
            home=home,
            git=self.git,
            base=Base(git=self.git, mirror=mirror, sha=sha),
            sandbox=self.sandbox,
            note_file=session / sha / "note",
            on_close=close,
        )

    def _open_overlay(
        self, repo_id: int, sha: str, room: Path, mirror: Callable[[], Path]
    ) -> tuple[Tree, Callable[[], None]]:
        lease: Lease = self.checkouts.lease(repo_id, sha, mirror)
        mount = OverlayMount(lower=lease.tree, upper=room / "upper", work=room / "work")
        for folder in (mount.upper, mount.work):
            _make_owned(folder, self._owner)

        def base_paths() -> Iterable[str]:
            return list_files(self.git, mirror(), sha)

        return Overlay(mount=mount, owner=self._owner, base_paths=base_paths), lease.release

    def _open_copy(self, sha: str, room: Path, mirror: Callable[[], Path]) -> tuple[Tree, Callable[[], None]]:
        tree, index, made = room / "tree", room / "tree.index", room / "tree.made"
        with locked(room / "lock") as lock:
            # Written last: without it, the copy is not whole.
            if not made.is_file():
                source = mirror()
                remove_tree(tree)
                tree.mkdir(mode=0o700)
                check_out(self.git, source, sha, into=tree, owner=self._owner, lock=lock)
                index.unlink(missing_ok=True)
                shutil.copyfile(tree / ".git/index", index)
                making = made.with_suffix(".making")
                making.write_text(str(index.stat().st_ctime_ns))
                making.rename(made)
            made_ns = int(made.read_text())
        mount = BindMount(path=tree)
        return Copy(mount=mount, owner=self._owner, kept_index=index, made_ns=made_ns), lambda: None


def _let_go(opening: asyncio.Future[LocalWorkspace]) -> None:
    """Close a workspace that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().on_close(False)


def _hold(session: Path) -> int:
    """Make a session's folder and keep it from being evicted until the descriptor is closed."""
    while True:
        for folder in (session.parent.parent, session.parent, session):
            make_passage(folder)
        with suppress(FileNotFoundError):  # it was evicted at this very moment
            lock = acquire(session / "lock", shared=True)
            os.utime(lock)
            return lock


def _release(lock: int) -> None:
    os.utime(lock)
    os.close(lock)


def _make_owned(folder: Path, owner: tuple[int, int]) -> None:
    """Make a folder of the sandbox's user that nobody else may enter, if it is not there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    # Looked at again each time: we may have been killed between making it and giving it away.
    found = folder.lstat()
    if (found.st_uid, found.st_gid) != owner:
        os.lchown(folder, *owner)
