"""What stands on GitHub is read list by list, by the time of the last change, and nothing in it is passed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from github_app.adapters.hub import listing
from github_app.core.model import Actor
from github_app.localhub.deeds.reviews import Inline
from tests.adapters.hub_stage import Stage

AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_installations_and_their_repositories(stage: Stage):
    archived = stage.github.create_repository("acme/old", {"x": "x"})
    archived.archived = True
    read = stage.hub.listing
    [(installation_id, since)] = read.installations()
    assert (installation_id, since) == (stage.installation.id, stage.installation.created_at)
    assert read.repositories(installation_id) == (stage.repo,)
    stage.github.suspend(stage.installation)
    assert read.installations() == ()


def test_what_changed_since_is_listed_open_or_closed_issue_or_pull_request(stage: Stage):
    issue, closed = stage.issue("Open", labels=["honk"]), stage.issue("Closed")
    pull = stage.pull()
    stage.maintainer.close(closed)
    closed.updated_at += 10 * SECOND
    found = stage.hub.listing.changes(stage.repo, AGES_AGO)
    assert [(each.issue.title, each.is_pull, each.issue.is_open) for each in found] == [
        ("Open", False, True), ("Fix it", True, True), ("Closed", False, False),
    ]  # fmt: skip
    assert (found[0].issue.labels, found[0].updated_at) == (("honk",), issue.updated_at)
    assert found[0].issue.author == Actor(id=stage.maintainer.user.id, login="mia")
    assert pull.issue.number == found[1].issue.number
    later = stage.hub.listing.changes(stage.repo, closed.updated_at)
    assert [each.issue.title for each in later] == ["Closed"]


def test_one_issue_is_read_by_its_number_while_it_is_in_this_repository(stage: Stage):
    issue, moved, deleted = stage.issue("Stays"), stage.issue("Moves"), stage.issue("Goes")
    stage.maintainer.transfer(moved, stage.github.create_repository("acme/other", {"x": "x"}))
    stage.maintainer.delete_issue(deleted)
    read = stage.hub.listing
    assert read.change(stage.repo, issue.number) in read.changes(stage.repo, AGES_AGO)
    assert [read.change(stage.repo, each.number) for each in (moved, deleted)] == [None, None]


def test_list_longer_than_a_page_is_read_on_where_it_ended(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "AT_ONCE", 3)
    begun = stage.issue("0").updated_at
    for number in range(1, 10):
        # Five within one second, where time alone does not tell pages apart.
        stage.issue(str(number)).updated_at = begun + (0 if number < 5 else number) * SECOND
    found = stage.hub.listing.changes(stage.repo, AGES_AGO)
    assert [each.issue.title for each in found] == [str(number) for number in range(10)]
    monkeypatch.setattr(listing, "LONGEST", 2)
    first = stage.hub.listing.changes(stage.repo, AGES_AGO)
    assert [each.issue.title for each in first][:3] == ["0", "1", "2"]


def test_comments_of_all_issues_say_where_they_stand(stage: Stage):
    issue, pull = stage.issue(), stage.pull()
    stage.maintainer.comment(issue, "under the issue")
    under = stage.maintainer.comment(pull.issue, "under the pull request")
    under.updated_at += 5 * SECOND
    found = stage.hub.listing.remarks(stage.repo, AGES_AGO)
    assert [(each.body, each.number, each.is_pull, each.source) for each in found] == [
        ("under the issue", issue.number, False, "issue_comment"),
        ("under the pull request", pull.issue.number, True, "issue_comment"),
    ]
    assert found[1].updated_at > found[1].created_at
    assert [each.id for each in stage.hub.listing.remarks(stage.repo, under.updated_at)] == [under.id]


def test_record_of_an_issue(stage: Stage):
    issue = stage.issue(labels=["honk"])
    stage.maintainer.unlabel(issue, "honk")
    stage.maintainer.edit_issue(issue, title="Another")
    stage.maintainer.close(issue)
    stage.maintainer.reopen(issue)
    acts = stage.hub.listing.acts(stage.repo, issue.number)
    assert [(act.kind, act.label) for act in acts] == [
        ("labeled", "honk"), ("unlabeled", "honk"), ("renamed", ""), ("closed", ""),
    ]  # fmt: skip
    assert {act.actor.login for act in acts} == {"mia"}


def test_reviews_that_stand_and_inline_comments(stage: Stage):
    pull = stage.pull()
    rob = stage.github.grant(stage.place, "rob", "write")
    rob.dismiss(rob.review(pull, "APPROVE", "fine"))
    asked = rob.review(pull, "REQUEST_CHANGES", "no", [Inline("fix.py", "/honk why?", 1)])
    [review] = stage.hub.listing.reviews(stage.repo, pull.issue.number)
    assert (review.id, review.state, review.body, review.author.login) == (asked.id, "changes_requested", "no", "rob")
    [inline] = stage.hub.listing.inline_remarks(stage.repo, pull.issue.number, AGES_AGO)
    assert (inline.body, inline.source, inline.number) == ("/honk why?", "review_comment", pull.issue.number)


def test_who_edited_what_last(stage: Stage):
    rob = stage.github.grant(stage.place, "rob", "write")
    issue, pull = stage.issue(), stage.pull()
    comment, untouched = (stage.maintainer.comment(issue, text) for text in ("one", "two"))
    review = rob.review(pull, "COMMENT", "hm")
    rob.edit_comment(comment, "another")
    rob.edit_issue(issue, body="another")
    nodes = [f"I_{issue.id}", f"IC_{comment.id}", f"IC_{untouched.id}", f"PRR_{review.id}"]
    edits = stage.hub.listing.edits(stage.repo, nodes)
    assert {node: edit.editor.login for node, edit in edits.items()} == {nodes[0]: "rob", nodes[1]: "rob"}
    assert stage.hub.listing.edits(stage.repo, []) == {}


def test_whether_a_comment_is_still_there(stage: Stage):
    issue, pull = stage.issue(), stage.pull()
    comment = stage.maintainer.comment(issue, "/honk")
    inline = stage.maintainer.comment_line(pull, "fix.py", 1, "/honk")
    assert stage.hub.has_comment(stage.repo, "issue_comment", comment.id)
    assert stage.hub.has_comment(stage.repo, "review_comment", inline.id)
    stage.maintainer.delete_comment(comment)
    assert not stage.hub.has_comment(stage.repo, "issue_comment", comment.id)
