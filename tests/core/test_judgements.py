"""What a second look said: how it is told, what of it holds a change back, and how often it is overruled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.attempts import happened
from github_app.core.facts import Facts
from github_app.core.judgements import Judgement, Remark, to_the_agent
from github_app.core.machine import decide
from github_app.core.model import Permission
from github_app.core.session import Session, Submission
from tests.core.scene import NEEDS_HUMAN, SUBMISSION, WORKING, command, event, facts, session

SCOPE = Remark(doubt="scope", text="It renames the goose.")
TESTS = Remark(doubt="tests", text="A test expects less.")
RISK = Remark(doubt="risk", path="goose.py", line=7, text="The horn may be None.")
VETO = Judgement(remarks=(SCOPE, TESTS, RISK), answers=("veto",), is_overruled=True)
ADVICE = Judgement(remarks=(RISK,), answers=("advice",), is_overruled=True)


def after(before: Session, event: ev.Event, facts: Facts) -> Session:
    decided = decide(before, event, facts).session
    assert decided is not None
    return decided


def handed_in(judgement: Judgement, *, blocks: bool = False) -> Session:
    submission: Submission = replace(SUBMISSION, judgement=judgement)
    findings = judgement.findings if blocks else ()
    return after(session(WORKING), event(ev.TurnFinished, submission=submission, findings=findings), facts())


def test_only_vetoes_are_for_people_to_accept():
    assert [(each.kind, each.text) for each in VETO.findings] == [
        ("judge", "out of scope: It renames the goose."),
        ("judge", "tests weakened: A test expects less."),
    ]
    assert ADVICE.findings == Judgement().findings == ()
    assert (VETO.said, ADVICE.said, Judgement().said) == ("veto", "advice", "nothing")


def test_the_agent_is_told_all_of_it():
    assert to_the_agent(VETO).splitlines() == [
        "- [out of scope] It renames the goose.",
        "- [tests weakened] A test expects less.",
        "- [risky] goose.py:7 The horn may be None.",
    ]


@pytest.mark.parametrize(
    ("judgement", "counted"),
    [
        (Judgement(answers=("nothing",)), ("judge_nothing",)),
        (Judgement(missing="the model could not be had"), ()),
        (ADVICE, ("judge_advice", "judge_overruled")),
        (Judgement(answers=("veto", "nothing")), ("judge_veto", "judge_nothing")),
    ],
)
def test_what_was_said_is_counted_when_the_work_is_handed_in(judgement: Judgement, counted: tuple[str, ...]):
    now = handed_in(judgement)
    assert happened(session(WORKING), now) == counted
    assert happened(now, replace(now, turns=9)) == ()


def test_a_veto_that_holds_back_is_overruled_by_a_person_alone():
    held = handed_in(VETO, blocks=True)
    assert held.status is NEEDS_HUMAN
    assert happened(session(WORKING), held) == ("judge_veto",)
    approval: Any = command("approve", "judge")
    asked = after(held, approval, facts(Permission.READ))
    assert happened(held, asked) == ()
    accepted = after(held, approval, facts(Permission.WRITE))
    assert accepted.status is WORKING
    assert happened(held, accepted) == ("judge_overruled",)
    assert accepted.held is not None
    assert [(each.kind, each.login) for each in accepted.held.approvals] == [("judge", "alice")]


def test_a_held_change_that_gives_way_is_not_overruled():
    held = handed_in(VETO, blocks=True)
    more = after(held, command("do", "Leave the name alone."), facts())
    assert happened(held, more) == ()
