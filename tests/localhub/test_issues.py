"""Issues, comments, labels and reactions, as PyGithub sees them and as webhooks tell them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from github import GithubException, UnknownObjectException

from .conftest import Story


def test_an_issue_with_a_label_is_opened_and_labelled(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug", "It breaks.", ["honk"])
    seen = story.remote().get_issue(issue.number)
    assert (seen.title, seen.body, [x.name for x in seen.labels]) == ("Bug", "It breaks.", ["honk"])
    assert story.events()[-2:] == ["issues.opened", "issues.labeled"]


def test_labels_keep_their_case_but_are_found_in_any(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    story.hub.create_label(story.repo, "Honk")
    seen = story.remote().get_issue(issue.number)
    seen.add_to_labels("honk")
    assert [x.name for x in seen.get_labels()] == ["Honk"]
    seen.remove_from_labels("HONK")
    assert story.events()[-2:] == ["issues.labeled", "issues.unlabeled"]


def test_taking_off_a_label_that_is_not_on_is_404(story: Story):
    story.alice.open_issue(story.repo, "Bug")
    with pytest.raises(GithubException) as refused:
        story.remote().get_issue(1).remove_from_labels("honk")
    assert (refused.value.status, refused.value.data["message"]) == (404, "Label does not exist")


def test_a_label_is_made_once(story: Story):
    remote = story.remote()
    assert remote.create_label("honk", "00ff00", "wakes the goose").description == "wakes the goose"
    with pytest.raises(GithubException) as refused:
        remote.create_label("HONK", "00ff00")
    assert refused.value.status == 422
    assert refused.value.data["errors"][0]["code"] == "already_exists"


def test_a_comment_is_written_edited_and_removed(story: Story):
    story.alice.open_issue(story.repo, "Bug")
    remote = story.remote()
    comment = remote.get_issue(1).create_comment("working")
    assert comment.user.login == "honk[bot]"
    comment.edit("done")
    assert remote.get_issue(1).get_comment(comment.id).body == "done"
    comment.delete()
    assert list(remote.get_issue(1).get_comments()) == []
    assert story.events()[-3:] == ["issue_comment.created", "issue_comment.edited", "issue_comment.deleted"]


def test_a_text_of_65536_characters_fits_and_one_more_does_not(story: Story):
    story.alice.open_issue(story.repo, "Bug")
    issue = story.remote().get_issue(1)
    assert len(issue.create_comment("x" * 65_536).body) == 65_536
    with pytest.raises(GithubException) as refused:
        issue.create_comment("x" * 65_537)
    assert "maximum is 65536 characters" in refused.value.data["errors"][0]["message"]


def test_reacting_twice_is_one_reaction(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    comment = story.alice.comment(issue, "/honk")
    remote = story.remote().get_issue(1)
    assert remote.create_reaction("eyes").id == remote.create_reaction("eyes").id
    remote.get_comment(comment.id).create_reaction("+1")
    assert [r.content for r in remote.get_reactions()] == ["eyes"]
    assert [r.content for r in comment.reactions] == ["+1"]


def test_a_list_is_paged_with_links(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    for number in range(25):
        story.alice.comment(issue, f"{number}")
    client = story.client()
    client.per_page = 10
    comments = client.get_repo("acme/app").get_issue(1).get_comments()
    assert [c.body for c in comments] == [str(n) for n in range(25)]
    assert comments.totalCount == 25


def test_an_issue_closes_and_opens_again(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    remote = story.remote().get_issue(1)
    remote.edit(state="closed", state_reason="not_planned")
    assert (issue.state, issue.state_reason) == ("closed", "not_planned")
    story.alice.reopen(issue)
    story.alice.edit_issue(issue, title="Bigger bug")
    assert story.events()[-3:] == ["issues.closed", "issues.reopened", "issues.edited"]


def test_a_locked_issue_takes_no_comment_of_a_reader(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    reader = story.hub.grant(story.repo, "rita", "read")
    issue.locked = True
    with pytest.raises(Exception, match="locked"):
        reader.comment(issue, "but")


def test_what_happened_to_an_issue_is_on_its_record(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug", labels=["honk"])
    story.alice.unlabel(issue, "honk")
    story.alice.edit_issue(issue, title="A bug")
    story.alice.close(issue)
    story.alice.reopen(issue)
    _, acts = story.client().requester.requestJsonAndCheck("GET", f"/repos/acme/app/issues/{issue.number}/events")
    assert [act["event"] for act in acts] == ["labeled", "unlabeled", "renamed", "closed", "reopened"]
    assert {act["actor"]["login"] for act in acts} == {"alice"}
    assert [act["label"]["name"] for act in acts[:2]] == ["honk", "honk"]


def test_comments_of_all_issues_are_listed_by_when_they_were_changed(story: Story):
    first = story.alice.comment(story.alice.open_issue(story.repo, "One"), "first")
    second = story.alice.comment(story.alice.open_issue(story.repo, "Two"), "second")
    first.updated_at += timedelta(seconds=60)
    remote = story.remote()
    found = remote.get_issues_comments(sort="updated", direction="asc")
    assert [each.body for each in found] == ["second", "first"]
    later = remote.get_issues_comments(sort="updated", direction="asc", since=first.updated_at)
    assert [each.body for each in later] == ["first"]
    assert second.issue.number == 2


def test_a_deleted_issue_is_gone_and_a_transferred_one_has_moved(story: Story):
    elsewhere = story.hub.create_repository("acme/other", {"x": "x"})
    deleted, moved = (story.alice.open_issue(story.repo, title) for title in ("One", "Two"))
    story.alice.delete_issue(deleted)
    there = story.alice.transfer(moved, elsewhere)
    repository = story.remote()
    with pytest.raises(GithubException) as refused:
        repository.get_issue(deleted.number)
    assert refused.value.status == 410
    with pytest.raises(UnknownObjectException):  # PyGithub goes there, and the app is not there
        repository.get_issue(moved.number)
    assert story.hub.exchanges[-1].path == f"/repos/acme/other/issues/{there.number}"
    assert story.alice.open_issue(story.repo, "Three").number == 3, "numbers are never given twice"
    assert story.events()[-3:] == ["issues.deleted", "issues.transferred", "issues.opened"]


def test_who_edited_an_issue_last_is_told_by_graphql(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug", "body")
    query = "query($id: ID!) { node(id: $id) { ... on Issue { lastEditedAt editor { login } } } }"

    def ask():
        url = story.hub.graphql_url
        _, answer = story.client().requester.requestJsonAndCheck(
            "POST", url, input={"query": query, "variables": {"id": f"I_{issue.id}"}}
        )
        return answer["data"]["node"]

    assert ask() == {"lastEditedAt": None, "editor": None}
    story.alice.edit_issue(issue, body="another")
    assert ask()["editor"] == {"login": "alice"}
