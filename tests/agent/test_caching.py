"""Requests are made so that the service's prompt cache works: what a turn costs grows with its length, not its square.

The cache is a model of ours: blocks in the order tools, system, messages; a mark stores the prefix that ends at it if
it has 1,024 tokens (4 bytes each) and reads the longest stored prefix that ends at most 20 blocks before it.
https://docs.claude.com/en/docs/build-with-claude/prompt-caching
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from github_app.agent.task import Submitted
from github_app.core.policy import Limits
from github_app.core.ports import ModelRequest
from tests.agent.conftest import Desk
from tests.agent.parts import call, reply, submit

MIN_BYTES = 4 * 1_024


@dataclass
class Cache:
    stored: set[str] = field(default_factory=set)
    sent: int = 0
    read: int = 0
    billed: float = 0.0

    def take(self, request: ModelRequest) -> None:
        prefixes: list[tuple[str, int, bool]] = []
        digest, size = hashlib.sha256(request.model.encode()), 0
        for block, is_marked in _blocks(request):
            raw = json.dumps(block).encode()
            digest.update(raw)
            size += len(raw)
            prefixes.append((digest.hexdigest(), size, is_marked))
        marks = [index for index, (_, _, is_marked) in enumerate(prefixes) if is_marked]
        read = max(
            (size for mark in marks for name, size, _ in prefixes[max(0, mark - 20) : mark + 1] if name in self.stored),
            default=0,
        )
        kept = [(name, size) for name, size, is_marked in prefixes if is_marked and size >= MIN_BYTES]
        write = max(0, max((size for _, size in kept), default=0) - read)
        self.stored |= {name for name, _ in kept}
        self.sent += size
        self.read += read
        self.billed += 0.1 * read + 1.25 * write + (size - read - write)


def _blocks(request: ModelRequest) -> Iterator[tuple[Any, bool]]:
    for block in [*request.tools, *request.system]:
        yield _bare(block), "cache_control" in block
    for message in request.messages:
        for block in message["content"]:
            yield [message["role"], _bare(block)], "cache_control" in block


def _bare(block: Any) -> Any:
    return {key: value for key, value in block.items() if key != "cache_control"}


async def replay(desk: Desk, turns: int, calls_per_turn: int = 1) -> Cache:
    desk.limits = Limits(steps=1_000, cost_micro_usd=10**9)
    script = [
        reply(
            *[
                call("bash", command=f"echo {turn} {n}; head -c 2000 /dev/zero | tr '\\0' x")
                for n in range(calls_per_turn)
            ]
        )
        for turn in range(turns)
    ]
    assert isinstance(await desk.run(*script, submit()), Submitted)
    cache = Cache()
    for request in desk.model.requests:
        cache.take(request)
    return cache


@pytest.mark.parametrize(("turns", "share"), [(10, 0.80), (30, 0.92), (100, 0.94)])
async def test_nearly_all_input_is_read_from_the_cache(desk: Desk, turns: int, share: float):
    cache = await replay(desk, turns)
    assert cache.read / cache.sent >= share


async def test_what_is_written_grows_with_the_length_of_the_turn(desk: Desk):
    cache = await replay(desk, 100)
    # Each byte is written once, at 1.25, and what is left when older results are left out once more (`clearing`); the
    # rest are reads at a tenth.
    assert cache.billed <= 1.25 * (1.4 * said(desk) + 15_000) + 0.1 * cache.read
    assert cache.sent > 20 * said(desk)


async def test_many_parallel_calls_do_not_lose_the_cache(desk: Desk):
    cache = await replay(desk, 10, calls_per_turn=25)
    assert cache.billed <= 1.25 * (1.4 * said(desk) + 15_000) + 0.1 * cache.read


def said(desk: Desk) -> int:
    """The size of all that was said in the turn."""
    return len(json.dumps([step.content for step in desk.journal.steps]))


async def test_marks_stand_on_the_system_prompt_and_the_last_two_user_messages(desk: Desk):
    await replay(desk, 3)
    request = desk.model.requests[-1]
    assert "cache_control" in request.system[-1]
    marked = [
        (number, index - len(message["content"]))
        for number, message in enumerate(request.messages)
        for index, block in enumerate(message["content"])
        if "cache_control" in block
    ]
    assert marked == [(4, -1), (6, -1)]
    assert sum(is_marked for _, is_marked in _blocks(request)) == 3


async def test_marks_never_get_into_the_journal(desk: Desk):
    await replay(desk, 2)
    assert "cache_control" not in json.dumps([step.content for step in desk.journal.steps])


async def test_each_request_begins_with_the_one_before(desk: Desk):
    await replay(desk, 5)
    plain = [[json.dumps(block) for block, _ in _blocks(request)] for request in desk.model.requests]
    for before, after in pairwise(plain):
        assert after[: len(before)] == before
