"""What the agent's tests put behind its ports: a scripted model, a workspace in a plain folder, a journal in memory."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from github_app.agent.outlet import Outlet
from github_app.agent.task import Task
from github_app.agent.toolservers import ToolServers
from github_app.core.backing import NO_BACKING, Backing
from github_app.core.errors import PathRefused, ToolFailed
from github_app.core.model import Actor, ChangeSet, FileChange, Issue, Mode, NetworkDecision, Permission, Usage
from github_app.core.ports import ExecLimits, ExecResult, ModelReply, ModelRequest, Sighting, Step
from github_app.core.session import Cause, Feedback

SHA = "a" * 40
A_LITTLE = Usage(input_tokens=10, output_tokens=5)
NO_LIMITS = ExecLimits()
Script = ModelReply | Exception | Callable[[ModelRequest], ModelReply]


def reply(*blocks: dict[str, Any], stop: str = "", usage: Usage = A_LITTLE) -> ModelReply:
    """A model's reply; it stops for its tool calls, or for having said all."""
    has_calls = any(block["type"] == "tool_use" for block in blocks)
    return ModelReply(content=blocks, stop_reason=stop or ("tool_use" if has_calls else "end_turn"), usage=usage)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


_ids = iter(range(10**9))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{next(_ids)}", "name": name, "input": arguments}


def submit(**more: Any) -> ModelReply:
    return reply(call("submit", **{"title": "Add what was missing", "summary": "It was missing.", **more}))


@dataclass
class ScriptedModel:
    """Says what it was told to say, one by one, raises what is an exception, and fails loudly when it runs out.

    Input costs 2 $, output 10 $ a million tokens, reading the cache a tenth and writing it five quarters of input.
    """

    script: list[Script]
    requests: list[ModelRequest] = field(default_factory=list)

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        assert self.script, "the model was asked once more than the script provides for"
        item = self.script.pop(0)
        if isinstance(item, Exception):
            raise item
        answer = item(request) if callable(item) else item
        cost = answer.usage.cost_micro_usd or self.price_of(request.model, answer.usage)
        return replace(answer, usage=replace(answer.usage, cost_micro_usd=cost))

    def price_of(self, model: str, usage: Usage) -> int:  # noqa: ARG002 - the port's
        paid = usage.input_tokens * 2.0 + usage.output_tokens * 10.0
        return round(paid + usage.cache_read_tokens * 0.2 + usage.cache_write_tokens * 2.5)

    def results(self, request: int = -1) -> list[dict[str, Any]]:
        """The tool results in the last message of a request."""
        return [block for block in self.last_message(request) if block["type"] == "tool_result"]

    def last_message(self, request: int = -1) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = self.requests[request].messages[-1]["content"]
        return content


def no_servers(workspace: LocalWorkspace, outlet: Outlet) -> ToolServers:
    """Tool servers of a repository that names none."""
    return ToolServers(
        servers=(), workspace=workspace, hosts=None, outlet=outlet, scanner=WordScanner(), time_left_s=lambda: 60.0
    )


class WordScanner:
    """Takes each word that begins with `secret-` for a secret."""

    def scan(self, content: bytes) -> tuple[Sighting, ...]:
        lines = enumerate(content.split(b"\n"), 1)
        return tuple(
            Sighting(line=number, last_line=number, what="what looks like a secret (word)")
            for number, line in lines
            if b"secret-" in line
        )


@dataclass
class MemoryJournal:
    """Keeps steps and snapshots; `inbox` holds what arrives before the next message, `on_append` may fail."""

    steps: list[Step] = field(default_factory=list)
    snapshots: list[tuple[int, ChangeSet]] = field(default_factory=list)
    inbox: list[Feedback] = field(default_factory=list)
    on_append: Callable[[Step], None] = lambda _: None

    async def load(self) -> tuple[Step, ...]:
        return tuple(self.steps)

    async def append(self, step: Step, *, snapshot: ChangeSet | None = None) -> None:
        self.on_append(step)
        assert step.number == len(self.steps)
        self.steps.append(step)
        if snapshot is not None:
            self.snapshots.append((step.number, snapshot))

    async def arrivals(self) -> tuple[Feedback, ...]:
        carried = {each for step in self.steps for each in step.consumed}
        return tuple(each for each in self.inbox if each.id not in carried)


