"""The small world of the machine's tests: people, a repository, sessions in each status, events, rows of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from github_app.core import events as ev
from github_app.core.builds import Build, Delivered, Item, Preview
from github_app.core.commands import Command, Verb
from github_app.core.facts import Facts
from github_app.core.holds import Finding
from github_app.core.machine import Decision, decide
from github_app.core.model import (
    Actor,
    Checks,
    CheckState,
    Comment,
    FailedCheck,
    Issue,
    Permission,
    Pull,
    Repo,
    Thread,
    Usage,
)
from github_app.core.reports import Answer, Citation
from github_app.core.session import Cause, Feedback, Reply, Session, Status, Submission
from github_app.core.shipments import Shipped

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
REPO = Repo(id=7, full_name="acme/goose", installation_id=70, default_branch="main")

ME = Actor(id=1, login="honk[bot]", is_bot=True)
ALICE = Actor(id=2, login="alice")  # may write
CAROL = Actor(id=3, login="carol")  # may write
BOB = Actor(id=4, login="bob")  # may only read
ROBOT = Actor(id=5, login="robot[bot]", is_bot=True)

ISSUE, PULL = 12, 34
BASE, HEAD, NEW = "b" * 40, "1" * 40, "2" * 40
BRANCH = "honk/12-the-goose-is-silent"

EVENT_KINDS: tuple[type, ...] = get_args(ev.Event)
NONE = None
TERMINAL = (Status.MERGED, Status.CLOSED)
NOT_OPEN = (NONE, *TERMINAL)
OPEN = tuple(status for status in Status if status not in TERMINAL)
AT_REST = (Status.AWAITING_CHECKS, Status.AWAITING_REVIEW, Status.NEEDS_HUMAN)
WORKING, AWAITING_CHECKS, AWAITING_REVIEW = Status.WORKING, Status.AWAITING_CHECKS, Status.AWAITING_REVIEW
NEEDS_HUMAN, MERGED, CLOSED = Status.NEEDS_HUMAN, Status.MERGED, Status.CLOSED


def session(status: Status = WORKING, **changes: Any) -> Session:
    """A session with a published pull request, in its first turn's aftermath (or a second turn while WORKING)."""
    is_working = status is WORKING
    usual = Session(
        id="7-12-1",
        repo=REPO,
        issue_number=ISSUE,
        generation=1,
        branch=BRANCH,
        base_branch="main",
        status=status,
        requested_by=ALICE,
        issue_title="The goose is silent",
        limit_micro_usd=5_000_000,
        base_sha=BASE,
        head_sha=HEAD,
        pull_number=PULL,
        delivered_sha=HEAD,
        pull_is_draft=status is not AWAITING_REVIEW,
        turn_id="7-12-1/turn-2" if is_working else None,
        turn_cause=Cause.FOLLOW_UP if is_working else Cause.IMPLEMENT,
        turns=2 if is_working else 1,
        waiting_for="What shall it say?" if status is NEEDS_HUMAN else "",
        created_at=NOW - timedelta(hours=1),
        updated_at=NOW - timedelta(minutes=1),
        status_since=NOW - timedelta(minutes=1),
    )
    return replace(usual, **changes)


def first_turn(**changes: Any) -> Session:
    """A session that has published nothing yet."""
    first: dict[str, Any] = {
        "head_sha": "",
        "pull_number": None,
        "turns": 1,
        "turn_id": "7-12-1/turn-1",
        "turn_cause": Cause.IMPLEMENT,
    }
    return replace(session(WORKING), **first | changes)


def adopted(status: Status = WORKING, **changes: Any) -> Session:
    """A session on carol's pull request, whose head is still hers."""
    theirs: dict[str, Any] = {"id": "7-34-1", "issue_number": PULL, "branch": "carols", "adopted": CAROL}
    return session(status, **theirs | changes)


def theirs(**changes: Any) -> Pull:
    """Carol's pull request as it stands."""
    usual: dict[str, Any] = {"author": CAROL, "head_branch": "carols", "title": "Teach the goose", "body": "See #12."}
    return pull(**usual | changes)


def facts(permission: Permission = Permission.WRITE, **changes: Any) -> Facts:
    usual: dict[str, Any] = {"base_sha": BASE, "issue": issue()}
    return Facts(now=NOW, me=ME, permission=permission, **usual | changes)


