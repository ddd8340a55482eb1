"""Figures that operators watch and the tables know: what the last day cost, how long its turns took, and how long work
that should go on has shown no sign. They fall as well as rise: nothing of them is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from github_app.core.ports import Clock
from github_app.engine.database import text_of, transaction

DAY = timedelta(days=1)
_QUANTILES = (0.5, 0.9, 1.0)


@dataclass(frozen=True, kw_only=True)
class Day:
    """The turns that began within the last 24 hours: what they have cost, and for those that ended how many seconds
    passed since they were decided on, by quantile (none where none ended)."""

    cost_micro_usd: int
    turn_s: dict[float, float] = field(default_factory=dict)


class Figures:
    """What is found by reading. Every method is one transaction and blocks; all raise `DatabaseAway`."""

    def __init__(self, database: sa.Engine, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def day(self) -> Day:
        """The last 24 hours."""
        query = (
            "SELECT starts.at, cost_micro_usd, decided_at FROM starts "
            "LEFT JOIN decisions ON event_id = starts.turn_id || '/finished' WHERE starts.at > :since"
        )
        with transaction(self._database, reads=True) as connection:
            rows = connection.execute(sa.text(query), {"since": text_of(self._clock.now() - DAY)}).all()
        took = [(_time(row.decided_at) - _time(row.at)).total_seconds() for row in rows if row.decided_at]
        return Day(cost_micro_usd=sum(row.cost_micro_usd for row in rows), turn_s=_quantiles(sorted(took)))

    def silent_s(self) -> float:
        """The longest time for which a session that is worked on has shown no sign: it waits for a place, or its turn
        does not stir. Who waits for somebody's rate limit is not silent. 0 where nothing is worked on."""
        # The newest step only: each step's time lies behind all that its document holds.
        query = (
            "SELECT updated_at, (SELECT max(started_at) FROM turns WHERE session_id = sessions.id) AS began_at, "
            "(SELECT at FROM steps WHERE turn_id = (SELECT id FROM turns WHERE session_id = sessions.id "
            "ORDER BY started_at DESC LIMIT 1) ORDER BY number DESC LIMIT 1) AS stepped_at, "
            "(SELECT until FROM waits WHERE session_id = sessions.id) AS waits_until "
            "FROM sessions WHERE status = 'working'"
        )
        with transaction(self._database, reads=True) as connection:
            rows = connection.execute(sa.text(query)).all()
        stirred = [max(_time(at) for at in row if at) for row in rows]
        return max(0.0, (self._clock.now() - min(stirred)).total_seconds()) if stirred else 0.0


def _quantiles(ordered: Sequence[float]) -> dict[float, float]:
    return {each: ordered[round(each * (len(ordered) - 1))] for each in _QUANTILES} if ordered else {}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
