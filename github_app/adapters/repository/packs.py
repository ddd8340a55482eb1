"""Commits that are brought, not fetched: how the files of one commit come to a runner, which has no way to the remote.

The broker packs what a checkout needs (the commit, its files, a piece of history) out of its mirror, as git objects: an
archive would be changed by the repository's own attributes. The runner keeps them in a bare repository of its own, laid
out as the mirrors are, with a ref for each commit that is there wholly.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from github_app.adapters.repository.checkouts import CHECKOUT_TIMEOUT_S
from github_app.adapters.repository.git import Git, check_sha, error_of
from github_app.adapters.repository.locks import locked
from github_app.adapters.repository.mirrors import HISTORY_COMMITS, Mirrors
from github_app.core.errors import HonkError, Transient

CHUNK_BYTES = 2**20
_REFS = "refs/honk"


def pack(git: Git, mirror: Path, sha: str, *, known: str | None) -> Iterator[bytes]:
    """The pack of commit `sha` and a piece of its history in pieces, without what came with `known`. Each step blocks.

    `known` is what the other side says that it has; a commit that the mirror has not is taken for nothing.
    """
    objects = _objects(git, mirror, sha)
    with contextlib.suppress(HonkError):
        objects -= _objects(git, mirror, check_sha(known)) if known else set()
    # No search for better deltas: what the mirror has packed is copied as it is.
    args = ["pack-objects", "--quiet", "--stdout"]
    process = git.start(mirror, args, env={"GIT_ALLOW_PROTOCOL": ""}, config=("pack.window=0",))
    try:
        names, packed = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        # It reads all names before it writes a byte.
        names.write(b"".join(name + b"\n" for name in sorted(objects)))
        names.close()
        while chunk := packed.read(CHUNK_BYTES):
            yield chunk
        _end(process, "pack-objects")
    finally:
        _kill(process)


def _objects(git: Git, mirror: Path, sha: str) -> set[bytes]:
    args = ["rev-list", "--objects", "--no-object-names", f"--max-count={HISTORY_COMMITS}", sha, "--"]
    return set(git.run(mirror, args, timeout_s=CHECKOUT_TIMEOUT_S).split())


@dataclass(frozen=True, kw_only=True)
class Imports:
    """The runner's repositories: `mirrors` that nobody fetches into."""

    mirrors: Mirrors

    def find(self, repo_id: int, sha: str) -> Path | None:
        """The repository that has all of commit `sha`; None if none has."""
        path = self.mirrors.path(repo_id)
        if not self.mirrors.is_there(repo_id):
            return None
        ref = f"{_REFS}/{check_sha(sha)}"
        found = self.mirrors.git.run(path, ["for-each-ref", "--format=%(objectname)", ref]).decode().strip()
        return path if found == sha else None

    def newest(self, repo_id: int) -> str | None:
        """A commit that is there, as near to the next one as can be told: packs then hold little."""
        path = self.mirrors.path(repo_id)
        if not self.mirrors.is_there(repo_id):
            return None
        args = ["for-each-ref", "--count=1", "--sort=-committerdate", "--format=%(objectname)", _REFS]
        return self.mirrors.git.run(path, args).decode().strip() or None

    def begin(self, repo_id: int, sha: str, cut: tuple[str, ...]) -> Intake:
        """Begin to take in a pack; see `Intake`. Blocks."""
        self.mirrors.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.mirrors.root / f"{repo_id}.lock"):
            path = self.mirrors.make(repo_id)
        args = ["index-pack", "--stdin"]
        process = self.mirrors.git.start(path, args, env={"GIT_ALLOW_PROTOCOL": ""})
        return Intake(
            imports=self, repo_id=repo_id, sha=check_sha(sha), cut=tuple(map(check_sha, cut)), process=process
        )

    def _record(self, repo_id: int, sha: str, cut: tuple[str, ...]) -> None:
        """Say that a commit is there; before that, where its history ends, or git would look for what is not there."""
        with locked(self.mirrors.root / f"{repo_id}.lock") as lock:
            path = self.mirrors.path(repo_id)
            if cut:
                shallow = path / "shallow"
                known = set(shallow.read_text().split()) if shallow.exists() else set()
                making = path / "shallow.making"
                making.write_text("".join(f"{each}\n" for each in sorted(known.union(cut))))
                making.rename(shallow)
            self.mirrors.git.run(path, ["update-ref", f"{_REFS}/{sha}", sha], hold=lock)


@dataclass(frozen=True, kw_only=True)
class Intake:
    """A pack on its way in. Write its pieces, then `finish`, or `abort`: then nothing came. All calls block."""

    imports: Imports
    repo_id: int
    sha: str
    cut: tuple[str, ...]
    process: subprocess.Popen[bytes]

    def write(self, chunk: bytes) -> None:
        """Take in a piece. What is wrong with it, `finish` tells."""
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", self.process.stdin).write(chunk)

    def finish(self) -> None:
        """The pack is whole. Raises `Transient` if it was not, or does not hold the commit."""
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", self.process.stdin).close()
        try:
            _end(self.process, "index-pack")
            self.imports._record(self.repo_id, self.sha, self.cut)
        finally:
            _kill(self.process)

    def abort(self) -> None:
        """Forget it."""
        _kill(self.process)


def _end(process: subprocess.Popen[bytes], command: str) -> None:
    """Wait for git. Raises what it failed of."""
    try:
        code = process.wait(timeout=CHECKOUT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Transient(f"git {command} took longer than {CHECKOUT_TIMEOUT_S:.0f} s") from None
    if code != 0:
        raise error_of(command, cast("IO[bytes]", process.stderr).read().decode(errors="replace"), code)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End git if it still runs, and let go of its pipes."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    process.wait()
