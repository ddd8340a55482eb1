"""What of a conversation is not sent again. Every call pays for all that was ever printed; so when the results of tools
that go out have become many, the older ones are left out, a number in the place of each, by which the model can have it
back (`recall`). That is done seldom and then thoroughly: what follows the first change is written to the prompt cache
anew. The journal keeps everything, and what a request shows follows from it alone: a turn that goes on after a crash
says the same words. What it saves is in docs/agent.md, under Money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from github_app.core.ports import Step

MANY_CHARS = 80_000
"""So much of results goes out, and no more."""

KEPT_CHARS = 20_000
"""So much of the newest is left when it has become more."""

_LONG_CHARS = 400
"""Shorter results are not worth a second call."""

LEFT_OUT = "(left out: {chars:,} characters; `recall` number {number} shows them)"

Block = dict[str, Any]


@dataclass(frozen=True)
class Edge:
    """Before step `at`, long results are left out; in the request before this one, those before step `before` were."""

    at: int = 0
    before: int = 0


def find_edge(steps: Sequence[Step]) -> Edge:
    """Where the results begin that go out with the newest step, which is a user's. The newest step's own always do."""
    edge, going_out = Edge(), 0
    sizes = [_long_chars(step) for step in steps]
    for number, size in enumerate(sizes):
        if steps[number].role != "user":
            continue
        edge, going_out = Edge(edge.at, edge.at), going_out + size
        if going_out > MANY_CHARS:
            at, going_out = number, size
            while at > 0 and going_out + sizes[at - 1] <= KEPT_CHARS:
                at -= 1
                going_out += sizes[at]
            edge = Edge(at, edge.before)
    return edge


def shorten(steps: Sequence[Step], edge: Edge) -> list[list[Block]]:
    """The blocks of each step as they go out."""
    contents, number = [], 0
    for place, step in enumerate(steps):
        content = []
        for block in step.content:
            if block.get("type") == "tool_result":
                number += 1
                if place < edge.at and _chars(block) > _LONG_CHARS:
                    block = {**block, "content": LEFT_OUT.format(chars=_chars(block), number=number)}
            content.append(block)
        contents.append(content)
    return contents


def find_result(steps: Sequence[Step], number: int) -> str | None:
    """What a tool answered, by the number of the result, from 1; None if there is none."""
    results = [block for step in steps for block in step.content if block.get("type") == "tool_result"]
    return str(results[number - 1]["content"]) if 0 < number <= len(results) else None


def _long_chars(step: Step) -> int:
    sizes = (_chars(block) for block in step.content if block.get("type") == "tool_result")
    return sum(size for size in sizes if size > _LONG_CHARS)


def _chars(result: Block) -> int:
    return len(str(result["content"]))
