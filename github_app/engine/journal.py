"""A turn's journal in the store: what is stored before it is acted on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from github_app.core.model import ChangeSet
from github_app.core.ports import Step
from github_app.core.session import Feedback
from github_app.core.suggestions import may_suggest
from github_app.engine.database import DatabaseAway
from github_app.engine.transcripts import Transcripts

log = logging.getLogger(__name__)

_RETRY_S = 1.0


class HandedOver(Exception):
    """This process ends; whoever runs the turn next goes on after its last stored step."""


@dataclass(kw_only=True)
class StoredJournal:
    """A turn's journal in the store (`core.ports.Journal`)."""

    transcripts: Transcripts
    session_id: str
    turn_id: str
    is_stopping: Callable[[], bool]
    may_go_on: Callable[[], None]
    _carried: set[str] = field(default_factory=set)

    async def load(self) -> tuple[Step, ...]:
        """The steps so far."""
        steps = await asyncio.to_thread(self.transcripts.steps, self.turn_id)
        self._carried = {key for step in steps for key in step.consumed}
        return steps

    async def append(self, step: Step, *, snapshot: ChangeSet | None = None) -> None:
        """Store a step, however long the database is away: it may have been paid for. After one that leaves nothing
        half-done, raises `HandedOver` when this process ends, and `Held` when somebody has paused the work."""
        add, is_again = self.transcripts.add_step, False
        while True:
            try:
                await asyncio.to_thread(add, self.turn_id, self.session_id, step, snapshot, is_again=is_again)
                break
            except DatabaseAway as error:
                log.warning("a step waits", extra={"turn": self.turn_id, "why": str(error)})
                if self.is_stopping():
                    raise HandedOver from error
                is_again = True
                await asyncio.sleep(_RETRY_S)
        self._carried.update(step.consumed)
        if step.role == "user":
            if self.is_stopping():
                raise HandedOver
            await asyncio.to_thread(self.may_go_on)

    async def arrivals(self) -> tuple[Feedback, ...]:
        """Feedback that the session holds and no step of this turn has carried. Suggestions wait for the next turn:
        their lines are not those of a workspace in which somebody works."""
        session = await asyncio.to_thread(self.transcripts.require_turn, self.session_id, self.turn_id)
        return tuple(
            feedback for feedback in session.feedback if feedback.id not in self._carried and not may_suggest(feedback)
        )