@dataclass
class LocalWorkspace:
    """A folder in which commands really run, unprotected: for tests whose commands are our own."""

    root: Path
    before: dict[str, tuple[Mode, bytes]] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)
    networks: list[tuple[str, ...]] = field(default_factory=list)
    refuses: tuple[NetworkDecision, ...] = ()
    path: str = "/usr/local/bin:/usr/bin:/bin"
    max_files: int = 1_000
    note: str = ""
    discarded: bool = False
    ignored: tuple[str, ...] = ("__pycache__/", "node_modules/", "target/")

    @classmethod
    def of(cls, root: Path, files: Mapping[str, str | bytes]) -> LocalWorkspace:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        workspace = cls(root)
        workspace.before = workspace._files()
        return workspace

    @property
    def sha(self) -> str:
        return SHA

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str = ".",
        env: Mapping[str, str] = {},
        limits: ExecLimits = NO_LIMITS,
        network: tuple[str, ...] = (),
        backing: Backing = NO_BACKING,  # noqa: ARG002 - the port's
    ) -> ExecResult:
        self.networks.append(network)
        self.commands.append(list(argv))
        started = time.monotonic()
        is_late = False
        with tempfile.TemporaryFile() as output:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=self.root / cwd,
                env={"PATH": self.path, "HOME": str(self.root.parent), **env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                await asyncio.wait_for(process.wait(), limits.timeout_s)
            except TimeoutError:
                is_late = True
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            output.seek(0)
            printed = output.read()
        return ExecResult(
            exit_code=137 if is_late else process.returncode or 0,
            output=printed[: limits.output_bytes].decode(errors="replace"),
            output_bytes=len(printed),
            truncated=len(printed) > limits.output_bytes,
            killed_by="timeout" if is_late else None,
            duration_s=time.monotonic() - started,
            network=self.refuses,
        )

    async def read(self, path: str, *, max_bytes: int = 1_000_000) -> bytes:
        target = self._inside(path)
        if not target.is_file():
            raise ToolFailed(f"there is no file `{path}`")
        if target.stat().st_size > max_bytes:
            raise ToolFailed(f"`{path}` is larger than {max_bytes} bytes")
        return target.read_bytes()

    async def read_base(self, path: str, *, max_bytes: int = 1_000_000) -> bytes | None:
        if path not in self.before:
            raise ToolFailed(f"there is no file `{path}`")
        content = self.before[path][1]
        return content if len(content) <= max_bytes else None

    async def write(self, path: str, content: bytes, *, executable: bool | None = None) -> None:  # noqa: ARG002 - the port's
        target = self._inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    async def delete(self, path: str) -> None:
        self._inside(path).unlink()

    async def list(self, prefix: str = "", *, limit: int = 10_000) -> list[str]:
        folder = f"{prefix}/" if prefix else ""
        return sorted(path for path in self._files() if path.startswith(folder))[:limit]

    async def changes(self) -> ChangeSet:
        now = self._files()
        if len(now) > self.max_files:
            raise ToolFailed(f"{len(now)} files are too many")
        changed = [
            FileChange(
                path=path,
                mode=(now.get(path) or self.before[path])[0],
                content=now.get(path, (None, None))[1],
                base_mode=self.before.get(path, (None, b""))[0],
            )
            for path in sorted(now.keys() | self.before.keys())
            if now.get(path) != self.before.get(path)
        ]
        return ChangeSet(base_sha=SHA, changes=tuple(changed))

    async def apply(self, changes: ChangeSet) -> None:
        for change in changes.changes:
            if change.content is None:
                (self.root / change.path).unlink()
            else:
                await self.write(change.path, change.content)

    async def recall(self) -> str:
        return self.note

    async def remember(self, note: str) -> None:
        self.note = note

    async def close(self, *, discard: bool) -> None:
        self.discarded = self.discarded or discard

    def _inside(self, path: str) -> Path:
        if path.startswith("/") or ".." in Path(path).parts:
            raise PathRefused(f"`{path}` leaves the repository")
        return self.root / path

    def _files(self) -> dict[str, tuple[Mode, bytes]]:
        found: dict[str, tuple[Mode, bytes]] = {}
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root).as_posix()
            if path.is_file() and not any(part in f"{name}/" for part in self.ignored):
                found[name] = ("100755" if os.access(path, os.X_OK) else "100644", path.read_bytes())
        return found


@dataclass
class StillClock:
    """A clock that goes on only when it is told to."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def pass_s(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def a_task(**more: Any) -> Task:
    usual: dict[str, Any] = {
        "repo": "octo/calculator",
        "cause": Cause.IMPLEMENT,
        "issue": Issue(
            number=7,
            title="divide() crashes on zero",
            body="`divide(1, 0)` raises. It should return None.",
            author=Actor(id=5, login="ana"),
            is_open=True,
        ),
        "issue_permission": Permission.WRITE,
        "branch": "honk/7-divide-crashes-on-zero",
        "base_branch": "main",
    }
    return Task(**{**usual, **more})


def a_thread(number: int = 1, body: str = "Please name this better.") -> Feedback:
    return Feedback(
        id=f"thread:{number}",
        kind="thread",
        author="rita",
        body=body,
        path="calc.py",
        line=number,
        thread_id=f"PRRT_{number}",
        reply_to=100 + number,
    )
