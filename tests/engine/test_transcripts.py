"""A step that is stored stays; only the turn in force adds to its transcript, and only one worker at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from github_app.core.decisions import Decision
from github_app.core.errors import Stopped
from github_app.core.events import IssueLabeled, Ticked
from github_app.core.model import ChangeSet, FileChange, Usage
from github_app.core.ports import Step
from github_app.core.session import Feedback, Status
from github_app.engine import codec
from github_app.engine.database import transaction
from github_app.engine.journal import StoredJournal
from tests.engine.values import ANN, FACTS, ISSUE, REPO, a_session

TURN = "7-1-1/turn-1"
LABELED = IssueLabeled(id="d-1", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
CHANGES = ChangeSet(base_sha="b" * 40, changes=(FileChange(path="a.py", mode="100644", content=b"\x00\xff"),))


def step(number: int, **more) -> Step:
    return Step(number=number, role="user", content=({"type": "text", "text": f"number {number}"},), **more)


@pytest.fixture
def session(store):
    store.commit(LABELED, None, Decision(session=a_session(), why="asked for"), REPO, FACTS)
    return store.session("7-1-1")


@pytest.fixture
def turn(transcripts, session):
    return transcripts.begin_turn(TURN, session, base_sha="b" * 40, task="{}", sources=())


def test_a_turn_is_begun_once(transcripts, session, turn):
    again = transcripts.begin_turn(TURN, session, base_sha="c" * 40, task='{"another": 1}', sources=())
    assert again == turn == transcripts.turn(TURN)
    assert transcripts.turn("7-1-1/turn-2") is None


@pytest.mark.usefixtures("turn")
def test_steps_come_back_in_order_and_whole(transcripts):
    steps = [step(0, consumed=("f1",)), step(1, usage=Usage(input_tokens=5, steps=1)), step(2)]
    for each in steps:
        transcripts.add_step(TURN, "7-1-1", each, None)
    assert transcripts.steps(TURN) == tuple(steps)


async def test_suggestions_wait_for_the_next_turn(transcripts, store):
    plain = Feedback(id="thread:T1:1", kind="thread", author="ann", body="ann: Why?", thread_id="T1")
    waiting = replace(plain, id="thread:T2:2", body="ann: ```suggestion\nx\n```", thread_id="T2")
    asked_for = Decision(session=a_session(feedback=(plain, waiting)), why="asked for")
    store.commit(LABELED, None, asked_for, REPO, FACTS)
    journal = StoredJournal(
        transcripts=transcripts, session_id="7-1-1", turn_id=TURN, is_stopping=lambda: False, may_go_on=lambda: None
    )
    assert await journal.arrivals() == (plain,)


@pytest.mark.usefixtures("turn")
def test_a_snapshot_travels_with_its_step(transcripts):
    transcripts.add_step(TURN, "7-1-1", step(0), CHANGES)
    transcripts.add_step(TURN, "7-1-1", step(1), None)
    snapshot_id = transcripts.turn(TURN).snapshot_id
    assert transcripts.changes(snapshot_id) == CHANGES


@pytest.mark.usefixtures("turn")
def test_a_turn_that_is_not_in_force_adds_nothing(transcripts, store, session):
    after = replace(session, status=Status.CLOSED, turn_id=None)
    store.commit(Ticked(id="t", session_id=session.id), session, Decision(session=after, why="stopped"), REPO, FACTS)
    with pytest.raises(Stopped):
        transcripts.add_step(TURN, "7-1-1", step(0), CHANGES)
    with pytest.raises(Stopped):
        transcripts.require_turn("7-1-1", TURN)
    assert transcripts.steps(TURN) == ()
    assert transcripts.turn(TURN).snapshot_id is None


def test_a_turn_of_a_session_that_does_not_exist_is_not_in_force(transcripts):
    with pytest.raises(Stopped):
        transcripts.require_turn("7-9-1", "7-9-1/turn-1")


@pytest.mark.usefixtures("turn")
def test_of_two_workers_with_the_same_step_one_is_stopped(transcripts):
    barrier = threading.Barrier(2)

    def add(words: str) -> str:
        barrier.wait()
        try:
            transcripts.add_step(TURN, "7-1-1", replace(step(0), content=({"type": "text", "text": words},)), None)
        except Stopped:
            return ""
        return words

    with ThreadPoolExecutor(2) as pool:
        stored = [words for words in pool.map(add, ["one", "two"]) if words]
    assert [each.content[0]["text"] for each in transcripts.steps(TURN)] == stored
    assert len(stored) == 1


@pytest.mark.usefixtures("turn")
def test_a_step_whose_first_try_had_counted_is_stored_once(transcripts):
    for _ in range(2):
        transcripts.add_step(TURN, "7-1-1", step(0), CHANGES, is_again=True)
    with pytest.raises(Stopped):
        transcripts.add_step(TURN, "7-1-1", replace(step(0), content=()), CHANGES, is_again=True)
    assert transcripts.steps(TURN) == (step(0),)


@pytest.mark.usefixtures("turn")
def test_a_step_waits_for_a_decision_that_is_being_stored_and_is_void_if_it_ends_the_turn(
    database, transcripts, session
):
    ended = codec.dump(replace(session, status=Status.CLOSED, turn_id=None))
    with ThreadPoolExecutor(1) as pool:
        with transaction(database) as deciding:
            deciding.execute(sa.text("UPDATE sessions SET document = :d"), {"d": ended})
            adding = pool.submit(transcripts.add_step, TURN, "7-1-1", step(0), CHANGES)
            with pytest.raises(TimeoutError):
                adding.result(timeout=0.5)
        with pytest.raises(Stopped):
            adding.result(timeout=30)
    assert transcripts.steps(TURN) == ()


def test_the_last_turn_is_the_newest_other_one(transcripts, session, turn):
    assert transcripts.last_turn("7-1-1", before=TURN) is None
    second = transcripts.begin_turn("7-1-1/turn-2", session, base_sha="c" * 40, task="{}", sources=())
    assert transcripts.last_turn("7-1-1", before="7-1-1/turn-3") == second
    assert transcripts.last_turn("7-1-1", before="7-1-1/turn-2") == turn


def test_the_turn_in_force_is_known_by_its_last_sign_of_life_and_its_cost(transcripts, session, database, clock):
    waits = transcripts.running(session)
    assert (waits.stirred_at, waits.cost_micro_usd, waits.others) == (None, 0, 0)
    transcripts.begin_turn(TURN, session, base_sha="b" * 40, task="{}", sources=())
    assert transcripts.running(session).stirred_at >= clock.now() - timedelta(seconds=1)
    clock.pass_s(60)
    with transaction(database) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO starts (turn_id, repo_id, installation_id, person_id, at) VALUES (:t, 7, 70, 2, 'now')"
            ),
            {"t": TURN},
        )
    transcripts.add_step(TURN, "7-1-1", replace(step(0), usage=Usage(cost_micro_usd=1_500)), None)
    running = transcripts.running(session)
    assert running.stirred_at >= clock.now() - timedelta(seconds=1)
    assert running.cost_micro_usd == 1_500
    with transaction(database) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO decisions (event_id, event_kind, status_before, status_after, why, decided_at) "
                "VALUES (:e, 'TurnFinished', 'working', 'working', 'done', 'now')"
            ),
            {"e": f"{TURN}/finished"},
        )
    assert transcripts.running(session).cost_micro_usd == 0, "the session knows it by the turn's end"
    assert transcripts.running(replace(session, turn_id=None)) is None


def test_equal_contents_are_kept_once(transcripts, database):
    assert transcripts.add_blob(b"x" * 1000) == transcripts.add_blob(b"x" * 1000)
    with database.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM blobs")).scalar_one() == 1
