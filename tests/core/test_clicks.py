"""Boxes in the tracking comment: which are drawn, which edit ticks one, and what a tick comes to."""

from __future__ import annotations

from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import React, Say
from github_app.core.machine import decide
from github_app.core.messages import account, boxes
from github_app.core.model import Permission
from github_app.core.names import tracking_tag
from github_app.core.session import Round, Session, Status
from github_app.core.subjects import Subject, subject_of, words_in
from tests.core.scene import (
    AWAITING_REVIEW,
    BOB,
    CLOSED,
    HEAD,
    ISSUE,
    ME,
    MERGED,
    NEEDS_HUMAN,
    NEW,
    NONE,
    OPEN,
    WORKING,
    Row,
    cases,
    check,
    command,
    effects_of,
    event,
    facts,
    pull,
    rows_of,
    session,
)

ROUND = Round(head_sha=HEAD, title="Make it honk", summary="It honks.")
UNDO = boxes.LABELS["undo"]
DRAWN = f"**Honk · Working**\n\nI work.\n\n- [ ] stop\n- [ ] retry\n\n<!-- honk:{tracking_tag('7-12-1')} -->"


def click(verb: Any, **changes: Any) -> ev.CommandIssued:
    return command(verb, source="tracking", comment_id=60, **changes)


def labels(it: Session) -> list[str]:
    return [line.removeprefix("- [ ] ") for line in boxes.drawn(it) if line]


# --- drawn


@pytest.mark.parametrize(
    ("it", "expected"),
    [
        (session(WORKING, published=(ROUND,)), ["stop"]),
        (session(AWAITING_REVIEW), ["stop"]),
        (session(AWAITING_REVIEW, published=(ROUND,)), ["stop", UNDO]),
        (session(AWAITING_REVIEW, published=(Round(head_sha=HEAD, title="", summary="", undone_in=NEW),)), ["stop"]),
        (session(NEEDS_HUMAN, waiting_for="Write `/honk retry`."), ["stop", "retry"]),
        (session(NEEDS_HUMAN, waiting_for="Which tune?", published=(ROUND,)), ["stop", UNDO]),
        (session(NEEDS_HUMAN, published=(ROUND,), stuck_on="approval"), ["stop"]),
        (session(NEEDS_HUMAN, published=(ROUND,), stuck_on="push"), ["stop"]),
        (session(CLOSED, published=(ROUND,), waiting_for="Write `/honk retry`."), []),
        (session(MERGED, published=(ROUND,)), []),
    ],
)
def test_only_boxes_that_make_sense_are_drawn(it: Session, expected: list[str]):
    assert labels(it) == expected


@pytest.mark.parametrize("status", OPEN)
def test_what_is_drawn_can_be_ticked(status: Status):
    body = f"{account.tracking(session(status))}\n\n{boxes.MARK}7-12-1 -->"
    assert boxes.clicked(body, body.replace("- [ ] stop", "- [x] stop")) == "stop"


# --- read


def ticked(*names: str, of: str = DRAWN) -> str:
    for name in names:
        of = of.replace(f"- [ ] {name}", f"- [x] {name}")
    return of


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (DRAWN, ticked("retry"), "retry"),
        (DRAWN, ticked("retry").replace("\n", "\r\n"), "retry"),
        (DRAWN, ticked("retry").replace("[x]", "[X]"), "retry"),
        (DRAWN, ticked("retry", "stop"), "stop"),
        (ticked("stop"), ticked("retry", "stop"), "retry"),
        (ticked("stop"), DRAWN, None),
        (ticked("stop"), ticked("stop"), None),
        (DRAWN, DRAWN.replace("I work.", "I rest."), None),
        ("- [ ] stop", "- [x] stop", "stop"),
        (DRAWN, "", None),
        # Somebody ticked in a page that is older than what stood there: what is offered no more is not done.
        (DRAWN.replace("- [ ] retry\n", ""), ticked("retry"), None),
        (DRAWN.replace("I work.", "I go on."), ticked("stop"), "stop"),
        # A box that somebody added, or that stands in words of somebody else.
        (DRAWN, DRAWN.replace("- [ ] retry", "- [ ] retry\n- [x] stop all"), None),
        (DRAWN.replace("I work.", "- [ ] stop"), DRAWN.replace("I work.", "- [x] stop"), None),
        ("Which?\n\n- [ ] stop\n\nTell me.", "Which?\n\n- [x] stop\n\nTell me.", None),
    ],
)
def test_a_box_counts_that_this_very_edit_ticked(before: str, after: str, expected: str | None):
    assert boxes.clicked(before, after) == expected


