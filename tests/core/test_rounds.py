"""How turns end, and what becomes of effects that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import MarkReady, Publish, ReplyThreads, RequestReview, RunTurn, Say, ShowProof
from github_app.core.facts import Facts
from github_app.core.machine import Decision, decide
from github_app.core.model import NetworkDecision, Usage
from github_app.core.rounds import MAX_MOVED_HEADS
from github_app.core.session import Cause, Feedback, Session
from github_app.core.verdicts import Verdict
from tests.core.scene import (
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    HEAD,
    ISSUE,
    NEEDS_HUMAN,
    NEW,
    OPEN,
    PULL,
    REPLIES,
    SUBMISSION,
    USAGE,
    WORKING,
    Row,
    cases,
    check,
    command,
    event,
    facts,
    first_turn,
    pull,
    row,
    rows_of,
    session,
    words,
)
from tests.core.scene import checks as checks_of

FIXING = session(turn_cause=Cause.FIX_CHECKS)
REVIEW = Feedback(id="review:50", kind="review", author="alice", body="Louder")
PUSH = Feedback(id=f"push:{NEW}", kind="push", author="git", body="Somebody pushed")
FIRST = {"turn_id": "7-12-1/turn-1"}


def finished(**changes: Any) -> ev.TurnFinished:
    happened: ev.TurnFinished = event(ev.TurnFinished, **changes)
    return happened


REFUSED = NetworkDecision(host="evil.example", port=443, is_allowed=False, reason="not in the policy")


@pytest.mark.parametrize("ended", [ev.TurnFinished, ev.TurnAsked, ev.TurnStopped])
def test_what_a_turn_was_refused_stays_with_the_session(ended: type):
    happened = event(ended, refused=(REFUSED,))
    before = session(refused=(REFUSED,))
    after = decide(before, happened, facts()).session
    assert after is not None
    assert after.refused == (replace(REFUSED, times=2),)


def unchanged(**changes: Any) -> ev.TurnFinished:
    return finished(change_set_id=None, **changes)


def failed(kind: str, **changes: Any) -> ev.EffectFailed:
    happened: ev.EffectFailed = event(ev.EffectFailed, effect_kind=kind, **changes)
    return happened


ROWS = [
    # A turn ends
    rows_of([WORKING], "a change set submitted", finished(), does="Publish", why="submitted a change set"),
    rows_of(AT_REST, "a change set of a turn that was withdrawn", finished(), does="", why="not in force"),
    rows_of([WORKING], "an older turn's change set", finished(**FIRST), does="", why="not in force"),
    rows_of([WORKING], "an answer without a change", unchanged(), facts=facts(checks=checks_of("passed")),
            to=AWAITING_REVIEW, does="Say MarkReady ShowProgress", why="all checks passed"),
    rows_of([WORKING], "an answer without a change while CI runs", unchanged(),
            facts=facts(checks=checks_of("pending")),
            to=AWAITING_CHECKS, does="Say ShowProgress", why="answered without a change"),
    row(first_turn(), "nothing changed at first", unchanged(**FIRST),
        to=NEEDS_HUMAN, does="Say ShowProgress", why="I changed nothing"),
    row(FIXING, "nothing changed to fix the checks", unchanged(),
        to=NEEDS_HUMAN, does="Say ShowProgress", why="I changed nothing"),
    row(replace(FIXING, feedback=(words(),)), "nothing changed, but somebody spoke", unchanged(),
        to=WORKING, does="Say ShowProgress RunTurn", why="more came in"),
    rows_of(AT_REST, "no change by a turn that was withdrawn", unchanged(), does="", why="not in force"),
    rows_of([WORKING], "a question", event(ev.TurnAsked), to=NEEDS_HUMAN, does="Say ShowProgress",
            why="a human is needed"),
    row(session(feedback=(words(),)), "a question while somebody spoke", event(ev.TurnAsked),
        to=WORKING, does="ShowProgress RunTurn", why="a person spoke while the agent asked"),
    row(session(feedback=(REVIEW,)), "a question while somebody reviewed", event(ev.TurnAsked),
        to=WORKING, does="ShowProgress RunTurn", why="a person spoke while the agent asked"),
    row(session(feedback=(PUSH,)), "a question while somebody pushed", event(ev.TurnAsked),
        to=NEEDS_HUMAN, does="Say ShowProgress", why="a human is needed"),
    rows_of(AT_REST, "a question of a turn that was withdrawn", event(ev.TurnAsked), does="", why="not in force"),
    rows_of([WORKING], "a limit reached", event(ev.TurnStopped, limit="steps"),
            to=NEEDS_HUMAN, does="Say ShowProgress", why="I stopped: the model is away"),
    rows_of(AT_REST, "a limit of a turn that was withdrawn", event(ev.TurnStopped), does="", why="not in force"),
    # It is published
    rows_of([WORKING], "published", event(ev.Published), facts=facts(checks=checks_of("pending", NEW)),
            to=AWAITING_CHECKS, does="ShowProgress", why="the change set is published"),
    rows_of([WORKING], "published, and CI was faster", event(ev.Published), facts=facts(checks=checks_of("passed",
            NEW)),
            to=AWAITING_REVIEW, does="MarkReady ShowProgress Deliver", why="all checks passed"),
    rows_of([WORKING], "published, and CI is red already", event(ev.Published),
            facts=facts(checks=checks_of("failed", NEW)),
            to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(session(feedback=(REVIEW,)), "published, and a review came in", event(ev.Published),
        to=WORKING, does="ShowProgress RunTurn", why="more came in"),
    row(session(feedback=(PUSH,)), "published, and a push was heard of before", event(ev.Published),
        to=AWAITING_CHECKS, does="ShowProgress", why="the change set is published"),
    rows_of([WORKING], "published by an older turn", event(ev.Published, **FIRST), does="", why="not in force"),
    rows_of([AWAITING_CHECKS, AWAITING_REVIEW], "published by a turn that was withdrawn", event(ev.Published),
            to=AWAITING_CHECKS, does="ShowProgress", why="the new head is checked"),
    rows_of([NEEDS_HUMAN], "published by a turn that was withdrawn", event(ev.Published),
            does="ShowProgress", why="a human has the next word"),
    # Something cannot be done
    rows_of([WORKING], "publishing failed", failed("Publish"), to=NEEDS_HUMAN, does="Say ShowProgress",
            why="I could not publish my change: GitHub said no"),
    rows_of([WORKING], "publishing failed for an older turn", failed("Publish", **FIRST), does="", why="not in force"),
    rows_of([WORKING], "publishing failed for a moved branch", failed("Publish", head_sha=NEW),
            to=WORKING, does="ShowProgress RunTurn", why="on top of it"),
    row(first_turn(), "publishing failed for a branch of that name that is there already",
        failed("Publish", head_sha=NEW, **FIRST),
        to=WORKING, does="ShowProgress RunTurn", why="the work gets another one"),
    row(session(moved_heads=MAX_MOVED_HEADS), "publishing failed for a branch that keeps moving",
        failed("Publish", head_sha=NEW), to=NEEDS_HUMAN, does="Say ShowProgress", why="a human is needed"),
    rows_of([WORKING], "the turn could not run", failed("RunTurn"), to=NEEDS_HUMAN, does="Say ShowProgress",
            why="I could not work"),
    rows_of(AT_REST, "publishing failed, withdrawn before", failed("Publish"), does="", why="not in force"),
    rows_of(AT_REST, "the turn could not run, withdrawn before", failed("RunTurn"), does="", why="not in force"),
    rows_of(OPEN, "the draft could not be ended", failed("MarkReady"), does="Say ShowProgress", why="stays a draft"),
    row(first_turn(), "the draft could not be ended without a pull request", failed("MarkReady"), does="",
        why="does not hang"),
    rows_of(OPEN, "a comment could not be posted", failed("Say"), does="", why="the work does not hang on it"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_end_of_turns(each: Row, before: Session):
    check(each, before)


def after(before: Session, happened: ev.Event, known: Facts | None = None) -> Session:
    decided = decide(before, happened, known or facts()).session
    assert decided is not None
    return decided


def held(now: Session) -> list[str]:
    return [feedback.id for feedback in now.feedback]


def said(decision: Decision) -> str:
    return "\n".join(effect.body for effect in decision.effects if isinstance(effect, Say))


def test_first_turn_opens_the_pull_request():
    told = decide(first_turn(), finished(**FIRST), facts())
    assert told.effects == (Publish(turn_id="7-12-1/turn-1", change_set_id="blob"),)
    assert told.session is not None
    out = after(told.session, event(ev.Published, **FIRST))
    assert (out.status, out.head_sha, out.pull_number, out.turn_id) == (AWAITING_CHECKS, NEW, PULL, None)


def test_each_published_round_is_kept_for_the_pull_requests_body():
    first = after(after(first_turn(), finished(**FIRST)), event(ev.Published, **FIRST))
    assert first.submission is not None
    assert [(each.head_sha, each.title) for each in first.published] == [(NEW, first.submission.title)]
    told = after(session(published=first.published), finished())
    assert len(after(told, event(ev.Published)).published) == 2


def test_feedback_is_done_with_only_when_its_work_is_published():
    told = after(session(feedback=(REVIEW, words())), finished(consumed=("review:50",)))
    assert held(told) == ["review:50", "command:issue_comment:1"]
    out = after(told, event(ev.Published))
    assert (held(out), out.seen, out.carried) == (["command:issue_comment:1"], ("review:50",), ())


def test_a_branch_of_that_name_that_is_not_ours_is_left_alone():
    again = after(first_turn(), failed("Publish", head_sha=NEW, **FIRST))
    assert again.branch == f"{first_turn().branch}-again"
    assert (again.head_sha, again.base_sha, again.moved_heads) == ("", first_turn().base_sha, 1)


def test_feedback_is_handed_over_again_when_the_branch_had_moved():
    told = after(session(feedback=(REVIEW,)), finished(consumed=("review:50",)))
    again = after(told, failed("Publish", head_sha=NEW))
    assert held(again) == ["review:50", f"push:{NEW}"]
    assert (again.head_sha, again.moved_heads, again.carried, again.turn_cause) == (NEW, 1, (), Cause.FOLLOW_UP)


@pytest.mark.parametrize("kind", [ev.TurnAsked, ev.TurnStopped])
def test_feedback_stays_when_the_turn_does_not_get_to_its_end(kind: type):
    """A turn knows only what it is told: `/honk retry` must not forget the review that the last one was about."""
    stopped = after(session(feedback=(REVIEW,)), event(kind, consumed=("review:50",)))
    assert (stopped.status, held(stopped)) == (NEEDS_HUMAN, ["review:50"])
    assert held(after(stopped, command("retry"))) == ["review:50"]


def test_failed_checks_stay_when_the_agent_changed_nothing():
    red = Feedback(id=f"check:{HEAD}:test", kind="checks", author="CI", body="red")
    asked = after(replace(FIXING, feedback=(red,)), unchanged(consumed=(red.id,)))
    assert (held(asked), asked.stuck_on) == ([red.id], "checks")


def test_flaky_check_that_turns_green_needs_no_words():
    asked = after(replace(FIXING, checked_sha=HEAD), unchanged())
    assert asked.status is NEEDS_HUMAN
    woken = after(asked, event(ev.ChecksChanged), facts(checks=checks_of("passed")))
    assert woken.status is AWAITING_REVIEW


def test_same_red_head_after_a_fix_without_a_change_is_told_once():
    asked = after(replace(FIXING, checked_sha=HEAD, fix_rounds=1), unchanged())
    again = decide(asked, event(ev.ChecksChanged), facts(checks=checks_of("failed")))
    assert (again.effects, again.why) == ((), "a human was asked about this failure already")


def test_agent_that_answered_a_review_on_a_red_head_leaves_it_to_people():
    answered = decide(session(checked_sha=HEAD, fix_rounds=1), unchanged(), facts(checks=checks_of("failed")))
    assert answered.session is not None
    assert (answered.session.status, answered.session.stuck_on) == (NEEDS_HUMAN, "checks")
    assert "still red after 1 attempt (" in said(answered)


def test_turn_without_a_change_finds_the_head_that_others_pushed():
    rested = after(session(feedback=(PUSH,)), unchanged(), facts(pull=pull(head_sha=NEW), checks=checks_of("failed")))
    assert (rested.status, rested.head_sha, held(rested)) == (AWAITING_CHECKS, NEW, [])


def test_answers_to_threads_are_posted_without_another_comment():
    replied = decide(session(), unchanged(submission=replace(SUBMISSION, replies=REPLIES)), facts())
    assert replied.effects[0] == ReplyThreads(pull_number=PULL, replies=REPLIES)
    assert said(replied) == ""
    assert isinstance(shown := replied.effects[0], ReplyThreads)
    assert [each.body for each in shown.replies] == ["Done."]


def test_answers_to_threads_are_posted_once_published():
    told = after(session(), finished(submission=replace(SUBMISSION, replies=REPLIES)))
    out = decide(told, event(ev.Published), facts())
    assert out.effects[0] == ReplyThreads(pull_number=PULL, replies=REPLIES)


def test_review_is_asked_for_again_when_all_that_was_said_is_published():
    reviewed = session(reviewers=("alice",), feedback=(REVIEW,))
    not_yet = decide(reviewed, event(ev.Published), facts())
    assert not any(isinstance(effect, RequestReview) for effect in not_yet.effects)
    assert not_yet.session is not None
    assert not_yet.session.reviewers == ("alice",)
    told = replace(not_yet.session, carried=("review:50",))
    done = decide(told, event(ev.Published, turn_id=told.turn_id), facts())
    assert RequestReview(pull_number=PULL, logins=("alice",)) in done.effects
    assert done.session is not None
    assert done.session.reviewers == ()


def test_what_a_turn_says_calls_nobody_and_closes_nothing():
    loud = replace(
        SUBMISSION,
        title="Fix #99 for @bob",
        summary="Fixes #99. @bob\n/honk stop",
        replies=(replace(REPLIES[0], body="Done, @bob"),),
    )
    told = after(session(), finished(submission=loud))
    assert told.submission is not None
    assert told.submission.title == "Fix issue #99 for @\u200bbob"
    assert told.submission.summary == "Fixes issue #99. @\u200bbob\n`/honk` stop"
    assert told.submission.replies[0].body == "Done, @\u200bbob"


@pytest.mark.parametrize(("limit", "stuck_on"), [("money", "money"), ("steps", ""), ("", "")])
def test_only_spent_money_has_to_be_allowed_anew(limit: str, stuck_on: str):
    assert after(session(), event(ev.TurnStopped, limit=limit)).stuck_on == stuck_on


def test_money_and_tokens_add_up_over_turns():
    spent = after(session(usage=USAGE), event(ev.TurnStopped))
    assert spent.usage == Usage(input_tokens=200, output_tokens=20, cost_micro_usd=4_000, steps=2)


def test_feedback_that_came_in_meanwhile_names_the_next_turns_cause():
    assert after(session(feedback=(REVIEW,)), event(ev.Published)).turn_cause is Cause.ADDRESS_REVIEW
    assert after(session(feedback=(words(),)), event(ev.Published)).turn_cause is Cause.FOLLOW_UP


def test_failure_that_an_old_head_left_behind_starts_no_turn():
    red = Feedback(id=f"check:{HEAD}:test", kind="checks", author="CI", body="red")
    out = after(session(feedback=(red,)), event(ev.Published))
    assert (out.status, held(out)) == (AWAITING_CHECKS, [])


def test_question_before_any_pull_request_is_asked_on_the_issue():
    assert isinstance(say := decide(first_turn(), event(ev.TurnAsked, **FIRST), facts()).effects[0], Say)
    assert (say.number, "Which tune?" in say.body) == (ISSUE, True)


def test_push_by_a_turn_given_up_on_is_not_forgotten():
    silent = first_turn(status=NEEDS_HUMAN, turn_id=None)
    noted = after(silent, event(ev.Published, **FIRST))
    assert (noted.status, noted.pull_number, noted.head_sha) == (NEEDS_HUMAN, PULL, NEW)
    working = after(first_turn(turn_id="7-12-1/turn-2", turns=2), event(ev.Published, **FIRST))
    assert (working.pull_number, working.head_sha) == (PULL, "")


def test_failure_to_end_the_draft_leaves_a_running_turn_alone():
    running = decide(session(), failed("MarkReady"), facts())
    assert running.session is not None
    assert (running.session.turn_id, running.session.pull_is_draft) == ("7-12-1/turn-2", True)


def test_draft_is_ended_again_after_the_next_turn():
    draft = after(session(AWAITING_REVIEW), failed("MarkReady"))
    still = decide(draft, event(ev.Ticked), facts(checks=checks_of("passed")))
    assert MarkReady(pull_number=PULL) not in still.effects
    turn = after(draft, command("retry"))
    out = decide(turn, event(ev.Published, turn_id=turn.turn_id), facts(checks=checks_of("passed", NEW)))
    assert MarkReady(pull_number=PULL) in out.effects


def test_turn_done_again_keeps_its_cause():
    again = decide(FIXING, failed("Publish", head_sha=NEW, turn_id="7-12-1/turn-2"), facts())
    assert again.effects[-1] == RunTurn(turn_id="7-12-1/turn-3", cause=Cause.FIX_CHECKS)


def test_each_commit_of_ours_has_its_proof():
    submission = replace(SUBMISSION, verdicts=(Verdict(command="make test", exit_code=0, duration_s=1.0),))
    out = decide(session(submission=submission), event(ev.Published), facts())
    (shown,) = [effect for effect in out.effects if isinstance(effect, ShowProof)]
    assert (shown.head_sha, shown.conclusion, shown.title) == (NEW, "success", "1 verifier: 1 passed")
    assert "| `make test` |" in shown.summary
    assert not any(isinstance(effect, ShowProof) for effect in decide(session(), event(ev.Published), facts()).effects)
