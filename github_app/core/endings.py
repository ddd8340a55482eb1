"""What is counted of how turns end, and of effects that came to nothing."""

from __future__ import annotations

from typing import Literal, get_args

from github_app.core.events import EffectFailed, Event, TurnAsked, TurnFinished, TurnStopped
from github_app.core.session import Session

End = Literal["submitted", "asked", "limited", "broken"]
"""How a turn ends: with a submission, with a question, at a limit, or by a failure that retries did not cure."""

ENDS: tuple[End, ...] = get_args(End)


def ended(before: Session | None, event: Event) -> tuple[str, ...]:
    """`turn_…` with its `End` for the turn that was in force, `effect_failed` for what could not be done."""
    match event:
        case TurnFinished() | TurnAsked() | TurnStopped():
            is_in_force = before is not None and before.turn_id == event.turn_id
            return (f"turn_{_end_of(event)}",) if is_in_force else ()
        case EffectFailed():
            return ("effect_failed",)
        case _:
            return ()


def _end_of(event: TurnFinished | TurnAsked | TurnStopped) -> End:
    match event:
        case TurnFinished():
            return "submitted"
        case TurnAsked():
            return "asked"
        case _:
            return "limited" if event.limit else "broken"
