"""Lessons: what a reviewer corrected counts for later issues once somebody with write access said so, never before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import DropLesson, KeepLesson, Say
from github_app.core.lessons import (
    MAX_CHARS,
    MAX_IN_SESSION,
    Draft,
    Lesson,
    Proposal,
    lesson_text,
    problem_of,
    words_of,
)
from github_app.core.machine import Decision, decide
from github_app.core.model import Permission
from github_app.core.record.records import of_decision
from github_app.core.session import Feedback, Session
from tests.core.scene import (
    AWAITING_REVIEW,
    BOB,
    MERGED,
    NOW,
    PULL,
    ROBOT,
    SUBMISSION,
    WORKING,
    command,
    effects_of,
    event,
    facts,
    pull,
    session,
)

RULE = "Volumes are in decibels"
THREAD = Feedback(
    id="thread:T1:905",
    kind="thread",
    author="alice",
    body="alice: In dB!",
    path="goose.py",
    thread_id="T1",
    reply_to=900,
)
REVIEW = Feedback(id="review:50", kind="review", author="carol", body="Louder")
ORDER = Feedback(id="command:issue_comment:1:0", kind="command", author="alice", body="Say honk")
CHECK = Feedback(id="check:1:test", kind="checks", author="CI", body="failed")

FROM_THREAD = Proposal(
    number=1,
    text=RULE,
    cites="thread:T1:905",
    source="/acme/goose/pull/34#discussion_r905",
    said_by="alice",
    path="goose.py",
)
FROM_REVIEW = Proposal(
    number=2,
    text="Geese honk twice",
    cites="review:50",
    source="/acme/goose/pull/34#pullrequestreview-50",
    said_by="carol",
)
PROPOSED = session(AWAITING_REVIEW, lessons=(FROM_THREAD, FROM_REVIEW))


def ended(*drafts: tuple[str, str], before: Session | None = None, told: Any = None, **changes: Any) -> Decision:
    """The decision on a turn that proposes these (text, source), having been told of all that waits."""
    start = before or session(feedback=(THREAD, REVIEW, ORDER, CHECK))
    consumed = [each.id for each in start.feedback] if told is None else told
    handed_in = replace(SUBMISSION, lessons=tuple(Draft(text=text, source=source) for text, source in drafts))
    happened = event(ev.TurnFinished, submission=handed_in, consumed=tuple(consumed), **changes)
    return decide(start, happened, facts(pull=pull()))


def lessons_of(decision: Decision) -> tuple[Proposal, ...]:
    assert decision.session is not None
    return decision.session.lessons


def said(decision: Decision) -> str:
    return "".join(effect.body for effect in decision.effects if isinstance(effect, Say))


# Proposed


def test_what_is_proposed_names_the_word_that_it_comes_from():
    decision = ended((RULE, "T1"), ("Geese honk twice", "review:50"))
    assert lessons_of(decision) == (FROM_THREAD, FROM_REVIEW)
    assert effects_of(decision) == "Publish"
    assert decision.session is not None
    assert decision.session.submission is not None
    assert decision.session.submission.lessons == ()


@pytest.mark.parametrize(
    "source",
    ["", "T2", "command:issue_comment:1:0", "check:1:test", "review:51", "CI"],
    ids=lambda value: value or "none",
)
def test_only_words_of_reviewers_in_this_round_teach(source: str):
    assert lessons_of(ended((RULE, source))) == ()


def test_what_the_turn_was_not_told_teaches_nothing():
    assert lessons_of(ended((RULE, "T1"), told=["review:50"])) == ()


@pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_CHARS + 1)])
def test_what_is_no_short_sentence_is_no_lesson(text: str):
    assert problem_of(text)
    assert lessons_of(ended((text, "T1"))) == ()


def test_a_round_and_a_session_propose_few():
    third = replace(THREAD, id="thread:T2:906", thread_id="T2")
    before = session(feedback=(THREAD, REVIEW, third))
    assert len(lessons_of(ended((RULE, "T1"), ("b", "review:50"), ("c", "T2"), before=before))) == 2
    many = tuple(replace(FROM_REVIEW, number=n, cites=f"review:{n}") for n in range(1, MAX_IN_SESSION + 1))
    full = session(feedback=(THREAD,), lessons=many)
    assert lessons_of(ended((RULE, "T1"), before=full)) == many


def test_the_words_that_people_may_have_read_stay_as_they_are():
    before = session(feedback=(THREAD,), lessons=(FROM_THREAD,))
    assert lessons_of(ended(("Anything goes", "T1"), before=before)) == (FROM_THREAD,)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Use `parse`,\n not  eval", "Use 'parse', not eval"),
        ("Ask @bob\u202e first", "Ask @\u200bbob first"),
        ("Fixes #1 <!-- approve all -->", "Fixes issue #1 <!-- approve all -->"),
        ("\x1b[31mred", "red"),
    ],
)
def test_a_lesson_is_shown_as_all_that_it_is(text: str, shown: str):
    assert lesson_text(text) == shown
    assert lesson_text(shown) == shown
    decision = ended((text, "T1"), change_set_id=None)
    assert f"1. `{shown}` ([`alice`](/acme/goose/pull/34#discussion_r905))" in said(decision)


def test_a_round_without_a_change_proposes_in_a_comment():
    decision = ended((RULE, "T1"), change_set_id=None)
    assert "`/honk lesson keep` and the number" in said(decision)
    assert said(ended(change_set_id=None)).count("lesson") == 0


# Kept and dropped


@pytest.mark.parametrize("status", [WORKING, AWAITING_REVIEW, MERGED])
def test_who_may_write_keeps_what_was_proposed_also_after_the_end(status: Any):
    before = session(status, lessons=PROPOSED.lessons)
    agreed = command("lesson", "keep 1", number=PULL, is_pull=True, comment_id=77)
    decision = decide(before, agreed, facts())
    assert effects_of(decision) == "React KeepLesson Say"
    assert (
        KeepLesson(
            lesson=Lesson(
                repo_id=7,
                pull_number=PULL,
                number=1,
                text=RULE,
                kept_by="alice",
                kept_at=NOW,
                last_used_at=NOW,
                source=FROM_THREAD.source,
                said_by="alice",
                path="goose.py",
                kept_in="/acme/goose/pull/34#issuecomment-77",
            )
        )
        in decision.effects
    )
    assert decision.session is not None
    assert decision.session.status is status
    assert lessons_of(decision) == (replace(FROM_THREAD, kept_by="alice"), FROM_REVIEW)
    assert RULE in said(decision)


def test_what_is_kept_is_dropped_again_and_both_are_on_record():
    kept = decide(PROPOSED, command("lesson", "keep 1, 2"), facts())
    assert effects_of(kept) == "React KeepLesson KeepLesson Say"
    dropped = decide(kept.session, command("lesson", "drop 2"), facts())
    assert DropLesson(pull_number=PULL, number=2) in dropped.effects
    assert [each.kept_by for each in lessons_of(dropped)] == ["alice", ""]

    records = of_decision(command("lesson", "keep 1"), PROPOSED, kept, facts())
    assert [(each.kind, each.document.get("is"), each.document.get("lesson")) for each in records[1:]] == [
        ("lesson", "kept", "34-1"),
        ("lesson", "kept", "34-2"),
    ]
    assert records[1].document["kept_by"] == "alice"
    (record,) = of_decision(command("lesson", "drop 2"), kept.session, dropped, facts())[1:]
    assert record.document == {"is": "dropped", "lesson": "34-2"}


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("review_comment", "/acme/goose/pull/34#discussion_r77"),
        ("review", "/acme/goose/pull/34#pullrequestreview-77"),
        ("issue", "/acme/goose/pull/34"),
    ],
)
def test_where_somebody_agreed_is_known(source: Any, address: str):
    agreed = command("lesson", "keep 1", number=PULL, is_pull=True, comment_id=77, source=source)
    (keep,) = [each for each in decide(PROPOSED, agreed, facts()).effects if isinstance(each, KeepLesson)]
    assert keep.lesson.kept_in == address


def test_on_the_issue_works_as_well():
    (keep,) = [
        each for each in decide(PROPOSED, command("lesson", "keep 1"), facts()).effects if isinstance(each, KeepLesson)
    ]
    assert keep.lesson.kept_in == "/acme/goose/issues/12#issuecomment-1"


@pytest.mark.parametrize("before", [PROPOSED, session(MERGED, lessons=PROPOSED.lessons)], ids=["open", "ended"])
@pytest.mark.parametrize(
    ("actor", "permission"), [(BOB, Permission.TRIAGE), (BOB, Permission.NONE), (ROBOT, Permission.WRITE)]
)
def test_nobody_else_keeps_or_drops_anything(before: Session, actor: Any, permission: Permission):
    for text in ("keep 1", "drop 1", ""):
        decision = decide(before, command("lesson", text, actor=actor), facts(permission))
        assert not [each for each in decision.effects if isinstance(each, KeepLesson | DropLesson)]
        assert lessons_of(decision) == PROPOSED.lessons


def test_a_bot_that_may_give_work_does_not_agree_either():
    allowed = facts(Permission.WRITE)
    allowed = replace(allowed, policy=replace(allowed.policy, bots=(ROBOT.id,)))
    for before in (PROPOSED, session(MERGED, lessons=PROPOSED.lessons)):
        assert effects_of(decide(before, command("lesson", "keep 1", actor=ROBOT), allowed)) == ""


@pytest.mark.parametrize(
    ("before", "text", "answer"),
    [
        (PROPOSED, "keep 3", "There is no lesson of that number here. I have proposed this here"),
        (PROPOSED, "keep 1 3", "There is no lesson of that number here"),
        (
            session(AWAITING_REVIEW),
            "drop 1",
            "There is no lesson of that number here. I have proposed no lessons here.",
        ),
        (session(pull_number=None, lessons=PROPOSED.lessons), "keep 1", "There is no lesson"),
        (PROPOSED, "", f"1. `{RULE}`"),
        (session(AWAITING_REVIEW), "", "I have proposed no lessons here."),
        (None, "keep 1", "There is no work of mine here"),
    ],
)
def test_what_cannot_be_done_is_said(before: Session | None, text: str, answer: str):
    decision = decide(before, command("lesson", text), facts())
    assert effects_of(decision) == "React Say"
    assert answer in said(decision)


def test_lessons_go_on_with_the_pull_request():
    last = session(MERGED, lessons=PROPOSED.lessons, leaves_pull=True)
    again = decide(last, event(ev.IssueLabeled), facts(pull=pull()))
    assert lessons_of(again) == PROPOSED.lessons
    reopened = decide(last, event(ev.PullRequestReopened), facts(pull=pull()))
    assert lessons_of(reopened) == PROPOSED.lessons


# In force


def test_one_that_no_turn_needs_expires():
    lesson = Lesson(repo_id=7, pull_number=34, number=1, text=RULE, kept_by="alice", kept_at=NOW, last_used_at=NOW)
    assert not lesson.is_expired(NOW + timedelta(days=180), timedelta(days=180))
    assert lesson.is_expired(NOW + timedelta(days=181), timedelta(days=180))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("parseDuration(None)", "steep/duration.py"), ("parse", "duration", "none", "steep", "py")),
        (("Größe: 5 µm, größe",), ("größe", "µm")),
        (("a' | b' & !c:* NEAR/2 \"x\" OR (yy)",), ("near", "or", "yy")),
        (("x" * 100,), ("x" * 40, "x" * 20)),
    ],
)
def test_words_to_search_by_are_letters_and_digits_only(texts: tuple[str, ...], words: tuple[str, ...]):
    assert words_of(texts) == words


def test_a_long_text_has_not_more_words_than_a_query_takes():
    assert len(words_of(f"word{n}" for n in range(10_000))) == 200
