"""The base branch's head merged into ours, for those who decide on it and those who can (`core.ports` has the rest of
the outside), and what is left to be resolved in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from github_app.core.model import ChangeSet, Repo

How = Literal["both changed it", "deleted by the base", "deleted by the branch", "renamed differently"]
"""What became of one path on the two sides."""

_MARKER = re.compile(rb"(?:<{7}|\|{7}|>{7})(?: |$)")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a branch stands to its base, whose head is `base_sha`: it lacks `behind_by` commits of it, and has had
    `merge_base_sha` from it last."""

    base_sha: str
    merge_base_sha: str
    behind_by: int


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A path that does not merge by itself. `is_text`: it holds conflict markers, the branch's side first."""

    path: str
    how: How
    is_text: bool = True


@dataclass(frozen=True, kw_only=True)
class Merge:
    """A merge of `base_sha` into `head_sha`, as far as it can be made without anybody's mind.

    `sha` is a commit of the two that we keep to ourselves: it has what merges by itself, and the base's side of what
    does not. `start` is what git makes of the latter, as a change on top of that: so what is resolved as the base has
    it is no change of ours, and what differs from it is.
    """

    sha: str
    head_sha: str
    base_sha: str
    conflicts: tuple[Conflict, ...] = ()
    start: ChangeSet


class Merges(Protocol):
    """Makes merges. Calls block, and raise `NotVisibleYet`, `Gone`, `AccessDenied`, `Transient` as fetching does."""

    def merge(self, repo: Repo, *, head_sha: str, base_sha: str) -> Merge:
        """Merge a base's head into a branch's. The same two always give the same.

        Raises `Refused`, with the reason as a clause, for what is left to people: submodules, histories that have
        nothing in common, more than can be handed out; and where there is nothing to merge.
        """

    def read(self, repo: Repo, merge: Merge, path: str, *, max_bytes: int) -> bytes | None:
        """A file's content at the merge's own commit, empty if there is none; None if it is larger."""

    def complete(self, repo: Repo, merge: Merge, changes: ChangeSet) -> ChangeSet:
        """What a commit of both must change at `base_sha`, once `changes` were made on top of the merge: all that the
        branch has and its base has not. Raises `Refused` as above."""


def unresolved(changes: ChangeSet, conflicts: Iterable[Conflict], base: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """The paths of conflicts in which markers are left: lines that begin like one and that the `base` has not."""
    here = {change.path: change for change in changes.changes}
    return tuple(
        conflict.path
        for conflict in conflicts
        if (change := here.get(conflict.path)) is not None
        and change.content is not None
        and _markers(change.content) - _markers(base.get(conflict.path) or b"")
    )


def _markers(content: bytes) -> set[bytes]:
    return {line.rstrip() for line in content.split(b"\n") if _MARKER.match(line.rstrip(b"\r"))}
