"""Journalled steps as the messages of a request, with the marks that make the service's prompt cache work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from github_app.core.ports import ModelReply, Step

_MARK = {"cache_control": {"type": "ephemeral"}}

Block = dict[str, Any]


def marked_system(text: str) -> list[Block]:
    """The system prompt; its mark also covers the tools, which the service puts before it."""
    return [{"type": "text", "text": text, **_MARK}]


def marked_messages(steps: Sequence[Step]) -> list[Block]:
    """All steps, with a mark on the last block of the last two user messages.

    The newer mark stores what is new; the older one finds what the previous request stored, even if more than the 20
    blocks lie between them that the service looks back. Blocks go out exactly as they were stored, so prefixes stay
    equal and n requests cost in proportion to n.
    https://docs.claude.com/en/docs/build-with-claude/prompt-caching
    """
    messages = [{"role": step.role, "content": list(step.content)} for step in steps]
    for message in [message for message in messages if message["role"] == "user"][-2:]:
        content: list[Block] = message["content"]  # type: ignore[assignment]
        content[-1] = {**content[-1], **_MARK}
    return messages


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
