"""Thousands of sessions through one `honk serve` on SQLite, with the scripted model and the local GitHub: is anything
lost or doubled, and does anything grow that should not?

`python -m bench.soak [SESSIONS] [--minutes N] [--write]`. What is kept for days in earnest is kept for minutes here, so
that what is deleted by age is seen to be. Samples go to a file as they are taken (`--samples`).
"""

from __future__ import annotations

import argparse
import json
import math
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import soakpage
from bench.drafts import settings
from bench.gauges import Sample, take_sample
from bench.lives import KINDS, SCRIPT, Life, Place, find_faults
from bench.processes import honk_process, model_usage, scripted_model
from github_app.demo.stack import Stack
from github_app.localhub.values import App

SESSIONS = 5_000
AT_ONCE = 12
REPOSITORIES = 4  # at once; when one is full, the next is made
A_REPOSITORY = 50
SAMPLES = 50  # so many in all
POLL_S = 0.02
KEEP_DAYS = 5 / (24 * 60)
CACHE_GB = "0.05"
FILES = {f"src/part_{number}.py": f"VALUE = {number}\n" * 40 for number in range(40)} | {"README.md": "# Notes\n"}


@dataclass(kw_only=True)
class Soak:
    """The run: places that fill, lives that are under way, what was found of those that ended."""

    stack: Stack
    model_url: str
    total: int
    samples_file: Path
    minutes: float = math.inf
    places: list[Place] = field(default_factory=list)
    under_way: list[Life] = field(default_factory=list)
    ended: list[Life] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    _begun: int = 0
    _done: int = 0
    _began_at: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Until all sessions have ended and have been looked at."""
        self._sample()
        while self._done < self.total:
            if time.monotonic() > self._began_at + self.minutes * 60:
                self.total = min(self.total, self._begun)  # No more is begun.
            while len(self.under_way) < AT_ONCE and self._begun < self.total:
                self.under_way.append(self._begin())
            for life in [life for life in self.under_way if life.go_on()]:
                self._end(life)
            self._retire()
            time.sleep(POLL_S)
        self.stack.wait_for("Honk to be at rest", self._is_at_rest, timeout_s=120)
        for place in self.places:
            self._look_at(place)
        self._sample()

    def _begin(self) -> Life:
        """The next issue, in the next place that is not full."""
        self.places.sort(key=lambda place: len(place.lives))
        open_places = [place for place in self.places if len(place.lives) < A_REPOSITORY]
        place = open_places[0] if len(open_places) >= REPOSITORIES else self._make_place()
        life = Life(number=self._begun, place=place, kind=KINDS[self._begun % len(KINDS)])
        self._begun += 1
        place.lives.append(life)
        return life

    def _make_place(self) -> Place:
        hub = self.stack.hub
        repo = hub.create_repository(f"acme/notes-{self._begun}", FILES)
        hub.create_label(repo, "honk")
        place = Place(hub=hub, repo=repo, ann=hub.grant(repo, "ann", "admin"), rob=hub.grant(repo, "rob", "write"))
        self.places.append(place)
        return place

    def _end(self, life: Life) -> None:
        self.under_way.remove(life)
        self.seconds.append(life.ended_at - life.began_at)
        self.kinds["lost" if life.is_lost else life.kind] += 1
        self.calls += life.model_calls
        self._done += 1
        if self._done % max(1, self.total // SAMPLES) == 0:
            self._sample()

    def _retire(self) -> None:
        """Look at places whose sessions have all ended some time ago, then have the local GitHub forget them."""
        now = time.monotonic()
        for place in list(self.places):
            is_full = len(place.lives) == A_REPOSITORY
            if is_full and all(
                life.ended_at and not life.waits_for and now - life.ended_at > 15 for life in place.lives
            ):
                self._look_at(place)
                self.places.remove(place)
                self.stack.hub.delete_repository(place.repo)
        exchanges, deliveries = self.stack.hub.exchanges, self.stack.hub.deliveries
        if len(exchanges) > 2_000:
            exchanges.clear()
        if len(deliveries) > 4_000:  # GitHub, too, forgets them after three days
            del deliveries[:2_000]

    def _look_at(self, place: Place) -> None:
        for life in place.lives:
            self.faults += find_faults(life)

    def _is_at_rest(self) -> bool:
        self.stack.hub.settle()
        with _store(self.stack) as store:
            waiting = store.execute("SELECT count(*) FROM inbox WHERE state IN ('new', 'queued')").fetchone()[0]
        return bool(waiting == 0)

    def _sample(self) -> None:
        seconds = time.monotonic() - self._began_at
        sample = take_sample(honk_process(), self.stack.root / "data", sessions=self._done, seconds=seconds)
        self.samples.append(sample)
        with self.samples_file.open("a") as lines:
            lines.write(json.dumps(asdict(sample)) + "\n")

    def check_totals(self) -> dict[str, int]:
        """What Honk's own tables and the model's server say of the whole run, beside what was asked for."""
        with _store(self.stack) as store:
            statuses = dict(store.execute("SELECT status, count(*) FROM sessions GROUP BY status").fetchall())
            unread = store.execute("SELECT count(*) FROM inbox WHERE state IN ('unreadable', 'failed')").fetchone()[0]
        calls = model_usage(self.model_url)["requests"]
        closed = self.kinds["closed"]
        return {
            "sessions that did not end": self.kinds["lost"],
            "sessions too many or too few": abs(sum(statuses.values()) - self.total),
            "ended otherwise than on GitHub": abs(statuses.get("closed", 0) - closed),
            "model calls paid twice or lost": abs(calls - self.calls),
            "events that failed": unread,
            "things on GitHub not there exactly once": len(self.faults),
        }


@contextmanager
def _store(stack: Stack) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{stack.root / 'data' / 'honk.sqlite'}?mode=ro", uri=True, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def measure(total: int, room: Path, samples_file: Path, minutes: float = math.inf) -> tuple[Soak, dict[str, int]]:
    """Run it; what came of it."""
    more = {
        "HONK_TURNS": "8",
        "HONK_TURNS_PER_REPO": "4",
        "HONK_KEEP_DAYS": f"{KEEP_DAYS:.6f}",
        "HONK_CACHE_GB": CACHE_GB,
    }
    with scripted_model(SCRIPT, room) as url, Stack(script=None, settings=settings(url, **more)) as stack:
        # Held against GitHub's documents it is elsewhere: here that would be half of the time.
        stack.hub.site.judge = stack.hub.post.judge = None
        app: App = next(iter(stack.hub.world.apps.values()))
        stack.hub.install(app, "acme")
        stack.start_honk()
        soak = Soak(stack=stack, model_url=url, total=total, samples_file=samples_file, minutes=minutes)
        soak.run()
        return soak, soak.check_totals()


def main() -> int:
    """Run by its arguments; 0 if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("sessions", nargs="?", type=int, default=SESSIONS)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no session after so long")
    parser.add_argument("--samples", type=Path, help="where samples go, one JSON object a line (a temporary file)")
    parser.add_argument("--write", action="store_true", help="put the result into docs/reliability.md, with its chart")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="honk-soak-", ignore_cleanup_errors=True) as name:
        room = Path(name)
        room.chmod(0o711)
        soak, totals = measure(options.sessions, room, options.samples or room / "samples.jsonl", options.minutes)
    print(*soak.faults[:20], sep="\n")
    run = soakpage.Run(samples=soak.samples, seconds=soak.seconds, kinds=soak.kinds, totals=totals)
    soakpage.publish(run, write=options.write)
    return int(any(totals.values()) or bool(soakpage.find_growth(soak.samples)))


if __name__ == "__main__":
    raise SystemExit(main())
