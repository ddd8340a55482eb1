"""Honk as a process, killed at its worst moments: after the next start there is one branch, one commit, one pull
request and one tracking comment, and no reply of the model was paid twice."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from github_app.demo.stack import Stack
from github_app.localhub.people import Person
from github_app.localhub.script import Script
from github_app.localhub.values import Issue, Repository
from tests.fakes.databases import fresh_database, postgresql_server

BOT = "honk[bot]"
EDIT = {"call": {"edit": {"path": "a.py", "old_text": "1", "new_text": "2"}}}
SUBMIT = {"call": {"submit": {"title": "Make it two", "summary": "It was one.", "unverified_reason": "no tests here"}}}


class Scene:
    """A stack with one repository, and ann who opens an issue."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.repo: Repository = stack.hub.create_repository("acme/thing", {"a.py": "x = 1\n"})
        stack.install(self.repo)
        stack.hub.create_label(self.repo, "honk")
        self.ann: Person = stack.hub.grant(self.repo, "ann", "write")
        stack.start_honk()

    def open_issue(self) -> Issue:
        return self.ann.open_issue(self.repo, "Make it two", "It is one.", ["honk"])

    def kill_when(self, what: str, look) -> None:
        self.stack.wait_for(what, look)
        self.stack.stop_honk(how=signal.SIGKILL)

    def asked(self) -> list[int]:
        """Which replies of the script were asked for, in order."""
        assert self.stack.model is not None
        return [entry["index"] for entry in self.stack.model.log if "index" in entry]

    def say(self, *replies: Any) -> None:
        assert self.stack.model is not None
        self.stack.model.script = Script.of(*replies)

    def has_no_faults_left(self) -> bool:
        return not self.stack.hub.faults.shown()

    def branches(self) -> list[str]:
        return [name for name in self.repo.refs if name.startswith("refs/heads/honk/")]

    def assert_one_of_each(self, issue: Issue) -> None:
        """Wait for the end of the round, then count."""
        stack, repo = self.stack, self.repo
        stack.wait_for("a pull request", repo.pulls)
        stack.wait_for("rest", lambda: "waiting for the checks" in self.tracking(issue))
        stack.hub.settle()
        [branch] = self.branches()
        command = ["git", "-c", "safe.directory=*", "-C", str(repo.git_dir), "rev-list", "--count", f"main..{branch}"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"
        assert len(repo.pulls()) == 1
        assert len([comment for comment in issue.comments if comment.user.login == BOT]) == 1
        assert len([reaction for reaction in issue.reactions if reaction.user.login == BOT]) == 1
        assert stack.hub.violations == []

    def tracking(self, issue: Issue) -> str:
        return " ".join(comment.body for comment in issue.comments if comment.user.login == BOT)


@contextmanager
def scene(*replies: Any, **settings: str) -> Iterator[Scene]:
    usual = {"HONK_CHECKS_GRACE_S": "600"}
    with Stack(script=Script.of(*replies), settings=usual | settings) as stack:
        yield Scene(stack)


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
    with scene(EDIT, {**SUBMIT, "latency_s": 60}) as it:
        issue = it.open_issue()
        it.kill_when("the second reply to be asked for", lambda: it.asked() == [0, 1])
        it.say(EDIT, SUBMIT)
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1, 1], "only the reply that was under way is asked for again"


def test_killed_while_a_command_runs():
    with scene({"call": {"bash": {"command": "echo half > half.txt; exec sleep 98765"}}}, EDIT, SUBMIT) as it:
        issue = it.open_issue()
        it.kill_when("the command to run", lambda: _sleepers("98765"))
        it.stack.wait_for("the command to die with it", lambda: not _sleepers("98765"))
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


def test_told_to_stop_in_the_middle_of_a_command_it_ends_and_goes_on_later():
    with scene({"call": {"bash": {"command": "exec sleep 87654"}}}, EDIT, SUBMIT) as it:
        issue = it.open_issue()
        it.stack.wait_for("the command to run", lambda: _sleepers("87654"))
        process = it.stack._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert not _sleepers("87654")
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1, 2]


@pytest.mark.timeout(180)
def test_another_worker_takes_over_from_one_that_was_killed():
    with postgresql_server() as server, fresh_database(server) as url:
        more = {"HONK_DATABASE_URL": url, "HONK_WORKER_ID": "one"}
        with scene(EDIT, {**SUBMIT, "latency_s": 60}, **more) as it:
            issue = it.open_issue()
            it.kill_when("the second reply to be asked for", lambda: it.asked() == [0, 1])
            it.say(EDIT, SUBMIT)
            it.stack.settings = dict(it.stack.settings) | {"HONK_WORKER_ID": "two"}
            it.stack.start_honk()
            it.assert_one_of_each(issue)
            assert it.asked() == [0, 1, 1]


def _sleepers(seconds: str) -> list[int]:
    """The processes that sleep for so long, wherever they are."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            if (process / "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                found.append(int(process.name))
    return found
