"""Sessions each minute, from the label to a draft pull request whose checks are waited for, with a model that answers
at once, by 1, 2 and 4 workers on one PostgreSQL; and what there is no more of when more workers do not help.

`python -m bench.throughput [SESSIONS] [--write]`, so many for each number of workers.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from bench import report
from github_app.localhub.script import Script
from tests.fakes.databases import fresh_database, postgresql_server
from tests.workers.fleet import Fleet, Place, fleet, make_place

SESSIONS = 60
WORKERS = (1, 2, 4)
PLACES = 4
BUSY = 0.85
"""Of what there is, this share in use counts as all."""
EDIT = {"call": {"edit": {"path": "b.py", "old_text": "", "new_text": "y = 2\n"}}}
LOOK = {"call": {"bash": {"command": "cat b.py"}}}
SUBMIT = {"call": {"submit": {"title": "Add it", "summary": "As asked.", "unverified_reason": "no tests here"}}}
SCRIPT = Script.of(EDIT, LOOK, SUBMIT)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run. `busy` is how many cores each part kept busy."""

    workers: int
    per_minute: float
    busy: dict[str, float]


def run(server: str, workers: int, sessions: int) -> Result:
    """Open all issues at once, and wait until all are done."""
    limits = {"HONK_TURNS": "64", "HONK_TURNS_PER_REPO": "64"}
    with fresh_database(server) as url, fleet(SCRIPT, url, **limits) as it:
        it.start(*(f"worker-{number}" for number in range(workers)))
        places = [make_place(it.stack, f"acme/place-{number}") for number in range(PLACES)]
        work_off(it, places, 2 * workers)  # what is imported late, and the first checkouts
        before, began_at = cpu_s(it), time.monotonic()
        work_off(it, places, sessions)
        seconds, after = time.monotonic() - began_at, cpu_s(it)
        busy = {part: (after[part] - before[part]) / seconds for part in after}
        return Result(workers=workers, per_minute=sessions / seconds * 60, busy=busy)


def work_off(it: Fleet, places: list[Place], sessions: int) -> None:
    """So many sessions, from their label to their pull request."""
    issues = [places[number % len(places)].ask(f"Number {number}") for number in range(sessions)]
    for issue in issues:
        it.stack.wait_for("the pull request", lambda issue=issue: it.is_done(issue), timeout_s=1_800)  # type: ignore[misc]
    it.stack.wait_for("the inbox to be empty", lambda: not it.unsettled(), timeout_s=60)


def cpu_s(it: Fleet) -> dict[str, float]:
    """CPU seconds that each part has used so far, with the programs that it ran."""
    [(backend,)] = it.rows("SELECT pg_backend_pid()")
    postmaster = _stat(backend)[1]
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    assert it.stack._process is not None
    return {
        "the workers, their git and sandboxes": sum(_tree_s(each.process.pid) for each in it.workers.values()),
        "the door": _tree_s(it.stack._process.pid),
        "the database": _tree_s(postmaster),
        "the stand-ins for GitHub and the model": sum(each.ru_utime + each.ru_stime for each in own),
    }


def _stat(process: int) -> list[int]:
    """The numbers of /proc/PID/stat from the parent's id on, with the process's own id before them."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return [process, *map(int, fields[1:])]


def _tree_s(root: int) -> float:
    """CPU seconds of a process, its living descendants, and those that they have waited for."""
    stats = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stats.append(_stat(int(entry.name)))
        except OSError:
            continue  # ended meanwhile
    tree, grows = {root}, True
    while grows:
        found = {stat[0] for stat in stats if stat[1] in tree} - tree
        tree, grows = tree | found, bool(found)
    return sum(sum(stat[11:15]) for stat in stats if stat[0] in tree) / TICKS


def bottleneck(result: Result) -> str:
    """What there is no more of."""
    cores = os.cpu_count() or 1
    total, part = sum(result.busy.values()), max(result.busy, key=lambda part: result.busy[part])
    if total > BUSY * cores:
        return f"the machine's {cores} cores, most of them for {part}"
    for name, busy in result.busy.items():
        threads = result.workers if "workers" in name else 1
        if busy > BUSY * threads:
            return f"{name}: one core for each process of Python"
    return "nothing: it waits"


def measure(sessions: int) -> str:
    """The table, as Markdown."""
    with postgresql_server() as server:
        results = [run(server, workers, sessions) for workers in WORKERS]
    parts = list(results[0].busy)
    rows = [
        (it.workers, f"{it.per_minute:.0f}", *(f"{it.busy[part]:.2f}" for part in parts), bottleneck(it))
        for it in results
    ]
    head = ("workers", "sessions a minute", *(f"cores: {part}" for part in parts), "what there is no more of")
    return report.table(head, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("sessions", nargs="?", type=int, default=SESSIONS, help=f"for each row ({SESSIONS})")
    parser.add_argument("--write", action="store_true", help="put the result into docs/reliability.md")
    options = parser.parse_args()
    text = f"{report.machine()}\n\n{measure(options.sessions)}"
    report.publish("throughput", text, write=options.write)
