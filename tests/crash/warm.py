"""A stack whose Honk is forked from a parent that has everything imported, dies on order, and is started again."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from github_app.demo.stack import NotReached, Stack
from tests.crash.probes import write_order

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


@dataclass
class WarmParent:
    """`dying.py`, running."""

    control: socket.socket
    _answers: Any = field(init=False)

    def __post_init__(self) -> None:
        self._answers = self.control.makefile("r")

    def ask(self, **what: Any) -> Any:
        """Ask it something; its answer."""
        self.control.sendall(json.dumps(what).encode() + b"\n")
        return json.loads(self._answers.readline())

    def close(self) -> None:
        """Ask nothing any more: it ends."""
        self._answers.close()
        self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()

    def start(self, **how: Any) -> Forked:
        """Start a Honk; see `dying.py`."""
        return Forked(parent=self, pid=self.ask(start=how))


@dataclass(kw_only=True)
class Forked:
    """A process that the parent forked, as if it were `subprocess`'s."""

    parent: WarmParent
    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.returncode is None:
            self.returncode = self.parent.ask(wait=self.pid)
        return self.returncode

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for its end; its exit code."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, how: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, how)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


@cache
def shared_parent() -> WarmParent:
    """A warm parent that lives as long as this process."""
    opened = warm_parent()
    atexit.register(opened.__exit__, None, None, None)
    return opened.__enter__()


@contextmanager
def warm_parent() -> Iterator[WarmParent]:
    """A warm parent; with it go all that it forked."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.crash.dying", str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT)
    theirs.close()
    parent = WarmParent(ours)
    try:
        yield parent
    finally:
        parent.close()
        process.wait()


@dataclass(kw_only=True)
class DyingStack(Stack):
    """A stack whose Honk may be told to die at a point, once; whoever then waits for something starts it again."""

    parent: WarmParent
    disk_bytes: int = 0
    """If not 0: so large is the disk that Honk's data directory is on, which it alone sees and which goes with it."""
    deaths: int = 0
    on_death: Callable[[], None] = lambda: None
    _stage: str = ""
    _is_due: bool = False

    @property
    def order_path(self) -> Path:
        """The file that says where to die."""
        return self.root / "order"

    @property
    def trace_path(self) -> Path:
        """The file that holds which points were passed, in which stage, for the how-manieth time."""
        return self.root / "points"

    def begin_stage(self, stage: str, point: str = "", number: int = 0) -> None:
        """From now on points are those of this stage, and one of them may be deadly."""
        self._stage, self._is_due = stage, bool(point)
        write_order(self.order_path, stage, point, number)

    def end_stage(self) -> bool:
        """Let nothing be deadly any more; whether something was, or there was nothing to die of."""
        write_order(self.order_path, f"{self._stage} over")
        self.revive()
        was_due, self._is_due = self._is_due, False
        return not was_due

    def spawn(self, *words: str) -> Any:
        """Start a command of Honk's, which logs to the same file."""
        if not self.order_path.exists():
            self.begin_stage("")
        return self.parent.start(
            environment=self.environment(),
            folder=str(self.root),
            log=str(self.log_path),
            arguments=words,
            order=str(self.order_path),
            trace=str(self.trace_path),
            disk_bytes=self.disk_bytes,
        )

    def wait_for(self, what: str, look: Callable[[], T | None], *, timeout_s: float = PATIENCE_S) -> T:
        """Look again and again until there is something, over the death that was ordered. Raises `NotReached`."""
        deadline = time.monotonic() + max(timeout_s, PATIENCE_S)
        while not (found := look()):
            self.revive()
            if time.monotonic() > deadline:
                raise NotReached(f"waited for {what} in the stage {self._stage}.\n{self.log_tail()}")
            time.sleep(0.02)
        return found

    def kill(self) -> None:
        """End Honk, if it runs, without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=PATIENCE_S)
            self._process = None

    def drain(self) -> None:
        """Have Honk end in order, over the death that was ordered. Raises `NotReached` if it does not."""
        while self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            code = self._process.wait(timeout=PATIENCE_S)
            if code == 0:
                self._process = None
            else:
                self.revive()

    def revive(self) -> None:
        """Start Honk again if it died as it was told to. Raises `NotReached` if it ended otherwise."""
        if self._process is None or (code := self._process.poll()) is None:
            return
        if code != -signal.SIGKILL or not self._is_due:
            raise NotReached(f"Honk ended with {code} in the stage {self._stage}.\n{self.log_tail()}")
        self._is_due = False
        self.deaths += 1
        write_order(self.order_path, f"{self._stage} again")
        self.on_death()
        self.start_honk()
