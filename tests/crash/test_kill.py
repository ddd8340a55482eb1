"""Honk as a process, killed at its worst moments: after the next start there is one branch, one commit, one pull
request and one tracking comment, and no reply of the model was paid twice."""

from __future__ import annotations

import pytest

from tests.crash.scene import EDIT, SUBMIT, THINKING, scene, sleepers
from tests.fakes.databases import fresh_database, postgresql_server


def test_killed_right_after_the_delivery_was_recorded():
    with scene(EDIT, SUBMIT) as it:
        # The very first question to GitHub hangs, so nothing but the recording can have happened.
        it.stack.hub.faults.add(r"^GET .*/collaborators/", "slow", seconds=60)
        issue = it.open_issue()
        it.kill_when("the delivery to be worked on", it.has_no_faults_left)
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1]


def test_killed_while_the_model_thinks():
    with scene(EDIT, THINKING) as it:
        issue = it.open_issue()
        it.kill_when("the second reply to be asked for", lambda: it.asked() == [0, 1])
        it.say(EDIT, SUBMIT)
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1, 1], "only the reply that was under way is asked for again"


def test_killed_while_a_command_runs():
    with scene({"call": {"bash": {"command": "echo half > half.txt; exec sleep 98765"}}}, EDIT, SUBMIT) as it:
        issue = it.open_issue()
        it.kill_when("the command to run", lambda: sleepers("98765"))
        it.stack.wait_for("the command to die with it", lambda: not sleepers("98765"))
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1, 2]


def test_killed_after_the_commit_and_before_the_pull_request():
    with scene(EDIT, SUBMIT) as it:
        it.stack.hub.faults.add(r"^POST /repos/acme/thing/pulls$", "slow", seconds=60)
        issue = it.open_issue()
        it.kill_when("the pull request to be under way", it.has_no_faults_left)
        assert len(it.branches()) == 1
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1]


def test_killed_over_and_over():
    with scene({**EDIT, "latency_s": 0.3}, {**SUBMIT, "latency_s": 0.3}) as it:
        it.stack.hub.faults.add(r"^POST .*/comments$", "slow", seconds=60)
        it.stack.hub.faults.add(r"^POST .*/git/commits$", "slow", seconds=60)
        issue = it.open_issue()
        for left in (1, 0):
            it.kill_when("the next place to kill it", lambda left=left: len(it.stack.hub.faults.shown()) == left)
            it.stack.start_honk()
        it.assert_one_of_each(issue)


@pytest.mark.timeout(180)
def test_another_worker_takes_over_from_one_that_was_killed():
    with (
        postgresql_server() as server,
        fresh_database(server) as url,
        scene(EDIT, THINKING, HONK_DATABASE_URL=url, HONK_WORKER_ID="one") as it,
    ):
        issue = it.open_issue()
        it.kill_when("the second reply to be asked for", lambda: it.asked() == [0, 1])
        it.say(EDIT, SUBMIT)
        it.stack.settings = dict(it.stack.settings) | {"HONK_WORKER_ID": "two"}
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1, 1]
