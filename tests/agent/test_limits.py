"""No limit is passed: the call that could pass it is never made."""

from __future__ import annotations

import json

import pytest

from github_app.agent.budget import MAX_OUTPUT_TOKENS, MIN_OUTPUT_TOKENS
from github_app.agent.task import OutOfLimits, Submitted
from github_app.core.model import Usage
from github_app.core.policy import Limits
from github_app.core.ports import ModelReply, ModelRequest
from tests.agent.conftest import Desk
from tests.agent.parts import call, reply, submit


def greedy(request: ModelRequest) -> ModelReply:
    """The worst reply that the service could give: a token for each byte in, every token out that was allowed."""
    turn = sum(message["role"] == "user" for message in request.messages)
    size = len(json.dumps([request.system, request.tools, request.messages], ensure_ascii=False).encode())
    usage = Usage(cache_write_tokens=size, output_tokens=request.max_tokens)
    return reply(call("bash", command=f"seq {turn} 3000"), usage=usage)


async def test_the_call_after_the_last_step_is_never_made(desk: Desk):
    desk.limits = Limits(steps=3)
    outcome = await desk.run(*[reply(call("bash", command=f"echo {n}")) for n in range(10)])
    assert isinstance(outcome, OutOfLimits)
    assert (outcome.limit, outcome.reason) == ("steps", "all 3 model calls of this turn are used")
    assert len(desk.model.requests) == 3


async def test_steps_from_before_a_crash_count(desk: Desk):
    desk.limits = Limits(steps=3)
    calls = [reply(call("bash", command=f"echo {n}")) for n in range(10)]
    with pytest.raises(OSError, match="crash"):
        await desk.run(*calls[:2], OSError("crash"))
    assert isinstance(await desk.run(*calls[2:]), OutOfLimits)
    assert len(desk.model.requests) == 4  # two, the one that crashed, and one more
    assert len([step for step in desk.journal.steps if step.role == "assistant"]) == 3


@pytest.mark.parametrize("micro_usd", [20_000, 60_000, 200_000, 1_000_000])
async def test_money_is_never_passed_even_by_the_worst_replies(desk: Desk, micro_usd: int):
    desk.limits = Limits(cost_micro_usd=micro_usd)
    outcome = await desk.run(*[greedy] * 100)
    assert isinstance(outcome, OutOfLimits)
    assert outcome.limit == "money"
    assert 0 < outcome.usage.cost_micro_usd <= micro_usd or not desk.model.requests


@pytest.mark.parametrize("tokens", [20_000, 50_000, 200_000])
async def test_tokens_are_never_passed_even_by_the_worst_replies(desk: Desk, tokens: int):
    desk.limits = Limits(tokens=tokens, cost_micro_usd=10**9)
    outcome = await desk.run(*[greedy] * 100)
    assert isinstance(outcome, OutOfLimits)
    assert outcome.limit == "tokens"
    assert 0 < outcome.usage.total_tokens <= tokens


async def test_nothing_is_asked_without_money(desk: Desk):
    desk.limits = Limits(cost_micro_usd=0)
    outcome = await desk.run()
    assert isinstance(outcome, OutOfLimits)
    assert outcome.reason == "the next model call could pass the $0.00 that this turn may cost"


async def test_a_reply_may_be_long_until_money_is_short(desk: Desk):
    desk.limits = Limits(cost_micro_usd=400_000)
    dear = Usage(input_tokens=5_000, output_tokens=1_000, cost_micro_usd=200_000)
    await desk.run(reply(call("view", path="."), usage=dear), submit())
    first, second = (request.max_tokens for request in desk.model.requests)
    assert first == MAX_OUTPUT_TOKENS
    # 200,000 are left, some go to input at 2.5 a token, the rest at 10 a token to output.
    assert MIN_OUTPUT_TOKENS < second < 20_000 - 6_000 * 2.5 / 10 + 1


async def test_the_last_cents_do_not_buy_a_crippled_reply(desk: Desk):
    dear = Usage(input_tokens=100, output_tokens=100, cost_micro_usd=95_000)
    desk.limits = Limits(cost_micro_usd=100_000)
    outcome = await desk.run(reply(call("view", path="."), usage=dear))
    assert isinstance(outcome, OutOfLimits)
    assert outcome.usage.cost_micro_usd == 95_000


async def test_the_turn_ends_when_its_time_is_over(desk: Desk):
    desk.limits = Limits(time_s=600)

    def slow(_: ModelRequest) -> ModelReply:
        desk.clock.pass_s(301)
        return reply(call("bash", command=f"echo {desk.clock.time}"))

    outcome = await desk.run(*[slow] * 10)
    assert isinstance(outcome, OutOfLimits)
    assert (outcome.limit, outcome.reason) == ("time", "the 10 minutes for this turn are over")
    assert len(desk.model.requests) == 2


async def test_a_command_gets_no_more_time_than_the_turn_has(desk: Desk):
    desk.limits = Limits(time_s=1)
    outcome = await desk.run(reply(call("bash", command="sleep 60", timeout_s=600)), submit())
    assert isinstance(outcome, Submitted)
    assert "it ran into its time limit and was stopped" in desk.model.results()[0]["content"]


async def test_the_model_is_told_to_come_to_an_end(desk: Desk):
    desk.limits = Limits(steps=7)
    calls = [reply(call("bash", command=f"echo {n}")) for n in range(4)]
    assert isinstance(await desk.run(*calls, submit()), Submitted)
    words = [message["content"][-1].get("text", "") for message in desk.model.requests[-1].messages[2::2]]
    assert words == [
        "",
        "5 model calls are left in this turn. Come to an end: `submit` what is good, or `ask`.",
        "",
        "",
    ]
