"""What the benchmarks share: the machine's name, Markdown tables, percentiles, and a place in a page of docs/."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def machine() -> str:
    """What this runs on: cores, memory, kernel, file system of the temporary folder, Python; and how busy it was."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    file_system = subprocess.check_output(["df", "--output=fstype", tempfile.gettempdir()], text=True).split()[-1]
    return (
        f"{os.cpu_count()} cores{f' ({cpu[1]})' if cpu else ''}, {memory:.0f} GiB, Linux {platform.release()}, "
        f"{file_system}, Python {platform.python_version()}; "
        f"{datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.1f} before the run"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all values (0 to 1) do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def publish(name: str, text: str, *, write: bool) -> None:
    """Print a result; with `write`, also put it between `name`'s markers, in whichever page of docs/ has them.

    Raises `ValueError` if none has.
    """
    print(text, flush=True)
    if not write:
        return
    begin, end = f"<!-- {name}: written by `python -m bench.{name} --write` -->", f"<!-- {name}: end -->"
    for page in DOCS.glob("*.md"):
        old = page.read_text("utf-8")
        if begin in old and end in old:
            before, after = old.partition(begin)[0], old.partition(end)[2]
            page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", "utf-8")
            return
    raise ValueError(f"no page has a place for {name}: wants {begin} and {end}")
