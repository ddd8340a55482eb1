"""What a turn of Honk's loop costs beside the smallest loop on the same SDK: milliseconds for each model call, bytes
sent, and what the prompt cache makes of them.

Both loops say the same words (system prompt, tools, first message), call the same server, and get 2 KB from a command
in a sandbox each time. What the command itself takes is not counted, for neither; the bare loop has the sandbox, too,
because after a longer pause everything is slower, the model's server included.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from bench import report
from bench.processes import MODEL_KEY, model_usage, scripted_model
from github_app.adapters.clock import SystemClock
from github_app.adapters.model.claude import ClaudeModel
from github_app.adapters.repository.git import Git
from github_app.adapters.repository.workspaces import LocalWorkspaces
from github_app.adapters.sandbox.bubblewrap import Bubblewrap
from github_app.adapters.secrets import PatternScanner
from github_app.agent import prompt
from github_app.agent.loop import run_turn
from github_app.agent.outlet import Outlet
from github_app.agent.shell import run_command
from github_app.agent.task import Asked, Task
from github_app.agent.tools import tool_definitions
from github_app.agent.transcript import marked_system
from github_app.core.access import ModelAccess
from github_app.core.decisions import Decision
from github_app.core.events import Ticked
from github_app.core.facts import Facts
from github_app.core.model import Actor, Issue, Permission, Repo
from github_app.core.policy import Limits, Policy
from github_app.core.ports import GitAuth, Journal, Model, Workspace
from github_app.core.session import Cause, Session, Status
from github_app.engine.audit import Audit
from github_app.engine.database import connect
from github_app.engine.journal import StoredJournal
from github_app.engine.migrations import migrate
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts

TURNS = (10, 30, 100)
ROUNDS = 5
TARGET_MS = 15.0
BYTES_PER_TOKEN = 4  # as the scripted model counts
READ, WRITE = 0.1, 1.25  # prices of the prompt cache, in input tokens
GROWTH = 1.1
ANN = Actor(id=1, login="ann")
REPO = Repo(id=1, full_name="bench/repo", installation_id=1, default_branch="main")
LIMITS = Limits(cost_micro_usd=10**12, tokens=10**12, steps=1_000, time_s=3_600.0)


@dataclass(kw_only=True)
class Run:
    """One conversation: where its time went (seconds), and what the model's server counted."""

    calls: int
    wall_s: float = 0.0
    parts_s: Counter[str] = field(default_factory=Counter)
    usage: Counter[str] = field(default_factory=Counter)

    @property
    def own_ms(self) -> float:
        """Milliseconds for each model call, without the tools' own time."""
        return (self.wall_s - self.parts_s["tools"]) / self.calls * 1000

    @property
    def billed_kb(self) -> float:
        """Input weighted by what the cache makes of it."""
        read, written = self.usage["cache_read_input_tokens"], self.usage["cache_creation_input_tokens"]
        tokens = READ * read + WRITE * written + self.usage["input_tokens"]
        return tokens * BYTES_PER_TOKEN / 1000

    @property
    def new_kb(self) -> float:
        """Input that no earlier request had brought into the cache: what must not grow with the square."""
        new = self.usage["cache_creation_input_tokens"] + self.usage["input_tokens"]
        return new * BYTES_PER_TOKEN / 1000

    @property
    def read_share(self) -> float:
        """How much of the input came from the cache."""
        names = ("cache_read_input_tokens", "cache_creation_input_tokens", "input_tokens")
        return self.usage[names[0]] / sum(self.usage[name] for name in names)


