"""What a soak has shown, as a table and a chart for docs/reliability.md: how things stood along the way, what was lost
or doubled, and what grew."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import report
from bench.chart import Panel, draw
from bench.gauges import KEPT, Sample

CHART = "soak.svg"
ROWS = 8
GROWTH = 1.25
"""By more than this the last quarter of a run may not be above its second one."""

GAUGES: dict[str, Callable[[Sample], float]] = {
    "resident memory, MB": lambda it: it.resident_mb,
    "proportional memory, MB": lambda it: it.proportional_mb,
    "open handles": lambda it: it.handles,
    "threads": lambda it: it.threads,
    "database, MB": lambda it: it.store_mb - it.kept_mb,
    "its log, MB": lambda it: it.store_wal_mb,
    "flows, MB": lambda it: it.flows_mb,
    "their log, MB": lambda it: it.flows_wal_mb,
    "caches, MB": lambda it: sum(it.caches_mb.values()),
    "rows but audit and sessions": lambda it: sum(it.rows.values()) - _kept_rows(it),
}
"""What may not grow without bound. The audit and the sessions do, by intention: they are counted for themselves."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A soak that has ended. `seconds` is how long each session took, in the order of their ends."""

    samples: Sequence[Sample]
    seconds: Sequence[float]
    kinds: Counter[str]
    totals: dict[str, int]


def _kept_rows(sample: Sample) -> int:
    return sum(sample.rows.get(name, 0) for name in KEPT)


def find_growth(samples: Sequence[Sample]) -> dict[str, float]:
    """What is higher in the last quarter of a run than in its second, and by which factor."""
    quarter = max(1, len(samples) // 4)
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    grown = {}
    for name, gauge in GAUGES.items():
        before, after = (statistics.fmean(map(gauge, some)) for some in (second, last))
        if after > max(before, 1.0) * GROWTH:
            grown[name] = after / max(before, 1.0)
    return grown


def publish(run: Run, *, write: bool) -> None:
    """Print the tables; with `write`, put them and the chart into the documentation."""
    chart = f"![Memory, handles, databases and caches along the run]({CHART})"
    text = "\n\n".join((report.machine(), _verdict(run), chart, _course(run), _trend(run)))
    report.publish("soak", text, write=write)
    if write:
        (report.DOCS / CHART).write_text(_chart(run), "utf-8")


def _verdict(run: Run) -> str:
    minutes = run.samples[-1].seconds / 60
    count = sum(run.kinds.values())
    ways = ", ".join(f"{number:,} {kind}" for kind, number in run.kinds.most_common())
    rows = [(what, number) for what, number in run.totals.items()]
    said = f"{count:,} sessions in {minutes:.0f} minutes, {count / minutes:.0f} a minute ({ways})."
    return f"{said}\n\n{report.table(('lost or doubled', 'count'), rows)}"


def _course(run: Run) -> str:
    step = max(1, len(run.samples) // ROWS)
    shown = [*run.samples[1::step][:ROWS], run.samples[-1]]
    head = ("after sessions", *GAUGES, "kept for good, MB", "s a session")
    rows = [
        (f"{it.sessions:,}", *(f"{gauge(it):,.0f}" for gauge in GAUGES.values()), f"{it.kept_mb:.0f}", _pace(run, it))
        for it in shown
    ]
    return report.table(head, rows)


def _pace(run: Run, sample: Sample) -> str:
    """The median time of the sessions before a sample."""
    before = run.seconds[max(0, sample.sessions - 100) : sample.sessions]
    return f"{statistics.median(before):.1f}" if before else ""


def _trend(run: Run) -> str:
    grown = find_growth(run.samples)
    if not grown:
        return f"Last quarter against the second: nothing is up by more than {GROWTH - 1:.0%}."
    return "**Grown** since the second quarter: " + ", ".join(f"{name} ×{factor:.2f}" for name, factor in grown.items())


def _chart(run: Run) -> str:
    samples = run.samples

    def line(gauge: Callable[[Sample], float]) -> list[float]:
        return [gauge(sample) for sample in samples]

    panels = [
        Panel(
            title="Memory, MB",
            lines={"resident": line(lambda it: it.resident_mb), "proportional": line(lambda it: it.proportional_mb)},
        ),
        Panel(
            title="Handles and threads",
            lines={"handles": line(lambda it: it.handles), "threads": line(lambda it: it.threads)},
        ),
        Panel(
            title="Databases, MB",
            lines={
                "ours": line(lambda it: it.store_mb + it.store_wal_mb),
                "of it audit and sessions": line(lambda it: it.kept_mb),
                "flows": line(lambda it: it.flows_mb + it.flows_wal_mb),
            },
        ),
        Panel(
            title="Caches on disk, MB",
            lines={name: [it.caches_mb[name] for it in samples] for name in samples[-1].caches_mb},
        ),
        Panel(
            title="Seconds for a session, median of the last 100",
            lines={"": [float(_pace(run, it) or 0) for it in samples]},
        ),
    ]
    return draw(panels, axis=[sample.sessions for sample in samples], axis_title="sessions")
