"""Whoever must wait for somebody's rate limit is told so, and until when; and afterwards, how long it was."""

from __future__ import annotations

import pytest

from github_app.core.errors import RateLimited, Transient
from github_app.core.session import Status
from github_app.core.waits import Wait
from github_app.engine.runtime import Runtime
from tests.engine.stage import Open, Stage, eventually, work


def tracking(stage: Stage) -> str:
    """The tracking comment as it stands."""
    return stage.hub.comments_by_tag.get((1, "tracking:7-1-1"), "")


class TestTable:
    def test_a_wait_ends_with_its_time(self, store, clock):
        assert store.waits.of("s") is None
        store.waits.begin("s", whose="GitHub's", seconds=600)
        wait = store.waits.of("s")
        assert (wait.whose, wait.waited_s) == ("GitHub's", pytest.approx(0, abs=1))
        assert (wait.until - clock.now()).total_seconds() == pytest.approx(600, abs=1)
        assert store.waits.count() == 1
        clock.pass_s(900)
        assert store.waits.of("s") == Wait(whose="GitHub's", until=None, waited_s=600)
        assert store.waits.count() == 0

    def test_waits_add_up_and_those_at_the_same_time_count_once(self, store, clock):
        store.waits.begin("s", whose="GitHub's", seconds=600)
        clock.pass_s(300)
        store.waits.begin("s", whose="GitHub's", seconds=600)
        clock.pass_s(3_000)
        assert store.waits.of("s").waited_s == pytest.approx(900, abs=1)
        store.waits.begin("s", whose="the model's", seconds=100)
        clock.pass_s(50)
        assert store.waits.of("s").waited_s == pytest.approx(950, abs=1)
        clock.pass_s(300)
        assert store.waits.of("s").waited_s == pytest.approx(1_000, abs=1)


class TestAnEffect:
    def test_that_waits_is_told_in_the_tracking_comment_and_afterwards_how_long(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("open_pull", RateLimited("GitHub asks us to slow down", retry_after_s=1_200))
        stage.label()
        stage.wait_attempts_of_turn(1)
        eventually(lambda: "| Waiting | for GitHub's rate limit, until 00:20 UTC" in tracking(stage), tracking(stage))
        stage.clock.pass_s(1_201)
        stage.engine.wake()
        stage.wait_status(Status.AWAITING_CHECKS)
        eventually(lambda: "| Waited | 20 minutes for GitHub's rate limit |" in tracking(stage), tracking(stage))
        assert "Waiting |" not in tracking(stage)

    def test_that_waits_when_nothing_can_be_said_is_told_afterwards(self, open_stage: Open):
        stage = open_stage(*work())
        limit = RateLimited("this hour's requests are used up", retry_after_s=3_000)
        stage.hub.fail("open_pull", limit)

        def forbid_all() -> None:
            stage.hub.on.pop("open_pull")
            stage.hub.fail("say", limit)

        stage.hub.on["open_pull"] = forbid_all
        stage.label()
        stage.wait_attempts_of_turn(1)
        assert "Waiting" not in tracking(stage)
        assert (wait := stage.store.waits.of("7-1-1"))
        assert wait.until, "which its page shows"
        stage.clock.pass_s(3_001)
        stage.engine.wake()
        stage.wait_status(Status.AWAITING_CHECKS)
        eventually(lambda: "| Waited | 50 minutes for GitHub's rate limit |" in tracking(stage), tracking(stage))

    def test_a_short_wait_is_not_worth_a_word(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("open_pull", RateLimited("slow down", retry_after_s=50))
        stage.label()
        stage.wait_attempts_of_turn(1)
        assert stage.store.waits.of("7-1-1") is None
        stage.clock.pass_s(51)
        stage.engine.wake()
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_each_has_tries_of_its_own(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("open_pull", *[Transient("GitHub answers 502")] * 3)
        stage.label()
        for attempt, wait_s in ((1, 1), (2, 2), (3, 4)):
            stage.wait_attempts_of_turn(attempt)
            stage.clock.pass_s(wait_s + 0.5)
            stage.engine.wake()
        stage.wait_status(Status.AWAITING_CHECKS)


class TestATick:
    def test_that_finds_no_budget_makes_room_for_the_next(self, open_stage: Open):
        stage = open_stage(*work())
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        stage.hub.fail("checks", RateLimited("the rest is kept for people", retry_after_s=3_000))
        stage.clock.pass_s(61)
        stage.engine.upkeep.tick()
        tick = eventually(lambda: [each for each in stage.inbox() if "/tick-" in each], "a tick")[0]
        assert "the next look comes by itself" in stage.wait_entry(tick, "ignored")


class TestATurn:
    def test_that_must_wait_for_long_lets_others_have_its_place(
        self, open_stage: Open, monkeypatch: pytest.MonkeyPatch
    ):
        asked: list[float] = []
        turn = Runtime.turn

        def soon(self, *args, delay_s=None, **more):
            asked.append(delay_s)
            turn(self, *args, delay_s=delay_s and 0.5, **more)

        monkeypatch.setattr(Runtime, "turn", soon)
        limit = RateLimited("the model asks for patience", retry_after_s=300, whose="the model's")
        stage = open_stage(limit, *work())
        stage.label()
        eventually(lambda: "| Waiting | for the model's rate limit, until 00:05 UTC" in tracking(stage), "a word")
        session = stage.wait_status(Status.AWAITING_CHECKS)
        assert (session.turns, asked) == (1, [None, 300])
        assert len(stage.hub.commits) == 1