class Timed:
    """Whatever it wraps, with the time that some of its calls take booked under a name."""

    def __init__(self, wrapped: object, parts_s: Counter[str], names: dict[str, str]) -> None:
        self._wrapped, self._parts_s, self._names = wrapped, parts_s, names

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._wrapped, name)
        if name not in self._names:
            return attribute

        async def timed(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return await attribute(*args, **options)
            finally:
                self._parts_s[self._names[name]] += time.perf_counter() - started  # type: ignore[assignment]

        return timed


def script() -> dict[str, Any]:
    """For each number of turns a scene: so many commands, each another, then a question, which ends the turn."""
    return {
        "scenes": [
            {
                "name": str(turns),
                "when": f"Please make {turns} calls.",
                "replies": [{"call": {"bash": {"command": command(turn)}}} for turn in range(turns)]
                + [{"call": {"ask": {"question": "Is this enough?"}}}],
            }
            for turns in TURNS
        ]
    }


def command(turn: int) -> str:
    """A command that prints 2 KB, each time others."""
    return f"tail -c +{turn * 2000 + 1} blob.txt | head -c 2000"


def task_of(turns: int) -> Task:
    """A task that its scene knows."""
    issue = Issue(number=1, title="Benchmark", body=f"Please make {turns} calls.", author=ANN, is_open=True)
    return Task(
        repo=REPO.full_name,
        cause=Cause.IMPLEMENT,
        issue=issue,
        issue_permission=Permission.WRITE,
        branch="honk/1",
        base_branch="main",
    )


@dataclass(kw_only=True)
class Desk:
    """What both loops work on: a repository, a model, and for Honk a store and a sandbox."""

    room: Path
    url: str
    sha: str
    store: Store
    transcripts: Transcripts
    workspaces: LocalWorkspaces
    count: int = 0

    @classmethod
    def open(cls, room: Path, url: str) -> Desk:
        """Make the repository, the database and the workspaces."""
        origin = room / "origin"
        origin.mkdir()
        (origin / "blob.txt").write_text("".join(f"line {n:05d}: the quick brown fox jumps\n" for n in range(6_000)))
        (origin / "calc.py").write_text("def add(a, b):\n    return a + b\n")
        git = ("git", "-C", str(origin), "-c", "user.name=b", "-c", "user.email=b@example.org")
        for argv in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "start")):
            subprocess.run([*git, *argv], check=True)
        database = connect(f"sqlite:///{room / 'honk.sqlite'}")
        migrate(database)
        audit = Audit(database, SystemClock(), key=b"a benchmark")
        return cls(
            room=room,
            url=url,
            sha=subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip(),
            store=Store(database, SystemClock(), audit),
            transcripts=Transcripts(database, SystemClock(), audit),
            workspaces=LocalWorkspaces(root=room, git=Git(allow_file=True), sandbox=Bubblewrap.probe(state_dir=room)),
        )

    def model_name(self) -> str:
        """A model that nobody asked yet: its prompt cache is empty."""
        return f"claude-bench-{uuid4().hex}"

    def begin(self) -> tuple[Session, str]:
        """A session with a turn in force, as the engine would have stored it."""
        self.count += 1
        turn_id = f"turn-{self.count}"
        session = Session(
            id=f"1-{self.count}-1",
            repo=REPO,
            issue_number=self.count,
            generation=1,
            branch=f"honk/{self.count}",
            base_branch="main",
            status=Status.WORKING,
            requested_by=ANN,
            issue_title="Benchmark",
            base_sha=self.sha,
            turn_id=turn_id,
            turn_cause=Cause.IMPLEMENT,
        )
        event = Ticked(id=f"begin-{self.count}", session_id=session.id)
        facts = Facts(now=SystemClock().now(), me=ANN)
        self.store.commit(event, None, Decision(session=session, why="a benchmark"), REPO, facts)
        self.transcripts.begin_turn(turn_id, session, base_sha=self.sha, task="{}", sources=())
        return session, turn_id

    @contextmanager
    def measured(self, calls: int) -> Iterator[Run]:
        """Time the block, and take from the server's counts what it added."""
        run, before = Run(calls=calls), model_usage(self.url)
        started = time.perf_counter()
        yield run
        run.wall_s = time.perf_counter() - started
        run.usage = Counter(model_usage(self.url))
        run.usage.subtract(before)
        assert run.usage["requests"] == calls, f"{run.usage['requests']} requests, not {calls}"

    async def _open(self, key: str) -> Workspace:
        auth = GitAuth(url=str(self.room / "origin"))
        return await self.workspaces.open(REPO, self.sha, key, auth=lambda: auth)

    async def honk(self, turns: int, model: ClaudeModel) -> Run:
        """A turn as the engine runs it: journal on disk with full sync, commands in the sandbox."""
        session, turn_id = self.begin()
        workspace = await self._open(session.id)
        journal = StoredJournal(
            transcripts=self.transcripts,
            session_id=session.id,
            turn_id=turn_id,
            is_stopping=lambda: False,
            may_go_on=lambda: None,
        )
        with self.measured(turns + 1) as run:
            files = {"exec": "tools", "changes": "what changed", "list": "first look", "read": "first look"}
            steps = {"append": "journal: store a step", "arrivals": "journal: what came in", "load": "first look"}
            outcome = await run_turn(
                task_of(turns),
                model=cast(Model, Timed(model, run.parts_s, {"reply": "model"})),
                workspace=cast(Workspace, Timed(workspace, run.parts_s, files)),
                journal=cast(Journal, Timed(journal, run.parts_s, steps)),
                limits=LIMITS,
                policy=Policy(verify=("true",)),
                scanner=PatternScanner(),
                model_name=self.model_name(),
                clock=SystemClock(),
            )
        assert isinstance(outcome, Asked), outcome
        await workspace.close(discard=True)
        return run

    async def bare(self, turns: int, client: Any) -> Run:
        """The smallest loop on the SDK: streamed, the last block and the system prompt marked, nothing kept on disk."""
        text = prompt.turn_prompt(task_of(turns), top="blob.txt\ncalc.py", verifiers=(), boundary=uuid4().hex[:12])
        name, system, tools = self.model_name(), marked_system(prompt.system_prompt()), tool_definitions()
        messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": text}]}]
        workspace = await self._open("bare")
        with self.measured(turns + 1) as run:
            while True:
                last = messages[-1]["content"][-1]
                last["cache_control"] = {"type": "ephemeral"}
                started = time.perf_counter()
                async with client.messages.stream(
                    model=name, max_tokens=32_000, system=system, tools=tools, messages=messages
                ) as stream:
                    reply = await stream.get_final_message()
                run.parts_s["model"] += time.perf_counter() - started  # type: ignore[assignment]
                del last["cache_control"]
                uses = [{"type": "tool_use", "id": b.id, "name": b.name, "input": b.input} for b in reply.content]
                messages.append({"role": "assistant", "content": uses})
                if uses[0]["name"] == "ask":
                    break
                results = [await self._result(use, workspace, run) for use in uses]
                messages.append({"role": "user", "content": results})
        await workspace.close(discard=True)
        return run

    async def _result(self, use: dict[str, Any], workspace: Workspace, run: Run) -> dict[str, Any]:
        started = time.perf_counter()
        output = await run_command(Outlet(workspace), use["input"]["command"], timeout_s=60.0)
        run.parts_s["tools"] += time.perf_counter() - started  # type: ignore[assignment]
        return {"type": "tool_result", "tool_use_id": use["id"], "content": output}


