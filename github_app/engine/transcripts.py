"""Transcripts: the agent's turns step by step, and the large values that they leave. A step that is in here is never
paid for again; a turn that is not in force can add nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from github_app.core.errors import Stopped
from github_app.core.facts import Running
from github_app.core.model import ChangeSet
from github_app.core.ports import Clock, Step
from github_app.core.record import records
from github_app.core.record.records import Source
from github_app.core.session import Session
from github_app.engine import codec
from github_app.engine.audit import Audit
from github_app.engine.database import text_of, transaction


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A turn as it was begun: the commit under it, its task as stored, and what its workspace held last."""

    id: str
    session_id: str
    base_sha: str
    task: str
    snapshot_id: str | None


class Transcripts:
    """The tables of turns, steps and blobs. Every method blocks and raises `DatabaseAway`."""

    def __init__(self, engine: sa.Engine, clock: Clock, audit: Audit) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self._engine, reads=True)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self._engine)

    def _now(self) -> str:
        return text_of(self._clock.now())

    def begin_turn(
        self, turn_id: str, session: Session, *, base_sha: str, task: str, sources: Sequence[Source]
    ) -> Turn:
        """The turn as it was first begun; begins it if it was not. `sources` are the texts that the task is made of."""
        cause = str(session.turn_cause)
        with self._writing() as connection:
            added = connection.execute(
                sa.text(
                    "INSERT INTO turns (id, session_id, cause, base_sha, task, started_at) "
                    "VALUES (:id, :session, :cause, :base, :task, :at) ON CONFLICT (id) DO NOTHING"
                ),
                {
                    "id": turn_id,
                    "session": session.id,
                    "cause": cause,
                    "base": base_sha,
                    "task": task,
                    "at": self._now(),
                },
            )
            if added.rowcount == 1:
                prompt = records.of_prompt(turn_id, cause=cause, base_sha=base_sha, sources=sources)
                self._audit.add(connection, session.id, [prompt])
        turn = self.turn(turn_id)
        if turn is None:
            raise LookupError(f"turn {turn_id} was stored and is not there")
        return turn

    def turn(self, turn_id: str) -> Turn | None:
        """A turn that was begun; None if it was not."""
        with self._reading() as connection:
            row = connection.execute(
                sa.text("SELECT id, session_id, base_sha, task, snapshot_id FROM turns WHERE id = :id"), {"id": turn_id}
            ).first()
        return None if row is None else Turn(**row._mapping)

    def running(self, session: Session) -> Running | None:
        """The turn in force of a session, and what runs or waits beside it; None if there is none."""
        if session.turn_id is None:
            return None
        with self._reading() as connection:
            row = connection.execute(
                sa.text(
                    "SELECT (SELECT max(at) FROM (SELECT started_at AS at FROM turns WHERE id = :t "
                    "UNION ALL SELECT at FROM steps WHERE turn_id = :t "
                    # Who waits for somebody's limit is not silent: it says so, until when.
                    "UNION ALL SELECT until FROM waits WHERE session_id = :s) AS signs) AS stirred_at, "
                    "(SELECT cost_micro_usd FROM starts WHERE turn_id = :t) AS cost, "
                    "(SELECT count(*) FROM sessions WHERE status = 'working' AND id <> :s) AS others, "
                    "(SELECT count(*) FROM decisions WHERE event_id = :end) AS ended"
                ),
                {"t": session.turn_id, "s": session.id, "end": f"{session.turn_id}/finished"},
            ).one()
        return Running(
            stirred_at=datetime.fromisoformat(row.stirred_at) if row.stirred_at else None,
            # What the turn's own end brought is known to the session already.
            cost_micro_usd=0 if row.ended else int(row.cost or 0),
            others=row.others,
        )

    def last_turn(self, session_id: str, *, before: str = "") -> Turn | None:
        """The newest turn of a session, other than `before`."""
        with self._reading() as connection:
            row = connection.execute(
                sa.text(
                    "SELECT id, session_id, base_sha, task, snapshot_id FROM turns "
                    "WHERE session_id = :s AND id <> :b ORDER BY started_at DESC LIMIT 1"
                ),
                {"s": session_id, "b": before},
            ).first()
        return None if row is None else Turn(**row._mapping)

    def steps(self, turn_id: str) -> tuple[Step, ...]:
        """The transcript of a turn so far."""
        with self._reading() as connection:
            return self._steps(connection, turn_id)

    def _steps(self, connection: sa.Connection, turn_id: str) -> tuple[Step, ...]:
        query = sa.text("SELECT document FROM steps WHERE turn_id = :t ORDER BY number")
        return tuple(codec.load_step(row.document) for row in connection.execute(query, {"t": turn_id}))

    def add_step(
        self, turn_id: str, session_id: str, step: Step, snapshot: ChangeSet | None, *, is_again: bool = False
    ) -> None:
        """Append to a transcript, with what the workspace holds now if it changed.

        Raises `Stopped` if another turn is in force, or a step of this number is there: two workers must not both go
        on. With `is_again` it may be this very one, from a try of which it is not known how it ended.
        """
        with self._writing() as connection:
            self._require_turn(connection, session_id, turn_id, until_commit=True)
            added = connection.execute(
                sa.text(
                    "INSERT INTO steps (turn_id, number, role, document, at) VALUES (:t, :n, :r, :d, :at) "
                    "ON CONFLICT DO NOTHING"
                ),
                {"t": turn_id, "n": step.number, "r": step.role, "d": codec.dump(step), "at": self._now()},
            )
            if added.rowcount != 1:
                if is_again and step in self._steps(connection, turn_id):
                    return
                raise Stopped(f"step {step.number} of {turn_id} was stored by another worker")
            if step.usage.cost_micro_usd:
                connection.execute(
                    sa.text("UPDATE starts SET cost_micro_usd = cost_micro_usd + :c WHERE turn_id = :t"),
                    {"c": step.usage.cost_micro_usd, "t": turn_id},
                )
            if snapshot is not None:
                self._keep(connection, turn_id, snapshot)
            self._audit.add(connection, session_id, [records.of_step(turn_id, step)])

    def keep(self, turn_id: str, session_id: str, snapshot: ChangeSet) -> None:
        """Store what a turn's workspace holds now. Raises `Stopped` if another turn is in force."""
        with self._writing() as connection:
            self._require_turn(connection, session_id, turn_id, until_commit=True)
            self._keep(connection, turn_id, snapshot)

    def _keep(self, connection: sa.Connection, turn_id: str, snapshot: ChangeSet) -> None:
        blob = self._add_blob(connection, codec.dump_changes(snapshot))
        connection.execute(sa.text("UPDATE turns SET snapshot_id = :b WHERE id = :t"), {"b": blob, "t": turn_id})

    def require_turn(self, session_id: str, turn_id: str) -> Session:
        """The session, if this turn is in force. Raises `Stopped` if not."""
        with self._reading() as connection:
            return self._require_turn(connection, session_id, turn_id)

    def _require_turn(
        self, connection: sa.Connection, session_id: str, turn_id: str, *, until_commit: bool = False
    ) -> Session:
        # A SQLite transaction that writes is alone anyway; PostgreSQL must be told that nobody may end the turn now.
        query = "SELECT document FROM sessions WHERE id = :id"
        if until_commit and self._engine.dialect.name == "postgresql":
            query += " FOR SHARE"
        row = connection.execute(sa.text(query), {"id": session_id}).first()
        session = codec.load_session(row.document) if row is not None else None
        if session is None or session.turn_id != turn_id:
            raise Stopped(f"turn {turn_id} is not in force")
        return session

    def add_blob(self, content: bytes) -> str:
        """Keep a large value; its id is its SHA-256."""
        with self._writing() as connection:
            return self._add_blob(connection, content)

    def blobs(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of the large values that are still kept."""
        query = sa.text("SELECT content FROM blobs WHERE id = :id")
        with self._reading() as connection:
            found = {key: connection.execute(query, {"id": key}).scalar() for key in keys}
        return {key: bytes(content) for key, content in found.items() if content is not None}

    def _add_blob(self, connection: sa.Connection, content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()
        connection.execute(
            sa.text(
                "INSERT INTO blobs (id, content, created_at) VALUES (:id, :c, :at) "
                "ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at"
            ),
            {"id": key, "c": content, "at": self._now()},
        )
        return key

    def changes(self, blob_id: str) -> ChangeSet:
        """A stored change set."""
        with self._reading() as connection:
            content = connection.execute(
                sa.text("SELECT content FROM blobs WHERE id = :id"), {"id": blob_id}
            ).scalar_one()
        return codec.load_changes(bytes(content))
