"""What reviewers suggest in blocks is applied before the agent is asked; where that is all, it is not asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.agent.task import Submitted, Task
from github_app.core.errors import Stopped
from github_app.core.messages import misfits
from github_app.core.model import Actor, Usage
from github_app.core.policy import Policy
from github_app.core.session import Cause, Feedback, Reply
from github_app.core.suggestions import Suggestion
from tests.agent.conftest import Desk
from tests.agent.parts import SHA, a_task, a_thread, call, reply, submit

RITA = Actor(id=31, login="rita")
BETTER = b"def divide(a, b):\n    return a / b if b else None\n"
PUSH = Feedback(id="push:1", kind="push", author="ben", body="Pushed.")


def a_suggestion(number: int = 1, *lines: str, **more: Any) -> Suggestion:
    usual: dict[str, Any] = {
        "thread_id": f"PRRT_{number}",
        "author": RITA,
        "path": "calc.py",
        "first_line": 2,
        "last_line": 2,
        "lines": lines or ("    return a / b if b else None",),
        "replaces": ("    return a / b",),
        "head_sha": SHA,
        "is_bare": True,
    }
    return Suggestion(**{**usual, **more})


def a_review(*suggestions: Suggestion, feedback: tuple[Feedback, ...] = (a_thread(1),)) -> Task:
    return a_task(cause=Cause.ADDRESS_REVIEW, feedback=feedback, suggestions=suggestions)


async def test_a_review_of_suggestions_that_fit_costs_no_call_and_is_verified(desk: Desk):
    desk.judge_name = "judge"
    outcome = await desk.run(task=a_review(a_suggestion()))
    assert isinstance(outcome, Submitted)
    assert [(each.path, each.content) for each in outcome.changes.changes] == [("calc.py", BETTER)]
    assert [(each.command, each.exit_code) for each in outcome.submission.verdicts] == [("true", 0)]
    assert (outcome.consumed, outcome.usage) == (("thread:1",), Usage())
    assert outcome.submission.replies == (
        Reply(thread_id="PRRT_1", reply_to=101, body="Applied as it stands.", standing="fixed"),
    )
    assert outcome.submission.suggested_by == (RITA,)
    assert (desk.model.requests, desk.journal.steps) == ([], [])


async def test_a_push_in_between_wants_nothing(desk: Desk):
    outcome = await desk.run(task=a_review(a_suggestion(), feedback=(PUSH, a_thread(1))))
    assert isinstance(outcome, Submitted)
    assert outcome.consumed == ("push:1", "thread:1")


async def test_a_turn_that_was_killed_applies_them_once(desk: Desk):
    (desk.workspace.root / "calc.py").write_bytes(BETTER)
    outcome = await desk.run(task=a_review(a_suggestion()))
    assert isinstance(outcome, Submitted)
    assert [each.content for each in outcome.changes.changes] == [BETTER]


async def test_what_fails_verification_goes_to_the_agent_with_what_failed(desk: Desk):
    desk.policy = Policy(verify=("grep -q mended calc.py || (echo no fix; false)",))
    outcome = await desk.run(
        reply(call("bash", command="echo '# mended' >> calc.py")),
        submit(threads=[]),
        submit(threads=[]),
        task=a_review(a_suggestion()),
    )
    assert isinstance(outcome, Submitted)
    said = str(desk.model.requests[0].messages[0]["content"])
    assert "- `PRRT_1`: applied" in said
    assert "It was refused; mend what is wrong:" in said
    assert "no fix" in said
    assert outcome.changes.changes[0].content == BETTER + b"# mended\n"
    assert outcome.submission.suggested_by == (RITA,)
    assert outcome.consumed == ("thread:1",)


@pytest.mark.parametrize(
    ("path", "base", "line", "kind"),
    [
        ("CODEOWNERS", "* @ann\n", "* @rita", "protected"),
        ("test_calc.py", "def test_it():\n    assert divide(1, 0) is None\n", "def other():", "tests"),
        ("key.py", "x\n", "secret-1", "secrets"),
    ],
)
async def test_what_a_human_must_accept_is_put_to_humans_without_a_call(
    desk: Desk, path: str, base: str, line: str, kind: str
):
    desk.workspace = desk.workspace.of(desk.workspace.root, {path: base})
    outcome = await desk.run(
        task=a_review(a_suggestion(1, line, path=path, first_line=1, last_line=1, replaces=(base.splitlines()[0],)))
    )
    assert isinstance(outcome, Submitted)
    assert [finding.kind for finding in outcome.findings] == [kind]
    assert outcome.submission.needs_approval == "Suggested in review by `rita`."
    assert desk.model.requests == []


async def test_what_is_never_published_goes_to_the_agent(desk: Desk):
    desk.workspace = desk.workspace.of(desk.workspace.root, {".gitmodules": "x\n"})
    bad = a_suggestion(1, "y", path=".gitmodules", first_line=1, last_line=1, replaces=("x",))
    await desk.run(reply(call("ask", question="What now?")), task=a_review(bad))
    assert "This is never published" in str(desk.model.requests[0].messages)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (a_review(a_suggestion(is_bare=False)), "applied"),
        (a_review(a_suggestion(), feedback=(a_thread(1), a_thread(2))), "applied"),
        (a_review(a_suggestion(misfit=misfits.DISCUSSED)), f"not applied: {misfits.DISCUSSED}"),
        (a_review(a_suggestion(head_sha="b" * 40)), f"not applied: {misfits.MOVED}"),
        (a_review(a_suggestion(replaces=("else",))), f"not applied: {misfits.CHANGED}"),
        (a_review(a_suggestion(path="gone.py")), f"not applied: {misfits.NO_FILE}"),
        (a_review(a_suggestion(1, "    return a / b")), "applied"),
    ],
)
async def test_where_more_is_wanted_or_one_does_not_fit_the_agent_is_told(desk: Desk, task: Task, told: str):
    await desk.run(submit(threads=[]), submit(threads=[]), task=task)
    said = str(desk.model.requests[0].messages[0]["content"][0]["text"])
    assert f"- `PRRT_1`: {told}\n" in said
    assert "It was refused" not in said
    applied = (desk.workspace.root / "calc.py").read_bytes() == BETTER
    assert applied == (told == "applied" and task.suggestions[0].lines != ("    return a / b",))


async def test_work_that_is_not_published_is_never_handed_in_with_them(desk: Desk):
    (desk.workspace.root / "draft.py").write_text("half done\n")
    await desk.run(submit(threads=[]), submit(threads=[]), task=a_review(a_suggestion()))
    assert len(desk.model.requests) >= 1


async def test_a_file_with_unpublished_work_is_left_to_the_agent(desk: Desk):
    (desk.workspace.root / "calc.py").write_text("half done\n")
    await desk.run(submit(threads=[]), submit(threads=[]), task=a_review(a_suggestion()))
    assert f"not applied: {misfits.UNPUBLISHED}" in str(desk.model.requests[0].messages)
    assert (desk.workspace.root / "calc.py").read_text() == "half done\n"


async def test_credit_outlives_a_crash(desk: Desk):
    def die(step: Any):
        if step.number == 2:
            raise Stopped("kill -9")

    desk.journal.on_append = die
    task = a_review(a_suggestion(is_bare=False), replace(a_suggestion(2), author=Actor(id=9, login="zoe"), path="no"))
    with pytest.raises(Stopped):
        await desk.run(reply(call("bash", command="echo '# more' >> calc.py")), task=task)
    desk.journal.on_append = lambda _: None
    outcome = await desk.run(submit(threads=[]), submit(threads=[]), task=task)
    assert isinstance(outcome, Submitted)
    assert outcome.submission.suggested_by == (RITA,)
