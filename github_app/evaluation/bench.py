"""The bench: where trees that an agent made are run, always in a sandbox; hidden tests, and the workflows of tasks.

It is a second place beside the product's own, over which no agent has any power: each run has a fresh workspace.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shlex import quote

from github_app.core.errors import Misconfigured
from github_app.core.model import Repo
from github_app.core.ports import ExecLimits, ExecResult, GitAuth, Workspaces
from github_app.demo.stack import Stack
from github_app.localhub.actions import WorkflowRequest, WorkflowResult
from github_app.localhub.actlog import Line, read_result
from github_app.localhub.runner import LABELS, find_act
from github_app.settings import read_settings
from github_app.workshop import build_workspaces

JUDGE = "judge"
"""Who reads the repositories: a person of the local GitHub."""

_TIMEOUT_S = 300.0
_MAX_EVENT_BYTES = 100_000
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Runs commands over commits of the stack's repositories. Its methods block and may be called from any thread."""

    stack: Stack
    workspaces: Workspaces

    @classmethod
    def open(cls, stack: Stack) -> Bench:
        """The bench beside a stack that was started. Raises `SandboxUnavailable`."""
        tools = stack.root / "tools"
        _lay_out_tools(tools)
        shown = ":".join(filter(None, (str(tools), stack.settings.get("HONK_TOOL_PATHS") or _usual_tools())))
        own = {"HONK_DATA_DIR": str(stack.root / "bench"), "HONK_TOOL_PATHS": shown}
        return cls(stack=stack, workspaces=build_workspaces(read_settings(stack.environment() | own)))

    def run(
        self,
        repo: Repo,
        sha: str,
        command: str,
        *,
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> ExecResult:
        """Run a shell command over a commit with these files on top of it, without network."""
        return asyncio.run(self._run(repo, sha, command, files or {}, env or {}, timeout_s))

    async def _run(
        self, repo: Repo, sha: str, command: str, files: Mapping[str, bytes], env: Mapping[str, str], timeout_s: float
    ) -> ExecResult:
        key = f"bench-{next(_numbers)}"
        workspace = await self.workspaces.open(repo, sha, key, auth=lambda: self._auth(repo))
        try:
            for path, content in files.items():
                await workspace.write(path, content)
            limits = ExecLimits(timeout_s=timeout_s)
            return await workspace.exec(["sh", "-c", command], env=env, limits=limits)
        finally:
            await workspace.close(discard=True)
            await self.workspaces.discard(key)

    def _auth(self, repo: Repo) -> GitAuth:
        return GitAuth(url=f"{self.stack.hub.url}/{repo.full_name}.git", token=self.stack.hub.person(JUDGE).token)

    def require_hidden(self, repo: Repo, sha: str, suite: Path) -> None:
        """Raise `Misconfigured` if a sandbox can read the suite: its tests would not be hidden."""
        if self.run(repo, sha, f"test -e {quote(str(suite))}").exit_code == 0:
            raise Misconfigured(f"{suite} can be read by sandboxed commands, so its tests are not hidden: move it")


@dataclass
class BenchRunner:
    """A `Runner` of workflows on a bench: `act` runs in the sandbox, too, because steps run what a model wrote.

    Only what needs no network runs there: `run:` steps, and `actions/checkout`, which is the tree itself. The bench is
    given when it is there; nothing runs before.
    """

    bench: Bench | None = None

    def run(self, request: WorkflowRequest, *, cancelled: threading.Event) -> WorkflowResult:
        """Execute the workflow; see `Runner.run`. It ends by itself, so `cancelled` is not waited for."""
        if self.bench is None or cancelled.is_set():
            return WorkflowResult((), "nothing is run any more" if cancelled.is_set() else "nothing is run yet")
        event = json.dumps(request.payload)
        told = request.payload["repository"]
        repo = Repo(
            id=int(told["id"]),
            full_name=request.repository,
            installation_id=0,
            default_branch=str(told["default_branch"]),
        )
        env = {"EVENT": event if len(event) <= _MAX_EVENT_BYTES else "{}"}
        command = self._command(self.bench, request)
        done = self.bench.run(repo, request.sha, command, env=env, timeout_s=request.timeout_s)
        now = time.time()
        lines = [Line(now, line) for line in done.output.splitlines()]
        ended = "timed_out" if done.killed_by is not None else ""
        source = (request.checkout / request.workflow).read_text("utf-8")
        return read_result(source, lines, repository=request.repository, code=done.exit_code, ended=ended)

    def _command(self, bench: Bench, request: WorkflowRequest) -> str:
        words = [
            *(str(bench.stack.root / "tools/act"), request.event, "--workflows", request.workflow, "--json"),
            *("--eventpath", "/tmp/event.json", "--action-cache-path", "/tmp/actions"),  # noqa: S108 (the sandbox's)
            *("--action-offline-mode", "--no-cache-server", "--actor", JUDGE),
            *(f"--platform={label}=-self-hosted" for label in LABELS),
            *(f"--env={name}={value}" for name, value in _context(request).items()),
        ]
        return 'printf %s "$EVENT" >/tmp/event.json; exec ' + " ".join(map(quote, words))


def has_passed(done: ExecResult) -> bool:
    """Whether a command came to its end and was content."""
    return done.exit_code == 0 and done.killed_by is None


def _context(request: WorkflowRequest) -> dict[str, str]:
    return {"GITHUB_REPOSITORY": request.repository, "GITHUB_SHA": request.sha, "GITHUB_REF": request.ref}


def _usual_tools() -> str:
    """The Python that runs us, where the system has none of its own: as the agent's sandboxes have it."""
    return "" if shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin") else sys.base_prefix


def _lay_out_tools(folder: Path) -> None:
    """A folder that sandboxes may read, with `act` in it if there is one: where it is installed, they may not look."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    act = find_act()
    if act is not None and not (folder / "act").exists():
        shutil.copyfile(act, folder / "act")
        (folder / "act").chmod(0o755)