async def compare(desk: Desk) -> dict[int, tuple[list[Run], list[Run]]]:
    """Both loops, in turns; for each number of turns the runs of the bare loop and Honk's."""
    from anthropic import AsyncAnthropic

    client = AsyncAnthropic(api_key=MODEL_KEY, base_url=desk.url, max_retries=0)
    model = ClaudeModel(ModelAccess(api_key=MODEL_KEY, base_url=desk.url))
    for warm_up in (desk.bare(TURNS[0], client), desk.honk(TURNS[0], model)):
        await warm_up
    runs: dict[int, tuple[list[Run], list[Run]]] = {turns: ([], []) for turns in TURNS}
    for _ in range(ROUNDS):
        for turns, (bare, honk) in runs.items():
            bare.append(await desk.bare(turns, client))
            honk.append(await desk.honk(turns, model))
    await model.close()
    await client.close()
    return runs


def measure(room: Path) -> str:
    """The tables of time and of bytes, as Markdown."""
    with scripted_model(script(), room) as url:
        runs = asyncio.run(compare(Desk.open(room, url)))
    return "\n\n".join((_times(runs), _parts(runs), _bytes(runs), _growth(runs)))


def _median(runs: list[Run], name: str) -> float:
    return float(statistics.median(getattr(run, name) for run in runs))


