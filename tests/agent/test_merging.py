"""A merge of the base is handed in without the agent where nothing conflicts; what conflicts is resolved to the last
marker, and measured against what the base has."""

from __future__ import annotations

from typing import Any

from github_app.agent.task import Submitted, Task
from github_app.core.merges import Conflict
from github_app.core.model import Usage
from github_app.core.policy import Policy
from github_app.core.session import Cause, Feedback
from tests.agent.conftest import Desk
from tests.agent.parts import a_task, call, reply, submit

MARKED = "<<<<<<< 1\ndef divide(a, b):\n=======\ndef divide(a: float, b: float):\n>>>>>>> 2\n    return a / b\n"
SAID = Feedback(id="command:1", kind="command", author="ana", body="Mind the floats")
PUSH = Feedback(id="push:1", kind="push", author="ben", body="Pushed.")


def a_merge(*paths: str, **more: Any) -> Task:
    conflicts = tuple(Conflict(path=path, how="both changed it") for path in paths)
    return a_task(cause=Cause.MERGE_BASE, merges="7" * 40, base_branch="main", conflicts=conflicts, **more)


async def test_what_merges_by_itself_costs_no_call_and_is_verified(desk: Desk) -> None:
    desk.judge_name = "judge"
    outcome = await desk.run(task=a_merge(feedback=(PUSH,)))
    assert isinstance(outcome, Submitted)
    assert outcome.changes.changes == ()
    assert [(each.command, each.exit_code) for each in outcome.submission.verdicts] == [("true", 0)]
    assert outcome.submission.summary == "`main` at 7777777 is merged into this branch. Nothing conflicted."
    assert (outcome.consumed, outcome.usage) == (("push:1",), Usage())
    assert (desk.model.requests, desk.journal.steps) == ([], [])
    assert desk.workspace.commands.count(["sh", "-c", "true"]) == 1


async def test_what_cannot_be_verified_here_is_handed_in_and_says_so(desk: Desk) -> None:
    desk.policy = Policy(verify=("no-such-tool-at-all",))
    outcome = await desk.run(task=a_merge())
    assert isinstance(outcome, Submitted)
    assert "could not be run here" in outcome.submission.unverified_reason
    desk.policy = Policy(verify=("no-such-tool-at-all", "true"))
    outcome = await desk.run(task=a_merge())
    assert isinstance(outcome, Submitted)


async def test_what_merges_and_does_not_pass_goes_to_the_agent_with_what_failed(desk: Desk) -> None:
    desk.policy = Policy(verify=("grep -q mended calc.py || (echo not mended; false)", "no-such-tool-at-all"))
    outcome = await desk.run(
        reply(call("bash", command="echo '# mended' >> calc.py")),
        submit(unverified_reason="the tool is not there"),
        task=a_merge(),
    )
    assert isinstance(outcome, Submitted)
    [first, *_] = desk.model.requests[0].messages
    words = first["content"][0]["text"]
    assert "All files merged by themselves." in words
    assert "not mended" in words


async def test_words_that_wait_are_for_the_agent(desk: Desk) -> None:
    outcome = await desk.run(submit(), task=a_merge(feedback=(SAID,)))
    assert isinstance(outcome, Submitted)
    assert outcome.consumed == ("command:1",)
    assert [each.command for each in outcome.submission.verdicts] == ["true"], "a merge is verified, changed or not"


async def test_nothing_is_handed_in_while_a_marker_is_left(desk: Desk) -> None:
    (desk.workspace.root / "calc.py").write_text(MARKED)
    outcome = await desk.run(
        submit(),
        reply(call("bash", command="sed -i '/^[<=>]......./d; /^def divide(a, b)/d' calc.py")),
        reply(call("bash", command="sed -i '/^=/d' calc.py")),
        submit(),
        task=a_merge("calc.py", "gone.py"),
    )
    assert isinstance(outcome, Submitted)
    [refused] = desk.model.results(1)
    assert refused["is_error"]
    assert "conflict markers are left in `calc.py`" in refused["content"]
    [change] = outcome.changes.changes
    assert change.content == b"def divide(a: float, b: float):\n    return a / b\n"


async def test_a_protected_file_that_is_resolved_as_the_base_has_it_waits_for_nobody(desk: Desk) -> None:
    owners = desk.workspace.root / "CODEOWNERS"
    owners.write_text("* @ann\n")
    desk.workspace.before = desk.workspace._files()
    owners.write_text("<<<<<<< 1\n* @ben\n=======\n* @ann\n>>>>>>> 2\n")
    outcome = await desk.run(
        reply(call("bash", command="echo '* @ann' > CODEOWNERS")), submit(), task=a_merge("CODEOWNERS")
    )
    assert isinstance(outcome, Submitted)
    assert (outcome.findings, outcome.changes.changes) == ((), ())


async def test_a_protected_file_that_is_resolved_otherwise_is_held(desk: Desk) -> None:
    owners = desk.workspace.root / "CODEOWNERS"
    owners.write_text("* @ann\n")
    desk.workspace.before = desk.workspace._files()
    owners.write_text("<<<<<<< 1\n* @ben\n=======\n* @ann\n>>>>>>> 2\n")
    outcome = await desk.run(
        reply(call("bash", command="echo '* @ben' > CODEOWNERS")),
        submit(needs_approval="both want it"),
        submit(needs_approval="both want it"),
        task=a_merge("CODEOWNERS"),
    )
    assert isinstance(outcome, Submitted)
    assert [(each.kind, each.path) for each in outcome.findings] == [("protected", "CODEOWNERS")]
