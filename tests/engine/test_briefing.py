"""Each text that a turn is told can be traced to where it came from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from github_app.agent.prompt import system_prompt
from github_app.agent.task import Task
from github_app.core.context import Context, Instruction, RankedFile
from github_app.core.errors import Transient
from github_app.core.model import Cause, Comment, Feedback, Permission
from github_app.core.policy import Policy
from github_app.engine.briefing import brief, sources_of
from tests.engine.values import ANN, ISSUE, a_session
from tests.fakes.contexts import PreparedContexts
from tests.fakes.hub import RecordingHub


def test_every_text_of_a_task_is_a_source():
    said = Comment(
        id=5, author=ANN, permission=Permission.WRITE, body="In b.py.", created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    task = Task(
        repo="acme/thing",
        cause=Cause.FOLLOW_UP,
        issue=ISSUE,
        issue_permission=Permission.READ,
        branch="honk/1",
        base_branch="main",
        comments=(said,),
        feedback=(Feedback(id="review:9", kind="review", author="rob", body="Louder."),),
        instructions=(("AGENTS.md", "Be brief."),),
        earlier="Made it one.",
    )
    found = [(each.kind, each.name, each.text, each.author, each.permission) for each in sources_of(task)]
    assert found == [
        ("issue", "#1", f"{ISSUE.title}\n\n{ISSUE.body}", "ann", Permission.READ),
        ("comment", "5", "In b.py.", "ann", Permission.WRITE),
        ("review", "review:9", "Louder.", "rob", None),
        ("instructions", "AGENTS.md", "Be brief.", "", None),
        ("earlier", "", "Made it one.", "", None),
        ("system", "", system_prompt(), "", None),
    ]


async def test_the_task_has_what_the_base_commit_has_on_the_issue():
    found = Context(
        files=(RankedFile(path="a/b.py", score=1.0, reasons=("words: loud",), kind="code"),),
        instructions=(Instruction(path="AGENTS.md", text="Top."), Instruction(path="a/AGENTS.md", text="Below.")),
    )
    contexts = PreparedContexts(found)

    task = await brief(a_session(), Policy(), RecordingHub(issues={1: ISSUE}), contexts, carried_over="")

    assert contexts.asked == [(a_session().base_sha, f"{ISSUE.title}\n\n{ISSUE.body}")]
    assert task.context == found
    # Those of the top folder come from GitHub, as ever.
    assert task.instructions == (("a/AGENTS.md", "Below."),)
    assert ("map", "a/b.py (words: loud)") in [(each.kind, each.text) for each in sources_of(task)]


async def test_a_task_goes_on_without_what_cannot_be_found(caplog: pytest.LogCaptureFixture):
    contexts = PreparedContexts(error=Transient("looking for the context took longer than 60 s"))

    task = await brief(a_session(), Policy(), RecordingHub(issues={1: ISSUE}), contexts, carried_over="")

    assert task.context == Context()
    assert "no context found" in caplog.text


@pytest.mark.parametrize(("others", "quoted"), [("leave_out", []), ("quote", ["Me too."])])
async def test_words_of_others_are_quoted_only_where_the_policy_wants_them(
    others: Literal["leave_out", "quote"], quoted: list[str]
):
    hub = RecordingHub(issues={1: ISSUE})
    for number, (permission, body) in enumerate([(Permission.WRITE, "In b.py."), (Permission.TRIAGE, "Me too.")]):
        at = datetime(2026, 1, 1, tzinfo=UTC)
        hub.said[1].append(Comment(id=number, author=ANN, permission=permission, body=body, created_at=at))

    told = await brief(a_session(), Policy(others=others), hub, PreparedContexts(), carried_over="")

    assert [comment.body for comment in told.comments] == ["In b.py."]
    assert [comment.body for comment in told.quoted] == quoted
    assert [source.text for source in sources_of(told)].count("Me too.") == len(quoted)
