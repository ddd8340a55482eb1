"""Turns that another program works through: what it asks of the model is journalled, held against the limits and paid
once; what it hands over meets the same gate."""

from __future__ import annotations

import json

import pytest

from github_app.agent.legs import is_left_as_it_was
from github_app.agent.task import Asked, OutOfLimits, Submitted
from github_app.core.errors import SandboxUnavailable, Transient
from github_app.core.model import Usage
from github_app.core.policy import Limits, Policy
from github_app.core.ports import ModelReply, ModelRequest
from github_app.core.session import Feedback
from tests.agent.conftest import Desk
from tests.agent.hands import Hands
from tests.agent.parts import call, reply, text

FIX = "sed -i 's/return a .*/return a \\/ b if b else None/' calc.py"


def bash(command: str) -> ModelReply:
    return reply(call("Bash", command=command))


def ours(tool: str, **given: object) -> ModelReply:
    return reply(call(f"mcp__honk__{tool}", **given))


def hand_in(**more: object) -> ModelReply:
    return ours("submit", **{"title": "Divide by zero, too", "summary": "It is None.", **more})


@pytest.fixture
def hands(desk: Desk) -> Hands:
    desk.program = Hands()
    return desk.program


def words(request: ModelRequest) -> str:
    return json.dumps(request.messages[-1]["content"])


async def test_it_works_and_hands_in_through_the_gate(desk: Desk, hands: Hands):
    outcome = await desk.run(bash(FIX), hand_in())
    assert isinstance(outcome, Submitted)
    assert [each.path for each in outcome.changes.changes] == ["calc.py"]
    assert [(each.command, each.exit_code) for each in outcome.submission.verdicts] == [("true", 0)]
    assert (outcome.usage.steps, outcome.usage.input_tokens) == (2, 20)
    assert len(hands.legs) == 1
    assert [step.role for step in desk.journal.steps] == ["user", "assistant", "user", "assistant"]


async def test_what_the_gate_refuses_is_the_beginning_of_the_next_leg(desk: Desk, hands: Hands):
    desk.policy = Policy(verify=("grep -q None calc.py",))
    outcome = await desk.run(
        reply(*bash("echo >> calc.py").content, *hand_in().content), bash(FIX), ours("verify"), hand_in()
    )
    assert isinstance(outcome, Submitted)
    assert [leg.memory for leg in hands.legs] == ["", *(leg.session for leg in hands.legs[:-1])]
    refused, verified = (words(desk.model.requests[number]) for number in (1, 3))
    assert '<result tool=\\"submit\\" is_error=\\"true\\">' in refused
    assert "verification did not pass" in refused
    assert '<result tool=\\"verify\\">' in verified
    # On record as any tool's answer, and with what the files were by then.
    assert [block["type"] for step in desk.journal.steps if step.role == "user" for block in step.content] == [
        "text", "tool_result", "tool_result", "tool_result", "tool_result",
    ]  # fmt: skip
    assert desk.journal.snapshots[-1][1].changes[0].path == "calc.py"


async def test_a_question_ends_the_turn_and_keeps_the_work(desk: Desk, hands: Hands):  # noqa: ARG001 - in place
    outcome = await desk.run(bash(FIX), ours("ask", question="None or an error?"))
    assert isinstance(outcome, Asked)
    assert outcome.question == "None or an error?"
    assert "else None" in (desk.workspace.root / "calc.py").read_text()


async def test_words_of_people_reach_it_between_two_steps(desk: Desk, hands: Hands):
    def meanwhile(_: ModelRequest) -> ModelReply:
        desk.journal.inbox.append(Feedback(id="c1", kind="command", author="rob", body="and say why"))
        return bash(FIX)

    outcome = await desk.run(meanwhile, hand_in())
    assert isinstance(outcome, Submitted)
    assert "and say why" in words(desk.model.requests[1])
    assert outcome.consumed == ("c1",)
    assert len(hands.legs) == 2
    assert len(desk.model.requests) == 2  # that a leg ends costs no call


async def test_a_reply_is_paid_once_however_often_it_is_asked_for(desk: Desk, hands: Hands):
    hands.asks_twice = True
    assert isinstance(await desk.run(bash(FIX), bash("true"), hand_in()), Submitted)
    assert len(desk.model.requests) == 3


