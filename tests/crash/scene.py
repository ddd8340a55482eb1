"""A short scene: one repository, ann who opens an issue, and a model of few words."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from github_app.demo.stack import Stack
from github_app.localhub.deliveries import sign
from github_app.localhub.people import Person
from github_app.localhub.script import Script
from github_app.localhub.values import Issue, Repository
from tests.crash.warm import DyingStack, shared_parent

BOT = "honk[bot]"
EDIT = {"call": {"edit": {"path": "a.py", "old_text": "1", "new_text": "2"}}}
SUBMIT = {"call": {"submit": {"title": "Make it two", "summary": "It was one.", "unverified_reason": "no tests here"}}}

GATE = "thinks"
THINKING = {**SUBMIT, "gate": GATE}
"""A reply that the model thinks about until it is told to say something else."""


class Scene:
    """A stack with one repository, and ann who opens an issue. `apart`: the door and the worker are two processes."""

    def __init__(self, stack: Stack, *, apart: bool = False) -> None:
        self.stack = stack
        self.worker: subprocess.Popen[bytes] | None = None
        self._apart = apart
        self.repo: Repository = stack.hub.create_repository("acme/thing", {"a.py": "x = 1\n"})
        stack.install(self.repo)
        stack.hub.create_label(self.repo, "honk")
        self.ann: Person = stack.hub.grant(self.repo, "ann", "write")
        self.start()

    def start(self) -> None:
        """Start what does not run."""
        if not self._apart:
            self.stack.start_honk()
            return
        if self.stack._process is None:
            self.stack.start_honk("--no-worker")
        self.worker = self.stack.spawn("worker")

    def tell_worker_to_stop(self) -> subprocess.Popen[bytes]:
        """Send SIGTERM to whoever does the work; that process."""
        process = self.worker or self.stack._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        if process is self.stack._process:
            self.stack._process = None
        return process

    def open_issue(self) -> Issue:
        return self.ann.open_issue(self.repo, "Make it two", "It is one.", ["honk"])

    def kill_when(self, what: str, look) -> None:
        self.stack.wait_for(what, look)
        self.stack.stop_honk(how=signal.SIGKILL)

    def asked(self) -> list[int]:
        """Which replies of the script were asked for, in order."""
        assert self.stack.model is not None
        return [entry["index"] for entry in self.stack.model.log if "index" in entry]

    def let_model_go(self) -> None:
        """Have the model say what it thinks about."""
        assert self.stack.model is not None
        self.stack.model.closed_gates.clear()

    def say(self, *replies: Any) -> None:
        """Have the model say this from now on, without thinking."""
        assert self.stack.model is not None
        self.let_model_go()
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
def scene(*replies: Any, apart: bool = False, disk_bytes: int = 0, **settings: str) -> Iterator[Scene]:
    """A scene whose model says these replies."""
    usual = {"HONK_CHECKS_GRACE_S": "600"}
    script, parent = Script.of(*replies), shared_parent()
    with DyingStack(script=script, settings=usual | settings, parent=parent, disk_bytes=disk_bytes) as stack:
        assert stack.model is not None
        stack.model.closed_gates.add(GATE)
        it = Scene(stack, apart=apart)
        try:
            yield it
        finally:
            if it.worker is not None:
                it.worker.kill()
                it.worker.wait()


def sleepers(seconds: str) -> list[int]:
    """The processes that sleep for so long, wherever they are."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            if (process / "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                found.append(int(process.name))
    return found


def knock(stack: Stack, guid: str) -> int:
    """Send a delivery as GitHub would, one that means nothing to Honk but must be kept; the status of the answer.

    Raises `OSError` where nobody opens.
    """
    body = json.dumps({"action": "deleted", "guid": guid}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": sign(stack.webhook_secret, body),
    }
    request = urllib.request.Request(f"{stack.url}/webhooks/github", data=body, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def problems(stack: Stack) -> str:
    """What `/readyz` has to say against Honk; empty if nothing."""
    try:
        with urllib.request.urlopen(f"{stack.url}/readyz", timeout=15):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode()


def knock_until_refused(stack: Stack) -> dict[str, int]:
    """Send deliveries until three were refused, each with 503; what was answered."""
    answers: dict[str, int] = {}
    while list(answers.values()).count(503) < 3:
        guid = f"00000000-0000-0000-0000-{len(answers):012}"
        answers[guid] = knock(stack, guid)
    assert set(answers.values()) <= {202, 503}
    return answers


def knock_again(stack: Stack, answers: dict[str, int]) -> None:
    """Send again, as GitHub does: what was answered with 202 is there, what was refused is taken in now."""
    again = {guid: knock(stack, guid) for guid in answers}
    assert again == {guid: 200 if status == 202 else 202 for guid, status in answers.items()}
