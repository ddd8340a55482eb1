"""What came of a turn, or of an effect that failed, as the event that tells it."""

from __future__ import annotations

from dataclasses import replace

from github_app.agent.task import Asked, Outcome, OutOfLimits, Planned, Reported, Submitted
from github_app.core import events
from github_app.core.effects import BEST_EFFORT
from github_app.core.errors import HeadMoved
from github_app.core.events import EffectFailed, PlanDrafted, TurnAsked, TurnEnded, TurnFinished, TurnStopped
from github_app.core.merges import Merge
from github_app.core.model import ChangeSet, Merged
from github_app.engine import codec
from github_app.engine.store import Pending
from github_app.engine.transcripts import Transcripts, Turn


def event_of(outcome: Outcome, session_id: str, turn: Turn, merge: Merge | None, transcripts: Transcripts) -> TurnEnded:
    """The event; what was handed in is stored first. Raises `DatabaseAway`."""
    match outcome:
        case Submitted():
            change_set_id = _kept(outcome.changes, merge, transcripts)
            return _finished(outcome, session_id, turn, change_set_id)
        case Asked():
            return TurnAsked(
                id=f"{turn.id}/finished",
                session_id=session_id,
                turn_id=turn.id,
                question=outcome.question,
                usage=outcome.usage,
                consumed=outcome.consumed,
                refused=outcome.refused,
            )
        case Planned():
            return PlanDrafted(
                id=f"{turn.id}/finished",
                session_id=session_id,
                turn_id=turn.id,
                summary=outcome.summary,
                items=outcome.items,
                usage=outcome.usage,
                consumed=outcome.consumed,
                refused=outcome.refused,
            )
        case Reported():
            return _reported(outcome, session_id, turn)
        case OutOfLimits():
            return TurnStopped(
                id=f"{turn.id}/finished",
                session_id=session_id,
                turn_id=turn.id,
                reason=outcome.reason,
                limit=outcome.limit,
                usage=outcome.usage,
                consumed=outcome.consumed,
                refused=outcome.refused,
            )


def _finished(outcome: Submitted, session_id: str, turn: Turn, change_set_id: str | None) -> TurnFinished:
    return TurnFinished(
        id=f"{turn.id}/finished",
        session_id=session_id,
        turn_id=turn.id,
        submission=outcome.submission,
        change_set_id=change_set_id,
        usage=outcome.usage,
        consumed=outcome.consumed,
        refused=outcome.refused,
        findings=outcome.findings,
    )


def _reported(outcome: Reported, session_id: str, turn: Turn) -> events.Reported:
    return events.Reported(
        id=f"{turn.id}/finished",
        session_id=session_id,
        turn_id=turn.id,
        sha=turn.base_sha,
        report=outcome.report,
        usage=outcome.usage,
        consumed=outcome.consumed,
        refused=outcome.refused,
    )


def _kept(changes: ChangeSet, merge: Merge | None, transcripts: Transcripts) -> str | None:
    """Store what was handed in; None if that is nothing. A merge is something, whatever was changed on top."""
    if merge is not None:
        changes = replace(changes, merged=Merged(head_sha=merge.head_sha, base_sha=merge.base_sha))
    elif not changes.changes:
        return None
    return transcripts.add_blob(codec.dump_changes(changes))


def failure_of(pending: Pending, error: Exception, why: str) -> EffectFailed | None:
    """The event that an effect failed for good; None for one that nobody waits for."""
    if pending.session_id is None or isinstance(pending.effect, BEST_EFFORT):
        return None
    return EffectFailed(
        id=f"{pending.id}/failed",
        session_id=pending.session_id,
        effect_id=pending.id,
        effect_kind=type(pending.effect).__name__,
        reason=why,
        head_sha=error.head_sha if isinstance(error, HeadMoved) else None,
        turn_id=getattr(pending.effect, "turn_id", ""),
    )
