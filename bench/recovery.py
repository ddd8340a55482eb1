"""From kill -9 to the next useful step: the first request to GitHub or to the model that carries the interrupted work
on. With one process on SQLite, started again at once as a supervisor would; and with three workers on PostgreSQL, where
another one goes on, whether the first is dead or only stands still.

`python -m bench.recovery [ROUNDS] [--write]`, so many of each kind.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench import report
from github_app.demo.stack import Stack
from github_app.localhub.script import Script
from github_app.localhub.values import Issue
from tests.fakes.databases import fresh_database, postgresql_server
from tests.workers.fleet import Fleet, Place, fleet, make_place

ROUNDS = 50
RESTART_S, FAILOVER_S = 2.0, 30.0
POLL_S = 0.002
PATIENCE_S = 120.0
COMMENT = r"^POST .*/issues/\d+/comments$"
EDIT = {"call": {"edit": {"path": "b.py", "old_text": "", "new_text": "y = 2\n"}}}
SUBMIT = {
    "call": {"submit": {"title": "Add it", "summary": "As asked.", "unverified_reason": "no tests here"}},
    "gate": "thinks",
}
SCRIPT = Script.of(EDIT, SUBMIT)


def until(look: Callable[[], Any], since: float) -> float:
    """Seconds from a moment until there is something."""
    while not look():
        assert time.monotonic() - since < PATIENCE_S, "no step was taken"
        time.sleep(POLL_S)
    return time.monotonic() - since


def wait_done(stack: Stack, issue: Issue) -> None:
    """Wait for the end of an issue's turn and all that follows at once."""
    stack.wait_for(
        "the round to end", lambda: any("waiting for the checks" in each.body for each in issue.comments), timeout_s=120
    )


# One process


def restarts(rounds: int) -> Iterator[tuple[str, float, float]]:
    """What was interrupted; seconds from the restart, and from the kill, to the next step."""
    with Stack(script=SCRIPT, settings={"HONK_CHECKS_GRACE_S": "600"}) as stack:
        place = make_place(stack, "acme/one")
        stack.start_honk()
        for number in range(rounds):
            yield "a request to GitHub", *restart_while_writing(stack, place, number)
            yield "a model that thinks", *restart_while_thinking(stack, place, number)


def restart_while_writing(stack: Stack, place: Place, number: int) -> tuple[float, float]:
    """Killed while GitHub is told to post the tracking comment."""
    hang = stack.hub.faults.add(COMMENT, "slow", seconds=3_600.0, repo=place.repo.full_name)
    issue = place.ask(f"Write {number}")
    stack.wait_for("the request", lambda: hang not in stack.hub.faults.rules)
    seconds = restart(stack, lambda: [each for each in issue.comments if each.user.login == "honk[bot]"])
    wait_done(stack, issue)
    return seconds


def restart_while_thinking(stack: Stack, place: Place, number: int) -> tuple[float, float]:
    """Killed while the model thinks about its second reply."""
    assert stack.model is not None
    stack.model.closed_gates.add("thinks")
    before = stack.model.usage["requests"]
    issue = place.ask(f"Think {number}")
    stack.wait_for("the second request", lambda: asked(stack) == before + 2)
    seconds = restart(stack, lambda: asked(stack) > before + 2)
    stack.model.closed_gates.clear()
    wait_done(stack, issue)
    return seconds


def asked(stack: Stack) -> int:
    """How many requests the model has got."""
    assert stack.model is not None
    return stack.model.usage["requests"]


def restart(stack: Stack, has_gone_on: Callable[[], Any]) -> tuple[float, float]:
    """Kill Honk and start it again."""
    killed_at = time.monotonic()
    stack.stop_honk(how=signal.SIGKILL)
    started_at = time.monotonic()
    starting = threading.Thread(target=stack.start_honk)
    starting.start()
    seconds = until(has_gone_on, started_at)
    starting.join()
    return seconds, seconds + started_at - killed_at


# Several workers


def failovers(rounds: int) -> Iterator[tuple[str, float]]:
    """What became of the worker; seconds until another one went on with its turn."""
    with postgresql_server() as server, fresh_database(server) as url, fleet(SCRIPT, url) as it:
        it.start("one", "two", "three")
        place = make_place(it.stack, "acme/many")
        for number in range(rounds):
            yield "killed", failover(it, place, f"Kill {number}", it.kill)
            yield "stopped", failover(it, place, f"Stop {number}", it.stop)
            for name, worker in list(it.workers.items()):
                if worker.is_stopped:
                    it.go_on(name)
                    it.wait_end(name)
            it.start(*{"one", "two", "three"} - it.workers.keys())


def failover(it: Fleet, place: Place, title: str, disturb: Callable[[str], None]) -> float:
    """Disturb the worker whose turn waits for the model."""
    assert it.stack.model is not None
    it.stack.model.closed_gates.add("thinks")
    before = asked(it.stack)
    issue = place.ask(title)
    it.stack.wait_for("the second request", lambda: asked(it.stack) == before + 2)
    name = it.worker_on(issue)
    disturbed_at = time.monotonic()
    disturb(name)
    seconds = until(lambda: asked(it.stack) > before + 2, disturbed_at)
    it.stack.model.closed_gates.clear()
    wait_done(it.stack, issue)
    return seconds


# The tables


def measure(rounds: int) -> str:
    """Both tables, as Markdown."""
    found = list(restarts(rounds))
    rows: list[tuple[object, ...]] = []
    for what in dict.fromkeys(kind for kind, _, _ in found):
        from_start = [seconds for kind, seconds, _ in found if kind == what]
        from_kill = [seconds for kind, _, seconds in found if kind == what]
        target = (f"{RESTART_S:.0f} from the start", _verdict(from_start, RESTART_S))
        rows.append((f"SQLite, started again; interrupted: {what}", *_spread(from_start), *_spread(from_kill), *target))
    moved = list(failovers(rounds))
    for what in dict.fromkeys(kind for kind, _ in moved):
        seconds = [each for kind, each in moved if kind == what]
        target = (f"{FAILOVER_S:.0f} from the {'kill' if what == 'killed' else 'stop'}", _verdict(seconds, FAILOVER_S))
        rows.append((f"PostgreSQL, another worker goes on; the first: {what}", "", "", *_spread(seconds), *target))
    head = (
        f"seconds to the next useful step, {rounds} times each",
        "from the start: median", "worst", "from the kill or stop: median", "worst", "target", "worst meets it",
    )  # fmt: skip
    return report.table(head, rows)


def _spread(seconds: list[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"


def _verdict(seconds: list[float], target_s: float) -> str:
    return "yes" if max(seconds) < target_s else "**no**"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS, help=f"of each kind ({ROUNDS})")
    parser.add_argument("--write", action="store_true", help="put the result into docs/reliability.md")
    options = parser.parse_args()
    text = f"{report.machine()}\n\n{measure(options.rounds)}"
    report.publish("recovery", text, write=options.write)
