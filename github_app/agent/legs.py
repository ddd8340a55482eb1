"""A turn that another agent's program works through (`core.programs`): in legs, each a run of it in the sandbox.

Every call of the model passes Honk's desk, where it is held against the limits, journalled before the program hears of
it, and paid. When the model calls one of Honk's own tools, or people said something, or the end is near, Honk ends the
leg in the model's place; the program ends with it, and nothing of it runs while Honk verifies, takes in the files and
answers. The answer is the beginning of the next leg, which goes on from what the program remembers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import takewhile
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from github_app.agent import budget, prompt, transcript
from github_app.agent.pictures import show_pictures
from github_app.agent.task import READING
from github_app.agent.tools import REPEATABLE, Ending, progress, tool_definitions
from github_app.agent.transcript import Block, result_block, text_block, tool_uses
from github_app.agent.turn import Turn
from github_app.agent.untrusted import frame
from github_app.core.errors import LimitReached, SandboxUnavailable
from github_app.core.model import Usage
from github_app.core.ports import ExecResult, ModelReply, ModelRequest, Step, Workspace
from github_app.core.programs import OURS, Leg, Program

MAX_REMINDERS = 2
"""How often a program that stops without handing over is told to go on; once more ends the turn."""

REPEATS_ENDED = 6
"""How many equal calls in a row end the turn."""

_HANDS_OVER = frozenset({"verify", "ask", "submit", "plan", "diff", "explain", "review"})
_IMAGE_TOKENS = 6_000
_GOODBYE_S = 20.0
_TOLD_CHARS = 300
_NAMES = {"bash": "bash", "read": "view", "grep": "search", "glob": "search", "edit": "edit", "write": "edit"}

GOODBYE = ModelReply(
    content=({"type": "text", "text": "(I stop here until I hear from Honk.)"},),
    stop_reason="end_turn",
    usage=Usage(),
)
"""What Honk says in the model's place when a leg is over."""


