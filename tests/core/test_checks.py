"""What the checks of the head mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from github_app.core import events as ev
from github_app.core.effects import MarkReady, Say
from github_app.core.machine import decide
from github_app.core.messages import stops
from github_app.core.model import Checks, CheckState, FailedCheck
from github_app.core.policy import Policy
from github_app.core.session import Cause, Feedback, Session
from tests.core.scene import (
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BASE,
    HEAD,
    NEEDS_HUMAN,
    NEW,
    NOW,
    OPEN,
    PULL,
    WORKING,
    Row,
    cases,
    check,
    command,
    event,
    facts,
    pull,
    row,
    rows_of,
    session,
    words,
)
from tests.core.scene import checks as checks_of
from tests.edge.cases import shows

CHANGED = event(ev.ChecksChanged)
WAITING = (AWAITING_CHECKS, AWAITING_REVIEW)
STUCK = session(NEEDS_HUMAN, stuck_on="checks")
RED = facts(checks=checks_of("failed"))
BLOCKED = facts(checks=checks_of("blocked"))
RED_BEFORE = facts(checks=checks_of("failed"), base_checks=checks_of("failed", BASE))
MENDING = session(WORKING, turn_cause=Cause.FIX_CHECKS, feedback=(words(f"check:{HEAD}:test", kind="checks"),))

ROWS = [
    rows_of([WORKING], "checks run on while a turn runs", CHANGED, facts=facts(checks=checks_of("pending")),
            does="", why="a turn runs"),
    rows_of([WORKING], "red while a turn runs", CHANGED, facts=RED, does="", why="joins the running turn"),
    rows_of([WORKING], "red, as it was before us, while a turn runs", CHANGED, facts=RED_BEFORE,
            does="", why="a turn runs"),
    rows_of([WORKING], "green while a turn runs for something else", CHANGED, facts=facts(checks=checks_of("passed")),
            does="", why="a turn runs"),
    row(MENDING, "red, as the turn knows", CHANGED, facts=RED, does="", why="a turn runs"),
    row(MENDING, "green by itself", CHANGED, facts=facts(checks=checks_of("passed")),
        to=AWAITING_REVIEW, does="MarkReady ShowProgress", why="withdrawn"),
    row(replace(MENDING, feedback=(*MENDING.feedback, words())), "green by itself, but somebody spoke", CHANGED,
        facts=facts(checks=checks_of("passed")), does="", why="a turn runs"),
    row(replace(MENDING, carried=(f"check:{HEAD}:test",)), "green when the turn has handed in", CHANGED,
        facts=facts(checks=checks_of("passed")), does="", why="a turn runs"),
    rows_of(WAITING, "red, as it was before us", CHANGED, facts=RED_BEFORE,
            to=NEEDS_HUMAN, does="Say ShowProgress", why="not my change"),
    row(session(NEEDS_HUMAN, stuck_on="checks", waiting_for=stops.checks_red_before(checks_of("failed"), BASE)),
        "still red as before us", CHANGED, facts=RED_BEFORE, does="", why="was told"),
    rows_of(OPEN, "checks of another commit", event(ev.ChecksChanged, head_sha=NEW), does="", why="not the head"),
    rows_of([WORKING], "checks while a turn runs", CHANGED, does="", why="a turn runs"),
    rows_of([AWAITING_CHECKS], "all green", CHANGED, facts=facts(checks=checks_of("passed")),
            to=AWAITING_REVIEW, does="MarkReady ShowProgress", why="all checks passed"),
    row(session(AWAITING_CHECKS, pull_is_draft=False), "all green, no draft", CHANGED,
        facts=facts(checks=checks_of("passed")),
        to=AWAITING_REVIEW, does="ShowProgress", why="all checks passed"),
    rows_of(WAITING, "red", CHANGED, facts=RED, to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    rows_of(WAITING, "red for the last time", CHANGED, facts=facts(checks=checks_of("failed"),
            policy=Policy(fix_rounds=0)),
            to=NEEDS_HUMAN, does="Say ShowProgress", why="Checks are red"),
    rows_of(WAITING, "CI waits for approval", CHANGED, facts=BLOCKED,
            to=NEEDS_HUMAN, does="Say ShowProgress", why="approve its run"),
    rows_of(WAITING, "CI began", CHANGED, facts=facts(checks=checks_of("pending")),
            to=AWAITING_CHECKS, does="ShowProgress", why="not ended"),
    row(session(AWAITING_CHECKS, checks=checks_of("pending")), "no news", CHANGED,
        facts=facts(checks=checks_of("pending")),
        does="", why="not ended"),
    rows_of([AWAITING_REVIEW], "no checks, as before", CHANGED, does="", why="as before"),
    row(session(AWAITING_REVIEW, checks=checks_of("passed")), "still green", CHANGED,
        facts=facts(checks=checks_of("passed")),
        does="", why="ready already"),
    rows_of([NEEDS_HUMAN], "green while a human has the word", CHANGED, facts=facts(checks=checks_of("passed")),
            does="ShowProgress", why="a human has the next word"),
    row(session(NEEDS_HUMAN, checks=checks_of("passed")), "no news while a human has the word", CHANGED,
        facts=facts(checks=checks_of("passed")), does="", why="a human has the next word"),
    row(STUCK, "green when a human was asked about them", CHANGED, facts=facts(checks=checks_of("passed")),
        to=AWAITING_REVIEW, does="MarkReady ShowProgress", why="all checks passed"),
    row(STUCK, "running when a human was asked about them", CHANGED, facts=facts(checks=checks_of("pending")),
        to=AWAITING_CHECKS, does="ShowProgress", why="not ended"),
    row(STUCK, "still waiting for approval", CHANGED, facts=BLOCKED, does="", why="still waits for a person"),
    row(STUCK, "approved, then red", CHANGED, facts=RED, to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(replace(STUCK, checked_sha=HEAD), "still red", CHANGED, facts=RED, does="",
        why="asked about this failure already"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_checks_of_an_open_session(each: Row, before: Session):
    check(each, before)


def after(before: Session, happened: ev.Event, state: CheckState, sha: str = HEAD) -> Session:
    decided = decide(before, happened, facts(checks=checks_of(state, sha))).session
    assert decided is not None
    return decided


def test_agent_gets_what_failed_and_its_log():
    fixing = after(session(AWAITING_CHECKS), CHANGED, "failed")
    assert (fixing.turn_cause, fixing.fix_rounds, fixing.checked_sha) == (Cause.FIX_CHECKS, 1, HEAD)
    assert [(each.kind, each.id) for each in fixing.feedback] == [("checks", f"check:{HEAD}:test")]
    assert "1 != 2" in fixing.feedback[0].body


def test_session_keeps_what_failed_without_its_log():
    fixing = after(session(AWAITING_CHECKS), CHANGED, "failed")
    assert fixing.checks is not None
    assert [(each.name, each.log) for each in fixing.checks.failed] == [("test", "")]


def test_third_red_head_is_left_to_people_who_can_hand_it_back():
    tired = session(AWAITING_CHECKS, fix_rounds=3, turn_cause=Cause.FIX_CHECKS)
    asked = decide(tired, CHANGED, RED)
    assert isinstance(say := asked.effects[0], Say)
    assert "still red after 3 attempts (failed: `test`)" in say.body
    assert asked.session is not None
    again = decide(asked.session, command("retry"), facts()).session
    assert again is not None
    assert [each.kind for each in again.feedback] == ["checks"]
    assert (again.turn_cause, again.fix_rounds) == (Cause.FIX_CHECKS, 0)


def test_green_forgets_what_was_red():
    red = Feedback(id=f"check:{HEAD}:test", kind="checks", author="CI", body="red")
    green = after(replace(STUCK, feedback=(red,), fix_rounds=3), CHANGED, "passed")
    assert (green.status, green.feedback, green.fix_rounds) == (AWAITING_REVIEW, (), 0)


def test_newer_failure_replaces_an_older_one():
    old = Feedback(id=f"check:{BASE}:test", kind="checks", author="CI", body="red")
    asked = after(replace(STUCK, feedback=(old,)), CHANGED, "failed")
    assert [each.id for each in asked.feedback] == [f"check:{HEAD}:test"]


def test_blocked_then_running_then_green():
    asked = after(session(AWAITING_CHECKS), CHANGED, "blocked")
    assert (asked.status, asked.stuck_on) == (NEEDS_HUMAN, "checks")
    running = after(asked, CHANGED, "pending")
    assert (running.status, running.stuck_on, running.waiting_for) == (AWAITING_CHECKS, "", "")
    assert after(running, CHANGED, "passed").status is AWAITING_REVIEW


def test_red_after_green_is_fixed_while_people_review():
    assert after(session(AWAITING_REVIEW, checked_sha=BASE), CHANGED, "failed").status is WORKING


def test_checks_that_ended_before_we_knew_the_head_count_when_we_do():
    early = event(ev.ChecksChanged, head_sha=NEW)
    assert decide(session(), early, facts()).session == session()
    assert after(session(), event(ev.Published), "passed", NEW).status is AWAITING_REVIEW


def test_checks_looked_up_for_another_commit_do_not_count():
    assert after(session(), event(ev.Published), "passed", BASE).status is AWAITING_CHECKS


@pytest.mark.parametrize("status", AT_REST)
def test_person_who_makes_it_a_draft_again_is_not_overruled(status):
    drafted = decide(session(status), event(ev.PullRequestDraftChanged), facts()).session
    assert drafted is not None
    assert drafted.pull_is_draft
    if status is AWAITING_REVIEW:
        ticked = decide(drafted, event(ev.Ticked), facts(pull=pull(), checks=checks_of("passed")))
        assert MarkReady(pull_number=PULL) not in ticked.effects
        assert ticked.session is not None
        assert ticked.session.pull_is_draft


def failing(*checks: FailedCheck, sha: str = HEAD) -> Checks:
    return Checks(head_sha=sha, state="failed", failed=checks)


def a_check(name: str, source: str, conclusion: str = "failure") -> FailedCheck:
    return FailedCheck(name=name, conclusion=conclusion, source=source)


@shows("W56")
@pytest.mark.parametrize(
    ("before", "left"),
    [
        ((), ["lint", "test", "test"]),
        ((a_check("test", "app 1"),), ["lint", "test"]),
        ((a_check("test", "app 1"), a_check("test", "app 2")), ["lint"]),
        ((a_check("test", "app 3"),), ["lint", "test", "test"]),
        ((a_check("lint", "status", "error"),), ["test", "test"]),
        # there, nobody has seen it fail
        ((a_check("lint", "status", "cancelled"), a_check("test", "app 1", "stale")), ["lint", "test", "test"]),
    ],
)
def test_a_round_is_about_what_our_change_made_red(before: tuple[FailedCheck, ...], left: list[str]):
    now = failing(a_check("lint", "status"), a_check("test", "app 1"), a_check("test", "app 2"))
    known = facts(checks=now, base_checks=failing(*before, sha=BASE))
    fixing = decide(session(AWAITING_CHECKS), CHANGED, known).session
    assert fixing is not None
    assert [each.id.rpartition(":")[2] for each in fixing.feedback] == left
    assert fixing.checks is not None
    assert len(fixing.checks.failed) == 3  # what people see is all of it


@shows("W56")
def test_what_was_red_before_us_is_no_more_a_turns_business_than_peoples_words_make_it():
    asked = decide(session(AWAITING_CHECKS), CHANGED, RED_BEFORE).session
    assert asked is not None
    assert (asked.fix_rounds, asked.feedback, asked.stuck_on) == (0, (), "checks")
    green = decide(asked, CHANGED, facts(checks=checks_of("passed"))).session
    assert green is not None
    assert green.status is AWAITING_REVIEW
    ours = facts(checks=failing(a_check("test", ""), a_check("lint", "")), base_checks=checks_of("failed", BASE))
    fixing = decide(asked, CHANGED, ours).session
    assert fixing is not None
    assert [each.id for each in fixing.feedback] == [f"check:{HEAD}:lint"]


@shows("W40")
def test_what_failed_during_a_review_round_is_mended_in_the_same_round():
    both = decide(session(WORKING, turn_cause=Cause.ADDRESS_REVIEW, feedback=(words(),)), CHANGED, RED).session
    assert both is not None
    assert [each.kind for each in both.feedback] == ["command", "checks"]
    answered = event(ev.TurnFinished, change_set_id=None, consumed=tuple(each.id for each in both.feedback))
    left = decide(both, answered, RED)
    assert left.session is not None
    assert (left.session.status, left.session.stuck_on) == (NEEDS_HUMAN, "checks")


@shows("W52")
def test_a_check_that_never_ends_is_waited_for_so_long_and_named_once():
    waiting = session(AWAITING_CHECKS, status_since=NOW - timedelta(hours=7), checks=checks_of("pending"))
    asked = decide(waiting, event(ev.Ticked), facts(pull=pull(), checks=checks_of("pending")))
    assert isinstance(say := asked.effects[0], Say)
    assert "`test` did not end within 6 hours" in say.body
    assert asked.session is not None
    assert (asked.session.status, asked.session.stuck_on) == (NEEDS_HUMAN, "checks")
    later = decide(asked.session, event(ev.Ticked), facts(pull=pull(), checks=checks_of("pending")))
    assert later.effects == ()
    green = decide(asked.session, CHANGED, facts(checks=checks_of("passed"))).session
    assert green is not None
    assert green.status is AWAITING_REVIEW
