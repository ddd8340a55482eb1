"""How soon somebody who asks sees that they were heard: from a delivery that is recorded to the reaction that is
posted, for commands and for labels that come in at a modest rate. Read from the store's own timestamps.

`python -m bench.latency [--write] [--count N]`. The repository is paused, so that a label is acknowledged and no turn
takes the machine's two cores.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bench import report
from bench.drafts import settings
from bench.processes import scripted_model
from github_app.demo.stack import Stack
from github_app.localhub.showcase import HOME, load_sample

EVERY_S = 0.25
TARGET_S = 10.0
REACTIONS = """
    SELECT d.event_kind AS kind, i.received_at, d.decided_at, e.done_at
    FROM effects e JOIN decisions d ON d.event_id = e.event_id JOIN inbox i ON i.id = e.event_id
    WHERE e.kind = 'React' AND e.state = 'done' ORDER BY i.seq
"""
KINDS = {"CommandIssued": "`/honk help` in a comment", "IssueLabeled": "the label on an issue"}


def measure(count: int, room: Path) -> str:
    """The table, as Markdown: `count` commands, and half as many labels between them."""
    sample, where = load_sample(), report.machine()
    with scripted_model(HOME / "script.yml", room) as url, Stack(script=None, settings=settings(url)) as stack:
        repo = stack.hub.create_repository(f"acme/{sample.name}", dict(sample.files))
        ann = stack.hub.grant(repo, "ann", "admin")
        stack.hub.create_label(repo, "honk")
        stack.install(repo)
        stack.start_honk()
        issues = [ann.open_issue(repo, f"{sample.issue_title} {number}") for number in range(count // 2)]
        ann.comment(issues[0], "/honk pause")
        database = stack.root / "data" / "honk.sqlite"
        stack.wait_for("the pause", lambda: len(reactions(database)) == 1)
        due = time.monotonic()
        for number in range(count):
            ann.comment(issues[-1 - number // 2], "/honk help")
            if number % 2:
                ann.label(issues[number // 2], "honk")
            due += EVERY_S
            time.sleep(max(0.0, due - time.monotonic()))
        stack.wait_for("all reactions", lambda: len(reactions(database)) == 1 + count + count // 2)
        rows = reactions(database)[1:]
    return "\n\n".join((where, table(rows), verdict(rows)))


def reactions(database: Path) -> list[sqlite3.Row]:
    """Every reaction that was posted: for what, and when each step was done."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(REACTIONS).fetchall()
    finally:
        connection.close()


def table(rows: Sequence[sqlite3.Row]) -> str:
    """Both kinds, and where the time goes."""
    head = (
        "recorded → reaction posted",
        "deliveries",
        "p50 ms",
        "p99 ms",
        "worst ms",
        "until decided, p50",
        "then, p50",
    )
    lines = []
    for kind, name in KINDS.items():
        of_kind = [row for row in rows if row["kind"] == kind]
        whole, decided, then = (
            [milliseconds(row[start], row[end]) for row in of_kind]
            for start, end in (("received_at", "done_at"), ("received_at", "decided_at"), ("decided_at", "done_at"))
        )
        times = [*(report.percentile(whole, share) for share in (0.5, 0.99, 1.0)), median(decided), median(then)]
        lines.append((name, len(of_kind), *(f"{ms:.0f}" for ms in times)))
    return report.table(head, lines)


def verdict(rows: Sequence[sqlite3.Row]) -> str:
    """The target: that somebody is heard, while they still look."""
    p99_s = report.percentile([milliseconds(row["received_at"], row["done_at"]) for row in rows], 0.99) / 1000
    return f"Target p99 < {TARGET_S:.0f} s: {'met' if p99_s < TARGET_S else '**missed**'} ({p99_s:.2f} s)."


def milliseconds(start: str, end: str) -> float:
    """Between two timestamps of the store."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)) / timedelta(milliseconds=1)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return report.percentile(values, 0.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into docs/reliability.md")
    parser.add_argument("--count", type=int, default=200, help="how many commands; half as many labels come between")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="honk-bench-", ignore_cleanup_errors=True) as name:
        text = measure(options.count, Path(name))
    report.publish("latency", text, write=options.write)
