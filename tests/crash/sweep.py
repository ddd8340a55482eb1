"""The sweep: lives of an issue, one after the other, with a death in each stage, until each point was deadly once.

python -m tests.crash.sweep                  every point, on SQLite and on PostgreSQL; prints a table
python -m tests.crash.sweep --list           the points
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, zip_longest

from github_app.localhub.script import Script
from tests.crash.life import Life
from tests.crash.warm import DyingStack, WarmParent, warm_parent
from tests.fakes.databases import fresh_database, postgresql_server
from tests.story.ci import StoryRunner
from tests.story.conftest import FILES, world_in

Point = tuple[str, int]
"""A point's name, and how often it is passed in its stage until it is meant."""


@dataclass(kw_only=True)
class Theatre:
    """Where lives are lived: one localhub, and for each life a repository, a data directory and a database."""

    stack: DyingStack
    server: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def live(self, deaths: dict[str, Point]) -> list[str]:
        """Live through a life with these deaths; the stages whose point was not passed. Raises what was not as it
        should be."""
        number = next(self._numbers)
        missed = []
        with self._database() as url, ExitStack() as end:
            self.stack.settings = {"HONK_CHECKS_GRACE_S": "600", "HONK_DATA_DIR": f"{self.stack.root}/data-{number}"}
            if url:
                self.stack.settings = {**self.stack.settings, "HONK_DATABASE_URL": url}
            end.callback(self.stack.kill)
            self.stack.log_path.touch()
            self.stack.hub.world.deliveries.clear()
            world = end.enter_context(world_in(self.stack, "crash", FILES, database_url=url))
            life = Life(stack=self.stack, world=world)
            for stage, act in life.stages.items():
                self.stack.begin_stage(stage, *deaths.get(stage, ("", 0)))
                act()
                if not self.stack.end_stage():
                    missed.append(stage)
            life.assert_all_is_there_once()
        return missed

    @contextmanager
    def _database(self) -> Iterator[str]:
        if not self.server:
            yield ""
        else:
            with fresh_database(self.server) as url:
                yield url

    def points(self) -> dict[str, Counter[str]]:
        """Live through a life without deaths; for each stage the points in their order, and how often each is
        passed."""
        self.stack.trace_path.unlink(missing_ok=True)
        self.live({})
        found: dict[str, Counter[str]] = {}
        for line in self.stack.trace_path.read_text().splitlines():
            stage, point, number = line.split("\t")
            found.setdefault(stage, Counter())[point] = int(number)
        return {stage: points for stage, points in found.items() if not stage.endswith(" over")}


@contextmanager
def theatre(parent: WarmParent, *, server: str = "") -> Iterator[Theatre]:
    """A theatre, on SQLite or on a PostgreSQL server."""
    with DyingStack(script=Script(()), runner=StoryRunner(None), parent=parent) as stack:
        yield Theatre(stack=stack, server=server)


def plan(points: dict[str, Counter[str]], *, every: int = 1, each: int = 1) -> list[dict[str, Point]]:
    """Lives that between them have each point deadly: in each life one of each stage. Only every so manieth point; and
    of each up to so many of the times that it is passed."""
    columns = []
    for stage, passed in points.items():
        wanted = [(name, number) for name, times in passed.items() for number in range(1, min(times, each) + 1)]
        columns.append([(stage, point) for point in sorted(wanted)[::every]])
    return [dict(filter(None, row)) for row in zip_longest(*columns)]


@dataclass(kw_only=True)
class Tally:
    """What came of a sweep on one database."""

    database: str
    points: int = 0
    lives: int = 0
    killed: int = 0
    never: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)


def sweep(it: Theatre, tally: Tally, *, every: int, each: int) -> None:
    """Kill at each point. What was not passed again (time had it otherwise) gets two more chances."""
    found = it.points()
    tally.points = sum(map(len, found.values()))
    lives = plan(found, every=every, each=each)
    for _ in range(3):
        left: dict[str, Counter[str]] = {}
        for number, deaths in enumerate(lives, 1):
            tally.lives += 1
            try:
                missed = it.live(deaths)
            except Exception:
                missed = []
                tally.failures.append(f"{deaths}\n{traceback.format_exc()}")
                print(tally.failures[-1], file=sys.stderr, flush=True)
            tally.killed += len(deaths) - len(missed)
            for stage in missed:
                left.setdefault(stage, Counter())[deaths[stage][0]] = deaths[stage][1]
            print(f"{tally.database}: life {number} of {len(lives)}, {tally.killed} kills", file=sys.stderr, flush=True)
        lives = plan(left, each=each)
    tally.never = [f"{stage}: {name}" for stage, names in left.items() for name in names]


def main() -> int:
    """Sweep, and print what came of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--list", action="store_true", help="only list the points")
    options.add_argument("--every", type=int, default=1, help="only every so manieth point")
    options.add_argument("--each", type=int, default=1, help="how many of the times that it is passed in a stage")
    options.add_argument("databases", nargs="*", default=["SQLite", "PostgreSQL"])
    given = options.parse_args()
    tallies = [Tally(database=name) for name in given.databases]
    for tally in tallies:
        with ExitStack() as opened:
            server = "" if tally.database == "SQLite" else opened.enter_context(postgresql_server())
            it = opened.enter_context(theatre(opened.enter_context(warm_parent()), server=server))
            if given.list:
                _list(it.points())
            else:
                tally.begun = time.monotonic()
                sweep(it, tally, every=given.every, each=given.each)
    if not given.list:
        _print(tallies)
    return int(any(tally.failures for tally in tallies))


def _list(points: dict[str, Counter[str]]) -> None:
    for stage, passed in points.items():
        print(f"{stage}: {len(passed)} points, passed {sum(passed.values())} times")
        for name, times in passed.items():
            print(f"    {times:3} {name}")


def _print(tallies: list[Tally]) -> None:
    print("| database | points | killed | not passed again | lives | lost or doubled |\n|---|---|---|---|---|---|")
    for tally in tallies:
        lost = len(tally.failures)
        print(f"| {tally.database} | {tally.points} | {tally.killed} | {len(tally.never)} | {tally.lives} | {lost} |")
    for tally in tallies:
        print("\n".join([f"not passed again on {tally.database}:", *tally.never] if tally.never else []))


if __name__ == "__main__":
    sys.exit(main())
