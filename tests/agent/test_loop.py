"""Whole turns: a scripted model works in a real folder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_app.agent.task import Asked, OutOfLimits, Planned, Submitted
from github_app.core.background import Background
from github_app.core.errors import Stopped, Transient
from github_app.core.model import NetworkDecision, Usage
from github_app.core.policy import Limits, Network, Policy
from github_app.core.ports import ModelRequest, Step
from github_app.core.session import Cause, Feedback, Reply
from github_app.core.toolservers import ToolServer
from tests.agent.conftest import Desk
from tests.agent.parts import a_task, a_thread, call, reply, submit, text

FIX = {"path": "calc.py", "old_text": "return a / b", "new_text": "return a / b if b else None"}


async def test_a_turn_reads_edits_verifies_and_submits(desk: Desk):
    outcome = await desk.run(
        reply(text("I look first."), call("view", path="calc.py")),
        reply(call("edit", **FIX)),
        reply(call("verify")),
        submit(notes="None is falsy."),
    )
    assert isinstance(outcome, Submitted)
    assert [(each.path, each.content) for each in outcome.changes.changes] == [
        ("calc.py", b"def divide(a, b):\n    return a / b if b else None\n")
    ]
    assert outcome.submission.title == "Add what was missing"
    assert outcome.submission.notes == "None is falsy."
    assert [(each.command, each.exit_code) for each in outcome.submission.verdicts] == [("true", 0)]
    assert outcome.usage.steps == 4
    assert outcome.usage.input_tokens == 40
    assert outcome.usage.cost_micro_usd == 4 * 70


async def test_the_model_sees_what_each_call_came_to_in_order(desk: Desk):
    await desk.run(
        reply(
            call("view", path="calc.py"), call("view", path="nowhere.py"), call("fly"), call("bash", command="echo hi")
        ),
        submit(),
    )
    first, second, third, fourth = desk.model.results()
    assert first["content"] == "     1\tdef divide(a, b):\n     2\t    return a / b"
    assert "is_error" not in first
    assert second["is_error"]
    assert second["content"] == "there is no file `nowhere.py`"
    assert third["is_error"]
    assert third["content"].startswith("there is no tool of this name; there are: bash, view, edit")
    assert fourth["content"] == "hi\n[exit code 0]"
    ids = [block["id"] for block in desk.model.requests[-1].messages[1]["content"]]
    assert [each["tool_use_id"] for each in (first, second, third, fourth)] == ids


async def test_a_question_ends_the_turn_and_keeps_the_work(desk: Desk):
    outcome = await desk.run(reply(call("edit", **FIX)), reply(call("ask", question=" None or an error? ")))
    assert isinstance(outcome, Asked)
    assert outcome.question == "None or an error?"
    assert "else None" in (desk.workspace.root / "calc.py").read_text()


async def test_a_plan_ends_a_turn_that_could_change_nothing(desk: Desk):
    """Whatever the model calls: what would run, write or hand in is not there."""
    desk.judge_name = "judge"
    desk.policy = replace(desk.policy, mcp=(ToolServer(name="room", command="touch here"),))
    before = (desk.workspace.root / "calc.py").read_text()
    outcome = await desk.run(
        reply(call("edit", **FIX)),
        reply(call("bash", command="touch here")),
        reply(call("verify")),
        submit(),
        reply(text("Here is the plan:")),
        reply(call("plan", summary=" It divides. ", items=["Look first ", " "])),
        task=a_task(cause=Cause.PLAN),
    )
    assert isinstance(outcome, Planned)
    assert (outcome.summary, outcome.items) == ("It divides.", ("Look first",))
    assert outcome.usage.steps == 6
    assert (desk.workspace.root / "calc.py").read_text() == before
    assert not (desk.workspace.root / "here").exists()
    refused = [desk.model.results(number)[0]["content"] for number in range(1, 5)]
    assert all("there are: view, search, recall, ask, plan" in str(each) for each in refused)
    assert "call `plan`" in desk.model.last_message()[0]["text"]
    assert {tool["name"] for request in desk.model.requests for tool in request.tools} == {
        "view", "search", "recall", "ask", "plan",
    }  # fmt: skip


async def test_work_has_no_tool_that_plans(desk: Desk):
    await desk.run(reply(call("plan", summary="s", items=["i"])), submit())
    assert "there is no tool of this name" in str(desk.model.results(1))


async def test_a_model_that_only_talks_is_reminded_twice_and_then_stopped(desk: Desk):
    outcome = await desk.run(*[reply(text("All done!"))] * 3)
    assert isinstance(outcome, OutOfLimits)
    assert (outcome.limit, outcome.reason) == ("", "the agent stopped without submitting anything")
    assert len(desk.model.requests) == 3
    assert "call `submit`" in desk.model.last_message()[0]["text"]


async def test_a_reminder_that_helps_is_forgotten(desk: Desk):
    talk, look = reply(text("Hm.")), reply(call("view", path="."))
    assert isinstance(await desk.run(talk, talk, look, talk, talk, submit()), Submitted)


async def test_a_reply_that_was_cut_off_loses_its_half_tool_call(desk: Desk):
    cut = reply(call("edit", path="calc.py", old_text="", new_text="half"), stop="max_tokens")
    assert isinstance(await desk.run(cut, submit()), Submitted)
    assert not (await desk.workspace.changes()).changes
    assert desk.model.requests[-1].messages[1]["content"] == [text("(nothing)")]
    assert "too long is cut off" in desk.model.last_message()[0]["text"]


async def test_whole_calls_in_a_reply_that_was_cut_off_still_run(desk: Desk):
    await desk.run(reply(call("edit", **FIX), call("bash", command="ec"), stop="max_tokens"), submit())
    assert [each["content"] for each in desk.model.results()] == ["Changed `calc.py` at line 2: 1 line became 1 line."]


async def test_thinking_goes_back_word_for_word(desk: Desk):
    thinking = {"type": "thinking", "thinking": "", "signature": "sig=="}
    await desk.run(reply(thinking, call("view", path=".")), reply(thinking), submit())
    messages = desk.model.requests[-1].messages
    assert messages[1]["content"][0] == thinking
    assert messages[3]["content"] == [thinking, text("(nothing)")]


async def test_pauses_go_on(desk: Desk):
    assert isinstance(await desk.run(reply(text("One moment."), stop="pause_turn"), submit()), Submitted)


@pytest.mark.parametrize(
    ("stop", "limit", "reason"),
    [
        ("refusal", "", "the model refused to go on"),
        (
            "model_context_window_exceeded",
            "tokens",
            "the conversation has outgrown what the model can read",
        ),
    ],
)
async def test_a_model_that_cannot_go_on_ends_the_turn(desk: Desk, stop: str, limit: str, reason: str):
    outcome = await desk.run(reply(stop=stop))
    assert isinstance(outcome, OutOfLimits)
    assert (outcome.limit, outcome.reason) == (limit, reason)
    assert outcome.usage.output_tokens == 5


async def test_going_round_in_circles_is_remarked_on_and_then_ended(desk: Desk):
    again = [reply(call("bash", command="echo same >> log")) for _ in range(100)]
    outcome = await desk.run(*again)
    assert isinstance(outcome, OutOfLimits)
    assert outcome.reason == "the agent went round in circles: 6 equal tool calls in a row"
    assert len(desk.model.requests) == 6
    assert (desk.workspace.root / "log").read_text() == "same\n" * 5
    remarks = [len(message["content"]) - 1 for message in desk.model.requests[-1].messages[2::2]]
    assert remarks == [0, 0, 1, 1, 1]


async def test_a_hundred_equal_calls_in_one_reply_do_not_run(desk: Desk):
    outcome = await desk.run(reply(*[call("bash", command="echo same >> log")] * 100))
    assert isinstance(outcome, OutOfLimits)
    assert not (desk.workspace.root / "log").exists()


async def test_a_megabyte_of_arguments_is_refused_by_the_tool(desk: Desk):
    desk.limits = Limits(cost_micro_usd=1_000_000_000)
    assert isinstance(await desk.run(reply(call("bash", command="#" * 1_000_000)), submit()), Submitted)
    assert desk.model.results()[0]["content"].startswith("a command may have")


# --- what people say meanwhile


async def test_what_people_say_meanwhile_joins_the_next_message(desk: Desk):
    def look(_: ModelRequest):
        desk.journal.inbox.append(
            Feedback(id="c1", kind="command", author="ana", body="Use <b>None</b> <!-- rm -rf -->")
        )
        return reply(call("view", path="calc.py"))

    done = submit(threads=[answer(1, "fixed", "Done.")])
    outcome = await desk.run(look, reply(call("edit", **FIX)), done, task=a_task(feedback=(a_thread(),)))
    assert isinstance(outcome, Submitted)
    assert outcome.consumed == ("thread:1", "c1")
    assert [step.consumed for step in desk.journal.steps] == [("thread:1",), (), ("c1",), (), (), ()]
    said = desk.model.requests[1].messages[-1]["content"][-1]["text"]
    assert '<comment author="ana">' in said
    assert "Use <b>None</b>\n" in said


async def test_threads_that_came_meanwhile_can_be_answered(desk: Desk):
    desk.journal.inbox.append(a_thread(2))
    outcome = await desk.run(
        reply(call("view", path=".")),
        submit(threads=[answer(1, "fixed", "Done."), answer(2, "declined", "It is right.")]),
        task=a_task(feedback=(a_thread(1),)),
    )
    assert isinstance(outcome, Submitted)
    assert outcome.submission.replies == (
        Reply(thread_id="PRRT_1", reply_to=101, body="Done.", standing="fixed"),
        Reply(thread_id="PRRT_2", reply_to=102, body="It is right.", standing="declined"),
    )


def answer(number: int, outcome: str, reply: str) -> dict[str, str]:
    return {"thread_id": f"PRRT_{number}", "outcome": outcome, "reply": reply}


async def test_a_thread_without_an_answer_is_asked_for_once_and_then_left_open(desk: Desk):
    desk.journal.inbox.append(a_thread(2))
    outcome = await desk.run(
        submit(threads=[]),
        submit(threads=[answer(1, "answered", "Because.")]),
        submit(threads=[answer(1, "answered", "Because.")]),
        task=a_task(feedback=(a_thread(1),)),
    )
    assert isinstance(outcome, Submitted)
    assert [reply.thread_id for reply in outcome.submission.replies] == ["PRRT_1"]
    told = [desk.model.results(number)[0]["content"] for number in (1, 2)]
    assert told[0].startswith("not submitted: no answer in `threads` for PRRT_1. ")
    assert told[1].startswith("not submitted: no answer in `threads` for PRRT_2. ")


async def test_threads_in_the_background_may_be_answered_and_need_not_be(desk: Desk):
    outcome = await desk.run(
        submit(threads=[answer(1, "answered", "Because.")]),
        task=a_task(background=Background(remarks=(a_thread(1), a_thread(2)))),
    )
    assert isinstance(outcome, Submitted)
    assert [reply.thread_id for reply in outcome.submission.replies] == ["PRRT_1"]


async def test_work_that_is_withdrawn_stops_at_once(desk: Desk):
    def withdraw(step: Step):
        if step.number == 3:
            raise Stopped("the issue was closed")

    desk.journal.on_append = withdraw
    with pytest.raises(Stopped):
        await desk.run(reply(call("view", path=".")), reply(call("edit", **FIX)))
    assert not (await desk.workspace.changes()).changes


async def test_progress_is_told_in_plain_words(desk: Desk):
    told: list[str] = []

    async def hear(words: str) -> None:
        told.append(words)

    desk.on_step = hear
    await desk.run(
        reply(call("bash", command="python3 -V")),
        reply(call("bash", command="`@everyone`")),
        reply(call("edit", **FIX)),
        reply(text("Hm.")),
        submit(),
    )
    assert told == ["running `python3`", "running a command", "editing `calc.py`", "thinking", "verifying"]


# --- going on after a crash


async def test_a_stored_reply_is_never_paid_again(desk: Desk):
    with pytest.raises(Transient):
        await desk.run(reply(call("view", path="calc.py")), Transient("overloaded"))
    outcome = await desk.run(submit())
    assert isinstance(outcome, Submitted)
    assert outcome.usage.steps == 2
    assert len(desk.model.requests) == 3
    assert desk.model.requests[1].messages == desk.model.requests[2].messages


async def test_commands_that_were_under_way_are_reported_as_interrupted(desk: Desk):
    await _crash_before_results(desk, reply(call("view", path="."), call("bash", command="echo x >> log")))
    (desk.workspace.root / "log").unlink()
    assert isinstance(await desk.run(submit()), Submitted)
    for result in desk.model.results():
        assert result["is_error"]
        assert result["content"] == "interrupted: the workspace may have changed; look before you go on"
    assert len(desk.model.results()) == 2
    assert not (desk.workspace.root / "log").exists()


async def test_reading_that_was_under_way_just_runs_again(desk: Desk):
    await _crash_before_results(desk, reply(call("view", path="calc.py")))
    await desk.run(submit())
    assert "def divide" in desk.model.results()[0]["content"]


async def test_a_submission_whose_outcome_was_lost_is_made_again_without_the_model(desk: Desk):
    first = await desk.run(reply(call("edit", **FIX)), submit())
    second = await desk.run()
    assert isinstance(first, Submitted)
    assert isinstance(second, Submitted)
    assert second.changes == first.changes
    assert second.usage == first.usage


async def test_a_reply_without_calls_is_answered_after_a_crash(desk: Desk):
    await _crash_before_results(desk, reply(text("Done.")))
    assert isinstance(await desk.run(submit()), Submitted)
    assert "called no tool" in desk.model.last_message()[0]["text"]


async def _crash_before_results(desk: Desk, *script):
    def crash(step: Step):
        if step.number == 2:
            raise OSError("power loss")

    desk.journal.on_append = crash
    with pytest.raises(OSError, match="power loss"):
        await desk.run(*script)
    desk.journal.on_append = lambda _: None


# --- snapshots


async def test_the_workspace_is_stored_with_each_step_that_changed_it(desk: Desk):
    await desk.run(
        reply(call("view", path="calc.py")),
        reply(call("edit", **FIX)),
        reply(call("bash", command="true")),
        reply(call("bash", command="echo x > new.txt")),
        submit(),
    )
    stored = [(number, [each.path for each in changes.changes]) for number, changes in desk.journal.snapshots]
    assert stored == [(0, []), (4, ["calc.py"]), (8, ["calc.py", "new.txt"])]


async def test_a_step_is_stored_before_it_is_acted_on(desk: Desk):
    seen: list[bool] = []
    desk.journal.on_append = lambda _: seen.append((desk.workspace.root / "new.txt").exists())
    await desk.run(reply(call("bash", command="echo x > new.txt")), submit())
    assert seen == [False, False, True, True]


async def test_more_changes_than_fit_are_the_models_to_mend(desk: Desk):
    outcome = await desk.run(
        reply(call("bash", command="mkdir junk && cd junk && seq 2000 | xargs touch")),
        submit(),
        reply(call("bash", command="rm -r junk")),
        submit(),
    )
    assert isinstance(outcome, Submitted)
    assert desk.model.results(2)[0]["content"] == "2001 files are too many"
    warned = "cannot be kept or submitted: 2001 files are too many. Delete what does not belong to the change."
    assert warned in desk.model.last_message(1)[-1]["text"]
    assert [number for number, _ in desk.journal.snapshots] == [0]


# --- bugs and empty repositories


async def test_a_bug_in_a_tool_is_never_shown_to_the_model(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object, **__: object) -> bytes:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(desk.workspace, "read", broken)
    with pytest.raises(RuntimeError, match="secret detail"):
        await desk.run(reply(call("view", path="calc.py")))
    assert len(desk.model.requests) == 1


async def test_an_empty_repository_is_said_to_be_empty(desk: Desk):
    (desk.workspace.root / "calc.py").unlink()
    desk.workspace.before = {}
    desk.policy = Policy()
    assert isinstance(await desk.run(submit()), Submitted)
    first = desk.model.requests[0].messages[0]["content"][0]["text"]
    assert "(nothing: the repository is empty)" in first
    assert "Verification runs: nothing; the repository does not say how it is tested" in first


async def test_usage_of_a_model_that_counts_no_steps_is_counted(desk: Desk):
    outcome = await desk.run(
        reply(text("Hm."), usage=Usage(cache_read_tokens=3)),
        submit(),
    )
    assert outcome.usage.steps == 2
    assert outcome.usage.cache_read_tokens == 3


async def test_more_bytes_than_may_be_published_are_not_kept(desk: Desk):
    desk.policy = Policy(verify=("true",), max_bytes=1_000)
    outcome = await desk.run(
        reply(call("bash", command="head -c 1001 /dev/zero > big")), reply(call("bash", command="rm big")), submit()
    )
    assert isinstance(outcome, Submitted)
    assert (
        "cannot be kept or submitted: the changed files are 1001 bytes"
        in desk.model.requests[1].messages[2]["content"][1]["text"]
    )
    assert all(not snapshot.changes for _, snapshot in desk.journal.snapshots)


# --- network

REFUSED = tuple(
    NetworkDecision(host=f"{number}.evil.example", port=443, is_allowed=False, reason="not in the policy")
    for number in range(7)
)
NETWORK = Policy(verify=("true",), network=Network(turn=("docs.example.org", "registries")))


async def test_commands_and_verifiers_get_the_network_of_the_turn_and_searching_does_not(desk: Desk):
    desk.policy = NETWORK
    await desk.run(
        reply(call("bash", command="true")), reply(call("search", pattern="x")), reply(call("verify")), submit()
    )
    assert desk.workspace.networks == [NETWORK.network.turn, (), NETWORK.network.turn]
    first = desk.model.last_message(0)[0]["text"]
    assert "Commands reach by network: `docs.example.org`, `registries`" in first


async def test_what_is_refused_is_told_to_the_model_and_kept(desk: Desk):
    desk.policy = NETWORK
    desk.workspace.refuses = REFUSED
    outcome = await desk.run(reply(call("bash", command="true")), reply(call("verify")), submit())
    (result,) = desk.model.results(1)
    assert result["content"].endswith(
        "refused by network policy: 0.evil.example:443 (not in the policy), 1.evil.example:443 (not in the policy), "
        "2.evil.example:443 (not in the policy), 3.evil.example:443 (not in the policy), "
        "4.evil.example:443 (not in the policy) and 2 more; allowed here: docs.example.org, registries]"
    )
    assert [each.times for each in outcome.refused] == [2] * 7, "the command's, and the verifier's"
    assert [len(step.refused) for step in desk.journal.steps] == [0, 0, 7, 0, 7, 0]


async def test_a_verifier_that_fails_says_what_it_was_refused(desk: Desk):
    desk.policy = replace(NETWORK, verify=("false",))
    desk.workspace.refuses = REFUSED[:1]
    await desk.run(reply(call("verify")), reply(call("ask", question="Why?")))
    (result,) = desk.model.results()
    assert result["content"].endswith(
        "refused by network policy: 0.evil.example:443 (not in the policy); allowed here: docs.example.org, registries"
    )


async def test_a_set_up_that_failed_is_told_first(desk: Desk):
    task = a_task(setup="`npm ci` ended with exit code 1", refused=REFUSED[:1])
    outcome = await desk.run(reply(call("ask", question="Why?")), task=task)
    first = desk.model.last_message(0)[0]["text"]
    assert "The repository's set-up did not work:\n<setup>" in first
    assert "`npm ci` ended with exit code 1" in first
    assert outcome.refused == REFUSED[:1]