def _times(runs: dict[int, tuple[list[Run], list[Run]]]) -> str:
    rows = []
    for turns, (bare, honk) in runs.items():
        base, ours = _median(bare, "own_ms"), _median(honk, "own_ms")
        rows.append((turns, f"{base:.1f}", f"{ours:.1f}", f"{ours - base:.1f}", f"{ours / base:.2f}"))
    worst = max(float(row[3]) for row in rows)
    head = ("tool turns", "bare SDK loop, ms a call", "Honk, ms a call", "Honk's own, ms", "× bare")
    words = "met" if worst < TARGET_MS else "**missed**"
    return f"{report.table(head, rows)}\n\nTarget: less than {TARGET_MS:.0f} ms of its own: {words} ({worst:.1f} ms)."


def _parts(runs: dict[int, tuple[list[Run], list[Run]]]) -> str:
    names = ("model", "journal: store a step", "journal: what came in", "what changed", "first look")
    rows = []
    for name in (*names, "the rest: the loop itself", "(not counted: tools)"):
        cells = []
        for _, (_, honk) in runs.items():
            match name:
                case "the rest: the loop itself":
                    seconds = [run.wall_s - sum(run.parts_s.values()) for run in honk]
                case "(not counted: tools)":
                    seconds = [run.parts_s["tools"] for run in honk]
                case _:
                    seconds = [run.parts_s[name] for run in honk]
            cells.append(f"{statistics.median(seconds) / honk[0].calls * 1000:.1f}")
        rows.append((name, *cells))
    bare = [
        f"{statistics.median(r.parts_s['model'] for r in runs[turns][0]) / (turns + 1) * 1000:.1f}" for turns in runs
    ]
    rows.insert(0, ("model, in the bare loop", *bare))
    return report.table(("where Honk's time goes, ms a call", *(f"{turns} turns" for turns in runs)), rows)


def _bytes(runs: dict[int, tuple[list[Run], list[Run]]]) -> str:
    rows = []
    for turns, arms in runs.items():
        base = _median(arms[0], "billed_kb")
        for name, arm in zip(("bare, two marks", "Honk"), arms, strict=True):
            sent = statistics.median(run.usage["bytes_received"] for run in arm) / 1e6
            billed = _median(arm, "billed_kb")
            share = f"{_median(arm, 'read_share'):.0%}"
            rows.append(
                (
                    turns,
                    name,
                    f"{sent:.2f}",
                    share,
                    f"{_median(arm, 'new_kb'):.0f}",
                    f"{billed:.0f}",
                    f"{billed / base:.2f}",
                )
            )
    return report.table(("tool turns", "loop", "sent MB", "read from cache", "new KB", "billed KB", "× bare"), rows)


def _growth(runs: dict[int, tuple[list[Run], list[Run]]]) -> str:
    """What is new must grow by the same amount with each turn, however long the conversation is."""
    new = {turns: _median(honk, "new_kb") for turns, (_, honk) in runs.items()}
    few, some, many = TURNS
    early, late = (new[some] - new[few]) / (some - few), (new[many] - new[some]) / (many - some)
    assert late < early * GROWTH, f"a turn brings {early:.2f} KB early and {late:.2f} KB late: more than linear"
    return (
        f"New input grows linearly: a turn brings {early:.2f} KB between turns {few} and {some}, {late:.2f} KB "
        f"between {some} and {many}. All earlier input is sent again, and read from the cache at a tenth of the price."
    )
