"""What a session holds in memory while its model thinks: turns that have made ten tool calls of 2 KB and now wait for a
reply that does not come, in one `honk serve`."""

from __future__ import annotations

import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

from bench import report
from bench.drafts import settings
from bench.processes import honk_process, memory_mb, model_usage, scripted_model
from github_app.demo.stack import Stack

SESSIONS = (1, 10, 50)
CALLS = 10
TIMEOUT_S = 120.0


def script() -> dict[str, Any]:
    """A few commands that print 2 KB, then silence."""
    replies: list[Any] = [{"call": {"bash": {"command": f"head -c 2000 blob.txt; : {turn}"}}} for turn in range(CALLS)]
    return {"scenes": [{"name": "waits", "replies": [*replies, {"text": "Never said.", "latency_s": 3600}]}]}


def measure(room: Path) -> str:
    """The table, as Markdown."""
    most = str(SESSIONS[-1])
    with (
        scripted_model(script(), room) as url,
        Stack(script=None, settings=settings(url, HONK_TURNS=most, HONK_TURNS_PER_REPO=most)) as stack,
    ):
        repo = stack.hub.create_repository("acme/waits", {"blob.txt": b"the quick brown fox\n" * 200})
        ann = stack.hub.grant(repo, "ann", "admin")
        stack.hub.create_label(repo, "honk")
        stack.install(repo)
        stack.start_honk()
        time.sleep(4)  # what is imported late is part of an idle Honk
        process, started = honk_process(), 0
        rows = [("none", *memory_mb(process))]
        for count in SESSIONS:
            for number in range(started, count):
                ann.open_issue(repo, f"Wait {number}", "Please wait.", ["honk"])
            started = count
            have_asked = partial(_have_asked, url, count * (CALLS + 1))
            stack.wait_for(f"{count} turns to wait", have_asked, timeout_s=TIMEOUT_S)
            rows.append((str(count), *memory_mb(process)))
        stack.stop_honk(how=signal.SIGKILL)
    return _table(rows)


def _have_asked(url: str, requests: int) -> bool:
    return model_usage(url).get("requests", 0) >= requests


def _table(rows: list[tuple[str, float, float]]) -> str:
    idle = rows[0][2]
    cells = [
        (
            f"{name} at once" if name != "none" else "idle",
            f"{resident:.0f}",
            f"{proportional:.0f}",
            f"{(proportional - idle) / int(name):.1f}" if name != "none" else "",
        )
        for name, resident, proportional in rows
    ]
    return report.table(("sessions", "resident MB", "proportional (PSS) MB", "PSS MB for each"), cells)
