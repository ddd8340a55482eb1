"""What people ship: GitHub merges our pull request on the word of somebody who may merge, and on no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from github_app.core.model import Actor, Repo

Method = Literal["merge", "squash"]
Missing = Literal["review", "behind", "rules", "queue"]
"""What GitHub still waits for: an approval, the newest base, its other rules, or its merge queue."""


@dataclass(frozen=True, kw_only=True)
class Shipping:
    """What a repository's policy says of shipping. `is_withheld`: the operator does not allow it.

    With `two_people`, who asked for any of the work ships it only with somebody else's approval. `approvals` of the
    very commit are needed, and those of who asked for the work count with `own_approval` only.
    """

    is_allowed: bool = False
    is_withheld: bool = False
    method: Method = "merge"
    two_people: bool = True
    approvals: int = 0
    own_approval: bool = False

    @property
    def is_on(self) -> bool:
        """Whether anybody may ship anything."""
        return self.is_allowed and not self.is_withheld


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """`actor` shipped the commit `head_sha` by the event `asked_in`; `approved_by` had approved it by then. Once GitHub
    has it and waits, `missing` says for what (None: it has not got there yet)."""

    actor: Actor
    head_sha: str
    asked_in: str
    approved_by: tuple[str, ...] = ()
    missing: Missing | None = None


@dataclass(frozen=True, kw_only=True)
class Approvals:
    """The last word of each reviewer who may write: who approved this very commit, who asks for changes."""

    approved_by: tuple[Actor, ...] = ()
    refused_by: tuple[Actor, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """An event: GitHub has merged what `login` shipped by the event `asked_in`, or will when what is `missing` is
    there."""

    id: str
    session_id: str
    asked_in: str
    login: str
    pull_number: int
    head_sha: str
    missing: Missing | None = None


class Gate(Protocol):
    """A pull request on its way into its base: what is to be seen of that, and to be taken back. Nothing merges here.

    Raises what `core.ports.Hub` raises.
    """

    def approvals(self, repo: Repo, number: int, sha: str) -> Approvals:
        """Who approved this commit of a pull request, and who asks for changes, of those who may write."""

    def is_merging(self, repo: Repo, number: int) -> bool:
        """Whether GitHub has merged a pull request, or will do so by itself."""

    def stop_merging(self, repo: Repo, number: int) -> None:
        """Have GitHub merge it by itself no more, as far as we asked for that; nothing if it has ended."""


class Merger(Protocol):
    """The one way to a merge. There is none where the operator does not allow shipping."""

    def ship(self, repo: Repo, number: int, *, head_sha: str, method: Method, trailer: str) -> Missing | None:
        """Have GitHub merge a pull request whose head is this commit: now (None), or when what is missing is there.

        `trailer` ends the message of the merge. Nothing if it was done before. Raises `Refused` with GitHub's reason,
        and what `Hub` raises.
        """
