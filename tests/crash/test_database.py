"""The database goes away in the middle of a turn and comes back: all waits, and goes on where it was."""

from __future__ import annotations

import time

import pytest

from tests.crash.scene import EDIT, THINKING, knock_again, knock_until_refused, problems, scene
from tests.edge.cases import shows
from tests.fakes.databases import crashing_server, fresh_database

AWAY_S = 10.0
"""Longer than a worker's lease, so that this, too, must be had again. A minute would be longer still, and no other."""


@shows("W05")
@pytest.mark.timeout(300)
def test_a_server_that_ends_and_comes_back_is_waited_for() -> None:
    with (
        crashing_server() as server,
        fresh_database(server.url) as url,
        scene(EDIT, THINKING, HONK_DATABASE_URL=url) as it,
    ):
        issue = it.open_issue()
        it.stack.wait_for("the second reply to be asked for", lambda: it.asked() == [0, 1])
        until = time.monotonic() + AWAY_S
        server.crash()
        it.let_model_go()
        answers = knock_until_refused(it.stack)
        assert "the database does not answer" in problems(it.stack)
        it.stack.wait_for("the turn to wait", lambda: "a step waits" in it.stack.log_tail(100))
        it.stack.wait_for("the time to pass", lambda: time.monotonic() > until)
        server.start()
        it.stack.wait_for("it to be ready again", it.stack.is_ready)
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1], "the reply that could not be stored was kept"
        knock_again(it.stack, answers)
