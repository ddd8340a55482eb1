"""What a pull request makes of the policy file, as values."""

from __future__ import annotations

from dataclasses import dataclass

from github_app.core.explanation import Explained


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """Something that is wrong in a policy file, and at which line (None: in all of it)."""

    what: str
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A policy file that a pull request changed: its `mistakes`, or each value that it comes to (`after`), and those of
    its base branch (`before`; None: what stands there is not followed)."""

    mistakes: tuple[Mistake, ...] = ()
    before: tuple[Explained, ...] | None = ()
    after: tuple[Explained, ...] = ()
