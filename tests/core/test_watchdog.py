"""Time alone: a turn that does not begin or stir, people who may have forgotten. Said once, and to whom it helps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import Say
from github_app.core.facts import Facts, Running
from github_app.core.machine import decide
from github_app.core.policy import Limits, Policy
from github_app.core.session import Pause, Session, Status
from tests.core.scene import (
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    ISSUE,
    NEEDS_HUMAN,
    NOW,
    PULL,
    WORKING,
    Row,
    cases,
    check,
    event,
    facts,
    first_turn,
    issue,
    pull,
    row,
    session,
)
from tests.core.scene import checks as checks_of

TICK = event(ev.Ticked)


def ago(hours: float) -> Any:
    return NOW - timedelta(hours=hours)


def since(status: Status, hours: float, **changes: Any) -> Session:
    return session(status, status_since=ago(hours), **changes)


def stirred(hours: float, **known: Any) -> Facts:
    return facts(pull=pull(), running=Running(stirred_at=ago(hours)), **known)


def queued(others: int = 3, **known: Any) -> Facts:
    return facts(pull=pull(), running=Running(others=others), **known)


def touched(hours: float) -> Facts:
    return facts(pull=pull(updated_at=ago(80)), issue=issue(updated_at=ago(hours)))


FORGOTTEN = [since(AWAITING_REVIEW, 73), since(NEEDS_HUMAN, 73)]

ROWS = [
    row(since(WORKING, 5), "a turn that takes its time", TICK, facts=stirred(1.8), does="", why="a turn runs"),
    row(since(WORKING, 5), "a turn that does not stir any more", TICK, facts=stirred(2),
        to=NEEDS_HUMAN, does="Say ShowProgress", why="no sign of life for 1.8 hours"),
    row(since(WORKING, 5), "a turn that policy gives more time", TICK,
        facts=stirred(2, policy=Policy(limits=Limits(time_s=2 * 3600.0))), does="", why="a turn runs"),
    row(since(WORKING, 80), "a turn that could not stir while we were down", TICK, facts=stirred(79, up_since=NOW),
        does="", why="a turn runs"),
    row(since(WORKING, 1, waiting_for="A place."), "a turn that has begun after all", TICK, facts=stirred(0.1),
        does="ShowProgress", why="the turn has begun"),
    row(since(WORKING, 0.2), "a turn that was just asked for", TICK, facts=queued(), does="", why="has not begun"),
    row(since(WORKING, 0.3), "a turn that waits behind others", TICK, facts=queued(), does="ShowProgress",
        why="waits for a place"),
    row(since(WORKING, 0.5, waiting_for="A place."), "a turn that was said to wait", TICK, facts=queued(), does="",
        why="has not begun"),
    row(since(WORKING, 24), "a turn that never begins", TICK, facts=queued(),
        to=NEEDS_HUMAN, does="Say ShowProgress", why="no place to begin for 24 hours"),
    row(since(WORKING, 80), "a turn that could not begin while we were down", TICK, facts=queued(up_since=NOW),
        does="", why="has not begun"),
    row(since(WORKING, 30), "a turn that may not begin", TICK, facts=queued(pause=Pause(login="carol")), does="",
        why="no time passes"),
    Row(when="nobody has said anything for days", event=TICK, sessions=(*FORGOTTEN,), facts=touched(72), does="Say",
        why="is reminded"),
    Row(when="somebody has touched the issue since", event=TICK, sessions=(*FORGOTTEN,), facts=touched(71), does="",
        why="nothing has changed"),
    row(since(NEEDS_HUMAN, 90, reminded_at=ago(17)), "people who were reminded", TICK, facts=touched(80), does="",
        why="nothing has changed"),
    row(since(NEEDS_HUMAN, 90, reminded_at=ago(91)), "people who were reminded of something else", TICK,
        facts=touched(80), does="Say", why="is reminded"),
    row(since(AWAITING_CHECKS, 2), "checks that run are nobody's to be reminded of", TICK,
        facts=facts(pull=pull(), checks=checks_of("pending")), does="ShowProgress", why="not ended"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_what_time_brings_up(each: Row, before: Session):
    check(each, before)


def said_to(before: Session) -> Say:
    (say,) = decide(before, TICK, touched(72)).effects
    assert isinstance(say, Say)
    return say


def test_reminder_goes_where_people_look():
    assert said_to(since(AWAITING_REVIEW, 73)).number == PULL
    assert said_to(first_turn(status=NEEDS_HUMAN, turn_id=None, waiting_for="?", status_since=ago(73))).number == ISSUE


def test_reminder_is_given_once():
    reminded = decide(since(NEEDS_HUMAN, 73), TICK, touched(72)).session
    assert reminded is not None
    assert reminded.reminded_at == NOW
    assert decide(reminded, TICK, touched(72)).effects == ()


def test_what_a_turn_cost_that_is_cut_short_is_told():
    """Its own end, which would have told, is not heard any more."""
    running = Running(stirred_at=NOW, cost_micro_usd=1_250_000)
    for happened in (event(ev.IssueClosed), event(ev.IssueUnlabeled)):
        decision = decide(session(), happened, facts(running=running))
        assert decision.session is not None
        assert decision.session.usage.cost_micro_usd == 1_250_000
        (say,) = (effect for effect in decision.effects if isinstance(effect, Say))
        assert say.body.endswith("$1.25 of $5.00 spent.")
