"""The port behind which GitHub is looked over, list by list, for what no webhook told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from github_app.core.missed import Act, Change, Edit, Remark
from github_app.core.model import Repo


class Listing(Protocol):
    """What stands on GitHub, list by list, for those whom nobody told. All calls block and raise what `Hub` raises.

    Lists are in the order of changes, oldest first, and may end early: the next one goes on where the last ended.
    """

    def installations(self) -> tuple[tuple[int, datetime], ...]:
        """The installations that are active, each with the time since when it is there."""

    def repositories(self, installation_id: int) -> tuple[Repo, ...]:
        """The repositories of an installation in which anything can change."""

    def changes(self, repo: Repo, since: datetime) -> tuple[Change, ...]:
        """Issues and pull requests, open or closed, that changed since then."""

    def change(self, repo: Repo, number: int) -> Change | None:
        """One issue or pull request as it stands; None if it is gone from this repository."""

    def remarks(self, repo: Repo, since: datetime) -> tuple[Remark, ...]:
        """Comments on all issues and pull requests, written or edited since then, but for inline comments."""

    def acts(self, repo: Repo, number: int) -> tuple[Act, ...]:
        """An issue's record, oldest first."""

    def reviews(self, repo: Repo, number: int) -> tuple[Remark, ...]:
        """The reviews of a pull request that are submitted and stand."""

    def inline_remarks(self, repo: Repo, number: int, since: datetime) -> tuple[Remark, ...]:
        """Inline comments on a pull request, written or edited since then."""

    def edits(self, repo: Repo, node_ids: Sequence[str]) -> dict[str, Edit]:
        """The last edits of texts, by their GraphQL ids; those that were never edited are left out."""
