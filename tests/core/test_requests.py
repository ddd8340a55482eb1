"""What programs ask for by the API, in somebody's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core.commands import Command, Verb, parse_command
from github_app.core.decisions import Decision
from github_app.core.doors import Request, issue_of, said_by_door
from github_app.core.effects import RunTurn, Say
from github_app.core.events import CommandIssued
from github_app.core.machine import decide
from github_app.core.messages.requests import repeated
from github_app.core.model import Permission
from github_app.core.requests import asked_in_issue, is_request_of, left_to_people, name_request
from github_app.core.session import Session, Status
from tests.core.scene import ALICE, BOB, ISSUE, NEEDS_HUMAN, REPO, WORKING, facts, issue, session


def asked(words: str, key: str = "k") -> CommandIssued:
    command = parse_command(f"/honk {words}")
    assert command is not None
    request = Request(key=name_request(ALICE, key, words), door="api", actor=ALICE, command=command)
    return said_by_door(request, REPO, ISSUE)


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
    decision = said("go on", said("go on").session)
    assert decision.session is not None
    again = decide(decision.session, asked("go on", "2"), facts())
    assert again.session is not None
    assert [each.body for each in again.session.feedback] == ["go on", "go on"]


def test_an_issue_that_was_opened_for_it_needs_no_repetition():
    title, body = issue_of("Fix it, @bob\nsoon", ALICE, "api")
    assert title == "Fix it, @\u200bbob"
    assert body == "Fix it, @\u200bbob\nsoon\n\nAsked for through the API by @alice."
    long = "very " * 30 + "broken"
    assert issue_of("Fix it", ALICE, "api", title=long)[0] == long
    assert issue_of("\n", ALICE, "api") == ("Asked for through the API", "Asked for through the API by @alice.")
    event = asked_in_issue(name_request(ALICE, "k"), ALICE, REPO, ISSUE, (title, body))
    decision = decide(None, event, facts())
    assert decision.session is not None
    assert decision.session.issue_body == body
    assert texts(decision) == []
    assert any(isinstance(effect, RunTurn) for effect in decision.effects)


def test_a_question_for_which_an_issue_was_opened_is_answered_there():
    event = asked_in_issue(name_request(ALICE, "q"), ALICE, REPO, ISSUE, ("Why?", "Why?"), question="Why?")
    begun = decide(None, event, facts(issue=issue())).session
    assert begun is not None
    assert begun.inquiry is not None
    assert (begun.kind, begun.inquiry.question, begun.inquiry.pull_number) == ("answer", "Why?", None)


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
