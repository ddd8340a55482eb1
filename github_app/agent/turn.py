"""One turn as both engines have it: its first words, its journal, its tools, its second look, and what it came to. The
engines (`loop`, `legs`) say when the model is asked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from github_app.agent import budget, judge, prompt, transcript
from github_app.agent.clearing import find_result
from github_app.agent.files import ALL_FILES, folder_text
from github_app.agent.handover import Gate, Handover
from github_app.agent.judge import Judge
from github_app.agent.merging import hand_in_merge
from github_app.agent.pictures import picture_blocks
from github_app.agent.suggesting import Applied, apply_suggestions, look_again
from github_app.agent.task import READING, REPORTING, Asked, Outcome, OutOfLimits, Planned, Reported, Submitted, Task
from github_app.agent.tools import Draft, Ending, Question, Toolbox, tool_definitions
from github_app.agent.toolservers import ToolServers
from github_app.agent.transcript import Block, result_block, text_block
from github_app.agent.verify import look_for_verifiers
from github_app.core.errors import LimitReached, ToolFailed
from github_app.core.hosts import refusals
from github_app.core.model import ChangeSet
from github_app.core.policy import Limits, Policy
from github_app.core.ports import Journal, Model, ModelReply, Step, Workspace
from github_app.core.reports import Answer, Review
from github_app.core.toolservers import ToolHosts
from github_app.core.tracing import Spans, of_tool

FEW_CALLS = 5
"""With so many model calls left, the model is told to come to an end."""


@dataclass(kw_only=True)
class Turn:
    """A turn under way. `steps` and `looks` are what the journal holds: the conversation, and what the judge said
    beside it. `stored` is the last snapshot that went into it, `answered` the feedback that needed no step. One that
    `is_fresh` was begun here, and not taken up after a crash."""

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
    is_fresh: bool = False
    boundary: str = field(default_factory=lambda: secrets.token_hex(6))

    async def begin(self, task: Task, policy: Policy, judge_name: str) -> Handover | None:
        """Say the first words; or, after a crash, take up the journal.

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
        if applied is None:
            self.toolbox.suggested_by = (await look_again(self.workspace, task)).authors
            return None
        self.is_fresh = True
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
        await self.store_user(blocks, consumed=[each.id for each in task.feedback])
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

    def tools(self) -> list[Block]:
        """Honk's own tools of this turn, and those of its servers."""
        return [*tool_definitions(self.toolbox.cause), *self.toolbox.servers.definitions()]

    async def use(self, call: Block) -> Block | Ending:
        """Run a call: the result block that answers it, or what ends the turn."""
        is_ours = any(call["name"] == tool["name"] for tool in self.tools())
        told = of_tool(call["name"] if is_ours else "", call["id"])
        with self.spans.within(f"execute_tool {told['gen_ai.tool.name']}", key=call["id"], attributes=told) as span:
            try:
                result = await self.toolbox.use(call["name"], call["input"])
            except ToolFailed as failure:
                span.end(error="ToolFailed")
                return result_block(call, str(failure), is_error=True)
        return result_block(call, result, is_error=False) if isinstance(result, str) else result

    async def tell(self, blocks: list[Block], *, may_have_changed: bool = True) -> None:
        """Answer the model, with what people said meanwhile. A snapshot is stored with it if the files
        `may_have_changed` since the last one."""
        arrivals = await self.journal.arrivals()
        if arrivals:
            blocks.append(text_block(prompt.steering(arrivals, boundary=self.boundary)))
            if self.judge is not None:
                self.judge.heard += arrivals
            self.toolbox.hear(arrivals)
        if self.are_few_left():
            blocks.append(text_block(prompt.in_turn(prompt.FEW_LEFT.format(count=FEW_CALLS), self.toolbox.cause)))
        await self.store_user(blocks, consumed=[each.id for each in arrivals], may_have_changed=may_have_changed)

    def are_few_left(self) -> bool:
        """Whether it is time to say that the end is near; true for one model call."""
        return self.limits.steps - budget.total_usage(self.steps).steps == FEW_CALLS

    async def store_user(
        self, blocks: list[Block], *, consumed: Sequence[str] = (), may_have_changed: bool = True
    ) -> None:
        """Journal what the model is told, and what the workspace holds by then."""
        changes = self.stored
        if may_have_changed:
            try:
                changes = keepable(await self.workspace.changes(), self.toolbox.gate.policy)
            except ToolFailed as failure:
                blocks.append(text_block(prompt.TOO_MUCH.format(why=failure)))
        snapshot = None if changes == self.stored else changes
        step = Step(
            number=self.next_number,
            role="user",
            content=tuple(blocks),
            consumed=tuple(consumed),
            refused=self.toolbox.gate.outlet.take(),
        )
        await self.store(step, snapshot=snapshot)
        self.stored = changes

    async def store_reply(self, reply: ModelReply) -> None:
        """Journal what the model said. Raises `LimitReached` for a reply after which there is no going on."""
        usage = replace(reply.usage, steps=1)
        await self.store(
            Step(
                number=self.next_number,
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

    async def store(self, step: Step, *, snapshot: ChangeSet | None = None) -> None:
        """Journal a step."""
        await self.journal.append(step, snapshot=snapshot)
        self.steps.append(step)

    @property
    def next_number(self) -> int:
        """The number of the next step."""
        return len(self.steps) + len(self.looks)

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

    async def _keep_look(self, reply: ModelReply, about: str) -> None:
        """Journal what the judge replied: it is paid for, and the turn may end with it."""
        look = Step(
            number=self.next_number,
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


def toolbox_of(task: Task, gate: Gate, steps: Sequence[Step], hosts: ToolHosts | None) -> Toolbox:
    """The tools of a turn, with the servers that its policy names."""
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
