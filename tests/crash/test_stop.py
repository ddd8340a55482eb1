"""Told to stop, Honk is gone within ten seconds whatever runs, with exit code 0, and what ran goes on after the next
start."""

from __future__ import annotations

import itertools
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from github_app.demo.stack import Stack
from tests.crash.scene import EDIT, SUBMIT, THINKING, Scene, knock, scene, sleepers

STOP_S = 10.0
LONG = {"call": {"bash": {"command": "exec sleep 87654"}}}


def a_long_command(it: Scene) -> None:
    it.stack.wait_for("the command to run", lambda: sleepers("87654"))


def a_model_that_thinks(it: Scene) -> None:
    it.stack.wait_for("the second reply to be asked for", lambda: it.asked() == [0, 1])


def a_slow_github(it: Scene) -> None:
    it.stack.wait_for("the pull request to be under way", it.has_no_faults_left)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("apart", "replies", "what", "asked"),
    [
        (False, [LONG, EDIT, SUBMIT], a_long_command, [0, 1, 2]),
        (False, [EDIT, THINKING], a_model_that_thinks, [0, 1, 1]),
        (False, [EDIT, SUBMIT], a_slow_github, [0, 1]),
        (True, [LONG, EDIT, SUBMIT], a_long_command, [0, 1, 2]),
    ],
)
def test_whatever_a_worker_does_it_hands_over_in_time(
    apart: bool, replies: list[dict[str, Any]], what: Callable[[Scene], None], asked: list[int]
) -> None:
    with scene(*replies, apart=apart) as it:
        if what is a_slow_github:
            it.stack.hub.faults.add(r"^POST /repos/acme/thing/pulls$", "slow", seconds=2 * STOP_S)
        issue = it.open_issue()
        what(it)
        assert it.tell_worker_to_stop().wait(timeout=STOP_S) == 0
        assert not sleepers("87654")
        it.let_model_go()
        it.start()
        it.assert_one_of_each(issue)
        assert it.asked() == asked


def test_a_door_answers_what_it_has_begun_and_keeps_what_it_has_answered() -> None:
    with scene(apart=True) as it:
        answers: dict[str, int] = {}
        knocking = threading.Thread(target=_knock_until_it_is_shut, args=(it.stack, answers))
        knocking.start()
        with _a_sender_that_falls_silent(it.stack):
            it.stack.wait_for("answers", lambda: len(answers) > 20)
            door = it.stack._process
            assert door is not None
            door.send_signal(signal.SIGTERM)
            assert door.wait(timeout=STOP_S) == 0
        knocking.join()
        it.stack._process = None
        assert set(answers.values()) == {202}
        with sqlite3.connect(it.stack.root / "data" / "honk.sqlite") as database:
            kept = {row[0] for row in database.execute("SELECT id FROM inbox")}
        assert answers.keys() <= kept


def _knock_until_it_is_shut(stack: Stack, answers: dict[str, int]) -> None:
    with suppress(OSError):
        for number in itertools.count():
            guid = f"00000000-0000-0000-0000-{number:012}"
            answers[guid] = knock(stack, guid)


@contextmanager
def _a_sender_that_falls_silent(stack: Stack) -> Iterator[None]:
    signed = f"X-Hub-Signature-256: sha256={'0' * 64}"
    head = f"POST /webhooks/github HTTP/1.1\r\nHost: here\r\n{signed}\r\nContent-Length: 99\r\n"
    with socket.create_connection(("127.0.0.1", stack.port)) as silent:
        silent.sendall(f"{head}\r\nand then".encode())
        yield
