"""The switch: what rests, what is kept, and that all of it goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_app.core.decisions import Decision
from github_app.core.session import Pause, Status
from github_app.engine.pauses import EVERYWHERE, Pauses
from tests.engine.stage import Open, eventually, work
from tests.engine.test_store import LABELED
from tests.engine.values import FACTS, REPO, a_session


@pytest.fixture
def pauses(database, clock):
    return Pauses(database=database, clock=clock)


def test_people_and_the_operator_have_a_switch_each(pauses):
    assert pauses.of(REPO) is None
    pauses.pause(REPO.id, login="ann", reason="release")
    pauses.pause(REPO.id, login="rob", reason="later")
    assert pauses.of(REPO) == Pause(login="ann", reason="release")
    pauses.pause(EVERYWHERE, reason="upgrade")
    assert pauses.of(REPO) == Pause(login="", reason="upgrade", by_operator=True, is_everywhere=True)
    assert pauses.of(replace(REPO, id=99)).is_everywhere

    assert not pauses.resume(REPO.id, by_operator=True)
    assert pauses.resume(EVERYWHERE, by_operator=True)
    assert pauses.of(REPO) == Pause(login="ann", reason="release")
    assert pauses.resume(REPO.id, by_operator=False)
    assert pauses.of(REPO) is None


def test_what_rested_is_looked_at_at_once(pauses, store, clock):
    resting = a_session(status=Status.NEEDS_HUMAN, turn_id=None, stuck_on="pause", waiting_for="paused")
    store.commit(LABELED, None, Decision(session=resting, why="w"), REPO, FACTS)
    pauses.resume(99, by_operator=False)
    clock.pass_s(1)
    assert store.due_sessions({"needs_human": clock.now().replace(year=2020)}) == []
    pauses.resume(REPO.id, by_operator=False)
    assert store.due_sessions({"needs_human": clock.now().replace(year=2020)}) == ["7-1-1"]


class TestAWorker:
    def test_starts_nothing_while_paused_and_all_of_it_afterwards(self, open_stage: Open):
        stage = open_stage(*work())
        stage.pauses.pause(EVERYWHERE, reason="upgrade")
        stage.label()
        held = stage.wait_status(Status.NEEDS_HUMAN)
        assert (held.stuck_on, held.turns) == ("pause", 0)
        assert stage.model.requests == []
        stage.pauses.resume(EVERYWHERE, by_operator=True)
        stage.engine.upkeep.tick()
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_stops_a_running_turn_between_two_steps_and_keeps_its_work(self, open_stage: Open):
        first, _ = work("3")
        stage = open_stage()
        stage.model.script += [paused_before(stage, first), *work()]
        stage.label()
        held = stage.wait_status(Status.NEEDS_HUMAN)
        assert (held.stuck_on, len(stage.model.requests)) == ("pause", 1)
        stage.pauses.resume(REPO.id, by_operator=False)
        stage.engine.upkeep.tick()
        session = stage.wait_status(Status.AWAITING_CHECKS)
        assert (session.turns, stage.hub.acts_of("publish")[0][2]) == (2, "7-1-1/turn-2")
        assert "The workspace holds what your last turn changed." in str(stage.model.requests[1])

    def test_publishes_what_was_handed_in_only_afterwards(self, open_stage: Open):
        first, submitted = work()
        stage = open_stage()
        stage.model.script += [first, paused_before(stage, submitted)]
        stage.label()
        stage.wait_attempts_of_turn(1)
        assert stage.hub.acts_of("publish") == []
        stage.wait_status(Status.WORKING)
        stage.pauses.resume(REPO.id, by_operator=False)
        stage.wait_status(Status.AWAITING_CHECKS)
        assert len(stage.hub.acts_of("publish")) == 1

    def test_does_not_give_up_publishing_however_long_it_rests(self, open_stage: Open):
        first, submitted = work()
        stage = open_stage()
        stage.model.script += [first, paused_before(stage, submitted)]
        stage.label()
        for attempts in range(1, 6):
            stage.wait_attempts_of_turn(attempts)
            stage.clock.pass_s(3600)
        stage.wait_status(Status.WORKING)
        stage.wait_attempts_of_turn(6)
        stage.pauses.resume(REPO.id, by_operator=False)

        def is_published() -> bool:
            stage.clock.pass_s(60)  # An attempt that was under way just then is put off once more.
            session = stage.session()
            return session is not None and session.status is Status.AWAITING_CHECKS

        eventually(is_published, "what was handed in to be published")


def paused_before(stage, said):
    """A reply before which somebody pauses the repository."""

    def say(_):
        stage.pauses.pause(REPO.id, login="ann")
        return said

    return say
