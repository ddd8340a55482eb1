"""What became of sessions, and what they cost: sums by repository or by person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from github_app.core.session import Status


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many sessions of one group have a status, and what they cost together, in millionths of a dollar."""

    group: str
    status: Status
    sessions: int
    micro_usd: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one group's sessions. Money is in millionths of a dollar."""

    group: str
    merged: int = 0
    closed: int = 0
    still_open: int = 0
    micro_usd: int = 0

    @property
    def sessions(self) -> int:
        """How many there are."""
        return self.merged + self.closed + self.still_open

    @property
    def merged_percent(self) -> int | None:
        """How many of those that ended were merged; None while none has ended."""
        ended = self.merged + self.closed
        return round(100 * self.merged / ended) if ended else None

    @property
    def micro_usd_per_merge(self) -> int | None:
        """What all of them cost for each that was merged; None while none was."""
        return self.micro_usd // self.merged if self.merged else None


def outcomes(tallies: Iterable[Tally]) -> list[Outcome]:
    """One outcome for each group, what cost most first."""
    found: dict[str, Outcome] = {}
    for tally in tallies:
        before = found.get(tally.group, Outcome(group=tally.group))
        found[tally.group] = Outcome(
            group=tally.group,
            merged=before.merged + tally.sessions * (tally.status is Status.MERGED),
            closed=before.closed + tally.sessions * (tally.status is Status.CLOSED),
            still_open=before.still_open + tally.sessions * (not tally.status.is_terminal),
            micro_usd=before.micro_usd + tally.micro_usd,
        )
    return sorted(found.values(), key=lambda each: (-each.micro_usd, each.group))


def total(found: Iterable[Outcome]) -> Outcome:
    """All groups together."""
    all_of = list(found)
    return Outcome(
        group="all",
        merged=sum(each.merged for each in all_of),
        closed=sum(each.closed for each in all_of),
        still_open=sum(each.still_open for each in all_of),
        micro_usd=sum(each.micro_usd for each in all_of),
    )
