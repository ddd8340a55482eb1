"""Workers on one PostgreSQL, started, killed, told to end, stopped and continued at random under load: is anything lost
or doubled, and do limits and order hold?

`python -m bench.chaos [SECONDS] [--seed N] [--workers N] [--write]`. The same seed makes the same plan; what it meets
is another matter. Ends with exit code 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import report
from github_app.engine.leases import SUPERSEDED
from github_app.localhub.script import Script
from github_app.localhub.values import Issue
from tests.fakes.databases import fresh_database, postgresql_server
from tests.workers.fleet import Asked, Fleet, Place, fleet, make_place, most_at_once

SECONDS = 300.0
WORKERS = 4
REPOSITORIES = 3
IN_FLIGHT = 8
PER_REPO, IN_ALL = 2, 4
PAUSE_S = (0.5, 6.0)
STILL_S = (1.0, 30.0)
"""How long a worker stands still: too short for anybody to notice, or long enough to lose its work."""
CALM_S = 300.0

EDIT = {"call": {"edit": {"path": "b.py", "old_text": "", "new_text": "y = 2\n"}}, "latency_s": 0.4}
LOOK = {"call": {"bash": {"command": "sleep 0.3; cat b.py > c.py"}}, "latency_s": 0.4}
SUBMIT = {"call": {"submit": {"title": "Add it", "summary": "As asked.", "unverified_reason": "no tests here"}}}
SCRIPT = Script.of(EDIT, LOOK, {**SUBMIT, "latency_s": 0.4})


@dataclass(kw_only=True)
class Chaos:
    """One run. `disturbed` has when each worker was killed, stopped or told to end."""

    fleet: Fleet
    dice: random.Random
    names: tuple[str, ...]
    places: list[Place]
    issues: list[Issue] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)
    disturbed: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _goes_on_at: dict[str, float] = field(default_factory=dict)

    def run(self, seconds: float) -> None:
        """Disturb for so long, then let all end in peace."""
        until, next_at = time.monotonic() + seconds, 0.0
        while (now := time.monotonic()) < until:
            self._load()
            self._supervise(now)
            if now >= next_at:
                self._disturb()
                next_at = now + self.dice.uniform(*PAUSE_S)
            time.sleep(0.05)
        for name in list(self._goes_on_at):
            self._continue(name)
        deadline = time.monotonic() + CALM_S
        while not self._is_at_rest() and time.monotonic() < deadline:
            self._supervise(time.monotonic())
            self._start_missing()
            time.sleep(0.2)

    def _load(self) -> None:
        """Keep some issues under way; some get another word at once."""
        under_way = sum(not self.fleet.is_done(issue) for issue in self.issues)
        if under_way >= IN_FLIGHT:
            return
        place = self.dice.choice(self.places)
        issue = place.ask(f"Number {len(self.issues)}")
        if self.dice.random() < 0.3:
            place.ann.comment(issue, "/honk and mind the gap")
        self.issues.append(issue)

    def _supervise(self, now: float) -> None:
        """Let workers go on whose time has come, and see how others ended."""
        for name, at in list(self._goes_on_at.items()):
            if now >= at:
                self._continue(name)
        for name, worker in list(self.fleet.workers.items()):
            code = worker.process.poll()
            if code is None:
                continue
            if code == SUPERSEDED:
                self.did["ended by the fence"] += 1
            elif code not in (0, -signal.SIGTERM):  # the signal itself where it came before anybody listened
                self.faults.append(f"{name} ended with {code}:\n{worker.log()[-2000:]}")
            self._goes_on_at.pop(name, None)
            del self.fleet.workers[name]

    def _disturb(self) -> None:
        running = [name for name, worker in self.fleet.workers.items() if not worker.is_stopped]
        acts: list[Callable[[], None]] = [self._start_missing]
        if len(running) > 1:  # somebody must be there to take over
            name = self.dice.choice(running)
            acts += [lambda: self._kill(name), lambda: self._stop(name), lambda: self._end(name)]
        self.dice.choice(acts)()

    def _start_missing(self) -> None:
        for name in self.names:
            if name not in self.fleet.workers:
                self.did["started"] += 1
                self.fleet.workers[name] = self.fleet.launch(name)
                return

    def _kill(self, name: str) -> None:
        self.did["killed"] += 1
        self.disturbed.append(time.monotonic())
        self.fleet.kill(name)

    def _end(self, name: str) -> None:
        self.did["told to end"] += 1
        self.disturbed.append(time.monotonic())
        self.fleet.workers[name].process.terminate()

    def _stop(self, name: str) -> None:
        self.did["stopped"] += 1
        self.disturbed.append(time.monotonic())
        self.fleet.stop(name)
        self._goes_on_at[name] = time.monotonic() + self.dice.uniform(*STILL_S)

    def _continue(self, name: str) -> None:
        self._goes_on_at.pop(name)
        self.fleet.go_on(name)

    def _is_at_rest(self) -> bool:
        return all(map(self.fleet.is_done, self.issues)) and not self.fleet.unsettled()

    # What came of it

    def judge(self) -> dict[str, int]:
        """How much of each kind is not as it must be. What it was about is in `faults`."""
        self.fleet.stack.hub.settle()
        undone = [f"{issue.repo.full_name}#{issue.number}" for issue in self.issues if not self.fleet.is_done(issue)]
        counts = [fault for issue in self.issues for fault in self.fleet.faults_of(issue)]
        lost = sorted(
            {each.guid for each in self.fleet.stack.hub.deliveries if each.status_code == 202} - self.fleet.recorded()
        )
        refused = [
            f"{each.event} {each.guid}: {each.status}"
            for each in self.fleet.stack.hub.deliveries
            if each.status_code not in (200, 202)
        ]
        kinds = {
            "issues not done": undone,
            "things of an issue not there exactly once": counts,
            "deliveries lost": [*lost, *refused],
            "inbox rows that did not end well": [str(tuple(row)) for row in self.fleet.unsettled()],
            "deliveries decided out of order": [str(tuple(row)) for row in self.fleet.decided_out_of_order()],
            "model calls paid twice that were not under way at a disturbance": self._paid_for_nothing(),
            "limits exceeded": self._excesses(),
            "requests that GitHub's documents do not know": self.fleet.stack.hub.violations,
            "workers that ended otherwise": self.faults.copy(),
        }
        self.faults = [f"{kind}: {fault}" for kind, faults in kinds.items() for fault in faults]
        return {kind: len(faults) for kind, faults in kinds.items()}

    def _repeated(self) -> list[tuple[Asked, Asked]]:
        """Requests for a reply that had been asked for before, each with the one before."""
        last: dict[tuple[str, int, int], Asked] = {}
        found = []
        for each in self.fleet.asked:
            key = (each.repo, each.issue, each.index)
            if key in last:
                found.append((last[key], each))
            last[key] = each
        return found

    def _paid_for_nothing(self) -> list[str]:
        return [
            f"{again.repo}#{again.issue} reply {again.index}"
            for before, again in self._repeated()
            if not any(before.at - 1 <= at <= again.at for at in self.disturbed)
        ]

    def _excesses(self) -> list[str]:
        most, most_in = most_at_once(self.fleet.asked, self.disturbed)
        excesses = [f"{most} turns at once"] if most > IN_ALL else []
        return excesses + [f"{count} turns at once in {repo}" for repo, count in most_in.items() if count > PER_REPO]

    def tables(self, seconds: float, seed: int) -> str:
        """What was done and what came of it, as Markdown."""
        most, most_in = most_at_once(self.fleet.asked, self.disturbed)
        commits = len(self.issues) - len([issue for issue in self.issues if self.fleet.faults_of(issue)])
        done = [
            ("seconds of disturbance (seed)", f"{seconds:.0f} ({seed})"),
            ("workers", len(self.names)),
            *((f"workers {what}", count) for what, count in sorted(self.did.items())),
            ("takeovers", self.fleet.takeovers()),
            (
                "issues, each with one branch, commit, pull request, tracking comment and reaction",
                f"{commits} of {len(self.issues)}",
            ),
            ("deliveries", len(self.fleet.stack.hub.deliveries)),
            ("model calls, of these asked for again", f"{len(self.fleet.asked)}, {len(self._repeated())}"),
            (f"most turns at once (limit {IN_ALL})", most),
            (f"most turns at once in one repository (limit {PER_REPO})", max(most_in.values(), default=0)),
        ]
        found = [(kind, count) for kind, count in self.judge().items()]
        return f"{report.table(('chaos', ''), done)}\n\n{report.table(('what must be zero', ''), found)}"


def measure(seconds: float, *, seed: int, workers: int) -> tuple[str, list[str]]:
    """Run it; the tables, and all that is wrong."""
    names = tuple(f"worker-{number}" for number in range(1, workers + 1))
    limits = {"HONK_TURNS": str(IN_ALL), "HONK_TURNS_PER_REPO": str(PER_REPO)}
    with postgresql_server() as server, fresh_database(server) as url, fleet(SCRIPT, url, **limits) as it:
        it.start(*names)
        places = [make_place(it.stack, f"acme/place-{number}") for number in range(REPOSITORIES)]
        chaos = Chaos(fleet=it, dice=random.Random(seed), names=names, places=places)  # noqa: S311 - a plan, no secret
        chaos.run(seconds)
        return chaos.tables(seconds, seed), chaos.faults


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=SECONDS, help=f"of disturbance ({SECONDS:.0f})")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the plan (random)")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"how many at most ({WORKERS})")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/reliability.md")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    text, faults = measure(options.seconds, seed=options.seed, workers=options.workers)
    report.publish("chaos", f"{report.machine()}\n\n{text}", write=options.write)
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
