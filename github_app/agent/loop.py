"""One turn of the agent: ask the model, do what it says, tell it what came of it, until it submits, asks, or a limit is
near. Every message is journalled before it is acted on, so a turn that was killed goes on where it was, and no reply is
paid twice."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from github_app.agent import budget, judge, prompt, transcript
from github_app.agent.clearing import find_result
from github_app.agent.files import ALL_FILES, folder_text
from github_app.agent.handover import Gate, Handover
from github_app.agent.judge import Judge
from github_app.agent.merging import hand_in_merge
from github_app.agent.pictures import encode, picture_blocks, show_pictures
from github_app.agent.suggesting import Applied, apply_suggestions, look_again
from github_app.agent.task import READING, REPORTING, Asked, Outcome, OutOfLimits, Planned, Reported, Submitted, Task
from github_app.agent.tools import (
    REPEATABLE,
    Draft,
    Ending,
    Question,
    Toolbox,
    may_change_files,
    progress,
    tool_definitions,
)
from github_app.agent.toolservers import ToolServers
from github_app.agent.transcript import Block, result_block, text_block, tool_uses
from github_app.agent.verify import look_for_verifiers
from github_app.core.errors import LimitReached, ToolFailed
from github_app.core.hosts import refusals
from github_app.core.model import ChangeSet
from github_app.core.policy import Limits, Policy
from github_app.core.ports import (
    Clock,
    Journal,
    Model,
    ModelReply,
    ModelRequest,
    SecretScanner,
    Step,
    Workspace,
)
from github_app.core.reports import Answer, Review
from github_app.core.toolservers import ToolHosts
from github_app.core.tracing import NoSpans, Spans, of_tool
from github_app.core.verification import NoVerdicts, Verdicts

MAX_REMINDERS = 2
"""How often a model that calls no tool is told to; a reply without one after that ends the turn."""

REPEATS_NOTED, REPEATS_ENDED = 3, 6
"""How many equal calls in a row are remarked on, and how many end the turn."""

FEW_CALLS = 5
"""With so many model calls left, the model is told to come to an end."""


async def run_turn(
    task: Task,
    *,
    model: Model,
    workspace: Workspace,
    journal: Journal,
    limits: Limits,
    policy: Policy,
    scanner: SecretScanner,
    model_name: str,
    clock: Clock,
    judge_name: str = "",
    pictures: Mapping[str, bytes] | None = None,
    known: Verdicts = NoVerdicts(),  # noqa: B008 - it has no state
    tool_hosts: ToolHosts | None = None,
    spans: Spans = NoSpans(),  # noqa: B008 - it has no state
    on_step: Callable[[str], Awaitable[None]] | None = None,
) -> Outcome:
    """Work on a task until it is submitted, a human must be asked, or the next model call could pass a limit.

    `limits` are what this turn may use, journalled steps included; its time counts from this call. `on_step` hears in a
    few words what is being done; `known` are verdicts of before, `judge_name` the model for a second look (empty:
    none), `pictures` the bytes of the task's images by SHA-256, `tool_hosts` asks servers of the policy that have a URL
    (None: nobody does). Raises `Stopped` when the turn is not in force any more, and what model and workspace raise for
    themselves; after any of these another call with the same journal goes on where this one stopped.
    """
    started = clock.now()

    def time_left_s() -> float:
        return budget.time_left_s(limits, started=started, now=clock.now())

    gate = Gate(workspace=workspace, policy=policy, scanner=scanner, time_left_s=time_left_s, known=known)
    gate.is_merge, gate.conflicts = bool(task.merges), task.conflicts
    steps: list[Step] = []
    toolbox = _toolbox_of(task, gate, steps, tool_hosts)
    turn = _Turn(
        model=model,
        model_name=model_name,
        workspace=workspace,
        journal=journal,
        limits=limits,
        toolbox=toolbox,
        steps=steps,
        pictures=encode(pictures or {}),
        spans=spans,
    )
    try:
        if (handed_in := await turn.begin(task, policy, judge_name)) is not None:
            return turn.outcome(handed_in)
        while True:
            calls = await turn.think()
            if on_step is not None:
                await on_step(progress(calls))
            if (ending := await turn.act(calls)) is not None:
                return turn.outcome(ending)
    except LimitReached as limit:
        return turn.outcome(limit)


@dataclass(kw_only=True)
class _Turn:
    """A turn under way. `steps` and `looks` are what the journal holds: the conversation, and what the judge said
    beside it. `stored` is the last snapshot that went into it, `answered` the feedback that needed no step."""

    model: Model
    model_name: str
    workspace: Workspace
    journal: Journal
    limits: Limits
    toolbox: Toolbox
    steps: list[Step]
    pictures: Mapping[str, str]
    spans: Spans
    looks: list[Step] = field(default_factory=list)
    judge: Judge | None = None
    stored: ChangeSet | None = None
    answered: tuple[str, ...] = ()
    boundary: str = field(default_factory=lambda: secrets.token_hex(6))

    async def begin(self, task: Task, policy: Policy, judge_name: str) -> Handover | None:
        """Say the first words; or, after a crash, take up the journal and answer calls that may have been under way.

        What is handed in already, if reviewers' suggestions are all that is wanted.
        """
        for step in await self.journal.load():
            (self.looks if step.role == "judge" else self.steps).append(step)
        applied: Applied | None = None
        if not self.steps:
            self.toolbox.gate.outlet.refused = task.refused
            applied = await _without_the_agent(self.toolbox.gate, task)
            self.toolbox.suggested_by = applied.authors
            if applied.handover is not None:
                self.answered = tuple(each.id for each in task.feedback)
                return applied.handover
        if judge_name and policy.judge != "off" and task.cause not in READING:
            self._seat_judge(task, judge_name)
        await self.toolbox.servers.look()
        if applied is not None:
            files = await self.workspace.list(limit=ALL_FILES)
            # Who reports runs nothing, and what it reads may be anybody's.
            is_to_run = task.cause not in REPORTING
            verifiers = await look_for_verifiers(self.workspace, policy) if is_to_run else []
            words = prompt.turn_prompt(
                task,
                top=folder_text(files, "") or "(nothing: the repository is empty)",
                verifiers=verifiers,
                allowed=policy.network.turn,
                suggested=applied.told,
                refused=applied.refused,
                servers=self.toolbox.servers.account(),
                boundary=self.boundary,
            )
            blocks = [text_block(words), *picture_blocks(task.pictures)]
            await self._store_user(blocks, consumed=[each.id for each in task.feedback])
            return None
        self.toolbox.suggested_by = (await look_again(self.workspace, task)).authors
        if any(call["name"] not in REPEATABLE for call in tool_uses(self.steps[-1])):
            calls = tool_uses(self.steps[-1])
            await self._tell([result_block(call, prompt.INTERRUPTED, is_error=True) for call in calls])
        return None

    async def think(self) -> list[Block]:
        """Ask the model what to do, unless its reply is in the journal already; the tool calls in it."""
        if self.steps[-1].role == "user":
            reply = await self.model.reply(self._request())
            usage = replace(reply.usage, steps=1)
            await self._store(
                Step(
                    number=self._next,
                    role="assistant",
                    content=transcript.storable_content(reply),
                    usage=usage,
                    model=self.model_name,
                    request_id=reply.request_id,
                    stop_reason=reply.stop_reason,
                )
            )
            if reply.stop_reason == "refusal":
                raise LimitReached("the model refused to go on", limit="")
            if reply.stop_reason == "model_context_window_exceeded":
                raise LimitReached("the conversation has outgrown what the model can read", limit="tokens")
        return tool_uses(self.steps[-1])

    async def act(self, calls: Sequence[Block]) -> Ending | None:
        """Run the calls in order and tell the model what came of them; or what ends the turn, if one of them does."""
        count = transcript.repeats(self.steps)
        if count >= REPEATS_ENDED:
            raise LimitReached(f"the agent went round in circles: {count} equal tool calls in a row", limit="")
        if transcript.silences(self.steps) > MAX_REMINDERS:
            raise LimitReached("the agent stopped without submitting anything", limit="")
        blocks: list[Block] = []
        for call in calls:
            result = await self._run(call)
            if isinstance(result, Ending):
                return result
            blocks.append(result)
        if not calls:
            blocks.append(text_block(prompt.in_turn(prompt.TOO_SILENT, self.toolbox.cause)))
        if count >= REPEATS_NOTED:
            blocks.append(text_block(prompt.REPEATING.format(count=count)))
        await self._tell(blocks)
        return None

    def outcome(self, ending: Ending | LimitReached) -> Outcome:
        """What the turn came to, with all that it used and carried."""
        usage = budget.total_usage([*self.looks, *self.steps])
        consumed = (*self.answered, *(each for step in self.steps for each in step.consumed))
        told = (each for step in self.steps for each in step.refused)
        refused = refusals((*told, *self.toolbox.gate.outlet.refused))
        match ending:
            case Handover():
                return Submitted(
                    submission=ending.submission,
                    changes=ending.changes,
                    findings=ending.findings,
                    usage=usage,
                    consumed=consumed,
                    refused=refused,
                )
            case Question(text=question):
                return Asked(question=question, usage=usage, consumed=consumed, refused=refused)
            case Draft(summary=summary, items=items):
                return Planned(summary=summary, items=items, usage=usage, consumed=consumed, refused=refused)
            case Answer() | Review():
                return Reported(report=ending, usage=usage, consumed=consumed, refused=refused)
            case LimitReached(limit=limit):
                return OutOfLimits(limit=limit, reason=str(ending), usage=usage, consumed=consumed, refused=refused)

    def _seat_judge(self, task: Task, model_name: str) -> None:
        """Have a second look taken at what is handed in."""
        gate = self.toolbox.gate
        self.judge = Judge(
            model=self.model,
            model_name=model_name,
            task=task,
            workspace=self.workspace,
            scanner=gate.scanner,
            limits=self.limits,
            time_left_s=self.toolbox.time_left_s,
            steps=self.steps,
            looks=self.looks,
            keep=self._keep_look,
            boundary=self.boundary,
            heard=list(task.feedback),
        )
        gate.judge = self.judge.look

    def _request(self) -> ModelRequest:
        system = transcript.marked_system(prompt.system_prompt(self.toolbox.cause))
        tools = self._tools()
        max_tokens = budget.allowed_output_tokens(
            [*self.looks, *self.steps],
            limits=self.limits,
            model=self.model,
            model_name=self.model_name,
            fixed_bytes=len(json.dumps([system, tools])),
            time_left_s=self.toolbox.time_left_s(),
        )
        return ModelRequest(
            model=self.model_name,
            max_tokens=max_tokens,
            system=system,
            tools=tools,
            messages=show_pictures(transcript.marked_messages(self.steps), self.pictures),
        )

    def _tools(self) -> list[Block]:
        return [*tool_definitions(self.toolbox.cause), *self.toolbox.servers.definitions()]

    async def _run(self, call: Block) -> Block | Ending:
        is_ours = any(call["name"] == tool["name"] for tool in self._tools())
        told = of_tool(call["name"] if is_ours else "", call["id"])
        with self.spans.within(f"execute_tool {told['gen_ai.tool.name']}", key=call["id"], attributes=told) as span:
            try:
                result = await self.toolbox.use(call["name"], call["input"])
            except ToolFailed as failure:
                span.end(error="ToolFailed")
                return result_block(call, str(failure), is_error=True)
        return result_block(call, result, is_error=False) if isinstance(result, str) else result

    async def _tell(self, blocks: list[Block]) -> None:
        """Answer the model, with what people said meanwhile."""
        arrivals = await self.journal.arrivals()
        if arrivals:
            blocks.append(text_block(prompt.steering(arrivals, boundary=self.boundary)))
            if self.judge is not None:
                self.judge.heard += arrivals
            self.toolbox.hear(arrivals)
        if self.limits.steps - budget.total_usage(self.steps).steps == FEW_CALLS:
            blocks.append(text_block(prompt.in_turn(prompt.FEW_LEFT.format(count=FEW_CALLS), self.toolbox.cause)))
        await self._store_user(blocks, consumed=[each.id for each in arrivals])

    async def _store_user(self, blocks: list[Block], *, consumed: Sequence[str]) -> None:
        changes = self.stored
        if not self.steps or any(may_change_files(call["name"]) for call in tool_uses(self.steps[-1])):
            try:
                changes = keepable(await self.workspace.changes(), self.toolbox.gate.policy)
            except ToolFailed as failure:
                blocks.append(text_block(prompt.TOO_MUCH.format(why=failure)))
        snapshot = None if changes == self.stored else changes
        step = Step(
            number=self._next,
            role="user",
            content=tuple(blocks),
            consumed=tuple(consumed),
            refused=self.toolbox.gate.outlet.take(),
        )
        await self._store(step, snapshot=snapshot)
        self.stored = changes

    async def _store(self, step: Step, *, snapshot: ChangeSet | None = None) -> None:
        await self.journal.append(step, snapshot=snapshot)
        self.steps.append(step)

    @property
    def _next(self) -> int:
        return len(self.steps) + len(self.looks)

    async def _keep_look(self, reply: ModelReply, about: str) -> None:
        """Journal what the judge replied: it is paid for, and the turn may end with it."""
        look = Step(
            number=self._next,
            role="judge",
            content=transcript.storable_content(reply),
            usage=judge.usage_of(reply),
            model=self.judge.model_name if self.judge is not None else "",
            request_id=reply.request_id,
            stop_reason=reply.stop_reason,
            about=about,
        )
        await self.journal.append(look)
        self.looks.append(look)


async def _without_the_agent(gate: Gate, task: Task) -> Applied:
    """What is done, and maybe handed in, before the agent is asked anything."""
    if task.cause in READING:
        return Applied()
    return await (hand_in_merge(gate, task) if task.merges else apply_suggestions(gate, task))


def _toolbox_of(task: Task, gate: Gate, steps: Sequence[Step], hosts: ToolHosts | None) -> Toolbox:
    servers = ToolServers(
        servers=() if task.cause in READING else gate.policy.mcp,
        workspace=gate.workspace,
        hosts=hosts,
        outlet=gate.outlet,
        scanner=gate.scanner,
        time_left_s=gate.time_left_s,
    )
    toolbox = Toolbox(
        workspace=gate.workspace,
        gate=gate,
        time_left_s=gate.time_left_s,
        find_result=partial(find_result, steps),
        servers=servers,
        cause=task.cause,
        diff=task.diff,
    )
    if task.background is not None:
        toolbox.overhear(task.background.remarks)
    toolbox.hear(task.feedback)
    return toolbox


def keepable(changes: ChangeSet, policy: Policy) -> ChangeSet:
    """The changes, if they may be published; raises `ToolFailed` for too much: each snapshot of it fills the store."""
    size = sum(len(change.content or b"") for change in changes.changes)
    if size > policy.max_bytes:
        raise ToolFailed(f"the changed files are {size} bytes together; {policy.max_bytes} are allowed")
    return changes
