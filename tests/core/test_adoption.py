"""Work on somebody else's pull request: when it begins, what stays theirs, and when we let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.adoption import find_obstacle
from github_app.core.background import MAX_DIFF_CHARS, MAX_FILES, background_of
from github_app.core.commands import Command, Verb
from github_app.core.effects import MarkReady, RemoveLabel, Say, ShowProgress
from github_app.core.facts import Facts, Need, needs
from github_app.core.machine import decide
from github_app.core.model import BranchHold, Checks, FailedCheck, Patch, Permission
from github_app.core.parts import left_after
from github_app.core.session import Cause, Round, Session
from github_app.core.subjects import Subject, subject_of
from tests.core.scene import (
    ALICE,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BASE,
    BOB,
    CAROL,
    CLOSED,
    HEAD,
    MERGED,
    NEEDS_HUMAN,
    NEW,
    NONE,
    NOW,
    PULL,
    REPO,
    SUBMISSION,
    WORKING,
    Row,
    adopted,
    cases,
    check,
    checks,
    command,
    effects_of,
    event,
    facts,
    issue,
    row,
    rows_of,
    session,
    theirs,
    thread,
    words,
)

STARTS = "React ShowProgress RunTurn"
QUIET = Checks(head_sha=HEAD, state="failed", failed=(FailedCheck(name="test", conclusion="failure"),))
OURS = (Round(head_sha=HEAD, title="Mend it", summary=""),)


def asked(text: str = "Mend the test", verb: Verb = "do", **changes: Any) -> Any:
    return command(verb, text, is_pull=True, number=PULL, **changes)


def labelled(**changes: Any) -> Any:
    return event(ev.IssueLabeled, issue=issue(number=PULL), is_pull=True, **changes)


def seen(permission: Permission = Permission.WRITE, **changes: Any) -> Facts:
    usual: dict[str, Any] = {"issue": None, "pull": theirs(), "branch": BranchHold()}
    return facts(permission, **usual | changes)


REVIEW = event(ev.ReviewSubmitted, branch="carols", body="/honk do it", command=Command(verb="do", text="do it"))

ROWS = [
    rows_of([NONE], "an instruction", asked(), facts=seen(), to=WORKING, does=STARTS, why="asked for it and may"),
    rows_of([NONE], "an instruction in a review", REVIEW, facts=seen(),
            to=WORKING, does="ShowProgress RunTurn", why="asked for it and may"),
    rows_of([NONE], "no words, and a red check", asked(""), facts=seen(checks=checks("failed")),
            to=WORKING, does=STARTS, why="may"),
    rows_of([NONE], "no words, and an open thread", asked(""), facts=seen(threads=(thread(),)),
            to=WORKING, does=STARTS, why="may"),
    rows_of([NONE], "the label, and a red check", labelled(), facts=seen(checks=checks("failed")),
            to=WORKING, does=STARTS, why="may"),
    rows_of([NONE], "the label, and nothing to do", labelled(), facts=seen(),
            does="React Say RemoveLabel", why="stands"),
    rows_of([NONE], "the plan's label", labelled(label="honk:plan"), facts=seen(),
            does="React RemoveLabel Say RemoveLabel", why="stands"),
    rows_of([NONE], "no words, and nothing to do", asked(""), facts=seen(threads=(thread(author=BOB),)),
            does="React Say RemoveLabel", why="stands"),
    rows_of([NONE], "an instruction by a stranger", asked(actor=BOB), facts=seen(Permission.READ),
            does="React Say", why="read access only"),
    rows_of([NONE], "an instruction under a broken policy", asked(), facts=seen(obstacle="It is wrong.", branch=None),
            does="React Say RemoveLabel", why="It is wrong."),
    rows_of([NONE], "an instruction on one that is gone", asked(), facts=seen(pull=None),
            does="React Say", why="not there any more"),
    rows_of([NONE], "stop", asked("", "stop"), facts=seen(), does="React Say", why="no work"),
    row(session(AWAITING_REVIEW), "the label on our own pull request", labelled(), does="", why="worked on already"),
    row(session(CLOSED), "the label on our own pull request", labelled(), does="", why="the issue's"),
    row(session(WORKING), "the label off our own pull request",
        event(ev.IssueUnlabeled, number=PULL, is_pull=True), does="", why="the issue's"),
    row(adopted(), "the label off theirs", event(ev.IssueUnlabeled, number=PULL, is_pull=True),
        to=CLOSED, does="Say ShowProgress DiscardWorkspace", why="took the `honk` label off"),
    row(adopted(CLOSED), "an instruction after the end", asked(), facts=seen(), to=WORKING, does=STARTS, why="may"),
    row(adopted(CLOSED), "an instruction by another door, after the end", command(text="Go on", number=PULL),
        facts=seen(), to=WORKING, does=STARTS, why="may"),
    row(adopted(CLOSED), "retry after the end", asked("", "retry"),
        facts=seen(checks=checks("failed")), to=WORKING, does=STARTS, why="may"),
    row(adopted(CLOSED), "opened again", event(ev.PullRequestReopened), does="", why="somebody else's"),
    row(adopted(), "stop", asked("", "stop"), to=CLOSED,
        does="React Say ShowProgress RemoveLabel DiscardWorkspace", why="asked me to stop"),
    row(adopted(), "their pull request is merged", event(ev.PullRequestClosed, branch="carols", is_merged=True),
        to=MERGED, does="Say ShowProgress RemoveLabel DiscardWorkspace", why="merged"),
    # Checks
    row(adopted(AWAITING_CHECKS), "a red check of their commit", event(ev.ChecksChanged),
        facts=facts(checks=checks("failed")), to=AWAITING_REVIEW, does="ShowProgress", why="its author's"),
    row(adopted(AWAITING_CHECKS), "CI that waits for a person", event(ev.ChecksChanged),
        facts=facts(checks=checks("blocked")), to=AWAITING_REVIEW, does="ShowProgress", why="its author's"),
    row(adopted(AWAITING_CHECKS), "green checks of their commit", event(ev.ChecksChanged),
        facts=facts(checks=checks("passed")), to=AWAITING_REVIEW, does="ShowProgress", why="all checks passed"),
    row(adopted(AWAITING_CHECKS, published=OURS), "a red check of our commit", event(ev.ChecksChanged),
        facts=facts(checks=checks("failed")), to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(adopted(AWAITING_CHECKS, published=OURS), "green checks of our commit", event(ev.ChecksChanged),
        facts=facts(checks=checks("passed")), to=AWAITING_REVIEW, does="ShowProgress", why="all checks passed"),
    row(adopted(WORKING), "a red check while a turn stands on their commit", event(ev.ChecksChanged),
        facts=facts(checks=checks("failed")), does="", why="a turn runs"),
    row(adopted(AWAITING_CHECKS, status_since=NOW - timedelta(hours=7)), "checks that never end", event(ev.Ticked),
        facts=facts(pull=theirs(), checks=checks("pending")), to=AWAITING_REVIEW, does="ShowProgress", why="author's"),
    row(adopted(AWAITING_REVIEW, status_since=NOW - timedelta(days=9)), "many quiet days", event(ev.Ticked),
        facts=facts(pull=theirs()), does="", why="nothing has changed"),
    row(adopted(AWAITING_REVIEW), "a check of theirs that turned red", event(ev.Ticked),
        facts=facts(pull=theirs(), checks=checks("failed")), does="ShowProgress", why="its author's"),
    row(adopted(AWAITING_REVIEW, checks=QUIET, status_since=NOW), "another look at it", event(ev.Ticked),
        facts=facts(pull=theirs(), checks=QUIET), does="", why="its author's"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_on_a_pull_request_of_others(each: Row, before: Session | None):
    decision = check(each, before)
    assert decision.session is None or before is None or (decision.session.adopted == before.adopted)
    assert not any(isinstance(effect, MarkReady) for effect in decision.effects)


def test_work_is_on_their_branch_and_their_words():
    begun = decide(None, asked(), seen(pull=theirs(base_branch="release", is_draft=False))).session
    assert begun is not None
    assert (begun.id, begun.issue_number, begun.pull_number) == ("7-34-1", PULL, PULL)
    assert (begun.branch, begun.head_sha, begun.base_branch) == ("carols", HEAD, "release")
    assert (begun.base_sha, begun.adopted, begun.pull_is_draft) == (BASE, CAROL, False)
    assert (begun.issue_title, begun.issue_body) == ("Teach the goose", "See #12.")
    assert begun.turn_cause is Cause.FOLLOW_UP
    assert [each.body for each in begun.feedback] == ["Mend the test"]


def test_without_words_all_that_is_open_is_asked_for():
    begun = decide(None, asked(""), seen(checks=checks("failed"), threads=(thread(),))).session
    assert begun is not None
    assert [each.kind for each in begun.feedback] == ["checks", "thread"]


def test_a_new_session_knows_what_the_last_one_published():
    last = adopted(CLOSED, published=OURS, submission=SUBMISSION)
    begun = decide(last, asked(), seen(pull=theirs(head_sha=NEW))).session
    assert begun is not None
    assert (begun.id, begun.published, begun.head_sha) == ("7-34-2", OURS, NEW)


@pytest.mark.parametrize(
    ("changes", "branch", "said"),
    [
        ({"is_open": False, "is_merged": True}, BranchHold(), "is merged"),
        ({"is_open": False}, BranchHold(), "is closed"),
        ({"head_repo_id": 8}, None, "in a fork"),
        ({"head_repo_id": None}, None, "in a fork"),
        ({"head_branch": "honk/12-goose"}, BranchHold(), "is a branch for #12"),
        ({}, BranchHold(issue_number=35), "for #35 already"),
        ({}, BranchHold(is_protected=True), "protected"),
        ({"head_branch": "main"}, BranchHold(), "default branch"),
        ({}, BranchHold(), ""),
    ],
)
def test_what_is_never_worked_on(changes: dict[str, Any], branch: BranchHold | None, said: str):
    decision = decide(None, asked(), seen(pull=theirs(**changes), branch=branch))
    told = [effect.body for effect in decision.effects if isinstance(effect, Say)]
    assert (decision.session is None) == bool(said)
    assert not said or said in told[0]
    assert find_obstacle(theirs(**changes), REPO, seen(branch=branch), is_plan=True, is_asked=True)


def test_looking_is_for_those_who_would_begin():
    everything = Need.PERMISSION | Need.POLICY | Need.PULL | Need.ADOPTION
    assert needs(None, asked()) == needs(adopted(CLOSED), asked()) == needs(None, REVIEW) == everything
    assert needs(None, labelled()) == everything | Need.ISSUE
    for last in (session(CLOSED), adopted(WORKING)):
        assert Need.ADOPTION not in needs(last, asked())
    assert Need.ADOPTION not in needs(None, command(text="Go"))
    assert Need.ADOPTION not in needs(None, event(ev.IssueLabeled))


def test_their_events_are_found_by_the_number_of_the_pull_request():
    assert subject_of(labelled()) == Subject(repo_id=7, pull_number=PULL)
    unlabelled = event(ev.IssueUnlabeled, number=PULL, is_pull=True)
    assert subject_of(unlabelled) == Subject(repo_id=7, pull_number=PULL)


def test_each_round_is_told_in_a_comment():
    done = decide(
        adopted(submission=SUBMISSION, turn_id="7-34-1/turn-2"),
        event(ev.Published, session_id="7-34-1", turn_id="7-34-1/turn-2"),
        facts(),
    )
    assert effects_of(done) == "Say ShowProof ShowProgress"
    assert done.session is not None
    assert done.session.answers_for_head
    assert "It honks now." in next(effect.body for effect in done.effects if isinstance(effect, Say))


def test_what_we_took_back_is_still_ours_to_mend():
    undone = replace(OURS[0], head_sha="c" * 40, undone_in=HEAD)
    assert adopted(published=(undone,)).answers_for_head
    assert not adopted(published=(replace(undone, undone_in=NEW),)).answers_for_head
    assert session().answers_for_head


def test_what_is_left_to_do_is_not_kept_for_a_next_part():
    rest = replace(SUBMISSION, remaining=("Teach the duck",))
    assert left_after(session(), rest) == ("Teach the duck",)
    assert left_after(adopted(), rest) == ()


def test_it_takes_no_place_of_a_pull_request_of_ours():
    assert not adopted(AWAITING_REVIEW).holds_pull
    assert session(AWAITING_REVIEW).holds_pull


def test_the_author_is_not_asked_to_review_their_own():
    review = event(ev.ReviewSubmitted, branch="carols", state="commented")
    for author, asked_again in ((CAROL, ()), (ALICE, ("alice",))):
        heard = decide(adopted(AWAITING_REVIEW), replace(review, actor=author), facts(pull=theirs())).session
        assert heard is not None
        assert heard.reviewers == asked_again


def test_a_deleted_branch_ends_it_without_a_new_one():
    gone = event(ev.BranchPushed, branch="carols", after=None)
    decision = decide(adopted(NEEDS_HUMAN), gone, facts(pull=theirs(is_open=False)))
    assert decision.session is not None
    assert decision.session.status is CLOSED
    assert "new branch" not in decision.session.waiting_for
    assert RemoveLabel(number=PULL, label="honk") in decision.effects
    assert ShowProgress() in decision.effects


def test_background_has_room_for_so_much():
    large = Patch(path="a", status="modified", diff="x" * MAX_DIFF_CHARS)
    small = Patch(path="b", status="added", additions=1, diff="+b")
    found = background_of([small, large, *[small] * MAX_FILES], [words("1"), words("2")], asked=[words("1")])
    assert found.patches[:3] == (small, replace(large, diff=""), small)
    assert (len(found.patches), found.more) == (MAX_FILES, 2)
    assert [each.id for each in found.remarks] == ["2"]
