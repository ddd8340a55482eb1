"""Waits that sessions are told of: for whose rate limit, until when, and how long it was in all. A wait ends by itself,
with its time: nothing that could fail ends it."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from github_app.core.ports import Clock
from github_app.core.waits import Wait
from github_app.engine.database import text_of, transaction


class Waits:
    """The table of waits, one row a session. Every method is one transaction and blocks; all raise `DatabaseAway`."""

    def __init__(self, database: sa.Engine, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, session_id: str, *, whose: str, seconds: float) -> None:
        """Note that a session waits for so long from now; a wait that is on grows until then."""
        now = self._clock.now()
        until = now + timedelta(seconds=seconds)
        with transaction(self._database) as connection:
            row = connection.execute(
                sa.text("SELECT since, until, waited_s FROM waits WHERE session_id = :s"), {"s": session_id}
            ).first()
            since, waited_s = now, 0.0
            if row is not None:
                since, last, waited_s = _time(row.since), _time(row.until), row.waited_s
                if last < now:
                    since, waited_s = now, waited_s + (last - since).total_seconds()
                until = max(until, last)
            connection.execute(
                sa.text(
                    "INSERT INTO waits (session_id, whose, since, until, waited_s) VALUES (:s, :w, :b, :u, :d) "
                    "ON CONFLICT (session_id) DO UPDATE SET whose = :w, since = :b, until = :u, waited_s = :d"
                ),
                {"s": session_id, "w": whose, "b": text_of(since), "u": text_of(until), "d": waited_s},
            )

    def count(self) -> int:
        """How many sessions wait now."""
        with transaction(self._database, reads=True) as connection:
            query = sa.text("SELECT count(*) FROM waits WHERE until > :now")
            return int(connection.execute(query, {"now": text_of(self._clock.now())}).scalar_one())

    def of(self, session_id: str) -> Wait | None:
        """What a session waits for, or has waited for; None if it never had to."""
        with transaction(self._database, reads=True) as connection:
            row = connection.execute(
                sa.text("SELECT whose, since, until, waited_s FROM waits WHERE session_id = :s"), {"s": session_id}
            ).first()
        if row is None:
            return None
        now, until = self._clock.now(), _time(row.until)
        lasted_s = (min(now, until) - _time(row.since)).total_seconds()
        return Wait(whose=row.whose, until=until if until > now else None, waited_s=row.waited_s + max(lasted_s, 0.0))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
