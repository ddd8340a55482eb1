"""A recorded turn, and the same turn again: the same task on the same commit, with another model or other prompts. It
writes nothing of that into the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from github_app.agent.changeview import read_difference
from github_app.agent.loop import run_turn
from github_app.agent.task import Asked, Outcome, OutOfLimits, Planned, Reported, Submitted, Task
from github_app.core import events
from github_app.core.errors import Refused, ToolFailed
from github_app.core.events import PlanDrafted, TurnAsked, TurnEnded, TurnFinished, TurnStopped
from github_app.core.model import ChangeSet, Usage
from github_app.core.policy import POLICY_PATH, Floor, Policy, tighten
from github_app.core.ports import Clock, Model, SecretScanner, Step, Workspace
from github_app.core.reports import Answer
from github_app.core.session import Feedback, Session
from github_app.core.verdicts import Verdict
from github_app.engine import codec
from github_app.engine.database import connect, transaction
from github_app.engine.migrations import migrate
from github_app.engine.policies import read_policy
from github_app.engine.setup import set_up
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts
from github_app.engine.verdicts import StoredVerdicts

Ended = Literal["submitted", "asked", "planned", "reported", "stopped"]

MAX_DIFFERENCE_CHARS = 200_000
_TASK: TypeAdapter[Task] = TypeAdapter(Task)


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a turn went. `told` is the title of what was handed in, the question, or why it stopped."""

    model: str
    ended: Ended
    told: str
    usage: Usage
    seconds: float
    changes: ChangeSet
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A session's first turn as it is on record: what it was given, the commit under it, and how it went."""

    turn_id: str
    base_sha: str
    task: Task
    run: Run
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a turn is run with."""

    model: Model
    model_name: str
    judge_name: str
    scanner: SecretScanner
    floor: Floor
    clock: Clock


def read_first_turn(store: Store, transcripts: Transcripts, session: Session) -> Recorded:
    """A session's first turn. Raises `Refused` where it is not (or no longer) on record, `DatabaseAway`."""
    turn = transcripts.turn(f"{session.id}/turn-1")
    if turn is None:
        raise Refused(f"the first turn of session {session.id} is not on record: it never began, or is forgotten")
    with transaction(store.engine, reads=True) as connection:
        row = connection.execute(
            sa.text(
                "SELECT inbox.name, inbox.body, inbox.received_at, turns.started_at FROM inbox, turns "
                "WHERE inbox.id = :end AND turns.id = :turn"
            ),
            {"end": f"{turn.id}/finished", "turn": turn.id},
        ).first()
    if row is None:
        raise Refused(f"the first turn of session {session.id} has not ended, or how it did is forgotten")
    event = codec.load_named(row.name, bytes(row.body).decode())
    steps = transcripts.steps(turn.id)
    seconds = (datetime.fromisoformat(row.received_at) - datetime.fromisoformat(row.started_at)).total_seconds()
    changes = transcripts.changes(turn.snapshot_id) if turn.snapshot_id else ChangeSet(base_sha=turn.base_sha)
    model_name = next((step.model for step in steps if step.role == "assistant"), "")
    run = _run_of(event, model_name=model_name, seconds=seconds, changes=changes)
    try:
        task = _TASK.validate_json(turn.task)
    except ValidationError as error:
        raise Refused(f"what turn {turn.id} was given cannot be read: {error.errors()[0]['msg']}") from error
    pictures = transcripts.blobs(each.sha256 for each in task.pictures.shown)
    return Recorded(turn_id=turn.id, base_sha=turn.base_sha, task=task, run=run, pictures=pictures)


