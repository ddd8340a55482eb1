"""What is found in a repository for an issue: words only, for those who look, those who tell and those who measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from github_app.core.model import Repo


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A regular file of a commit: path from the top, git's id of its content, bytes."""

    path: str
    id: str
    size: int


class Files(Protocol):
    """The files of one commit. Calls block."""

    def list(self) -> Sequence[Blob]:
        """The regular files in the order of their names; neither links nor submodules."""

    def read(self, blobs: Sequence[Blob]) -> Iterator[bytes]:
        """The contents, in the same order."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A line of a file that defines something; lines count from 1."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class RankedFile:
    """A file that an issue may be about: how much speaks for it beside the others, what that is in words, and which
    definitions in it come nearest to the issue. `kind` is `code`, `test` or `other`."""

    path: str
    score: float
    reasons: tuple[str, ...]
    kind: str
    outline: tuple[Definition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """A file with words for agents, which apply to all that is below its folder."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """A shell command that builds or tests, and the path of the file that says so."""

    command: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a repository has on an issue. `files` are ranked, the likeliest first; `commands` are what its manifests
    and workflows run; `is_partial` tells that it was too large to look into all."""

    files: tuple[RankedFile, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    commands: tuple[Command, ...] = ()
    is_partial: bool = False


class Contexts(Protocol):
    """Finds the context of issues."""

    async def find(self, repo: Repo, sha: str, issue: str) -> Context:
        """What commit `sha`, which was fetched before, has on an issue (first line: its title).

        Bounded in time and memory. Raises `Transient` where that did not suffice, or the commit is not there.
        """
