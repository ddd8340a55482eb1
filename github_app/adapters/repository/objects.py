"""A commit's files, read as objects: no working tree, nothing of the repository runs, is followed or converted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

from github_app.adapters.repository.git import Git
from github_app.core.context import Blob
from github_app.core.errors import Transient

MAX_FILES = 200_000
"""Of a larger repository the first so many files are looked at, in the order of their names."""

_ENV = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
# So many names fit into a pipe: they are all written before the first answer is read.
_NAMES_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class CommitFiles:
    """The files of commit `sha` in the repository `git_dir` (`core.ports.Files`). Calls block."""

    git: Git
    git_dir: Path
    sha: str

    def list(self) -> list[Blob]:
        """The regular files in the order of their names; neither links nor submodules."""
        listing = self.git.run(self.git_dir, ["ls-tree", "-r", "-l", "-z", "--full-tree", self.sha])
        return list(islice(_blobs(listing), MAX_FILES))

    def read(self, blobs: Sequence[Blob]) -> Iterator[bytes]:
        """The contents, in the same order. Raises `Transient` if the repository lacks one."""
        process = self.git.start(self.git_dir, ["cat-file", "--batch"], env=_ENV)
        names, contents = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            for at in range(0, len(blobs), _NAMES_AT_ONCE):
                some = blobs[at : at + _NAMES_AT_ONCE]
                names.write("".join(f"{blob.id}\n" for blob in some).encode())
                names.flush()
                for blob in some:
                    head = contents.readline().split()
                    if len(head) != 3 or head[1] != b"blob":
                        raise Transient(f"the object of {blob.path!r} is not there")
                    content = contents.read(int(head[2]))
                    contents.read(1)
                    yield content
        finally:
            process.kill()
            process.communicate()


def find_git_dir(path: Path) -> Path:
    """The repository at `path`: bare, or a working tree's own, also one of several (`git worktree`)."""
    found = path / ".git"
    if found.is_file():
        told = found.read_text("utf-8", "replace").strip().removeprefix("gitdir:").strip()
        return (path / told).resolve()
    return (found if found.is_dir() else path).resolve()


def _blobs(listing: bytes) -> Iterator[Blob]:
    start = 0
    while (end := listing.find(b"\0", start)) >= 0:
        about, _, name = listing[start:end].partition(b"\t")
        start = end + 1
        mode, _, id_, size = about.split()
        if mode in (b"100644", b"100755"):
            # A name that is no UTF-8 could not be told to anybody.
            with suppress(UnicodeDecodeError):
                yield Blob(path=name.decode(), id=id_.decode(), size=int(size))
