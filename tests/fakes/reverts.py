"""Commits taken back without a repository."""

from __future__ import annotations

from dataclasses import dataclass, field

from github_app.core.model import ChangeSet, FileChange, Repo


@dataclass
class PreparedReverts:
    """Takes each commit back by deleting one file, or raises `error`; keeps what it was asked."""

    error: Exception | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def revert(self, repo: Repo, *, commit_sha: str, head_sha: str) -> ChangeSet:  # noqa: ARG002 - the port's
        self.asked.append((commit_sha, head_sha))
        if self.error is not None:
            raise self.error
        return ChangeSet(base_sha=head_sha, changes=(FileChange(path="a.py", mode="100644", content=None),))