# --- decided


def test_a_tick_is_the_command_of_who_ticked_and_the_box_is_cleared():
    decision = decide(session(WORKING), click("stop"), facts())
    assert decision.session is not None
    assert decision.session.status is CLOSED
    assert "`alice` asked me to stop" in decision.session.waiting_for
    assert decision.effects[0] == React(target="issue_comment", target_id=60, content="eyes")
    assert effects_of(decision).count("ShowProgress") == 1


def test_an_undo_by_a_tick_clears_the_box_although_nothing_else_is_shown():
    it = session(AWAITING_REVIEW, published=(ROUND,))
    decision = decide(it, click("undo"), facts(pull=pull()))
    assert effects_of(decision) == "React Undo ShowProgress"


def test_a_tick_by_somebody_without_authority_is_refused_once_and_cleared():
    decision = decide(session(WORKING), click("stop", actor=BOB), facts(Permission.READ))
    assert effects_of(decision) == "React Say ShowProgress"
    assert decision.effects[0] == React(target="issue_comment", target_id=60, content="confused")
    assert decision.session == session(WORKING)
    again = decide(session(WORKING), click("stop", actor=BOB), facts(Permission.READ, told=frozenset({"authority"})))
    assert effects_of(again) == "React ShowProgress"


@pytest.mark.parametrize("verb", ["stop", "retry", "undo"])
@pytest.mark.parametrize("status", [CLOSED, MERGED])
def test_a_tick_after_the_end_gets_one_answer_and_begins_nothing(verb: str, status: Status):
    decision = decide(session(status, published=(ROUND,)), click(verb), facts(pull=pull()))
    assert effects_of(decision) == "React Say ShowProgress"
    say = decision.effects[1]
    assert isinstance(say, Say)
    assert say.body.startswith("This work had ended before the box was ticked")
    assert ("/honk" in say.body) == (status is CLOSED)
    assert decision.session is not None
    assert decision.session.status is status
    stranger = decide(session(status), click(verb, actor=BOB), facts(Permission.READ))
    assert "I take instructions only from" in str(stranger.effects)


ROWS = [
    rows_of(Status, "the tracking comment edited", event(ev.TrackingEdited, actor=BOB), facts=facts(Permission.READ),
            does="ShowProgress", why="drawn anew"),
    rows_of([NONE], "a comment of somebody edited", event(ev.TrackingEdited), does="", why="no tracking comment"),
    rows_of([NONE], "a box in a comment of somebody", click("retry"), does="", why="no tracking comment"),
    rows_of([WORKING], "a box for what runs already", click("retry"),
            does="React Say ShowProgress", why="runs already"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_tracking_comments(each: Row, before: Session | None):
    decision = check(each, before)
    assert decision.session == before


@pytest.mark.parametrize("happened", [event(ev.TrackingEdited, actor=ME), click("stop", actor=ME)])
def test_our_own_edits_mean_nothing(happened: ev.Event):
    assert decide(session(WORKING), happened, facts()).effects == ()


@pytest.mark.parametrize("happened", [event(ev.TrackingEdited), click("stop")])
def test_the_session_is_found_by_the_number_of_the_comment(happened: ev.Event):
    assert subject_of(happened) == Subject(repo_id=7, issue_number=ISSUE, comment_id=60)


def test_a_box_is_there_to_be_ticked_again():
    assert words_in(click("retry")) is None
