"""What a human must accept is handed in knowingly, with a reason, or not at all; some things never are."""

from __future__ import annotations

from typing import Any

import pytest

from github_app.agent.task import Submitted
from github_app.core.lessons import Draft
from github_app.core.model import FileChange
from github_app.core.session import Feedback
from tests.agent.conftest import Desk
from tests.agent.parts import a_task, a_thread, call, reply, submit

COMMAND = Feedback(id="command:1", kind="command", author="ana", body="also floats")
REASON = "The issue asks for a new workflow."


def write(path: str, text: str) -> Any:
    return reply(call("edit", path=path, old_text="", new_text=text))


def refusal(desk: Desk, request: int = -1) -> str:
    [result] = desk.model.results(request)
    assert result["is_error"]
    return str(result["content"])


async def test_what_needs_a_human_is_let_through_with_a_reason_once_it_was_told(desk: Desk):
    outcome = await desk.run(
        write(".github/workflows/x.yml", "on: push\n"), submit(needs_approval=REASON), submit(needs_approval=REASON)
    )
    assert isinstance(outcome, Submitted)
    assert outcome.submission.needs_approval == REASON
    assert [(f.kind, f.path) for f in outcome.findings] == [("protected", ".github/workflows/x.yml")]
    assert "- [protected] `.github/workflows/x.yml`: is protected" in refusal(desk, 2)


async def test_without_a_reason_it_is_refused_each_time(desk: Desk):
    outcome = await desk.run(write("CODEOWNERS", "* @ann\n"), submit(), submit(), reply(call("ask", question="May I?")))
    assert not isinstance(outcome, Submitted)
    assert "say in `needs_approval` why the task needs it" in refusal(desk)


async def test_a_reason_is_for_what_was_told_and_nothing_more(desk: Desk):
    outcome = await desk.run(
        write("CODEOWNERS", "* @ann\n"),
        submit(),
        write(".mcp.json", "{}"),
        submit(needs_approval=REASON),
        submit(needs_approval=REASON),
    )
    assert isinstance(outcome, Submitted)
    assert "`.mcp.json`" in refusal(desk, 4)
    assert {f.path for f in outcome.findings} == {"CODEOWNERS", ".mcp.json"}


async def test_a_reason_without_need_is_not_told(desk: Desk):
    outcome = await desk.run(write("a.txt", "x\n"), submit(needs_approval=REASON))
    assert isinstance(outcome, Submitted)
    assert (outcome.submission.needs_approval, outcome.findings) == ("", ())


@pytest.mark.parametrize("path", [".gitmodules", "secret-1.txt"])
async def test_some_things_are_never_handed_in(desk: Desk, path: str):
    again = [submit(needs_approval=REASON)] * 2
    outcome = await desk.run(write(path, "x\n"), *again, reply(call("ask", question="What now?")))
    assert not isinstance(outcome, Submitted)
    assert "This is never published" in refusal(desk)


async def test_a_secret_in_a_file_needs_a_human_and_is_not_shown(desk: Desk):
    outcome = await desk.run(write("a.txt", "x\nsecret-1\n"), submit(), submit(needs_approval="It is a sample."))
    assert isinstance(outcome, Submitted)
    assert "- [secrets] `a.txt`: line 2 holds what looks like a secret (word)" in refusal(desk, 2)
    assert "secret-1" not in refusal(desk, 2)


@pytest.mark.parametrize("words", [{"title": "Use secret-1"}, {"summary": "secret-1"}, {"notes": "see\nsecret-1"}])
async def test_a_secret_in_the_words_is_refused(desk: Desk, words: dict[str, str]):
    await desk.run(submit(**words), submit())
    assert "your words hold what looks like a secret" in refusal(desk)


async def test_a_line_that_was_there_before_is_no_finding(desk: Desk):
    desk.workspace.before["calc.py"] = ("100644", b"key = 'secret-1'\n")
    outcome = await desk.run(
        reply(call("bash", command="echo \"key = 'secret-1'\" > calc.py; echo >> calc.py")), submit()
    )
    assert isinstance(outcome, Submitted)
    assert outcome.changes.changes == (FileChange(path="calc.py", mode="100644", content=b"key = 'secret-1'\n\n"),)


def lesson(text: str = "Use tabs.", source: str = "PRRT_1") -> dict[str, str]:
    return {"text": text, "source": source}


ANSWERED = {"thread_id": "PRRT_1", "outcome": "fixed", "reply": "Done."}
REVIEW = Feedback(id="review:5", kind="review", author="rita", body="No.")


async def test_lessons_are_drawn_from_what_reviewers_said_in_this_round(desk: Desk):
    desk.journal.inbox = [REVIEW]
    outcome = await desk.run(
        reply(call("bash", command="true")),
        submit(lessons=[lesson(), lesson("Be kind.", "review:5")], threads=[ANSWERED]),
        task=a_task(feedback=(a_thread(1),)),
    )
    assert isinstance(outcome, Submitted)
    assert outcome.submission.lessons == (
        Draft(text="Use tabs.", source="PRRT_1"),
        Draft(text="Be kind.", source="review:5"),
    )


@pytest.mark.parametrize(
    ("lessons", "problem"),
    [
        ([lesson(source="issue")], "a lesson's `source` must be a thread or review of this round: PRRT_1"),
        ([lesson("x" * 201)], "it has 201 characters; at most 200 are allowed"),
        ([lesson(" ")], "it is empty"),
        ([lesson()] * 3, "at most 2 lessons a round, not 3"),
        ([lesson("Use secret-1")], "your words hold what looks like a secret"),
    ],
)
async def test_what_nobody_could_be_asked_about_is_no_lesson(desk: Desk, lessons: list[dict[str, str]], problem: str):
    await desk.run(
        submit(lessons=lessons, threads=[ANSWERED]),
        submit(threads=[ANSWERED]),
        task=a_task(feedback=(a_thread(1), COMMAND)),
    )
    assert problem in refusal(desk)
