"""What a session keeps of the time after its merge, and what of it GitHub is asked for. `core.afterwards` decides what
is said of it, `core.reverting` takes the change back on a person's word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from github_app.core.failures import Settling
from github_app.core.model import Repo


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """The watch over the branch that a pull request was merged into, and the pull request that takes it back.

    `look_at` is when it is looked at next at the soonest (None: that is over), `until` when it is over in any case.
    Both `merge_sha` and `merged_by` are empty until the first look. `settling` is when all checks of the merge commit
    had ended, `found` what came of them, as a clause, and `broken` the names of those that this change broke.
    `reverted_in` is the number of the pull request that reverts it.
    """

    look_at: datetime | None = None
    until: datetime | None = None
    merge_sha: str = ""
    merged_by: str = ""
    settling: Settling | None = None
    found: str = ""
    broken: tuple[str, ...] = ()
    reverted_in: int | None = None


class Aftermaths(Protocol):
    """What is asked of GitHub after a merge. Both block and raise what `core.ports.Hub` raises."""

    def first_parents(self, repo: Repo, sha: str, *, limit: int) -> tuple[str, ...]:
        """The commits before a commit, each the first parent of the one after it; the newest first."""

    def revert_pull(self, repo: Repo, number: int, *, key: str, title: str, body: str) -> int:
        """The number of the draft pull request that reverts a merged one: made by GitHub, once for each `key`.

        Raises `Refused` where GitHub does not make it: what came later stands on it, or nothing of it is left.
        """
