"""How turns ended is counted, once each, and only of turns that were in force."""

from __future__ import annotations

from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.endings import ENDS, ended
from github_app.core.model import Usage
from github_app.core.session import Submission
from tests.core.scene import event, session

TURN: dict[str, Any] = {"id": "t/finished", "session_id": "s", "turn_id": "t", "usage": Usage()}
FINISHED = ev.TurnFinished(**TURN, submission=Submission(title="Say honk", summary="Said."), change_set_id=None)
CASES: dict[str, ev.Event] = {
    "submitted": FINISHED,
    "asked": ev.TurnAsked(**TURN, question="Which one?"),
    "limited": ev.TurnStopped(**TURN, reason="50 minutes are over", limit="minutes"),
    "broken": ev.TurnStopped(**TURN, reason="the model did not answer"),
}


def test_each_end_has_a_case() -> None:
    assert tuple(CASES) == ENDS


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_turn_in_force_counts(end: str) -> None:
    assert ended(session(turn_id="t"), CASES[end]) == (f"turn_{end}",)
    assert ended(session(turn_id="another"), CASES[end]) == ()
    assert ended(None, CASES[end]) == ()


def test_what_could_not_be_done_counts_and_nothing_else_does() -> None:
    assert ended(session(), event(ev.EffectFailed)) == ("effect_failed",)
    assert ended(session(), event(ev.Ticked)) == ()
