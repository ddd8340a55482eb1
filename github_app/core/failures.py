"""What a session remembers of CI: which checks failed on which commit, what became of that, and what was run again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One check that failed on one commit. `mark` is the same where it fails in the same way on another commit
    (`triage.mark_of`; empty if that cannot be told), `gist` the line that says most, `sign` what showed that the
    infrastructure failed, if it did.

    `is_handed`: the agent was to mend it. `has_passed`: later it passed on that very commit.
    """

    head_sha: str
    name: str
    source: str
    mark: str
    gist: str
    sign: str = ""
    is_handed: bool = False
    has_passed: bool = False


@dataclass(frozen=True, kw_only=True)
class Settling:
    """All checks of a commit have ended, as `seen` since then; others may be about to begin."""

    head_sha: str
    seen: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """The workflow runs whose failed jobs are run again on one commit, and when that was asked for (None: it could not
    be done)."""

    head_sha: str
    run_ids: tuple[int, ...]
    asked_at: datetime | None
