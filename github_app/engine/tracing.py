"""What is logged and traced of the work at hand: by its delivery, session and turn the log is searched, and by its
place in the store each span is found again, in whatever process it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from github_app.core.effects import RunTurn
from github_app.core.events import Event, OwnEvent, TurnEnded
from github_app.core.session import Session
from github_app.core.tracing import (
    NoSpans,
    Place,
    Span,
    Spans,
    Value,
    is_turn,
    of_key,
    of_usage,
    origin_of,
    trace_id_of,
    turn_before,
)
from github_app.core.trail import on_trail
from github_app.engine import codec
from github_app.engine.database import transaction
from github_app.engine.store import Pending


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Says what the work within is about. Raises `DatabaseAway` where somebody is told."""

    database: sa.Engine
    spans: Spans = field(default_factory=NoSpans)

    @contextmanager
    def intake(self, entry_id: str) -> Iterator[None]:
        """A row of the inbox is taken in."""
        with on_trail(delivery=entry_id, trace_id=self._trace_id(entry_id)):
            yield

    @contextmanager
    def decision(self, event: Event) -> Iterator[Span]:
        """An event is decided on."""
        with self.spans.at(f"decide {type(event).__name__}", self.place_of(event.id)) as span:
            yield span

    @contextmanager
    def effect(self, pending: Pending) -> Iterator[Span]:
        """An effect is performed."""
        told: dict[str, Value] = {"honk.session": pending.session_id or "", "honk.try": pending.tries}
        name = f"perform {type(pending.effect).__name__}"
        with (
            on_trail(session=pending.session_id, turn=getattr(pending.effect, "turn_id", None)),
            self.spans.at(name, self.place_of(pending.id), attributes=told) as span,
        ):
            yield span

    @contextmanager
    def turn(self, session_id: str, place: Place) -> Iterator[Span]:
        """The turn at a place runs, or goes on."""
        told = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "honk",
            "gen_ai.conversation.id": session_id,
            "honk.session": session_id,
            "honk.turn": place.key,
        }
        trace_id = f"{trace_id_of(place.origin):032x}" if self.spans.is_on else None
        with (
            on_trail(trace_id=trace_id),
            self.spans.at("invoke_agent honk", place, attributes=told) as span,
        ):
            yield span

    def place_of(self, key: str) -> Place:
        """Where the span of an event's decision, an effect or a turn stands."""
        if not self.spans.is_on:
            return Place(origin="", key=key)
        place = of_key(key, self._ordered_by)
        if not is_turn(key):
            return place
        before = turn_before(key)
        follows = of_key(before, self._ordered_by) if before is not None else None
        return replace(place, since=self._begun(key), follows=follows)

    def _trace_id(self, key: str) -> str | None:
        return f"{trace_id_of(origin_of(key, self._ordered_by)):032x}" if self.spans.is_on else None

    def _begun(self, turn_id: str) -> datetime | None:
        """When a turn that goes on began."""
        query = sa.text("SELECT started_at FROM turns WHERE id = :t")
        with transaction(self.database, reads=True) as connection:
            at = connection.execute(query, {"t": turn_id}).scalar()
        return datetime.fromisoformat(at) if at is not None else None

    def _ordered_by(self, turn_id: str) -> str | None:
        """The effect that ordered a turn."""
        query = sa.text("SELECT id, document FROM effects WHERE session_id = :s AND kind = 'RunTurn'")
        with transaction(self.database, reads=True) as connection:
            rows = connection.execute(query, {"s": turn_id.partition("/")[0]}).all()
        for row in rows:
            effect: RunTurn = codec.load_named("RunTurn", row.document)
            if effect.turn_id == turn_id:
                return str(row.id)
        return None


def of_session(session: Session | None) -> dict[str, str]:
    """What a span says of the session that it was about."""
    return {} if session is None else {"honk.session": session.id, "honk.status": session.status.value}


def of_turn(event: OwnEvent | None) -> dict[str, Value]:
    """What a turn's span says of its end; None: it was withdrawn."""
    if not isinstance(event, TurnEnded):
        return {"honk.turn.end": "withdrawn"}
    return {"honk.turn.end": type(event).__name__, **of_usage(event.usage)}