def issue(**changes: Any) -> Issue:
    usual = Issue(number=ISSUE, title="The goose is silent", body="It should honk.", author=BOB, is_open=True)
    return replace(usual, **changes)


def pull(**changes: Any) -> Pull:
    usual = Pull(
        number=PULL,
        head_branch=BRANCH,
        head_sha=HEAD,
        base_branch="main",
        is_open=True,
        is_merged=False,
        is_draft=True,
        author=ME,
        head_repo_id=REPO.id,
    )
    return replace(usual, **changes)


def checks(state: CheckState, sha: str = HEAD) -> Checks:
    failed = (FailedCheck(name="test", conclusion="failure", url="https://ci.example/1", log="1 != 2"),)
    return Checks(
        head_sha=sha,
        state=state,
        failed=failed if state == "failed" else (),
        passed=2 if state == "passed" else 0,
        pending=("test",) if state == "pending" else (),
    )


def thread(comment_id: int = 900, *, author: Actor = ALICE, body: str = "Louder, please", key: str = "T1") -> Thread:
    permission = Permission.READ if author == BOB else Permission.WRITE
    comment = Comment(id=comment_id, author=author, permission=permission, body=body, created_at=NOW)
    return Thread(id=key, reply_to=comment_id, path="goose.py", line=3, comments=(comment,))


def words(key: str = "command:issue_comment:1", **changes: Any) -> Feedback:
    return replace(Feedback(id=key, kind="command", author="alice", body="Say honk"), **changes)


SUBMISSION = Submission(title="Make the goose honk", summary="It honks now.")
PROTECTED = Finding(kind="protected", path=".github/workflows/ci.yml", text="is protected (`.github/workflows/**`)")
WEAKER = Finding(
    kind="tests",
    path="tests/test_goose.py",
    text="`test_honk` is not there any more",
    lines=("-def test_honk():", "-    assert Goose().honk()"),
)
REPLIES = (Reply(thread_id="T1", reply_to=900, body="Done."),)
USAGE = Usage(input_tokens=100, output_tokens=10, cost_micro_usd=2_000, steps=1)

BUILD = Build(
    head_sha=HEAD,
    items=(
        Item(
            artifact_id=801,
            run_id=70,
            artifact="app",
            path="out/goose.apk",
            kind="android",
            size_bytes=12_345_678,
            sha256="a1" * 32,
            expires_at=datetime(2026, 10, 1, tzinfo=UTC),
        ),
    ),
    previews=(Preview(name="staging", url="https://goose-34.example.com"),),
    url="https://honk.example.com/builds/7-12-1/1/2/3",
    ends_at=datetime(2026, 7, 11, tzinfo=UTC),
)

ANSWER = Answer(text="It is `goose.py` [1].", citations=(Citation(path="goose.py", first_line=3, last_line=4),))

