"""Other users of this machine, for tests that run as root: a broker, a runner, and a stranger. They need no entry in
/etc/passwd, only numbers that nobody has."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from github_app.adapters.sandbox.binary import is_reachable

ROOT = Path(__file__).resolve().parents[2]
BROKER, RUNNER, STRANGER = 60738, 60739, 60740


@cache
def why_not() -> str:
    """Why there cannot be other users here; empty if there can."""
    if os.geteuid() != 0:
        return "only root can run programs as other users"
    if not is_reachable(ROOT / "pyproject.toml", RUNNER, RUNNER):
        return "other users may not read this working tree"
    if not _python():
        return "other users may not run a python of this version"
    if subprocess.run(["unshare", "--net", *python_as(RUNNER), "-c", ""], check=False, capture_output=True).returncode:
        return "this root may not start programs as other users without a network"
    return ""


def _python() -> str:
    """A python like ours that everybody may run."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for name in (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin")):
        if name and is_reachable(Path(name), RUNNER, RUNNER):
            return name
    return ""


def python_as(uid: int) -> tuple[str, ...]:
    """The beginning of a command line: python as this user, in its own group and none other."""
    return (
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        "--bounding-set=-all",
        "--no-new-privs",
        "--",
        _python(),
    )


def environment(**settings: str) -> dict[str, str]:
    """What such a python needs to find Honk, and these settings."""
    paths = f"{ROOT}:{sysconfig.get_path('purelib')}"
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **settings}


def own(path: Path, uid: int, *, gid: int | None = None, mode: int = 0o700) -> Path:
    """Make a folder of this user."""
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, uid, uid if gid is None else gid)
    path.chmod(mode)
    return path


def run_as(uid: int, script: str, *args: str, timeout_s: float = 30.0) -> str:
    """What a Python script of this user prints, errors too."""
    command = [*python_as(uid), "-c", script, *args]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=timeout_s, check=False)
    return done.stdout + done.stderr


@contextmanager
def running_as(uid: int, script: str, *args: str, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """A Python script of this user that runs meanwhile; its process id. It says `ready` first."""
    command = [*python_as(uid), "-uc", script, *args]
    with subprocess.Popen(command, env=environment(**(env or {})), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
        finally:
            process.kill()


@dataclass(kw_only=True)
class RunnerProcess:
    """`honk runner` as the user RUNNER, below a folder that all may pass. BROKER's group may connect."""

    top: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.top / "run/runner.sock"

    @property
    def data_dir(self) -> Path:
        """Where it keeps its files."""
        return self.top / "runner-data"

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.top / "runner.log").read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it, and return when it listens."""
        # The socket gets the group of its folder.
        own(self.socket.parent, RUNNER, gid=BROKER, mode=0o2750)
        own(self.data_dir, RUNNER)
        settings = {"HONK_RUNNER_SOCKET": str(self.socket), "HONK_DATA_DIR": str(self.data_dir)}
        self.socket.unlink(missing_ok=True)
        with (self.top / "runner.log").open("ab") as log:
            self._process = subprocess.Popen(
                # Without a network, as `deploy/` starts it.
                ["unshare", "--net", *python_as(RUNNER), "-m", "github_app", "runner"],
                env=environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while not self.socket.exists():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def stop(self, *, how: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(how)
        code = self._process.wait(timeout=30)
        self._process = None
        return code


@contextmanager
def runner_process(top: Path) -> Iterator[RunnerProcess]:
    """A started runner."""
    runner = RunnerProcess(top=top)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()
