"""What people do to our tracking comment: a ticked box is a command of whoever ticked it; all else is drawn over."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.decisions import Decision, acknowledge, may_ask, nothing, refuse
from github_app.core.effects import Say, ShowProgress
from github_app.core.events import CommandIssued, Event
from github_app.core.facts import Facts
from github_app.core.messages import answers
from github_app.core.session import Session


def edited(session: Session | None) -> Decision:
    """Somebody changed the text of a tracking comment: nothing in it is believed, and it is drawn as things stand."""
    if session is None:
        return nothing(None, "that is no tracking comment of ours")
    return Decision(session=session, effects=(ShowProgress(),), why="our tracking comment was edited: it is drawn anew")


def clicked_late(session: Session | None, event: CommandIssued, facts: Facts) -> Decision:
    """A box was ticked where no session is open: what somebody saw when they ticked it is over, so nothing begins."""
    if session is None:
        return nothing(None, "that is no tracking comment of ours")
    if not may_ask(event.actor, facts):
        return refuse(session, event, facts, number=event.number)
    say = Say(number=event.number, tag=f"answer:{event.id}", body=answers.ended_meanwhile(session))
    return Decision(
        session=session, effects=(*acknowledge(event), say), why="a box was ticked after the work had ended"
    )


def redrawn(decision: Decision) -> Decision:
    """A decision on a ticked box, with the box clear again at its end."""
    if decision.session is None or any(isinstance(each, ShowProgress) for each in decision.effects):
        return decision
    return replace(decision, effects=(*decision.effects, ShowProgress()))


def is_click(event: Event) -> bool:
    """Whether an event is a ticked box."""
    return isinstance(event, CommandIssued) and event.source == "tracking"
