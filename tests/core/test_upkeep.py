"""Time, other people's pushes, merges and closings, and the installation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from github_app.core import events as ev
from github_app.core.effects import DiscardWorkspace, Say
from github_app.core.machine import decide
from github_app.core.model import Actor
from github_app.core.session import Cause, Feedback, Session, Status
from tests.core.scene import (
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BOB,
    CLOSED,
    HEAD,
    ME,
    MERGED,
    NEEDS_HUMAN,
    NEW,
    NOW,
    OPEN,
    PULL,
    ROBOT,
    WORKING,
    Row,
    cases,
    check,
    event,
    facts,
    first_turn,
    issue,
    pull,
    row,
    rows_of,
    session,
    words,
)
from tests.core.scene import checks as checks_of

ENDS = "Say ShowProgress RemoveLabel DiscardWorkspace"
DELETED = event(ev.BranchPushed, after=None)
TICK = event(ev.Ticked)
SUSPENDED = event(ev.InstallationChanged, action="suspended")
UNSUSPENDED = event(ev.InstallationChanged, action="unsuspended")
STUCK = session(NEEDS_HUMAN, stuck_on="checks")
LOST = facts(lost="the installation is not there any more")
SHUT_OUT = session(NEEDS_HUMAN, stuck_on="installation")
STANDS = facts(pull=pull())
AT_FIRST = first_turn(status=NEEDS_HUMAN, turn_id=None)


def since(status: Status, hours: float, **changes) -> Session:
    return session(status, status_since=NOW - timedelta(hours=hours), **changes)


ROWS = [
    # Pushes
    rows_of([WORKING], "a push by somebody", event(ev.BranchPushed), does="", why="is told of the push"),
    rows_of([AWAITING_CHECKS, AWAITING_REVIEW], "a push by somebody", event(ev.BranchPushed),
            to=AWAITING_CHECKS, does="ShowProgress", why="the new head is checked"),
    rows_of([NEEDS_HUMAN], "a push by somebody", event(ev.BranchPushed), does="ShowProgress",
            why="a human has the next word"),
    row(STUCK, "a push that may mend the checks", event(ev.BranchPushed),
        to=AWAITING_CHECKS, does="ShowProgress", why="the new head is checked"),
    rows_of([AWAITING_CHECKS, AWAITING_REVIEW], "a push that CI was faster with", event(ev.BranchPushed),
            facts=facts(checks=checks_of("failed", NEW)), to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    rows_of([AWAITING_CHECKS], "a push that CI has begun with", event(ev.BranchPushed),
            facts=facts(checks=checks_of("pending", NEW)), does="ShowProgress", why="the new head is checked"),
    rows_of(OPEN, "a push that we know of", event(ev.BranchPushed, after=HEAD), does="", why="where we know it"),
    rows_of(OPEN, "an old push, told late", event(ev.BranchPushed), facts=STANDS, does="",
            why="others have pushed on top of it"),
    rows_of(OPEN, "a push to another branch", event(ev.BranchPushed, branch="main"), does="", why="not our branch"),
    row(first_turn(), "a push before anything is published", event(ev.BranchPushed), does="",
        why="nothing is published yet"),
    rows_of(OPEN, "our own push", event(ev.BranchPushed, actor=ME), does="", why="our own act"),
    rows_of(OPEN, "the branch deleted", DELETED, to=CLOSED, does=ENDS, why="`alice` deleted the branch"),
    rows_of(OPEN, "the branch deleted with the merge", DELETED, facts=facts(pull=pull(is_merged=True, is_open=False)),
            to=MERGED, does=ENDS, why="merged, and the branch was deleted"),
    row(first_turn(), "a branch deleted that is not ours yet", DELETED, does="", why="not ours yet"),
    # Merged and closed
    rows_of(OPEN, "merged", event(ev.PullRequestClosed, is_merged=True), to=MERGED, does=ENDS,
            why="merged the pull request"),
    rows_of(OPEN, "merged by a merge queue", event(ev.PullRequestClosed, is_merged=True, actor=ROBOT),
            to=MERGED, does=ENDS, why="merged the pull request"),
    rows_of(OPEN, "the pull request closed", event(ev.PullRequestClosed), to=CLOSED, does=ENDS,
            why="`alice` closed the pull request"),
    rows_of(OPEN, "the pull request closed, and open again", event(ev.PullRequestClosed), facts=STANDS,
            does="", why="open again already"),
    rows_of(OPEN, "another pull request closed", event(ev.PullRequestClosed, pull_number=99), does="",
            why="not this session's"),
    row(first_turn(), "the pull request closed before we knew of it", event(ev.PullRequestClosed),
        to=CLOSED, does=ENDS, why="closed the pull request"),
    rows_of(OPEN, "a pull request with new commits", event(ev.PullRequestPushed), does="", why="leaves the policy"),
    rows_of(OPEN, "the pull request reopened", event(ev.PullRequestReopened), does="", why="work on it goes on"),
    rows_of(OPEN, "the pull request converted", event(ev.PullRequestDraftChanged),
            does="ShowProgress", why="changed the draft state"),
    rows_of(OPEN, "another pull request converted", event(ev.PullRequestDraftChanged, pull_number=99),
            does="", why="not this session's"),
    rows_of(OPEN, "the issue closed", event(ev.IssueClosed), to=CLOSED, does=ENDS, why="`alice` closed the issue"),
    rows_of(OPEN, "the issue closed by our merge, told first", event(ev.IssueClosed),
            facts=facts(pull=pull(is_merged=True, is_open=False)), to=MERGED, does=ENDS, why="closed by our merge"),
    rows_of(OPEN, "the issue closed, and open again", event(ev.IssueClosed, at=NOW),
            facts=facts(issue=issue(updated_at=NOW)), does="", why="open again already"),
    rows_of(OPEN, "the issue deleted", event(ev.IssueClosed, how="deleted"), to=CLOSED, does="Say DiscardWorkspace",
            why="`alice` deleted the issue. #34 and its branch stay as they are"),
    row(first_turn(), "the issue transferred during the first turn", event(ev.IssueClosed, how="transferred"),
        to=CLOSED, does="DiscardWorkspace", why="`alice` transferred the issue. I opened no pull request"),
    rows_of(OPEN, "the issue deleted after the merge", event(ev.IssueClosed, how="deleted"),
            facts=facts(pull=pull(is_merged=True, is_open=False)), to=MERGED, does=ENDS, why="closed by our merge"),
    row(first_turn(), "the issue gone, and nobody told us", TICK, facts=facts(issue=None, is_issue_gone=True),
        to=CLOSED, does="DiscardWorkspace", why="somebody deleted or moved the issue"),
    # Time
    rows_of([WORKING], "time passed", TICK, facts=STANDS, does="", why="has not begun"),
    rows_of([AWAITING_REVIEW, NEEDS_HUMAN], "time passed", TICK, facts=STANDS, does="", why="nothing has changed"),
    rows_of([AWAITING_CHECKS], "time passed", TICK, facts=STANDS, does="ShowProgress", why="not ended"),
    rows_of(OPEN, "merged, and nobody told us", TICK, facts=facts(pull=pull(is_open=False, is_merged=True)),
            to=MERGED, does=ENDS, why="seen by looking"),
    rows_of(OPEN, "closed, and nobody told us", TICK, facts=facts(pull=pull(is_open=False)),
            to=CLOSED, does=ENDS, why="somebody closed the pull request"),
    row(first_turn(), "the issue closed, and nobody told us", TICK, facts=facts(issue=issue(is_open=False)),
        to=CLOSED, does=ENDS, why="somebody closed the issue"),
    row(AT_FIRST, "the issue closed while we waited", TICK, facts=facts(issue=issue(is_open=False)),
        to=CLOSED, does=ENDS, why="somebody closed the issue"),
    rows_of([AWAITING_REVIEW], "the issue closed with the pull request open", TICK,
            facts=facts(pull=pull(), issue=issue(is_open=False)), does="", why="nothing has changed"),
    rows_of([AWAITING_CHECKS, AWAITING_REVIEW], "a push that nobody told us of", TICK,
            facts=facts(pull=pull(head_sha=NEW)),
            to=AWAITING_CHECKS, does="ShowProgress", why="the new head is checked"),
    row(since(AWAITING_CHECKS, 0.1), "no checks for a while", TICK, facts=STANDS,
        to=AWAITING_REVIEW, does="MarkReady ShowProgress", why="nothing checks"),
    row(since(AWAITING_CHECKS, 5.9), "checks that take long", TICK, facts=facts(pull=pull(),
        checks=checks_of("pending")),
        does="ShowProgress", why="not ended"),
    row(since(AWAITING_CHECKS, 6), "checks that never end", TICK, facts=facts(pull=pull(), checks=checks_of("pending")),
        to=NEEDS_HUMAN, does="Say ShowProgress", why="`test` did not end within 6 hours"),
    rows_of([AWAITING_CHECKS], "green, and nobody told us", TICK, facts=facts(pull=pull(), checks=checks_of("passed")),
            to=AWAITING_REVIEW, does="MarkReady ShowProgress", why="all checks passed"),
    rows_of([AWAITING_CHECKS, AWAITING_REVIEW], "red, and nobody told us", TICK, facts=facts(pull=pull(),
            checks=checks_of("failed")),
            to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(STUCK, "green again, and nobody told us", TICK, facts=facts(pull=pull(), checks=checks_of("passed")),
        to=AWAITING_REVIEW, does="MarkReady ShowProgress", why="all checks passed"),
    row(SHUT_OUT, "let in again, and nobody told us", TICK, facts=STANDS,
        to=AWAITING_CHECKS, does="ShowProgress", why="GitHub answers again"),
    rows_of([AWAITING_CHECKS, AWAITING_REVIEW], "let in no more, and nobody told us", TICK, facts=LOST,
            to=NEEDS_HUMAN, does="Say ShowProgress", why="does not let me look"),
    rows_of([WORKING, NEEDS_HUMAN], "let in no more", TICK, facts=LOST, does="", why="does not let us look"),
    row(SHUT_OUT, "still not let in", TICK, facts=LOST, does="", why="does not let us look"),
    # The installation
    rows_of(OPEN, "the app removed", event(ev.InstallationChanged, action="deleted"),
            to=CLOSED, does="DiscardWorkspace", why="The app was removed"),
    rows_of(OPEN, "the repository taken away", event(ev.InstallationChanged, action="removed"),
            to=CLOSED, does="DiscardWorkspace", why="The app was removed"),
    rows_of([WORKING, AWAITING_CHECKS, AWAITING_REVIEW], "the app suspended", SUSPENDED,
            to=NEEDS_HUMAN, does="", why="The app is suspended"),
    rows_of([NEEDS_HUMAN], "the app suspended", SUSPENDED, does="", why="a human has the next word anyway"),
    rows_of(OPEN, "the app unsuspended", UNSUSPENDED, does="", why="nothing waited for the installation"),
    rows_of(OPEN, "a repository added", event(ev.InstallationChanged, action="added"), does="", why="nothing waited"),
    row(SHUT_OUT, "permissions accepted", event(ev.InstallationChanged, action="granted"),
        to=AWAITING_CHECKS, does="ShowProgress", why="active again"),
    row(SHUT_OUT, "the app unsuspended", UNSUSPENDED, to=AWAITING_CHECKS, does="ShowProgress", why="active again"),
    row(replace(SHUT_OUT, feedback=(words(),)), "the app unsuspended with words in hand", UNSUSPENDED,
        to=WORKING, does="ShowProgress RunTurn", why="active again"),
    row(replace(AT_FIRST, stuck_on="installation"), "the app unsuspended before anything was published", UNSUSPENDED,
        to=WORKING, does="ShowProgress RunTurn", why="active again"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_upkeep_of_an_open_session(each: Row, before: Session):
    check(each, before)


def after(before: Session, happened: ev.Event, known=None) -> Session:
    decided = decide(before, happened, known or facts()).session
    assert decided is not None
    return decided


def test_running_turn_stands_on_the_commit_it_began_with():
    """Publishing on top of a head that the turn never saw would undo what others pushed."""
    told = after(session(), event(ev.BranchPushed))
    assert (told.head_sha, told.turn_id) == (HEAD, "7-12-1/turn-2")
    assert [each.id for each in told.feedback] == [f"push:{NEW}"]


def test_push_starts_the_clock_of_the_checks_anew():
    pushed = after(since(AWAITING_CHECKS, 5), event(ev.BranchPushed))
    assert (pushed.head_sha, pushed.status_since, pushed.checks) == (NEW, NOW, None)


def test_push_makes_an_old_failure_history():
    red = Feedback(id=f"check:{HEAD}:test", kind="checks", author="CI", body="red")
    assert after(replace(STUCK, feedback=(red,)), event(ev.BranchPushed)).feedback == ()


def test_merge_that_we_learn_of_first_by_its_branch_names_its_pull_request():
    merged = after(first_turn(), DELETED, facts(pull=pull(is_merged=True, is_open=False)))
    assert (merged.status, merged.pull_number) == (MERGED, PULL)


@pytest.mark.parametrize("actor", [BOB, ROBOT, Actor(id=99, login="ghost")])
def test_closing_is_a_fact_whoever_did_it(actor: Actor):
    assert after(session(), event(ev.IssueClosed, actor=actor)).status is CLOSED


@pytest.mark.parametrize("status", OPEN)
def test_suspended_then_active_again_goes_on_where_it_was(status: Status):
    back = after(after(session(status, feedback=(words(),) * (status is WORKING)), SUSPENDED), UNSUSPENDED)
    expected = {WORKING: WORKING, NEEDS_HUMAN: NEEDS_HUMAN}.get(status, AWAITING_CHECKS)
    assert back.status is expected
    assert back.waiting_for == ("What shall it say?" if status is NEEDS_HUMAN else "")


def test_suspended_first_turn_begins_again():
    back = after(after(first_turn(), SUSPENDED), UNSUSPENDED)
    assert (back.status, back.turn_id, back.turn_cause) == (WORKING, "7-12-1/turn-2", Cause.IMPLEMENT)


def test_end_says_what_it_cost_and_leaves_nothing_on_disk():
    ended = decide(session(), event(ev.IssueClosed), facts())
    assert ended.effects[-1] == DiscardWorkspace()
    assert isinstance(say := ended.effects[0], Say)
    assert "#34 and its branch stay as they are. Write `/honk`" in say.body


@pytest.mark.parametrize("status", AT_REST)
def test_decision_stamps_what_it_changed(status: Status):
    assert after(session(status), event(ev.BranchPushed)).updated_at == NOW
    assert after(session(status), event(ev.BranchPushed, after=HEAD)).updated_at == session(status).updated_at