_OWN = set(get_args(ev.OwnEvent))
_USUAL: dict[type, dict[str, Any]] = {
    ev.IssueLabeled: {"issue": issue(), "label": "honk"},
    ev.IssueUnlabeled: {"number": ISSUE, "label": "honk"},
    ev.IssueEdited: {"issue": issue(body="It should honk twice.")},
    ev.IssueClosed: {"number": ISSUE},
    ev.CommandIssued: {
        "number": ISSUE,
        "is_pull": False,
        "command": Command(verb="do", text="Say honk"),
        "comment_id": 1,
        "source": "issue_comment",
    },
    ev.TrackingEdited: {"number": ISSUE, "comment_id": 60},
    ev.ReviewSubmitted: {
        "pull_number": PULL,
        "branch": BRANCH,
        "review_id": 50,
        "state": "changes_requested",
        "body": "Louder",
    },
    ev.ChecksChanged: {"head_sha": HEAD, "branch": BRANCH},
    ev.BranchPushed: {"branch": BRANCH, "after": NEW},
    ev.PullRequestClosed: {"pull_number": PULL, "branch": BRANCH, "is_merged": False},
    ev.PullRequestReopened: {"pull_number": PULL, "branch": BRANCH, "head_sha": HEAD, "is_draft": False},
    ev.PullRequestPushed: {"pull_number": PULL, "head_sha": NEW, "base_sha": BASE, "base_branch": "main"},
    ev.PullRequestDraftChanged: {"pull_number": PULL, "branch": BRANCH, "is_draft": True},
    ev.InstallationChanged: {"installation_id": 70, "action": "suspended"},
    ev.TurnFinished: {"submission": SUBMISSION, "change_set_id": "blob", "usage": USAGE},
    ev.TurnAsked: {"question": "Which tune?", "usage": USAGE},
    ev.TurnStopped: {"reason": "the model is away.", "usage": USAGE},
    ev.PlanDrafted: {"summary": "The beak is shut.", "items": ("Open it in `goose.py`", "Test it"), "usage": USAGE},
    ev.Reported: {"sha": NEW, "report": ANSWER, "usage": USAGE},
    ev.InquiryStopped: {"login": "alice"},
    ev.Published: {"head_sha": NEW, "pull_number": PULL},
    ev.ChangeSetHeld: {"change_set_id": "blob", "findings": (PROTECTED,)},
    Delivered: {"build": BUILD},
    ev.Undone: {"commit_sha": HEAD, "head_sha": NEW, "pull_number": PULL, "login": "alice"},
    ev.Reverted: {"revert_number": 35, "login": "alice"},
    Shipped: {"asked_in": "e", "login": "carol", "pull_number": PULL, "head_sha": HEAD},
    ev.EffectFailed: {"effect_id": "e/0", "effect_kind": "Publish", "reason": "GitHub said no."},
    ev.Ticked: {},
}


def event(kind: type, **changes: Any) -> Any:
    """An event of a kind, by alice where somebody does it, and in the name of the turn in force."""
    usual: dict[str, Any] = {"id": "e", **_USUAL[kind]}
    if kind in _OWN:
        usual["session_id"] = "7-12-1"
        if kind not in (ev.InquiryStopped, ev.Undone, ev.Reverted, Shipped, Delivered, ev.EffectFailed, ev.Ticked):
            usual["turn_id"] = "7-12-1/turn-2"
    else:
        if kind is not ev.ChecksChanged:
            usual["actor"] = ALICE
        if kind is not ev.InstallationChanged:
            usual["repo"] = REPO
    return kind(**usual | changes)


def command(verb: Verb = "do", text: str = "", **changes: Any) -> ev.CommandIssued:
    issued: ev.CommandIssued = event(ev.CommandIssued, command=Command(verb=verb, text=text), **changes)
    return issued


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: where a session is in each of these statuses, an event leads `to` another (or the same)."""

    when: str
    event: Any
    does: str
    why: str
    to: Status | None = None
    facts: Facts = field(default_factory=facts)
    sessions: tuple[Session | None, ...] = ()

    def __str__(self) -> str:
        return self.when


def rows_of(statuses: Iterable[Status | None], when: str, happened: Any, **rest: Any) -> Row:
    """A row for sessions that differ in nothing but their status."""
    sessions = tuple(None if status is None else session(status) for status in statuses)
    return Row(when=when, event=happened, sessions=sessions, **rest)


def row(before: Session | None, when: str, happened: Any, **rest: Any) -> Row:
    """A row for one session that matters in detail."""
    return Row(when=when, event=happened, sessions=(before,), **rest)


def cases(rows: Iterable[Row]) -> list[Any]:
    """Each row for each of its sessions, with a sentence as its id."""
    return [
        pytest.param(each, before, id=f"{before.status.value if before else 'no session'} - {each.when}")
        for each in rows
        for before in each.sessions
    ]


def check(each: Row, before: Session | None) -> Decision:
    """Decide, and hold the decision against the row."""
    decision = decide(before, each.event, each.facts)
    expected = each.to or (before.status if before else None)
    found = decision.session.status if decision.session else None
    does = each.does
    if before is not None and decision.session is not None and decision.session.id != before.id:
        does += " MinimiseComments"  # What an ended session said of itself is old with the next one.
    assert (found, effects_of(decision)) == (expected, does), decision.why
    assert each.why in decision.why
    return decision


def effects_of(decision: Decision) -> str:
    return " ".join(type(effect).__name__ for effect in decision.effects)
