"""The inbox as a table: what came in and waits, is with a flow, or has ended. Every method is one transaction and
blocks; all raise `DatabaseAway`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from github_app.core.chat.model import ChatEvent
from github_app.core.events import Event, OwnEvent
from github_app.core.ports import Clock
from github_app.engine import codec
from github_app.engine.database import text_of, transaction

Source = Literal["github", "self", "chat"]

# The door's one statement, in the drivers' own words: SQLAlchemy's preparations would cost as much as the row.
_INSERT = (
    "INSERT INTO inbox (id, source, name, body, state, received_at, not_before) "
    "VALUES ({id}, {source}, {name}, {body}, 'new', {at}, {later}) ON CONFLICT (id) DO NOTHING"
)
_VALUES = ("id", "source", "name", "body", "at", "later")
_ADD = {
    "sqlite": _INSERT.format_map({name: f":{name}" for name in _VALUES}),
    "postgresql": _INSERT.format_map({name: f"%({name})s" for name in _VALUES}),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the inbox. `body` is a delivery's JSON, or one of our own events; `attempts` counts postponements."""

    id: str
    source: Source
    name: str
    body: bytes
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a row of the inbox: its `state`, why (`note`), and the session that it was about, if any."""

    name: str
    body: bytes
    state: str
    note: str
    session_id: str | None


class Entries:
    """The rows of the inbox."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self._engine, reads=True)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self._engine)

    def _now(self) -> str:
        return text_of(self._clock.now())

    def add(self, entries: Sequence[tuple[str, Source, str, bytes]]) -> list[bool]:
        """Record (id, source, name, body) in one transaction; for each whether it was new. Durable when it returns."""
        with self._writing() as connection:
            return [self.add_one(connection, *entry) for entry in entries]

    def add_one(
        self, connection: sa.Connection, key: str, source: Source, name: str, body: bytes, *, delay_s: float = 0.0
    ) -> bool:
        """Record one row within the caller's transaction; whether it was new."""
        now = self._clock.now()
        later = now + timedelta(seconds=delay_s)
        row = {"id": key, "source": source, "name": name, "body": body, "at": text_of(now), "later": text_of(later)}
        return connection.exec_driver_sql(_ADD[connection.dialect.name], row).rowcount == 1

    def add_event(self, event: OwnEvent) -> None:
        """Record an event of our own; the same id twice is one event."""
        self.add([(event.id, "self", type(event).__name__, codec.dump(event).encode())])

    def add_said(self, event: ChatEvent) -> bool:
        """Record what came from a chat; whether it was new."""
        return self.add([(event.id, "chat", type(event).__name__, codec.dump(event).encode())])[0]

    def add_found(self, events: Sequence[Event], *, delay_s: float) -> int:
        """Record events that nobody told us of, to be taken up a little later; how many are new."""
        rows = [(event.id, type(event).__name__, codec.dump(event).encode()) for event in events]
        with self._writing() as connection:
            return sum(self.add_one(connection, key, "self", name, body, delay_s=delay_s) for key, name, body in rows)

    def new(self, limit: int) -> list[Entry]:
        """What came in (or was postponed until now) and is with no flow, oldest first."""
        return self._entries("state = 'new' AND not_before <= :now ORDER BY seq LIMIT :n", n=limit, now=self._now())

    def get(self, key: str) -> Entry:
        """One row of the inbox."""
        return self._entries("id = :id", id=key)[0]

    def outcome(self, key: str) -> Outcome | None:
        """What became of a row; None if it never came in, or so long ago that it is forgotten."""
        query = sa.text("SELECT name, body, state, note, session_id FROM inbox WHERE id = :id")
        with self._reading() as connection:
            row = connection.execute(query, {"id": key}).first()
        return None if row is None else Outcome(**{**row._mapping, "body": bytes(row.body), "note": row.note or ""})

    def _entries(self, where: str, **values: Any) -> list[Entry]:
        with self._reading() as connection:
            rows = connection.execute(
                sa.text(f"SELECT id, source, name, body, attempts FROM inbox WHERE {where}"),  # noqa: S608
                values,
            )
            return [Entry(**{**row._mapping, "body": bytes(row.body)}) for row in rows]

    def queue(self, lanes: Sequence[tuple[Entry, str]]) -> None:
        """Put rows into lanes, to be taken in there in their order; one that ended meanwhile stays as it is."""
        with self._writing() as connection:
            for entry, lane in lanes:
                connection.execute(
                    sa.text(
                        "UPDATE inbox SET state = 'queued', lane = :lane, not_before = :at "
                        "WHERE id = :id AND state = 'new' AND attempts = :a"
                    ),
                    {"id": entry.id, "lane": lane, "a": entry.attempts, "at": self._now()},
                )

    def next_in_lane(self, lane: str) -> Entry | None:
        """The row that is to be taken in next."""
        found = self._entries("lane = :lane AND state = 'queued' ORDER BY seq LIMIT 1", lane=lane)
        return found[0] if found else None

    def queued_lanes(self, *, queued_before: datetime | None = None) -> list[str]:
        """Lanes in which rows wait; with a time, only those in which one has waited since before it."""
        query = "SELECT DISTINCT lane FROM inbox WHERE state = 'queued'"
        values = {}
        if queued_before is not None:
            query, values = f"{query} AND not_before < :at", {"at": text_of(queued_before)}
        with self._reading() as connection:
            return list(connection.execute(sa.text(query), values).scalars())

    def end(self, key: str, state: Literal["done", "ignored", "unreadable", "failed"], note: str = "") -> None:
        """Say how an inbox row ended, and why if that is worth a word; the first end stays."""
        with self._writing() as connection:
            connection.execute(
                sa.text(
                    "UPDATE inbox SET state = :s, note = CASE WHEN :n = '' THEN note ELSE :n END "
                    "WHERE id = :id AND state IN ('new', 'queued')"
                ),
                {"s": state, "n": note, "id": key},
            )

    def postpone(self, entry: Entry, *, delay_s: float, note: str) -> None:
        """Have an inbox row taken up again later: no thread waits meanwhile."""
        at = text_of(self._clock.now() + timedelta(seconds=delay_s))
        with self._writing() as connection:
            connection.execute(
                sa.text(
                    "UPDATE inbox SET state = 'new', attempts = attempts + 1, not_before = :at, note = :n "
                    "WHERE id = :id AND state IN ('new', 'queued') AND attempts = :a"
                ),
                {"at": at, "n": note, "id": entry.id, "a": entry.attempts},
            )

    def requeue(self, *, queued_before: datetime) -> int:
        """Take back rows that a flow has had for so long that it must have been lost; how many. A flow that is only
        slow does no harm: whichever comes second finds everything done."""
        with self._writing() as connection:
            return connection.execute(
                sa.text(
                    "UPDATE inbox SET state = 'new', attempts = attempts + 1 "
                    "WHERE state = 'queued' AND not_before < :at"
                ),
                {"at": text_of(queued_before)},
            ).rowcount

    def oldest_s(self) -> float:
        """How many seconds ago the oldest row came in that has not ended; 0 where nothing waits."""
        with self._reading() as connection:
            at = connection.execute(
                sa.text("SELECT min(received_at) FROM inbox WHERE state IN ('new', 'queued')")
            ).scalar_one()
        return (self._clock.now() - datetime.fromisoformat(at)).total_seconds() if at is not None else 0.0

    def counts(self) -> dict[str, int]:
        """How many rows are in each state."""
        with self._reading() as connection:
            rows = connection.execute(sa.text("SELECT state, count(*) FROM inbox GROUP BY state"))
            return {state: count for state, count in rows}
