"""One turn of the agent: ask the model, do what it says, tell it what came of it, until it submits, asks, or a limit is
near. Every message is journalled before it is acted on, so a turn that was killed goes on where it was, and no reply is
paid twice. With a `program` (`legs`), that one asks and acts, and the rest is the same."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from github_app.agent import budget, prompt, transcript
from github_app.agent.handover import Gate
from github_app.agent.legs import Legs
from github_app.agent.pictures import encode, show_pictures
from github_app.agent.task import Outcome, Task
from github_app.agent.tools import REPEATABLE, Ending, may_change_files, progress
from github_app.agent.transcript import Block, result_block, text_block, tool_uses
from github_app.agent.turn import Turn, toolbox_of
from github_app.core.errors import LimitReached
from github_app.core.policy import Limits, Policy
from github_app.core.ports import Clock, Journal, Model, ModelRequest, SecretScanner, Step, Workspace
from github_app.core.programs import Program
from github_app.core.toolservers import ToolHosts
from github_app.core.tracing import NoSpans, Spans
from github_app.core.verification import NoVerdicts, Verdicts

MAX_REMINDERS = 2
"""How often a model that calls no tool is told to; a reply without one after that ends the turn."""

REPEATS_NOTED, REPEATS_ENDED = 3, 6
"""How many equal calls in a row are remarked on, and how many end the turn."""


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
    program: Program | None = None,
    spans: Spans = NoSpans(),  # noqa: B008 - it has no state
    on_step: Callable[[str], Awaitable[None]] | None = None,
) -> Outcome:
    """Work on a task until it is submitted, a human must be asked, or the next model call could pass a limit.

    `limits` are what this turn may use, journalled steps included; its time counts from this call. `on_step` hears in a
    few words what is being done; `known` are verdicts of before, `judge_name` the model for a second look (empty:
    none), `pictures` the bytes of the task's images by SHA-256, `tool_hosts` asks servers of the policy that have a URL
    (None: nobody does), `program` works in the place of our own loop. Raises `Stopped` when the turn is not in force
    any more, and what model and workspace raise for themselves; after any of these another call with the same journal
    goes on where this one stopped.
    """
    started = clock.now()

    def time_left_s() -> float:
        return budget.time_left_s(limits, started=started, now=clock.now())

    gate = Gate(workspace=workspace, policy=policy, scanner=scanner, time_left_s=time_left_s, known=known)
    gate.is_merge, gate.conflicts = bool(task.merges), task.conflicts
    steps: list[Step] = []
    toolbox = toolbox_of(task, gate, steps, tool_hosts)
    turn = Turn(
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
        if program is not None:
            return turn.outcome(await Legs(turn=turn, program=program, on_step=on_step).walk())
        return turn.outcome(await _Loop(turn).go_round(on_step))
    except LimitReached as limit:
        return turn.outcome(limit)


@dataclass(frozen=True)
class _Loop:
    """Our own engine."""

    turn: Turn

    async def go_round(self, on_step: Callable[[str], Awaitable[None]] | None) -> Ending:
        """Until something ends the turn."""
        await self._answer_interrupted()
        while True:
            calls = await self.think()
            if on_step is not None:
                await on_step(progress(calls))
            if (ending := await self.act(calls)) is not None:
                return ending

    async def think(self) -> list[Block]:
        """Ask the model what to do, unless its reply is in the journal already; the tool calls in it."""
        turn = self.turn
        if turn.steps[-1].role == "user":
            await turn.store_reply(await turn.model.reply(self._request()))
        return tool_uses(turn.steps[-1])

    async def act(self, calls: Sequence[Block]) -> Ending | None:
        """Run the calls in order and tell the model what came of them; or what ends the turn, if one of them does."""
        count = transcript.repeats(self.turn.steps)
        if count >= REPEATS_ENDED:
            raise LimitReached(f"the agent went round in circles: {count} equal tool calls in a row", limit="")
        if transcript.silences(self.turn.steps) > MAX_REMINDERS:
            raise LimitReached("the agent stopped without submitting anything", limit="")
        blocks: list[Block] = []
        for call in calls:
            result = await self.turn.use(call)
            if isinstance(result, Ending):
                return result
            blocks.append(result)
        if not calls:
            blocks.append(text_block(prompt.in_turn(prompt.TOO_SILENT, self.turn.toolbox.cause)))
        if count >= REPEATS_NOTED:
            blocks.append(text_block(prompt.REPEATING.format(count=count)))
        await self._tell(blocks)
        return None

    async def _answer_interrupted(self) -> None:
        """After a crash, answer calls that may have been under way."""
        calls = tool_uses(self.turn.steps[-1])
        if any(call["name"] not in REPEATABLE for call in calls):
            await self._tell([result_block(call, prompt.INTERRUPTED, is_error=True) for call in calls])

    async def _tell(self, blocks: list[Block]) -> None:
        calls = tool_uses(self.turn.steps[-1])
        await self.turn.tell(blocks, may_have_changed=any(may_change_files(call["name"]) for call in calls))

    def _request(self) -> ModelRequest:
        turn = self.turn
        system = transcript.marked_system(prompt.system_prompt(turn.toolbox.cause))
        tools = turn.tools()
        max_tokens = budget.allowed_output_tokens(
            [*turn.looks, *turn.steps],
            limits=turn.limits,
            model=turn.model,
            model_name=turn.model_name,
            fixed_bytes=len(json.dumps([system, tools])),
            time_left_s=turn.toolbox.time_left_s(),
        )
        return ModelRequest(
            model=turn.model_name,
            max_tokens=max_tokens,
            system=system,
            tools=tools,
            messages=show_pictures(transcript.marked_messages(turn.steps), turn.pictures),
        )
