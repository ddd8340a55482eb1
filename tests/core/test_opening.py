"""How work begins, and what everything else means where no session is open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from github_app.core import events as ev
from github_app.core.commands import Command
from github_app.core.effects import React, RemoveLabel, Say
from github_app.core.machine import decide
from github_app.core.model import Permission
from github_app.core.session import Cause, Session
from github_app.core.shipments import Shipped
from tests.core.scene import (
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BASE,
    BOB,
    BRANCH,
    CLOSED,
    EVENT_KINDS,
    HEAD,
    ISSUE,
    MERGED,
    NEW,
    NONE,
    NOT_OPEN,
    NOW,
    PULL,
    ROBOT,
    SUBMISSION,
    TERMINAL,
    WORKING,
    Row,
    cases,
    check,
    checks,
    command,
    event,
    facts,
    issue,
    pull,
    rows_of,
    session,
    thread,
)

SECOND = timedelta(seconds=1)
STARTS = "React ShowProgress RunTurn"
HEARD_LATE = (ev.PullRequestPushed, ev.TrackingEdited, ev.Published, ev.Undone, ev.Reverted, Shipped)
NO_SESSION_NEEDED = (ev.IssueLabeled, ev.CommandIssued, ev.PullRequestReopened)

ROWS = [
    rows_of(NOT_OPEN, "a label by somebody who may", event(ev.IssueLabeled),
            to=WORKING, does=STARTS, why="`alice` asked for it and may"),
    rows_of(NOT_OPEN, "a label in other letters", event(ev.IssueLabeled, label="HONK"),
            to=WORKING, does=STARTS, why="asked for it and may"),
    rows_of(NOT_OPEN, "another label", event(ev.IssueLabeled, label="bug"),
            does="", why="means nothing to us"),
    rows_of(NOT_OPEN, "a label by somebody who may not", event(ev.IssueLabeled, actor=BOB),
            facts=facts(Permission.TRIAGE),
            does="Say RemoveLabel", why="`bob` has triage access only"),
    rows_of(NOT_OPEN, "a label by a bot", event(ev.IssueLabeled, actor=ROBOT), facts=facts(Permission.ADMIN),
            does="", why="bots do not give instructions"),
    rows_of(NOT_OPEN, "a label on a closed issue", event(ev.IssueLabeled, issue=issue(is_open=False)),
            does="React Say RemoveLabel", why="the issue is closed"),
    rows_of(NOT_OPEN, "a label that is off again", event(ev.IssueLabeled, issue=issue(updated_at=NOW)),
            facts=facts(issue=issue(updated_at=NOW + SECOND)), does="", why="was taken off again"),
    rows_of(NOT_OPEN, "a label that is still on", event(ev.IssueLabeled, issue=issue(updated_at=NOW)),
            facts=facts(issue=issue(updated_at=NOW + SECOND, labels=("Honk",))), to=WORKING, does=STARTS, why="may"),
    rows_of(NOT_OPEN, "a label that the API does not know yet", event(ev.IssueLabeled, issue=issue(updated_at=NOW)),
            facts=facts(issue=issue(updated_at=NOW - SECOND)), to=WORKING, does=STARTS, why="may"),
    rows_of(NOT_OPEN, "a label in an empty repository", event(ev.IssueLabeled), facts=facts(obstacle="It is empty."),
            does="React Say RemoveLabel", why="It is empty."),
    rows_of(NOT_OPEN, "an instruction by somebody who may", command(text="Say honk"),
            to=WORKING, does=STARTS, why="asked for it and may"),
    rows_of(NOT_OPEN, "a bare command", command(), to=WORKING, does=STARTS, why="asked for it and may"),
    rows_of(NOT_OPEN, "an instruction by somebody who may not", command(text="Say honk", actor=BOB),
            facts=facts(Permission.READ), does="React Say", why="`bob` has read access only"),
    rows_of(NOT_OPEN, "an instruction on an issue that is gone", command(text="Say honk"), facts=facts(issue=None),
            does="React Say", why="not there any more"),
    rows_of(NOT_OPEN, "a mistyped verb", command(text="stauts"), does="React Say", why="`status` was probably meant"),
    rows_of(NOT_OPEN, "help", command("help"), does="React Say", why="help was asked for"),
    rows_of([NONE], "status", command("status"), does="React Say", why="no work to speak of"),
    rows_of([NONE], "stop", command("stop"), does="React Say", why="no work to speak of"),
    rows_of([NONE], "retry", command("retry"), does="React Say", why="no work to speak of"),
    rows_of(TERMINAL, "status", command("status"), does="React Say", why="ended already"),
    rows_of(TERMINAL, "stop", command("stop"), does="React Say", why="ended already"),
    rows_of(TERMINAL, "retry", command("retry"), to=WORKING, does=STARTS, why="asked for it and may"),
    rows_of([CLOSED], "an instruction on the pull request that is still open",
            command(text="Go on", is_pull=True, number=PULL), facts=facts(pull=pull(), issue=issue(is_open=False)),
            to=WORKING, does=STARTS, why="asked for it and may"),
    rows_of([CLOSED], "an instruction in a review of the pull request that is still open",
            event(ev.ReviewSubmitted, body="/honk go on", command=Command(verb="do", text="go on")),
            facts=facts(pull=pull()), to=WORKING, does="ShowProgress RunTurn", why="asked for it and may"),
    rows_of([CLOSED], "our pull request opened again", event(ev.PullRequestReopened),
            to=AWAITING_CHECKS, does="ShowProgress", why="a new session takes it over"),
    rows_of([CLOSED], "our pull request opened again, green", event(ev.PullRequestReopened),
            facts=facts(checks=checks("passed")), to=AWAITING_REVIEW, does="ShowProgress Deliver",
            why="all checks passed"),
    rows_of([CLOSED], "our pull request opened again by somebody who may not", event(ev.PullRequestReopened, actor=BOB),
            facts=facts(Permission.READ), does="", why="somebody without write access"),
    rows_of(TERMINAL, "another pull request opened again", event(ev.PullRequestReopened, pull_number=99),
            does="", why="not ours"),
    rows_of(NOT_OPEN, "a pull request with new commits", event(ev.PullRequestPushed),
            does="", why="leaves the policy as it is"),
    rows_of([NONE], "a pull request opened again", event(ev.PullRequestReopened), does="", why="not ours"),
    rows_of(TERMINAL, "a push that was under way", event(ev.Published), does="", why="what was published is noted"),
    rows_of([NONE], "a push without a session", event(ev.Published), does="", why="no open session"),
    *(
        rows_of(NOT_OPEN, f"{kind.__name__} that comes too late", event(kind), does="", why="no open session")
        for kind in EVENT_KINDS
        if kind not in (*NO_SESSION_NEEDED, *HEARD_LATE)
    ),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_without_an_open_session(each: Row, before: Session | None):
    check(each, before)


def test_first_session_of_an_issue():
    begun = check(rows_of([NONE], "a label", event(ev.IssueLabeled), to=WORKING, does=STARTS, why=""), None)
    assert begun.session is not None
    assert (begun.session.id, begun.session.branch) == ("7-12-1", BRANCH)
    assert (begun.session.base_sha, begun.session.base_branch) == (BASE, "main")
    assert begun.session.turn_cause is Cause.IMPLEMENT
    assert begun.effects[0] == React(target="issue", target_id=ISSUE)


def test_next_session_of_an_issue_has_a_branch_of_its_own():
    begun = decide(session(MERGED), event(ev.IssueLabeled), facts(pull=pull(is_open=False, is_merged=True))).session
    assert begun is not None
    assert (begun.id, begun.branch, begun.pull_number) == ("7-12-2", f"{BRANCH}-2", None)
    assert begun.turn_id == "7-12-2/turn-1"


def test_label_takes_over_the_pull_request_that_was_left_open():
    left = session(CLOSED, submission=SUBMISSION, branch="honk/12-old-name")
    begun = decide(left, event(ev.IssueLabeled), facts(pull=pull(head_sha=NEW, is_draft=False))).session
    assert begun is not None
    assert (begun.id, begun.branch, begun.pull_number) == ("7-12-2", "honk/12-old-name", PULL)
    assert (begun.head_sha, begun.pull_is_draft, begun.submission) == (NEW, False, SUBMISSION)
    assert begun.turn_cause is Cause.FOLLOW_UP


def test_reopened_pull_request_keeps_its_branch_and_base():
    left = session(CLOSED, branch="honk/12-old-name", base_sha="c" * 40)
    again = decide(left, event(ev.PullRequestReopened, head_sha=NEW), facts()).session
    assert again is not None
    assert (again.id, again.branch, again.base_sha) == ("7-12-2", "honk/12-old-name", "c" * 40)
    assert (again.head_sha, again.pull_number) == (NEW, PULL)


def test_words_that_start_work_are_handed_to_the_agent():
    begun = decide(None, command(text="Say honk"), facts()).session
    assert begun is not None
    assert [(each.kind, each.author, each.body) for each in begun.feedback] == [("command", "alice", "Say honk")]


def test_review_that_takes_over_brings_its_threads():
    happened = event(ev.ReviewSubmitted, body="/honk go on", command=Command(verb="do", text="go on"))
    begun = decide(session(CLOSED), happened, facts(pull=pull(), threads=(thread(),))).session
    assert begun is not None
    assert [each.kind for each in begun.feedback] == ["command", "thread"]


def test_refusal_goes_where_the_person_asked():
    happened = command(text="Go on", is_pull=True, number=PULL)
    decision = decide(session(MERGED), happened, facts(issue=issue(is_open=False)))
    assert [effect.number for effect in decision.effects if isinstance(effect, Say)] == [PULL]
    assert [effect.number for effect in decision.effects if isinstance(effect, RemoveLabel)] == [ISSUE]


def test_stranger_gets_one_refusal_however_often_they_ask():
    said = [
        effect
        for key in ("e1", "e2")
        for effect in decide(None, command(text="Go", actor=BOB, id=key), facts(Permission.READ)).effects
        if isinstance(effect, Say)
    ]
    assert len(said) == 2
    assert len({(effect.number, effect.tag) for effect in said}) == 1


def test_push_that_outlived_its_session_is_found_by_the_next_one():
    stopped = session(CLOSED, pull_number=None, head_sha="")
    noted = decide(stopped, event(ev.Published), facts()).session
    assert noted is not None
    assert (noted.status, noted.pull_number, noted.head_sha) == (CLOSED, PULL, NEW)
    begun = decide(noted, event(ev.IssueLabeled), facts(pull=pull(head_sha=NEW))).session
    assert begun is not None
    assert (begun.pull_number, begun.head_sha) == (PULL, NEW)


def test_late_check_of_an_ended_session_wakes_nobody():
    assert decide(session(CLOSED), event(ev.ChecksChanged, head_sha=HEAD), facts()).effects == ()


def test_a_command_starts_with_the_issue_as_it_stood_when_it_was_given():
    now = facts(issue=issue(title="Evil", body="Edited since by whoever wrote it."))
    asked = command(issue_text=("The goose is silent", "It should honk."))
    begun = decide(None, asked, now).session
    assert begun is not None
    assert (begun.issue_title, begun.issue_body) == ("The goose is silent", "It should honk.")


@pytest.mark.parametrize(("seen", "told"), [("It should honk.", "It should honk."), (None, "As it stands.")])
def test_a_command_on_a_pull_request_goes_on_with_the_words_that_counted_last(seen: str | None, told: str):
    last = session(CLOSED, issue_body=seen)
    now = facts(issue=issue(body="As it stands."), pull=pull())
    begun = decide(last, command(text="Louder", is_pull=True, number=PULL), now).session
    assert begun is not None
    assert begun.issue_body == told
