"""What time alone brings up: a turn that does not begin or does not stir, and people who may have forgotten. Each is
said once, with whom it waits for and what to do; where nobody must act, the tracking comment says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from github_app.core.decisions import Decision, ask, nothing
from github_app.core.effects import Say, ShowProgress
from github_app.core.events import Event
from github_app.core.facts import Facts, Running
from github_app.core.messages import stops
from github_app.core.session import Session, Status

QUEUE_SHOWN_AFTER = timedelta(minutes=15)
QUEUE_GIVEN_UP_AFTER = timedelta(days=1)
REMINDED_AFTER = timedelta(days=3)


def watch_turn(session: Session, event: Event, facts: Facts) -> Decision:
    """A turn is in force, and no event of it came: whether it waits, works, or is lost."""
    if facts.pause is not None:
        return Decision(session=replace(session, status_since=facts.now), why="paused, and no time passes")
    running = facts.running or Running()
    signs = (session.status_since, facts.up_since, running.stirred_at)
    silent = facts.now - max((at for at in signs if at is not None), default=facts.now)
    if running.stirred_at is None:
        return _watch_queue(session, event, facts, running, silent)
    # One command, or one answer of the model, may use up all the time that a turn has.
    limit_s = facts.silence_limit_s + facts.policy.limits.time_s
    if silent >= timedelta(seconds=limit_s):
        return ask(session, event, facts, stops.silence(limit_s))
    if session.waiting_for:
        begun = replace(session, waiting_for="")
        return Decision(session=begun, effects=(ShowProgress(),), why="the turn has begun")
    return nothing(session, "a turn runs")


def _watch_queue(session: Session, event: Event, facts: Facts, running: Running, silent: timedelta) -> Decision:
    if silent >= QUEUE_GIVEN_UP_AFTER:
        text = stops.never_begun(running.others, silent.total_seconds())
        return ask(session, event, facts, text)
    if silent >= QUEUE_SHOWN_AFTER and not session.waiting_for:
        shown = replace(session, waiting_for=stops.queued(running.others))
        return Decision(session=shown, effects=(ShowProgress(),), why="the turn waits for a place, and that is shown")
    return nothing(session, "the turn has not begun")


def remind(decision: Decision, event: Event, facts: Facts) -> Decision:
    """The decision; or a word to the people that the session waits for, once in each wait, if nobody at all has
    touched the issue or the pull request for days."""
    session = decision.session
    if session is None or session.status not in (Status.AWAITING_REVIEW, Status.NEEDS_HUMAN):
        return decision
    if session.adopted is not None and session.status is Status.AWAITING_REVIEW:
        return decision  # Whether their pull request is forgotten is for its people to know.
    since = session.status_since or facts.now
    if session.reminded_at is not None and session.reminded_at >= since:
        return decision
    looked_at = [each.updated_at for each in (facts.issue, facts.pull) if each is not None]
    if facts.now - max(at for at in (since, *looked_at) if at is not None) < REMINDED_AFTER:
        return decision
    text = stops.reminder(session, (facts.now - since).total_seconds())
    say = Say(
        number=session.pull_number or session.issue_number,
        tag=f"reminder:{event.id}",
        body=stops.with_standing(text, session),
    )
    reminded = replace(session, reminded_at=facts.now, asked=(*session.asked, say.tag))
    return Decision(session=reminded, effects=(say,), why="nobody has said anything for days, and is reminded")