async def test_it_goes_on_from_what_it_remembers_after_a_crash(desk: Desk, hands: Hands):
    with pytest.raises(OSError, match="crash"):
        await desk.run(bash(FIX), OSError("crash"))
    assert await is_left_as_it_was(desk.journal.steps, hands, desk.workspace)
    outcome = await desk.run(hand_in())
    assert isinstance(outcome, Submitted)
    assert hands.legs[1].memory == hands.legs[0].session
    assert "interrupted" in words(desk.model.requests[-1])
    assert outcome.usage.steps == 2


async def test_without_its_memory_it_begins_again_with_the_work_in_the_files(desk: Desk, hands: Hands):
    with pytest.raises(Transient):
        await desk.run(bash(FIX), Transient("away"))
    hands.memory.clear()
    assert not await is_left_as_it_was(desk.journal.steps, hands, desk.workspace)
    outcome = await desk.run(hand_in())
    assert isinstance(outcome, Submitted)
    told = words(desk.model.requests[-1])
    assert "cut off" in told
    assert "Repository `octo/calculator`" in told
    assert [each.path for each in outcome.changes.changes] == ["calc.py"]


async def test_what_was_handed_over_before_a_crash_is_done_after_it(desk: Desk, hands: Hands):
    await desk.run(bash(FIX), hand_in())  # and its end is lost
    outcome = await desk.run()
    assert isinstance(outcome, Submitted)
    assert len(hands.legs) == 1


def greedy(request: ModelRequest) -> ModelReply:
    """The worst reply that the service could give: a token for each byte in, every token out that was allowed."""
    size = len(json.dumps([request.system, request.tools, request.messages], ensure_ascii=False).encode())
    usage = Usage(cache_write_tokens=size, output_tokens=request.max_tokens)
    return reply(call("Bash", command=f"seq {len(request.messages)} 3000"), usage=usage)


@pytest.mark.parametrize("micro_usd", [20_000, 60_000, 200_000, 1_000_000])
async def test_money_is_never_passed_even_by_the_worst_replies(desk: Desk, hands: Hands, micro_usd: int):  # noqa: ARG001
    desk.limits = Limits(cost_micro_usd=micro_usd)
    outcome = await desk.run(*[greedy] * 100)
    assert isinstance(outcome, OutOfLimits)
    assert outcome.limit == "money"
    assert 0 < outcome.usage.cost_micro_usd <= micro_usd or not desk.model.requests


async def test_what_else_asks_in_the_sandbox_is_counted_for_all_that_it_sends(desk: Desk, hands: Hands):
    """Code of the repository may find the desk; a long request of its own passes no limit either."""
    desk.limits = Limits(cost_micro_usd=1_000_000)

    async def smuggled(leg, *, workspace, desk):  # noqa: ARG001
        request = ModelRequest(
            model=leg.model, max_tokens=99_999, system=(), tools=(),
            messages=[{"role": "user", "content": [{"type": "text", "text": "x" * 3_000_000}]}],
        )  # fmt: skip
        return await desk.reply(request)

    hands.run = smuggled  # type: ignore[method-assign]
    outcome = await desk.run()
    assert isinstance(outcome, OutOfLimits)
    assert outcome.limit == "money"
    assert desk.model.requests == []


async def test_one_that_only_talks_is_told_to_go_on_and_then_stopped(desk: Desk, hands: Hands):
    outcome = await desk.run(*[reply(text("I am done."))] * 3)
    assert isinstance(outcome, OutOfLimits)
    assert outcome.reason == "the agent stopped without submitting anything"
    assert "called no tool" in words(desk.model.requests[1])
    assert len(hands.legs) == 3


async def test_equal_calls_end_the_turn(desk: Desk, hands: Hands):  # noqa: ARG001 - in place
    outcome = await desk.run(*[bash("true")] * 10)
    assert isinstance(outcome, OutOfLimits)
    assert outcome.reason == "the agent went round in circles: 6 equal tool calls in a row"


async def test_a_program_that_is_killed_goes_on_and_one_that_does_not_start_is_reported(desk: Desk, hands: Hands):
    hands.dies_after = 1
    assert isinstance(await desk.run(bash(FIX), hand_in()), Submitted)
    assert "interrupted" in words(desk.model.requests[1])
    hands.dies_after = 0
    desk.journal.steps.clear()
    with pytest.raises(SandboxUnavailable, match="broke off"):
        await desk.run()