def _run_of(end: TurnEnded | Outcome, *, model_name: str, seconds: float, changes: ChangeSet) -> Run:
    verdicts: tuple[Verdict, ...] = ()
    ended: Ended
    match end:
        case TurnFinished(submission=submission) | Submitted(submission=submission):
            ended, told, verdicts = "submitted", submission.title, submission.verdicts
        case TurnAsked(question=told) | Asked(question=told):
            ended = "asked"
        case TurnStopped(reason=told) | OutOfLimits(reason=told):
            ended = "stopped"
        case PlanDrafted(summary=told) | Planned(summary=told):
            ended = "planned"
        case events.Reported(report=report) | Reported(report=report):
            ended, told = "reported", report.text if isinstance(report, Answer) else report.summary
    return Run(
        model=model_name,
        ended=ended,
        told=told,
        usage=end.usage,
        seconds=seconds,
        changes=changes,
        verdicts=verdicts,
    )


async def run_again(
    recorded: Recorded, session: Session, conditions: Conditions, open_at: Callable[[str, str], Awaitable[Workspace]]
) -> tuple[Run, str]:
    """Run a recorded turn from its beginning, and what it leaves different from then. `open_at` opens a workspace over
    a commit that nobody else uses, by a word; all are deleted afterwards.

    Raises `Refused` if the policy of that commit cannot be read or its set-up changes files, and what the model and
    workspaces raise. It costs what the policy lets one turn cost at most.
    """
    async with _opened(open_at, session.base_sha, "before") as base:
        policy = tighten(read_policy(await _policy_text(base)), conditions.floor)
    async with _opened(open_at, recorded.base_sha, "again") as workspace:
        await set_up(workspace, policy)
        return await _run(recorded, session, conditions, policy, workspace, open_at)


async def _run(
    recorded: Recorded,
    session: Session,
    conditions: Conditions,
    policy: Policy,
    workspace: Workspace,
    open_at: Callable[[str, str], Awaitable[Workspace]],
) -> tuple[Run, str]:
    began = conditions.clock.now()
    with TemporaryDirectory(prefix="honk-") as folder:
        database = connect(f"sqlite:///{Path(folder) / 'verdicts.sqlite'}")
        migrate(database)
        known = StoredVerdicts(
            database=database,
            clock=conditions.clock,
            session=session,
            policy=policy,
            open_base=lambda: open_at(session.base_sha, "before"),
            discard_base=_nothing,
        )
        try:
            outcome = await run_turn(
                recorded.task,
                model=conditions.model,
                workspace=workspace,
                journal=ScratchJournal(),
                limits=policy.limits,
                policy=policy,
                scanner=conditions.scanner,
                model_name=conditions.model_name,
                judge_name=conditions.judge_name,
                pictures=recorded.pictures,
                clock=conditions.clock,
                known=known,
            )
        finally:
            await known.close()
            await asyncio.to_thread(database.dispose)
    seconds = (conditions.clock.now() - began).total_seconds()
    run = _run_of(outcome, model_name=conditions.model_name, seconds=seconds, changes=await workspace.changes())
    difference = await read_difference(workspace, recorded.run.changes, run.changes, max_chars=MAX_DIFFERENCE_CHARS)
    return run, difference


@dataclass(kw_only=True)
class ScratchJournal:
    """A turn's journal (`core.ports.Journal`) that is forgotten with it. Nobody says anything meanwhile."""

    steps: list[Step] = field(default_factory=list)

    async def load(self) -> tuple[Step, ...]:
        """The steps so far."""
        return tuple(self.steps)

    async def append(self, step: Step, *, snapshot: ChangeSet | None = None) -> None:  # noqa: ARG002 - the port's
        """Keep a step."""
        self.steps.append(step)

    async def arrivals(self) -> tuple[Feedback, ...]:
        """Nothing."""
        return ()


@asynccontextmanager
async def _opened(open_at: Callable[[str, str], Awaitable[Workspace]], sha: str, word: str) -> AsyncIterator[Workspace]:
    workspace = await open_at(sha, word)
    try:
        yield workspace
    finally:
        await workspace.close(discard=True)


async def _policy_text(base: Workspace) -> bytes | None:
    try:
        return await base.read_base(POLICY_PATH)
    except ToolFailed:
        return None


async def _nothing() -> None:
    """What the base's workspace leaves is deleted with it."""
