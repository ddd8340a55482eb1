"""What nobody told us is what its delivery would have told, and what is older than what we know is nothing new."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.commands import Command
from github_app.core.missed import (
    Act,
    Change,
    Edit,
    Remark,
    command_of,
    command_of_issue,
    edited_since,
    find_end,
    find_label,
    review_of,
)
from tests.core.scene import ALICE, BOB, BRANCH, CAROL, CLOSED, ISSUE, NOW, PULL, REPO, issue, session

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
LONG_AGO = NOW - 100 * HOUR


def change(*, labels: tuple[str, ...] = ("honk",), **changes: Any) -> Change:
    found = issue(labels=labels, updated_at=NOW, **changes)
    return Change(issue=found, is_pull=False, node_id="I_1", created_at=NOW - HOUR, updated_at=NOW)


def act(kind: Any, at: Any = NOW, label: str = "honk", **changes: Any) -> Act:
    return replace(Act(id=9, kind=kind, actor=ALICE, at=at, label=label), **changes)


def remark(body: str = "/honk louder", **changes: Any) -> Remark:
    usual = Remark(
        id=5, source="issue_comment", number=ISSUE, is_pull=False, node_id="IC_5", author=ALICE, body=body,
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return replace(usual, **changes)


def label_found(*acts: Act, last: Any = None, since: Any = LONG_AGO) -> ev.IssueLabeled | None:
    return find_label(change(), acts, last, repo=REPO, label="honk", since=since)


def test_label_that_was_put_on_is_the_event_of_who_put_it_on():
    found = label_found(act("labeled", label="bug"), act("labeled", label="Honk"))
    assert found == ev.IssueLabeled(id="look:labeled:9", repo=REPO, actor=ALICE, issue=change().issue, label="Honk")


@pytest.mark.parametrize(
    "acts", [(), (act("labeled", label="bug"),), (act("labeled"), act("unlabeled"))], ids=["none", "another", "off"]
)
def test_label_that_nobody_put_on_begins_nothing(acts: tuple[Act, ...]):
    assert label_found(*acts) is None


def test_label_that_was_put_on_before_we_looked_for_the_first_time_begins_nothing():
    assert label_found(act("labeled", NOW - HOUR), since=NOW) is None
    assert label_found(act("labeled", NOW), since=NOW) is not None


def test_label_that_began_the_last_session_does_not_begin_another():
    """It should have been taken off at its end, and sometimes that fails."""
    last = session(CLOSED, created_at=NOW)
    assert label_found(act("labeled", NOW - HOUR), last=last) is None
    assert label_found(act("labeled", NOW + 90 * SECOND), last=last) is None, "clocks may be that far apart"
    assert label_found(act("labeled", NOW + HOUR), last=last) is not None
    assert label_found(act("labeled", NOW + HOUR), last=session(CLOSED, created_at=None)) is None


def end_found(seen: Change, *acts: Act, created_at: Any = NOW - HOUR) -> Any:
    return find_end(seen, acts, session(created_at=created_at), repo=REPO, label="honk")


def test_label_that_was_taken_off_and_issue_that_was_closed_end_the_work():
    off, closed = act("unlabeled"), act("closed", label="")
    assert end_found(change(labels=()), off) == ev.IssueUnlabeled(
        id="look:unlabeled:9", repo=REPO, actor=ALICE, number=ISSUE, label="honk", at=NOW
    )
    assert end_found(change(is_open=False), closed) == ev.IssueClosed(
        id="look:closed:9", repo=REPO, actor=ALICE, number=ISSUE, at=NOW
    )


@pytest.mark.parametrize(
    ("seen", "acts"),
    [
        (change(labels=()), ()),
        (change(labels=()), (act("unlabeled", NOW - 2 * HOUR),)),
        (change(labels=()), (act("labeled"),)),
        (change(), (act("unlabeled"),)),
        (change(), (act("closed"),)),
        (change(is_open=False), (act("closed", NOW - 2 * HOUR),)),
    ],
    ids=["begun by words", "off before", "no act", "on again", "open again", "closed before"],
)
def test_what_was_not_meant_for_the_work_does_not_end_it(seen: Change, acts: tuple[Act, ...]):
    assert end_found(seen, *acts) is None


def test_session_that_is_older_than_its_own_clock_is_left_alone():
    assert end_found(change(labels=()), act("unlabeled"), created_at=None) is None


def test_command_in_a_comment_is_its_authors_on_the_issue_as_it_stands():
    found = command_of(remark(), ALICE, repo=REPO, issue=issue())
    assert found == ev.CommandIssued(
        id="look:issue_comment:5", repo=REPO, actor=ALICE, number=ISSUE, is_pull=False,
        command=Command(verb="do", text="louder"), comment_id=5, source="issue_comment",
        issue_text=("The goose is silent", "It should honk."), at=NOW,
    )  # fmt: skip
    inline = command_of(remark(source="review_comment", is_pull=True, number=PULL), BOB, repo=REPO, branch=BRANCH)
    assert inline is not None
    assert (inline.source, inline.branch, inline.issue_text, inline.actor) == ("review_comment", BRANCH, None, BOB)
    assert command_of(remark("hello"), ALICE, repo=REPO) is None


def test_command_in_the_issue_itself_is_its_authors():
    found = command_of_issue(change(body="/honk"), repo=REPO)
    assert found is not None
    assert (found.id, found.actor, found.source, found.comment_id) == ("look:issue:7:12", BOB, "issue", ISSUE)
    assert command_of_issue(change(), repo=REPO) is None


def test_review_is_what_its_delivery_would_have_been():
    said = remark("/honk stop", source="review", is_pull=True, number=PULL, state="changes_requested")
    assert review_of(said, ALICE, repo=REPO, branch=BRANCH) == ev.ReviewSubmitted(
        id="look:review:5", repo=REPO, actor=ALICE, pull_number=PULL, branch=BRANCH, review_id=5,
        state="changes_requested", body="/honk stop", command=Command(verb="stop"),
    )  # fmt: skip


def test_who_changed_the_words_after_they_were_asked_for_answers_for_them_too():
    renamed = act("renamed", NOW, label="", actor=CAROL)
    assert edited_since(NOW, (renamed,), Edit(editor=BOB, at=NOW)) == (CAROL, BOB)
    assert edited_since(NOW + SECOND, (renamed,), Edit(editor=BOB, at=NOW)) == ()
    assert edited_since(NOW, (), None) == ()
