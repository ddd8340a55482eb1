"""Old results of tools are left out once they are many, cost less than they would, and can be had back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from github_app.agent import clearing
from github_app.agent.clearing import KEPT_CHARS, MANY_CHARS
from github_app.core.ports import ModelRequest, Step
from tests.agent.conftest import Desk
from tests.agent.parts import call, reply, submit
from tests.agent.test_caching import replay


def shown(request: ModelRequest) -> list[str]:
    """The results of tools in a request, oldest first."""
    blocks = [block for message in request.messages for block in message["content"]]
    return [block["content"] for block in blocks if block["type"] == "tool_result"]


async def test_a_hundred_calls_cost_seven_tenths_of_what_they_would(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    ours = await replay(desk, 100)
    assert all(_marks(request) <= 4 for request in desk.model.requests)
    desk.journal.steps.clear()
    desk.model.requests.clear()
    monkeypatch.setattr(clearing, "MANY_CHARS", 10**9)
    whole = await replay(desk, 100)
    assert ours.billed < 0.7 * whole.billed


async def test_a_turn_of_thirty_calls_reads_all_it_ever_saw(desk: Desk):
    await replay(desk, 30)
    assert not any("left out" in text for text in shown(desk.model.requests[-1]))


async def test_the_newest_results_are_always_there(desk: Desk):
    await replay(desk, 100)
    for request in desk.model.requests:
        results = shown(request)
        whole = [text for text in results if "left out" not in text]
        assert sum(map(len, whole)) <= MANY_CHARS
        assert results[len(results) - len(whole) :] == whole
        assert len(whole) == len(results) or sum(map(len, whole)) > KEPT_CHARS - 2 * 2_100


async def test_what_is_left_out_is_shown_again_when_it_is_recalled(desk: Desk):
    printed: list[str] = []

    def recall(request: ModelRequest) -> Any:
        assert "`recall` number 2 shows them" in shown(request)[1]
        return reply(call("recall", number=2))

    def check(request: ModelRequest) -> Any:
        printed.append(shown(request)[-1])
        return submit()

    big = [reply(call("bash", command=f"echo {n}; head -c 9000 /dev/zero | tr '\\0' x")) for n in range(12)]
    await desk.run(*big, recall, check)
    assert printed[0].startswith("1\n")
    assert len(printed[0]) > 9_000


async def test_a_result_that_never_was_cannot_be_recalled(desk: Desk):
    await desk.run(reply(call("recall", number=7)), submit())
    assert desk.model.results()[0]["content"] == "there is no result 7 in this turn"


def test_one_result_that_is_too_long_alone_goes_out_once():
    def step(number: int, chars: int) -> Step:
        block = {"type": "tool_result", "tool_use_id": str(number), "content": "x" * chars}
        return Step(number=number, role="user", content=(block,))

    def said(number: int) -> Step:
        return Step(number=number, role="assistant", content=({"type": "text", "text": "go on"},))

    steps = [step(0, 10), said(1), step(2, MANY_CHARS + 1), said(3), step(4, 500)]
    assert clearing.find_edge(steps[:3]).at <= 2
    edge = clearing.find_edge(steps)
    sizes = [len(json.dumps(content)) for content in clearing.shorten(steps, edge)]
    assert sizes[2] < 200
    assert sizes[4] > 500


def _marks(request: ModelRequest) -> int:
    blocks = [*request.system, *(block for message in request.messages for block in message["content"])]
    return sum("cache_control" in block for block in blocks)
