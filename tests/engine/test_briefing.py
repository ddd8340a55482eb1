"""Each text that a turn is told can be traced to where it came from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest

from github_app.agent.prompt import system_prompt
from github_app.agent.task import Task
from github_app.core.background import Background
from github_app.core.context import Context, Instruction, RankedFile
from github_app.core.errors import Transient
from github_app.core.linked import Linked, Links
from github_app.core.model import Actor, Checks, Comment, FailedCheck, Patch, Permission, Thread
from github_app.core.policy import Policy
from github_app.core.session import Cause, Feedback
from github_app.engine.briefing import brief, sources_of
from tests.engine.values import ANN, ISSUE, a_session
from tests.fakes.contexts import PreparedContexts
from tests.fakes.hub import BASE, RecordingHub


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

    task = await brief(a_session(), Policy(), RecordingHub(issues={1: ISSUE}), contexts, carried_over="", sha=BASE)

    assert contexts.asked == [(a_session().base_sha, f"{ISSUE.title}\n\n{ISSUE.body}")]
    assert task.context == found
    # Those of the top folder come from GitHub, as ever.
    assert task.instructions == (("a/AGENTS.md", "Below."),)
    assert ("map", "a/b.py (words: loud)") in [(each.kind, each.text) for each in sources_of(task)]


async def test_on_a_pull_request_of_others_the_task_has_what_stands_there():
    failed = FailedCheck(name="test", conclusion="failure", log="1 != 2")
    hub = RecordingHub(
        issues={1: ISSUE},
        changed={1: (Patch(path="a.py", status="added", additions=1, diff="+x"),)},
        found_checks={"c" * 40: Checks(head_sha="c" * 40, state="failed", failed=(failed,))},
    )
    theirs = a_session(adopted=ANN, pull_number=1, head_sha="c" * 40)
    task = await brief(theirs, Policy(), hub, PreparedContexts(), carried_over="", sha=BASE)
    assert task.background is not None
    assert [each.path for each in task.background.patches] == ["a.py"]
    assert [each.kind for each in task.background.remarks] == ["checks"]
    assert {("diff", "+x"), ("checks", task.background.remarks[0].body)} <= {(s.kind, s.text) for s in sources_of(task)}
    hub.fail("patches", Transient("later"))
    assert (
        await brief(theirs, Policy(), hub, PreparedContexts(), carried_over="", sha=BASE)
    ).background == Background()
    ours = await brief(replace(theirs, adopted=None), Policy(), hub, PreparedContexts(), carried_over="", sha=BASE)
    assert ours.background is None


async def test_a_task_goes_on_without_what_cannot_be_found(caplog: pytest.LogCaptureFixture):
    contexts = PreparedContexts(error=Transient("looking for the context took longer than 60 s"))

    task = await brief(a_session(), Policy(), RecordingHub(issues={1: ISSUE}), contexts, carried_over="", sha=BASE)

    assert task.context == Context()
    assert "no context found" in caplog.text


async def test_what_reviewers_suggest_is_read_anew_when_a_turn_begins():
    block = "```suggestion\ntwo\n```"
    said = Comment(
        id=9, author=ANN, permission=Permission.WRITE, body=block, created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    told = Feedback(id="thread:T1:9", kind="thread", author="ann", body=f"ann: {block}", thread_id="T1", line=1)
    thread = Thread(id="T1", reply_to=9, path="a.txt", line=4, comments=(said,), head_sha="2" * 40)
    hub = RecordingHub(issues={1: ISSUE}, open_threads=(thread, replace(thread, id="T2")))
    session = a_session(pull_number=5, feedback=(told, replace(told, id="thread:T3:9", thread_id="T3")))

    task = await brief(session, Policy(), hub, PreparedContexts(), carried_over="", sha=BASE)

    assert [(each.thread_id, each.first_line, each.lines) for each in task.suggestions] == [("T1", 4, ("two",))]
    assert task.suggestions[0].author == ANN

    quiet = replace(session, feedback=(replace(told, body="ann: Why?"),))
    hub.asked.clear()
    assert (await brief(quiet, Policy(), hub, PreparedContexts(), carried_over="", sha=BASE)).suggestions == ()
    assert "threads" not in [asked[0] for asked in hub.asked]


@pytest.mark.parametrize(("others", "quoted"), [("leave_out", []), ("quote", ["Me too."])])
async def test_words_of_others_are_quoted_only_where_the_policy_wants_them(
    others: Literal["leave_out", "quote"], quoted: list[str]
):
    hub = RecordingHub(issues={1: ISSUE})
    for number, (permission, body) in enumerate([(Permission.WRITE, "In b.py."), (Permission.TRIAGE, "Me too.")]):
        at = datetime(2026, 1, 1, tzinfo=UTC)
        hub.said[1].append(Comment(id=number, author=ANN, permission=permission, body=body, created_at=at))

    told = await brief(a_session(), Policy(others=others), hub, PreparedContexts(), carried_over="", sha=BASE)

    assert [comment.body for comment in told.comments] == ["In b.py."]
    assert [comment.body for comment in told.quoted] == quoted
    assert [source.text for source in sources_of(told)].count("Me too.") == len(quoted)


def a_link(number: int, author: Actor = ANN, body: str = "It was so.") -> Linked:
    return Linked(number=number, kind="issue", state="closed", title=f"Number {number}", body=body, author=author)


async def test_what_people_with_authority_refer_to_is_told():
    issue = replace(ISSUE, body="As #2 says.", url="https://github.com/acme/thing/issues/1")
    hub = RecordingHub(issues={1: issue}, links={number: a_link(number) for number in (2, 3, 4, 5)})
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number, (permission, body) in enumerate([(Permission.WRITE, "And #3."), (Permission.TRIAGE, "Or #4.")]):
        hub.said[1].append(Comment(id=number, author=ANN, permission=permission, body=body, created_at=at))
    feedback = (
        Feedback(id="c", kind="command", author="ann", body="look at #5, not at #9 or acme/other#1"),
        Feedback(id="l", kind="checks", author="CI", body="#6 failed"),
    )

    told = await brief(
        a_session(feedback=feedback, pull_number=9), Policy(), hub, PreparedContexts(), carried_over="", sha=BASE
    )

    assert [(each.number, each.permission) for each in told.links.shown] == [
        (number, Permission.WRITE) for number in (2, 3, 5)
    ]
    assert told.links.has_others
    assert [(each.name, each.text, each.author) for each in sources_of(told) if each.kind == "linked"] == [
        (f"#{number}", f"Number {number}\n\nIt was so.", "ann") for number in (2, 3, 5)
    ]


async def test_what_is_referred_to_and_not_told_is_named():
    eve, bot = Actor(id=8, login="eve"), Actor(id=9, login="deps[bot]", is_bot=True)
    links = {
        2: a_link(2),
        3: a_link(3, eve),
        4: a_link(4, bot),
        5: a_link(5, body="<!-- x -->" + "y" * 2_000),
        6: a_link(6),
    }
    hub = RecordingHub(issues={1: replace(ISSUE, body="#2 #3 #4 #5 #6 #10 #11")}, links=links)
    hub.fail("linked", Transient("GitHub is away"))

    told = (await brief(a_session(), Policy(), hub, PreparedContexts(), carried_over="", sha=BASE)).links

    assert (told.unread, told.unheard, told.more) == ((2,), (3, 4), 2)
    assert [each.number for each in told.shown] == [5, 6]
    assert told.shown[0].body == "y" * 1_500 + "\n[… the rest is left out here …]"
    quoting = (
        await brief(a_session(), Policy(others="quote"), hub, PreparedContexts(), carried_over="", sha=BASE)
    ).links
    assert [(each.number, each.permission) for each in quoting.shown][1:3] == [
        (3, Permission.NONE),
        (4, Permission.NONE),
    ]
    assert quoting.unheard == ()


async def test_nothing_is_looked_up_where_nothing_is_referred_to():
    hub = RecordingHub(issues={1: ISSUE})
    assert (await brief(a_session(), Policy(), hub, PreparedContexts(), carried_over="", sha=BASE)).links == Links()
    assert [each for each in hub.asked if each[0] == "linked"] == []