@dataclass(kw_only=True)
class Legs:
    """The walk through one turn, and the desk (`core.programs.Desk`) of its legs."""

    turn: Turn
    program: Program
    on_step: Callable[[str], Awaitable[None]] | None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _leg: _Course | None = None
    _shown: tuple[bytes, ...] = ()
    _counted: int = 0
    _breaks: int = 0

    async def walk(self) -> Ending:
        """Until something ends the turn. Raises what the model, the journal and the workspace raise."""
        turn, may_remember = self.turn, not self.turn.is_fresh
        if not _is_told(turn.steps) and (ending := await self._answer(is_interrupted=True)) is not None:
            return ending
        while True:
            sessions = _sessions(turn.steps)
            memory = await self.program.recall(sessions[:2], turn.workspace) if may_remember else ""
            await self._run_leg(sessions[0], memory=memory)
            may_remember = True
            if (ending := await self._answer()) is not None:
                return ending

    def tools(self) -> Sequence[Mapping[str, Any]]:
        """See `Desk`: those that hand over, and those of the repository's tool servers."""
        own = (each for each in tool_definitions(self.turn.toolbox.cause) if each["name"] in _HANDS_OVER)
        return [*own, *self.turn.toolbox.servers.definitions()]

    async def reply(self, request: ModelRequest) -> ModelReply:
        """See `Desk`. One request at a time, whoever in the sandbox makes it."""
        async with self._lock:
            leg = self._leg
            if leg is None or leg.is_over:
                return GOODBYE
            try:
                return await self._reply(leg, request)
            except Exception as error:  # raised again where the leg was begun, which is killed for it
                leg.end(error)
                raise

    async def _reply(self, leg: _Course, request: ModelRequest) -> ModelReply:
        turn, digests = self.turn, _digests(request)
        if leg.answer is not None:
            if digests == self._shown:  # asked again because the connection broke: paid is paid
                return leg.answer
            await self._store_results(request)
            if _own_calls(turn.steps) or turn.are_few_left() or await turn.journal.arrivals():
                leg.end()
                return GOODBYE
        self._require_progress()
        answer = await turn.model.reply(self._within_limits(request, digests))
        self._shown, self._counted = digests, answer.usage.total_tokens
        leg.answer = replace(answer, content=transcript.storable_content(answer))
        await turn.store_reply(answer)
        if self.on_step is not None:
            await self.on_step(progress(list(map(_as_ours, tool_uses(turn.steps[-1])))))
        return leg.answer

    async def _run_leg(self, session: str, *, memory: str) -> None:
        turn, cause = self.turn, self.turn.toolbox.cause
        words = turn.steps[-1].content
        if not memory and len(turn.steps) > 1:
            words = (*turn.steps[0].content, text_block(prompt.FORGOTTEN), *words)
        outlet = turn.toolbox.gate.outlet
        leg = Leg(
            session=session,
            memory=memory,
            rules=f"{prompt.system_prompt(cause)}\n\n{prompt.program_prompt()}",
            words=show_pictures([{"content": _in_words(words, turn)}], turn.pictures)[0]["content"],
            model=turn.model_name,
            only_reads=cause in READING,
            timeout_s=max(1.0, turn.toolbox.time_left_s()),
            network=outlet.allowed if cause not in READING else (),
        )
        course = self._leg = _Course()
        try:
            result = await course.follow(self.program.run(leg, workspace=turn.workspace, desk=self))
        finally:
            self._leg = None
        if result is not None:
            outlet.hear(result)
            self._look_at(result, course)

    def _look_at(self, result: ExecResult, course: _Course) -> None:
        """Raise what a leg's end says of the program. One that breaks again and again is not begun for ever."""
        if result.killed_by == "timeout":
            raise LimitReached(f"the {self.turn.limits.time_s / 60:.0f} minutes for this turn are over", limit="time")
        self._breaks = 0 if course.is_over or not result.exit_code else self._breaks + 1
        if course.answer is None or self._breaks > MAX_REMINDERS:
            how = f"killed: {result.killed_by}" if result.killed_by else f"exit code {result.exit_code}"
            said = result.output.strip()[-_TOLD_CHARS:]
            raise SandboxUnavailable(f"the engine's program broke off ({how}): {said}")

    async def _answer(self, *, is_interrupted: bool = False) -> Ending | None:
        """Do what the model asked of Honk, and say what came of it; or what ends the turn."""
        turn = self.turn
        blocks: list[Block] = []
        for call in _own_calls(turn.steps):
            name = call["name"].removeprefix(OURS)
            if is_interrupted and name not in REPEATABLE:
                blocks.append(result_block(call, prompt.INTERRUPTED, is_error=True))
                continue
            result = await turn.use({**call, "name": name})
            if isinstance(result, Ending):
                return result
            blocks.append(result)
        if not blocks:
            blocks += self._reminder(is_interrupted=is_interrupted)
        await turn.tell(blocks)
        return None

    def _reminder(self, *, is_interrupted: bool) -> list[Block]:
        """What is said to a program that Honk stopped between two steps, or that stopped by itself."""
        silences = transcript.silences(self.turn.steps)
        if silences > MAX_REMINDERS:
            raise LimitReached("the agent stopped without submitting anything", limit="")
        if is_interrupted or self._breaks:
            return [text_block(prompt.INTERRUPTED)]
        if silences:
            return [text_block(prompt.in_turn(prompt.TOO_SILENT, self.turn.toolbox.cause))]
        return [text_block(prompt.GO_ON)]

    async def _store_results(self, request: ModelRequest) -> None:
        """Journal what the program's own tools answered; what Honk's own do comes when the leg is over."""
        ours = {call["id"] for call in _own_calls(self.turn.steps)}
        blocks = [_storable(block) for block in _blocks(request.messages[-1])]
        blocks = [block for block in blocks if block.get("tool_use_id") not in ours]
        if any(block.get("type") == "tool_result" for block in blocks):
            await self.turn.store_user(blocks, may_have_changed=False)

    def _require_progress(self) -> None:
        count = transcript.repeats(self.turn.steps)
        if count >= REPEATS_ENDED:
            raise LimitReached(f"the agent went round in circles: {count} equal tool calls in a row", limit="")

    def _within_limits(self, request: ModelRequest, digests: Sequence[bytes]) -> ModelRequest:
        """The request, its reply no longer than is allowed if the worst comes to the worst. Raises `LimitReached`."""
        turn = self.turn
        pairs = zip(digests, self._shown, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        # The first digest is of tools and system prompt; what stands before the first difference was counted before.
        parts = [[request.system, request.tools], *request.messages][same:]
        known = self._counted if same else budget.UNSEEN_TOKENS
        allowed = budget.affordable_output_tokens(
            budget.total_usage([*turn.looks, *turn.steps]),
            known + sum(map(_most_tokens, parts)),
            limits=turn.limits,
            model=turn.model,
            model_name=turn.model_name,
            time_left_s=turn.toolbox.time_left_s(),
        )
        return replace(request, model=turn.model_name, max_tokens=min(request.max_tokens, allowed))


@dataclass(kw_only=True)
class _Course:
    """One leg as it goes: the newest reply, and whether Honk ended it, maybe for an error."""

    answer: ModelReply | None = None
    error: Exception | None = None
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        """Whether Honk ended it."""
        return self._over.is_set()

    def end(self, error: Exception | None = None) -> None:
        """End it."""
        self.error = error
        self._over.set()

    async def follow(self, running: Awaitable[ExecResult]) -> ExecResult | None:
        """Wait for its end; None for a program that had to be killed after it. Raises what broke it."""
        work = asyncio.ensure_future(running)
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
            if self.error is not None:
                raise self.error
            # Told that it is over, it writes down what it remembers and ends; what is stuck does not.
            done, _ = await asyncio.wait({work}, timeout=_GOODBYE_S)
            return work.result() if done else None
        finally:
            over.cancel()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def is_left_as_it_was(steps: Sequence[Step], program: Program, workspace: Workspace) -> bool:
    """Whether a workspace is the one in which the newest leg was under way, with all that it did: the program's memory
    of that leg lies beside the files, and both are lost together."""
    return bool(steps) and bool(await program.recall(_sessions(steps)[:1], workspace))


def _sessions(steps: Sequence[Step]) -> list[str]:
    """Under what names the program remembers each leg, the newest first: by the words with which it begins."""
    turn = json.dumps(steps[0].content, sort_keys=True)
    begins = (number for number in range(len(steps) - 1, -1, -1) if _is_told(steps[: number + 1]))
    return [str(uuid5(NAMESPACE_URL, f"{number} {turn}")) for number in begins]


def _is_told(steps: Sequence[Step]) -> bool:
    """Whether the newest step is our own words, with which a leg begins."""
    ours = {call["id"] for call in _own_calls(steps)}
    results = [block["tool_use_id"] for block in steps[-1].content if block.get("type") == "tool_result"]
    return steps[-1].role == "user" and ours.issuperset(results)


def _own_calls(steps: Sequence[Step]) -> list[Block]:
    """The calls of Honk's own tools in the newest reply."""
    newest = next((step for step in reversed(steps) if step.role == "assistant"), None)
    return [] if newest is None else [call for call in tool_uses(newest) if call["name"].startswith(OURS)]


def _in_words(blocks: Sequence[Block], turn: Turn) -> list[Block]:
    """Blocks as words of ours: the program has had a result for each call already."""
    names = {call["id"]: call["name"].removeprefix(OURS) for step in turn.steps for call in tool_uses(step)}
    words = []
    for block in blocks:
        if block.get("type") == "tool_result":
            tool = names.get(block["tool_use_id"])
            is_error = "true" if block.get("is_error") else None
            text = frame("result", str(block["content"]), boundary=turn.boundary, tool=tool, is_error=is_error)
            block = text_block(text)
        words.append(block)
    return words


def _as_ours(call: Block) -> Block:
    """A call of the program's as one of our own tools', for people who want to know what is being done."""
    given = call["input"] if isinstance(call["input"], Mapping) else {}
    path = str(given.get("file_path") or given.get("path") or "").removeprefix("/work/")
    name = call["name"].removeprefix(OURS)
    return {"name": _NAMES.get(name.lower(), name), "input": {**given, "path": path}}


def _blocks(message: Mapping[str, Any]) -> list[Block]:
    content = message["content"]
    return [text_block(content)] if isinstance(content, str) else list(content)


def _storable(block: Block) -> Block:
    """A block for the journal: without cache marks, and with words in the place of images."""
    kept = {key: value for key, value in block.items() if key != "cache_control"}
    if kept.get("type") == "image":
        return text_block("(an image)")
    if isinstance(kept.get("content"), list):
        kept["content"] = [_storable(each) for each in kept["content"]]
    return kept


def _digests(request: ModelRequest) -> tuple[bytes, ...]:
    """One for tools and system prompt, one for each message; cache marks, which move, are not in it."""
    parts: list[Any] = [[request.system, request.tools], *request.messages]
    return tuple(sha256(json.dumps(_unmarked(part), sort_keys=True).encode()).digest() for part in parts)


def _unmarked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    return [_unmarked(each) for each in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _most_tokens(value: Any) -> int:
    """No fewer tokens than the service will count: one for each byte, and a fixed number for each image."""
    if isinstance(value, Mapping) and value.get("type") == "image":
        return _IMAGE_TOKENS
    if isinstance(value, Mapping):
        return sum(len(json.dumps(key)) + 2 + _most_tokens(item) for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(map(_most_tokens, value)) + len(value) + 2
    return len(json.dumps(value, ensure_ascii=False).encode())
