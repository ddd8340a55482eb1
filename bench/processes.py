"""Processes that benchmarks start or look at: the scripted model as a process of its own, and what processes hold in
memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from github_app.settings import child_environment

MODEL_KEY = "scripted-model-key"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(
    *argv: str,
    ready: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    program: Sequence[str] = (sys.executable, "-m"),
) -> Iterator[int]:
    """`python -m argv…` (or another `program`) from when the URL `ready` answers 200 until the end of the block; its
    process id."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*program, *argv],
            env={**child_environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=Path(__file__).resolve().parent.parent,
        )
    try:
        deadline = time.monotonic() + 60
        while not _answers(ready):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"{ready} does not answer:\n{log.read_text('utf-8', 'replace')[-3000:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def scripted_model(script: Mapping[str, Any] | Path, room: Path) -> Iterator[str]:
    """The scripted model's server, its types compiled; its URL. `script` is a file, or what would stand in one."""
    path = script if isinstance(script, Path) else room / "script.json"
    if not isinstance(script, Path):
        path.write_text(json.dumps(script), "utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = ("github_app.localhub.model", str(path), "--port", str(port))
    with started(*argv, ready=f"{url}/_usage", log=room / "model.log"):
        yield url


def model_usage(url: str) -> dict[str, int]:
    """What the scripted model counted so far."""
    with urllib.request.urlopen(f"{url}/_usage", timeout=30) as answer:  # noqa: S310 — our own URL
        counts: dict[str, int] = json.load(answer)
    return counts


def honk_process() -> int:
    """The process id of the Honk that this process started. Raises `LookupError`."""
    for child in _children().get(os.getpid(), []):
        with suppress(OSError):  # ended meanwhile
            if b"serve" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return child
    raise LookupError("no Honk runs")


def memory_mb(root: int) -> tuple[float, float]:
    """Resident and proportional memory of a process and all that it started."""
    children, todo, resident, proportional = _children(), [root], 0, 0
    while todo:
        process = todo.pop()
        todo += children.get(process, [])
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue  # ended meanwhile
        resident += int(text.partition("\nRss:")[2].split()[0])
        proportional += int(text.partition("\nPss:")[2].split()[0])
    return resident / 1024, proportional / 1024


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # ended meanwhile
            found.setdefault(parent, []).append(int(entry.name))
    return found


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 — our own URL
            return bool(answer.status == 200)
    except OSError:
        return False
