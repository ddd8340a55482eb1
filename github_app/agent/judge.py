"""The judge: a second, cheap model reads the task and the change, not the transcript, and says what it doubts. What it
finds goes back to the agent once, and then to people; it decides nothing, and a turn never fails for want of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from github_app.agent import budget, prompt
from github_app.agent.changeview import MAX_CHARS, read_diff
from github_app.agent.schemas import input_schema
from github_app.agent.task import Task
from github_app.core.errors import LimitReached, ToolFailed
from github_app.core.judgements import Judgement, Remark, to_the_agent
from github_app.core.model import ChangeSet, Usage
from github_app.core.policy import Limits
from github_app.core.ports import Model, ModelReply, ModelRequest, SecretScanner, Step, Workspace
from github_app.core.session import Feedback

log = logging.getLogger(__name__)

TOOL = "judge"
DEADLINE_S = 90.0
MAX_OUTPUT_TOKENS = 4_000
_TEXT_CHARS = 300
_RISKS = 5

ADVICE = "not submitted yet: a second look at your change found this."
_ADVICE = (
    ADVICE + " It comes from another model that saw the task and the change only, and may be wrong. Mend what is "
    "right, or submit again and say in `notes` why not.\n{found}"
)


class _Part(BaseModel):
    # As with the agent's tools: nothing unknown, nothing converted.
    model_config = ConfigDict(extra="forbid", strict=True)


class _Risk(_Part):
    path: str
    line: int = Field(default=0, ge=0)
    why: str = Field(min_length=1)


class _Opinion(_Part):
    in_scope: bool
    out_of_scope: str = ""
    complete: bool
    missing: str = ""
    tests_weakened: bool
    weakened: str = ""
    risks: list[_Risk] = Field(default_factory=list)
    confidence: Literal["low", "medium", "high"]


@dataclass(kw_only=True)
class Judge:
    """The judge of one turn. `steps` and `looks` are the turn's journal: the conversation, and what the judge said.

    `keep` stores a reply about the change set of that digest, before it is read. `heard` is the feedback so far.
    """

    model: Model
    model_name: str
    task: Task
    workspace: Workspace
    scanner: SecretScanner
    limits: Limits
    time_left_s: Callable[[], float]
    steps: Sequence[Step]
    looks: Sequence[Step]
    keep: Callable[[ModelReply, str], Awaitable[None]]
    boundary: str
    heard: list[Feedback] = field(default_factory=list)

    async def look(self, changes: ChangeSet) -> Judgement:
        """What the judge says of a change set, asked once for each. Raises `ToolFailed` with it for the agent, once."""
        about = _digest(changes)
        reply = self._known(about)
        try:
            content = reply.content if reply is not None else (await self._ask(changes, about)).content
        except _NotHad as why:
            return Judgement(missing=str(why), answers=self._answers())
        judgement = await asyncio.to_thread(read_opinion, content, changes, self.scanner)
        told = self._told_about()
        if judgement.remarks and told is None:
            raise ToolFailed(_ADVICE.format(found=to_the_agent(judgement)))
        return replace(judgement, answers=self._answers(), is_overruled=bool(judgement.remarks) and told == about)

    def _known(self, about: str) -> Step | None:
        return next((look for look in self.looks if look.about == about), None)

    def _answers(self) -> tuple[Any, ...]:
        """All that it said in this turn, as far as it could be read."""
        read = [read_opinion(look.content, None) for look in self.looks]
        return tuple(each.said for each in read if not each.missing)

    def _told_about(self) -> str | None:
        """The digest of the change set about which the agent was told; None if it was not."""
        for step in self.steps:
            if step.role == "user" and any(_is_advice(block) for block in step.content):
                before = [look.about for look in self.looks if look.number < step.number]
                return before[-1] if before else None
        return None

    async def _ask(self, changes: ChangeSet, about: str) -> ModelReply:
        """Ask, and keep what was paid for. Raises `_NotHad`."""
        diff = await read_diff(self.workspace, changes, max_chars=MAX_CHARS)
        words = prompt.judge_words(self.task, heard=self.heard, diff=diff, boundary=self.boundary)
        request = ModelRequest(
            model=self.model_name,
            max_tokens=MAX_OUTPUT_TOKENS,
            system=[{"type": "text", "text": prompt.judge_prompt()}],
            tools=[tool()],
            messages=[{"role": "user", "content": [{"type": "text", "text": words}]}],
            tool_choice={"type": "tool", "name": TOOL},
        )
        request = replace(request, max_tokens=self._allowed_tokens(request))
        try:
            async with asyncio.timeout(min(DEADLINE_S, self.time_left_s())):
                reply = await self.model.reply(request)
        except TimeoutError:
            raise _NotHad("the model took too long") from None
        except Exception as error:
            # Whatever keeps it from answering, also a gateway that does not know what we ask for: it is advice.
            log.warning("no second look", extra={"model": self.model_name, "why": str(error)[:300]})
            raise _NotHad("the model could not be had") from error
        await self.keep(reply, about)
        return reply

    def _allowed_tokens(self, request: ModelRequest) -> int:
        used = budget.total_usage([*self.looks, *self.steps])
        if not budget.has_room(used, limits=self.limits, time_left_s=self.time_left_s()):
            raise _NotHad("a limit of this turn is near")
        left = replace(
            self.limits,
            cost_micro_usd=self.limits.cost_micro_usd - used.cost_micro_usd,
            tokens=self.limits.tokens - used.total_tokens,
        )
        size = len(json.dumps([request.system, request.tools, request.messages], ensure_ascii=False).encode())
        try:
            allowed = budget.allowed_output_tokens(
                (), limits=left, model=self.model, model_name=self.model_name, fixed_bytes=size,
                time_left_s=self.time_left_s(),
            )  # fmt: skip
        except LimitReached:
            raise _NotHad("a limit of this turn is near") from None
        return min(MAX_OUTPUT_TOKENS, allowed)


class _NotHad(Exception):
    """There is no second look; the text says why, for people."""


def tool() -> dict[str, Any]:
    """The one tool that the judge must call."""
    return {"name": TOOL, "description": "Say what you found in the change.", "input_schema": input_schema(_Opinion)}


def usage_of(reply: ModelReply) -> Usage:
    """What a second look cost; it is none of the agent's own calls, so it counts as no step."""
    return replace(reply.usage, steps=0)


