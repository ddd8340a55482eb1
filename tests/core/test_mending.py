"""`/honk fix`: what is wrong now is told anew, and a round starts; where nothing is wrong, that is the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_app.core.effects import RunTurn, Say
from github_app.core.facts import Need, needs
from github_app.core.feedback import WAITING_KEPT
from github_app.core.machine import Decision, decide
from github_app.core.session import Cause, Session
from tests.core.scene import (
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    CLOSED,
    HEAD,
    NEEDS_HUMAN,
    PULL,
    WORKING,
    checks,
    command,
    effects_of,
    facts,
    first_turn,
    pull,
    session,
    theirs,
    thread,
)

FIX = command("fix", is_pull=True, number=PULL)
STARTS = "React ShowProgress RunTurn"


def after(decision: Decision) -> Session:
    assert decision.session is not None
    return decision.session


def cause(decision: Decision) -> Cause:
    [turn] = [each for each in decision.effects if isinstance(each, RunTurn)]
    return turn.cause


@pytest.mark.parametrize("status", [AWAITING_REVIEW, AWAITING_CHECKS, NEEDS_HUMAN])
def test_red_checks_start_a_round_however_often_that_was_tried(status):
    tried = session(status, fix_rounds=3, seen=(f"check:{HEAD}:test",), checked_sha=HEAD)
    tried = replace(tried, stuck_on="checks") if status is NEEDS_HUMAN else tried
    decision = decide(tried, FIX, facts(checks=checks("failed")))
    assert (effects_of(decision), cause(decision)) == (STARTS, Cause.FIX_CHECKS)
    now = after(decision)
    assert ([each.kind for each in now.feedback], now.fix_rounds, now.checked_sha) == (["checks"], 0, HEAD)


def test_open_threads_and_red_checks_are_one_round():
    resting = session(AWAITING_REVIEW, seen=("thread:T1:900",))
    decision = decide(resting, FIX, facts(checks=checks("failed"), threads=(thread(),)))
    assert (effects_of(decision), cause(decision)) == (STARTS, Cause.ADDRESS_REVIEW)
    assert [each.kind for each in after(decision).feedback] == ["checks", "thread"]
    decision = decide(resting, FIX, facts(threads=(thread(),)))
    assert (cause(decision), after(decision).checked_sha) == (Cause.ADDRESS_REVIEW, "")


@pytest.mark.parametrize(
    ("state", "words"), [("passed", "no check is red"), ("none", "no check is red"), ("pending", "have not ended")]
)
def test_where_nothing_is_wrong_that_is_said_and_costs_nothing(state, words):
    resting = session(AWAITING_REVIEW)
    decision = decide(resting, FIX, facts(checks=checks(state)))
    assert effects_of(decision) == "React Say"
    [say] = [each for each in decision.effects if isinstance(each, Say)]
    assert words in say.body
    assert replace(after(decision), updated_at=resting.updated_at) == resting


def test_more_than_a_session_holds_is_refused():
    threads = tuple(thread(number, key=f"T{number}") for number in range(WAITING_KEPT + 1))
    decision = decide(session(AWAITING_REVIEW), FIX, facts(threads=threads))
    assert (effects_of(decision), decision.refused) == ("React Say", "full")


@pytest.mark.parametrize(
    ("before", "does"),
    [
        (session(WORKING), "React Say"),
        (first_turn(), "React Say"),
        (session(NEEDS_HUMAN, stuck_on="plan"), "React Say"),
        (session(NEEDS_HUMAN, stuck_on="money"), STARTS),
        (session(NEEDS_HUMAN, pull_number=None, head_sha=""), STARTS),
    ],
    ids=["while a turn runs", "in the first turn", "a plan waits", "the money is spent", "nothing is published"],
)
def test_where_something_else_is_in_the_way_it_is_like_any_word(before, does):
    assert effects_of(decide(before, command("fix"), facts(checks=checks("failed")))) == does


def test_without_work_of_ours_it_begins_some():
    assert effects_of(decide(None, command("fix"), facts())) == STARTS
    on_theirs = command("fix", is_pull=True, number=PULL)
    assert needs(None, on_theirs) & Need.ADOPTION
    known = facts(pull=theirs(), checks=checks("failed"))
    assert "RunTurn" not in effects_of(decide(None, on_theirs, known))  # Nobody knows yet whose branch that is.
    again = decide(session(CLOSED), command("fix"), facts(pull=pull()))
    assert "RunTurn" in effects_of(again)


def test_checks_and_threads_are_looked_up_for_it_alone():
    wanted = Need.CHECKS | Need.THREADS
    assert needs(session(AWAITING_REVIEW), FIX) & wanted == wanted
    assert not needs(session(AWAITING_REVIEW), command("retry")) & wanted
