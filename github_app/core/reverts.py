"""Taking one commit back, for those who decide on it and those who can (`core.ports` has the rest of the outside)."""

from __future__ import annotations

from typing import Protocol

from github_app.core.model import ChangeSet, Repo


class Reverts(Protocol):
    """Makes the change that takes a commit back. Calls block."""

    def revert(self, repo: Repo, *, commit_sha: str, head_sha: str) -> ChangeSet:
        """What must change at `head_sha` so that what `commit_sha` did is gone, and all later changes stay.

        The same two commits always give the same change. Raises `Refused`, with the reason as a clause, where the
        commit is not below the head, later changes are in the way, or nothing of it is left; `NotVisibleYet`, `Gone`,
        `AccessDenied`, `Transient` as fetching does.
        """
