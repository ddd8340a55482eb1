"""The whole table: every status meets every event, and nothing that is ours starts anything."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from github_app.core import events as ev
from github_app.core.facts import Need, needs
from github_app.core.machine import decide
from github_app.core.model import Permission
from github_app.core.session import Session, Status
from github_app.core.subjects import Subject, subject_of, words_in
from tests.core import (
    test_afterwards,
    test_approvals,
    test_builds,
    test_checks,
    test_clicks,
    test_inquiries,
    test_opening,
    test_planning,
    test_rounds,
    test_shipping,
    test_undoing,
    test_upkeep,
    test_words,
)
from tests.core.scene import (
    EVENT_KINDS,
    ME,
    NEW,
    NONE,
    OPEN,
    PROTECTED,
    TERMINAL,
    WORKING,
    command,
    event,
    facts,
    first_turn,
    session,
)

ROWS = [
    *test_opening.ROWS,
    *test_words.ROWS,
    *test_planning.ROWS,
    *test_rounds.ROWS,
    *test_checks.ROWS,
    *test_undoing.ROWS,
    *test_shipping.ROWS,
    *test_upkeep.ROWS,
    *test_approvals.ROWS,
    *test_clicks.ROWS,
    *test_inquiries.ROWS,
    *test_afterwards.ROWS,
    *test_builds.ROWS,
]
STATUSES = (NONE, *Status)
OURS = (ev.ChecksChanged, ev.PullRequestPushed, *get_args(ev.OwnEvent))
DONE_BY_SOMEBODY = [kind for kind in EVENT_KINDS if kind not in OURS]


def test_every_status_meets_every_event():
    covered = {(before.status if before else None, type(row.event)) for row in ROWS for before in row.sessions}
    assert {(status, kind) for status in STATUSES for kind in EVENT_KINDS} - covered == set()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", DONE_BY_SOMEBODY)
def test_what_we_did_ourselves_starts_nothing(kind: type, status: Status | None):
    before = session(status) if status else None
    decision = decide(before, event(kind, actor=ME), facts(Permission.ADMIN))
    assert (decision.session, decision.effects) == (before, ())
    assert decision.why == "our own act comes back as an event"


def needed(status: Status | None, happened: ev.Event) -> Need:
    return needs(session(status) if status else None, happened)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_facts_that_nobody_reads_are_not_looked_up(kind: type, status: Status | None):
    """Take each fact away that was not asked for: the decision stays."""
    before = session(status) if status else None
    happened, wanted = event(kind), needed(status, event(kind))
    known = facts(checks=None, pull=None)
    bare = facts(
        Permission.WRITE if Need.PERMISSION in wanted else Permission.NONE,
        issue=known.issue if Need.ISSUE in wanted else None,
        base_sha=known.base_sha if Need.POLICY in wanted else "",
    )
    assert decide(before, happened, bare) == decide(before, happened, known)


@pytest.mark.parametrize(
    ("status", "happened", "expected"),
    [
        (NONE, event(ev.IssueLabeled), Need.PERMISSION | Need.POLICY | Need.PULL | Need.ISSUE),
        (WORKING, event(ev.IssueLabeled), Need.NOTHING),
        (Status.CLOSED, event(ev.PullRequestReopened), Need.PERMISSION | Need.CHECKS | Need.POLICY),
        (Status.CLOSED, event(ev.ChecksChanged), Need.NOTHING),
        (NONE, command(), Need.PERMISSION | Need.POLICY | Need.ISSUE | Need.PULL),
        (WORKING, command(source="review_comment"),
            Need.PERMISSION | Need.POLICY | Need.ISSUE | Need.PULL | Need.THREADS),
        (WORKING, event(ev.IssueUnlabeled), Need.PERMISSION | Need.ISSUE),
        (WORKING, event(ev.IssueEdited), Need.PERMISSION),
        (WORKING, event(ev.IssueClosed), Need.PULL | Need.ISSUE),
        (WORKING, event(ev.IssueClosed, how="deleted"), Need.PULL),
        (WORKING, event(ev.BranchPushed), Need.PERMISSION | Need.PULL | Need.CHECKS | Need.POLICY),
        (WORKING, event(ev.PullRequestClosed), Need.PULL),
        (WORKING, event(ev.PullRequestClosed, is_merged=True), Need.NOTHING),
        (WORKING, event(ev.ReviewSubmitted), Need.PERMISSION | Need.THREADS | Need.POLICY),
        (WORKING, event(ev.ChecksChanged), Need.CHECKS | Need.POLICY),
        (WORKING, event(ev.ChecksChanged, head_sha=NEW), Need.NOTHING),
        (Status.AWAITING_CHECKS, event(ev.ChecksChanged), Need.CHECKS | Need.POLICY),
        (Status.AWAITING_CHECKS, event(ev.ChecksChanged, head_sha=NEW), Need.NOTHING),
        (WORKING, event(ev.TurnFinished), Need.NOTHING),
        (WORKING, event(ev.TurnFinished, findings=(PROTECTED,)), Need.POLICY),
        (WORKING, event(ev.ChangeSetHeld), Need.POLICY),
        (WORKING, event(ev.TurnFinished, change_set_id=None), Need.CHECKS | Need.POLICY | Need.PULL),
        (WORKING, event(ev.Published), Need.CHECKS | Need.POLICY),
        (WORKING, event(ev.Ticked), Need.PULL | Need.POLICY),
        (Status.AWAITING_REVIEW, event(ev.Ticked), Need.ISSUE | Need.PULL | Need.CHECKS | Need.POLICY),
        (WORKING, event(ev.EffectFailed), Need.NOTHING),
    ],
)  # fmt: skip
def test_as_little_is_looked_up_as_will_do(status: Status | None, happened: ev.Event, expected: Need):
    assert needed(status, happened) is expected


def test_command_in_a_review_is_looked_into_like_any_command():
    said = event(ev.ReviewSubmitted, command=command().command)
    everything = Need.PERMISSION | Need.POLICY | Need.ISSUE | Need.PULL | Need.THREADS
    assert [needed(status, said) for status in (WORKING, Status.CLOSED)] == [everything] * 2


def test_tick_of_a_session_without_a_pull_request_looks_at_the_issue():
    assert needs(first_turn(), event(ev.Ticked)) is Need.ISSUE | Need.POLICY


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_event_has_a_subject(kind: type):
    subject = subject_of(event(kind))
    assert subject != Subject()
    assert subject.session_id is None or subject.repo_id is None


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (event(ev.IssueLabeled), Subject(repo_id=7, issue_number=12)),
        (event(ev.IssueClosed), Subject(repo_id=7, issue_number=12)),
        (command(), Subject(repo_id=7, issue_number=12)),
        (command(is_pull=True, number=34), Subject(repo_id=7, pull_number=34)),
        (event(ev.BranchPushed, branch="main"), Subject(repo_id=7, branch="main")),
        (event(ev.ChecksChanged, branch=None), Subject(repo_id=7, head_sha="1" * 40)),
        (event(ev.InstallationChanged), Subject(installation_id=70)),
        (event(ev.Ticked), Subject(session_id="7-12-1")),
    ],
)
def test_subject_is_how_the_session_is_found(happened: ev.Event, expected: Subject):
    assert subject_of(happened) == expected


def test_statuses_are_open_or_terminal():
    assert {*OPEN, *TERMINAL} == set(Status)
    assert [status.is_terminal for status in TERMINAL] == [True, True]


def test_clock_of_a_status_that_never_started_starts_now():
    unstamped: Session = replace(session(Status.AWAITING_CHECKS), status_since=None)
    assert decide(unstamped, event(ev.Ticked), facts()).why == "checks have not ended"


@pytest.mark.parametrize("before", [None, session(), session(Status.CLOSED)], ids=str)
@pytest.mark.parametrize("happened", [command(), event(ev.ReviewSubmitted)], ids=lambda it: type(it).__name__)
def test_words_that_were_heard_before_or_are_deleted_by_now_do_nothing(before: Session | None, happened: ev.Event):
    for known, why in ((facts(is_heard=True), "heard before"), (facts(is_withdrawn=True), "deleted before")):
        decision = decide(before, happened, known)
        assert (decision.session, decision.effects) == (before, ())
        assert why in decision.why


def test_words_are_known_by_where_they_stand():
    assert words_in(command(source="review_comment", comment_id=7)) == ("review_comment", 7)
    assert words_in(event(ev.ReviewSubmitted, review_id=8)) == ("review", 8)
    assert words_in(event(ev.Ticked)) is None
