"""Where a check that fails stood on the commits before: that tells whose failure it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from github_app.core.model import Checks, FailedCheck

UNSAID = ("cancelled", "stale")
"""Conclusions of checks that did not come to one."""

LOOK_BACK = 10
"""So many commits before a merge a check is searched for."""

Standing = Literal["passed", "failed", "pending", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Precedent:
    """A failed check, and how it `stood` on `sha`, the newest commit before that says anything of it; `between` others
    lie between the two."""

    failed: FailedCheck
    stood: Standing = "unknown"
    sha: str = ""
    between: int = 0


def precedent_of(failed: FailedCheck, earlier: Iterable[Checks]) -> Precedent:
    """Follow a check back through the checks of earlier commits, the newest first. One that was skipped, cancelled or
    not there on a commit says nothing of it."""
    for number, checks in enumerate(earlier):
        if (stood := _stood(failed, checks)) != "unknown":
            return Precedent(failed=failed, stood=stood, sha=checks.head_sha, between=number)
    return Precedent(failed=failed)


def _stood(failed: FailedCheck, checks: Checks) -> Standing:
    same = [each for each in checks.failed if (each.source, each.name) == (failed.source, failed.name)]
    if any(each.conclusion not in UNSAID for each in same):
        return "failed"
    if failed.name in checks.pending:
        return "pending"
    return "passed" if (failed.source, failed.name) in checks.succeeded else "unknown"
