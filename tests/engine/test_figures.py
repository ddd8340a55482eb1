"""What operators watch is found in the tables. On both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_app.core.decisions import Decision
from github_app.core.effects import RunTurn
from github_app.core.events import IssueLabeled, TurnStopped
from github_app.core.model import Usage
from github_app.core.ports import Step
from github_app.core.session import Cause, Status
from github_app.engine.figures import Day
from github_app.engine.tallies import read_tallies
from tests.engine.values import ANN, FACTS, ISSUE, REPO, a_session


def begin(store, clock, issue: int) -> None:
    """A session whose first turn was just decided on."""
    key = f"7-{issue}-1"
    effects = (RunTurn(turn_id=f"{key}/turn-1", cause=Cause.IMPLEMENT),)
    working = a_session(issue, status=Status.WORKING, turn_id=f"{key}/turn-1", turn_cause=Cause.IMPLEMENT)
    asked = IssueLabeled(id=f"d-{issue}", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
    store.commit(
        asked, None, Decision(session=working, effects=effects, why="asked for"), REPO, replace(FACTS, now=clock.now())
    )


def end(store, issue: int) -> None:
    """Its turn's end, by a failure."""
    key = f"7-{issue}-1"
    session = store.session(key)
    event = TurnStopped(
        id=f"{key}/turn-1/finished", session_id=key, turn_id=f"{key}/turn-1", reason="it broke", usage=Usage()
    )
    after = a_session(issue, status=Status.NEEDS_HUMAN)
    store.commit(event, session, Decision(session=after, why="it broke"), REPO, FACTS)


def test_nothing_is_known_of_nothing(store):
    assert store.figures.day() == Day(cost_micro_usd=0)
    assert store.figures.silent_s() == 0


def test_the_last_day_has_its_cost_and_how_long_its_turns_took(store, transcripts, clock):
    for issue, lasts_s in ((1, 60), (2, 600), (3, 120)):
        begin(store, clock, issue)
        session = store.session(f"7-{issue}-1")
        transcripts.begin_turn(session.turn_id, session, base_sha="b" * 40, task="{}", sources=())
        step = Step(number=0, role="assistant", content=(), usage=Usage(cost_micro_usd=5))
        transcripts.add_step(session.turn_id, session.id, step, None)
        clock.pass_s(lasts_s)
        end(store, issue)
    begin(store, clock, 4)  # still runs
    day = store.figures.day()
    assert day.cost_micro_usd == 15
    assert day.turn_s == pytest.approx({0.5: 120, 0.9: 600, 1.0: 600}, abs=1)
    assert read_tallies(store.engine) == {"turn_broken": 3}
    clock.pass_s(25 * 3600)
    assert store.figures.day() == Day(cost_micro_usd=0)


def test_work_is_silent_since_its_last_sign(store, transcripts, clock):
    begin(store, clock, 1)
    clock.pass_s(50)
    assert store.figures.silent_s() == pytest.approx(50, abs=1)  # it waits for a place
    session = store.session("7-1-1")
    transcripts.begin_turn(session.turn_id, session, base_sha="b" * 40, task="{}", sources=())
    clock.pass_s(40)
    assert store.figures.silent_s() == pytest.approx(40, abs=1)
    transcripts.add_step(session.turn_id, session.id, Step(number=0, role="user", content=()), None)
    clock.pass_s(30)
    assert store.figures.silent_s() == pytest.approx(30, abs=1)
    begin(store, clock, 2)
    clock.pass_s(20)
    assert store.figures.silent_s() == pytest.approx(50, abs=1)
    store.waits.begin("7-1-1", whose="GitHub's", seconds=600)
    assert store.figures.silent_s() == pytest.approx(20, abs=1)
    end(store, 1)
    end(store, 2)
    assert store.figures.silent_s() == 0
