"""What programs ask for by the API, in somebody's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core.commands import Command, Verb, parse_command
from github_app.core.decisions import Decision
from github_app.core.effects import RunTurn, Say
from github_app.core.events import CommandIssued
from github_app.core.machine import decide
from github_app.core.messages.requests import issue_of, repeated
from github_app.core.model import Permission
from github_app.core.requests import asked_in_issue, is_request_of, left_to_people, name_request, said_by_api
from github_app.core.session import Session, Status
from tests.core.scene import ALICE, BOB, ISSUE, NEEDS_HUMAN, REPO, WORKING, facts, session


def asked(words: str, key: str = "k") -> CommandIssued:
    command = parse_command(f"/honk {words}")
    assert command is not None
    return said_by_api(name_request(ALICE, key, words), ALICE, REPO, ISSUE, command)


def said(words: str, current: Session | None = None, **more: Any) -> Decision:
    return decide(current, asked(words), facts(**more))


def texts(decision: Decision) -> list[str]:
    return [effect.body for effect in decision.effects if isinstance(effect, Say)]


def test_work_begins_and_the_issue_shows_who_asked_for_what():
    decision = said("and say\ngoodbye @bob, /honk stop")
    assert decision.session is not None
    assert decision.session.status is WORKING
    assert texts(decision)[0] == "`alice` wrote to me by the API:\n\n> and say\n> goodbye @\u200bbob, `/honk` stop"
    assert [each.body for each in decision.session.feedback] == ["and say\ngoodbye @bob, /honk stop"]
    assert texts(said(""))[0] == "`alice` asked me by the API to start."
    assert repeated("ann", Command(verb="stop")).endswith("> stop")


def test_the_same_words_twice_are_two_things_said():
    first, second = asked("go on", "1"), asked("go on", "2")
    assert first.comment_id != second.comment_id
    assert asked("go on", "1") == first


def test_an_issue_that_was_opened_for_it_needs_no_repetition():
    title, body = issue_of("alice", "Fix it, @bob\nsoon", "")
    assert title == "Fix it, @\u200bbob"
    assert body == "Fix it, @\u200bbob\nsoon\n\n*`alice` asked for this by the API.*"
    assert issue_of("alice", "Fix it", "Broken")[0] == "Broken"
    assert issue_of("alice", "\n", "")[0] == "Asked for by the API"
    event = asked_in_issue(name_request(ALICE, "k"), ALICE, REPO, ISSUE, (title, body))
    decision = decide(None, event, facts())
    assert decision.session is not None
    assert decision.session.issue_body == body
    assert texts(decision) == []
    assert any(isinstance(effect, RunTurn) for effect in decision.effects)


def test_who_may_not_write_by_now_is_refused_as_in_a_comment():
    decision = said("do it", permission=Permission.READ)
    assert decision.session is None
    assert "only from people with write access" in texts(decision)[1]


@pytest.mark.parametrize("verb", ["approve", "budget", "undo", "rebase", "go", "lesson", "pause", "resume"])
@pytest.mark.parametrize("current", [None, session()])
def test_what_people_answer_for_is_not_heard(verb: Verb, current: Session | None):
    decision = said(verb, current)
    assert (decision.session, decision.effects) == (current, ())
    assert decision.why == f"`{verb}` is left to people, who say it on GitHub"
    assert left_to_people(current, replace(asked(verb), source="issue_comment")) == ""


@pytest.mark.parametrize(
    ("stuck_on", "words", "is_left"),
    [("money", "retry", True), ("money", "go on then", True), ("push", "retry", True), ("money", "stop", False),
     ("money", "status", False), ("", "go on then", False), ("checks", "retry", False)],
)  # fmt: skip
def test_going_on_where_that_allows_something_is_left_to_people(stuck_on: str, words: str, is_left: bool):
    waiting = session(NEEDS_HUMAN, stuck_on=stuck_on)
    assert (said(words, waiting).effects == ()) is is_left
    assert left_to_people(replace(waiting, status=Status.CLOSED), asked(words)) == ""


def test_a_request_is_its_account_s():
    key = name_request(ALICE, "k")
    assert is_request_of(ALICE, key)
    assert not is_request_of(BOB, key)
    assert not is_request_of(ALICE, f"{key}0")
    assert name_request(ALICE, "a", "b") != name_request(ALICE, "ab")
