"""Journalled steps as the messages of a request, with the marks that make the service's prompt cache work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, cast

from github_app.agent.clearing import find_edge, shorten
from github_app.core.ports import ModelReply, Step

_MARK = {"cache_control": {"type": "ephemeral"}}

Block = dict[str, Any]


def marked_system(text: str) -> list[Block]:
    """The system prompt; its mark also covers the tools, which the service puts before it."""
    return [{"type": "text", "text": text, **_MARK}]


def marked_messages(steps: Sequence[Step]) -> list[Block]:
    """All steps as far as they go out (`clearing`), with marks on the last blocks of some user messages.

    The newest mark stores what is new; the one before it finds what the previous request stored, even if more than the
    20 blocks lie between them that the service looks back. A third stands where nothing changes until more is left
    out; in the request that leaves more out, the second stands where that began. Otherwise blocks go out exactly as
    they were stored, so prefixes stay equal.
    https://docs.claude.com/en/docs/build-with-claude/prompt-caching
    """
    edge = find_edge(steps)
    messages = [
        {"role": step.role, "content": content} for step, content in zip(steps, shorten(steps, edge), strict=True)
    ]
    asked = [number for number, step in enumerate(steps) if step.role == "user"]
    is_changed = edge.at != edge.before
    marks = {asked[-1]}
    marks |= {_last_before(asked, edge.before)} if is_changed else set(asked[-2:])
    marks |= {_last_before(asked, edge.at)} if edge.at else set()
    for number in marks:
        content = cast("list[Block]", messages[number]["content"])
        content[-1] = {**content[-1], **_MARK}
    return messages


def _last_before(asked: Sequence[int], step: int) -> int:
    """The user message before a step; the first one, which is never shortened, if there is none."""
    return max((number for number in asked if number < step), default=asked[0])


def storable_content(reply: ModelReply) -> tuple[Block, ...]:
    """A reply's blocks as they may be sent again: without what the service refuses (empty texts, half tool calls)."""
    blocks = [block for block in reply.content if block.get("type") != "text" or str(block["text"]).strip()]
    if reply.stop_reason == "max_tokens" and blocks and blocks[-1].get("type") == "tool_use":
        blocks.pop()
    # A message cannot end in thinking alone, or be empty.
    if not any(block.get("type") in ("text", "tool_use") for block in blocks):
        blocks.append(text_block("(nothing)"))
    return tuple(blocks)


def text_block(text: str) -> Block:
    """A block of text."""
    return {"type": "text", "text": text}


def result_block(call: Mapping[str, Any], text: str, *, is_error: bool) -> Block:
    """The answer to one tool_use."""
    block: Block = {"type": "tool_result", "tool_use_id": call["id"], "content": text}
    return {**block, "is_error": True} if is_error else block


def tool_uses(step: Step) -> list[Block]:
    """The tool calls in a reply, in order."""
    return [block for block in step.content if block.get("type") == "tool_use"]


def repeats(steps: Sequence[Step]) -> int:
    """How often in a row the newest tool call was made, with the very same arguments."""
    newest_first = (
        (call["name"], call["input"])
        for step in reversed(steps)
        if step.role == "assistant"
        for call in reversed(tool_uses(step))
    )
    newest = next(newest_first, None)
    return 0 if newest is None else 1 + sum(1 for _ in takewhile(lambda call: call == newest, newest_first))


def silences(steps: Sequence[Step]) -> int:
    """How many of the newest replies, in a row, called no tool."""
    count = 0
    for step in reversed(steps):
        if step.role == "assistant":
            if tool_uses(step):
                break
            count += 1
    return count