def read_opinion(
    content: Sequence[dict[str, Any]], changes: ChangeSet | None, scanner: SecretScanner | None = None
) -> Judgement:
    """The judge's reply, checked strictly: its words cut, risks only in files that are changed. Blocks."""
    given = next((block.get("input") for block in content if block.get("name") == TOOL), None)
    try:
        opinion = _Opinion.model_validate(given)
    except ValidationError:
        return Judgement(missing="its answer could not be read")
    paths = {change.path for change in changes.changes} if changes is not None else set()
    remarks: list[Remark] = []
    if not opinion.in_scope:
        remarks.append(Remark(doubt="scope", text=_short(opinion.out_of_scope) or "it does more than was asked for"))
    if opinion.tests_weakened:
        remarks.append(Remark(doubt="tests", text=_short(opinion.weakened) or "a test or check demands less now"))
    if not opinion.complete:
        remarks.append(Remark(doubt="incomplete", text=_short(opinion.missing) or "it does not do all of the task"))
    for risk in opinion.risks[:_RISKS]:
        place = {"path": risk.path, "line": min(risk.line, 10**7)} if risk.path in paths else {}
        remarks.append(Remark(doubt="risk", text=_short(risk.why), **place))  # type: ignore[arg-type]
    words = "\n".join(each.text for each in remarks).encode("utf-8", "replace")
    if scanner is not None and scanner.scan(words):
        return Judgement(missing="its words hold what looks like a secret")
    return Judgement(remarks=tuple(remarks), confidence=opinion.confidence)


def _short(text: str) -> str:
    """One line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_CHARS else f"{line[:_TEXT_CHARS]}…"


def _is_advice(block: dict[str, Any]) -> bool:
    return bool(block.get("is_error")) and str(block.get("content", "")).startswith(ADVICE)


def _digest(changes: ChangeSet) -> str:
    digest = sha256()
    for change in changes.changes:
        content = b"-" if change.content is None else b"+" + sha256(change.content).digest()
        digest.update(json.dumps([change.path, change.mode]).encode() + content)
    return digest.hexdigest()
