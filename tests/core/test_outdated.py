"""What we said is folded up once it is not so any more, and not before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import MinimiseComments
from github_app.core.machine import decide
from github_app.core.plans import Plan, plan_tag
from github_app.core.session import Cause, Round, Session
from tests.core.scene import (
    AWAITING_REVIEW,
    CLOSED,
    HEAD,
    NEEDS_HUMAN,
    NOW,
    WORKING,
    checks,
    command,
    event,
    facts,
    first_turn,
    pull,
    session,
)

PLAN = Plan(turn_id="7-12-1/turn-1", summary="Open it.", items=("Open it",))


def folded(before: Session, happened: ev.Event, **known: Any) -> tuple[Session, tuple[str, ...]]:
    """The session after an event, and the tags of what is folded up by it."""
    decision = decide(before, happened, facts(**known))
    assert decision.session is not None
    found = [each for each in decision.effects if isinstance(each, MinimiseComments)]
    assert all(each.session_id == before.id for each in found)
    return decision.session, tuple(tag for each in found for tag in each.tags)


def test_a_question_is_folded_up_when_it_is_answered():
    asked, nothing = folded(first_turn(turn_id="7-12-1/turn-2"), event(ev.TurnAsked))
    assert (asked.asked, nothing) == (("ask:e",), ())
    answered, tags = folded(asked, command(text="In C", id="e2"))
    assert (answered.asked, tags) == ((), ("ask:e",))


def test_a_question_gives_way_to_the_next_one():
    before = session(NEEDS_HUMAN, asked=("ask:1", "reminder:2"))
    locked, tags = folded(session(AWAITING_REVIEW, asked=()), event(ev.Ticked), lost="no access")
    assert (locked.asked, tags) == (("ask:e",), ())
    pushed, tags = folded(
        before, event(ev.BranchPushed, actor=replace(pull().author, id=77)), pull=pull(head_sha="2" * 40)
    )
    assert (pushed.asked, tags) == (("ask:e",), ("ask:1", "reminder:2"))


def test_a_question_is_answered_by_the_world_as_well():
    before = session(NEEDS_HUMAN, stuck_on="checks", asked=("ask:1",))
    after, tags = folded(before, event(ev.ChecksChanged), checks=checks("passed"), pull=pull())
    assert after.status is AWAITING_REVIEW
    assert tags == ("ask:1",)


def test_words_that_answer_nothing_fold_nothing_up():
    before = session(NEEDS_HUMAN, asked=("ask:1",))
    assert folded(before, command("status")) == (before, ())


def test_what_a_session_was_stopped_with_is_folded_up_with_it_when_the_next_begins():
    before = session(NEEDS_HUMAN, asked=("ask:1",), plan=PLAN)
    ended, tags = folded(before, command("stop"))
    assert (ended.status, ended.asked, tags) == (CLOSED, ("ask:1",), ())
    begun, tags = folded(ended, event(ev.IssueLabeled))
    assert (begun.status, begun.id) == (WORKING, "7-12-2")
    assert tags == ("tracking:7-12-1", "ending:7-12-1", "ask:1", plan_tag("7-12-1/turn-1"))


def test_a_plan_is_folded_up_when_it_is_written_anew_and_not_when_it_is_followed():
    waits = session(NEEDS_HUMAN, stuck_on="plan", plan=PLAN, pull_number=None, turn_cause=Cause.PLAN)
    assert folded(waits, command("go"))[1] == ()
    planning = first_turn(turn_cause=Cause.PLAN, turn_id="7-12-1/turn-2", plan=PLAN)
    assert folded(planning, event(ev.PlanDrafted))[1] == (plan_tag("7-12-1/turn-1"),)


def test_what_was_taken_back_stays_to_be_read():
    stands = session(AWAITING_REVIEW, published=(Round(head_sha=HEAD, title="", summary=""),))
    assert folded(stands, event(ev.Undone))[0].asked == ()


@pytest.mark.parametrize("held", ["pause", "quota"])
def test_what_holds_the_work_up_is_folded_up_when_it_goes_on(held: str):
    before = session(NEEDS_HUMAN, stuck_on=held, asked=("held:7-12-1/turn-2",), updated_at=NOW)
    assert folded(before, command("retry"))[1] == ("held:7-12-1/turn-2",)
