"""Merges without a repository."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from github_app.core.merges import Conflict, Merge
from github_app.core.model import ChangeSet, FileChange, Repo


@dataclass
class PreparedMerges:
    """Makes the same merge of everything, with `conflicts` in text, or raises `error`; keeps what it completed."""

    sha: str = "e" * 40
    conflicts: tuple[str, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    error: Exception | None = None
    completed: list[ChangeSet] = field(default_factory=list)

    def merge(self, repo: Repo, *, head_sha: str, base_sha: str) -> Merge:  # noqa: ARG002 - the port's
        if self.error is not None:
            raise self.error
        marked = b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n"
        start = tuple(FileChange(path=path, mode="100644", content=marked) for path in self.conflicts)
        return Merge(
            sha=self.sha,
            head_sha=head_sha,
            base_sha=base_sha,
            conflicts=tuple(Conflict(path=path, how="both changed it") for path in self.conflicts),
            start=ChangeSet(base_sha=self.sha, changes=start),
        )

    def read(self, repo: Repo, merge: Merge, path: str, *, max_bytes: int) -> bytes | None:  # noqa: ARG002 - the port's
        return self.files.get(path, b"")

    def complete(self, repo: Repo, merge: Merge, changes: ChangeSet) -> ChangeSet:  # noqa: ARG002 - the port's
        self.completed.append(changes)
        return replace(changes, base_sha=merge.base_sha, merged=None)
