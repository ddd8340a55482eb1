"""Issues, comments, labels and reactions, as PyGithub sees them and as webhooks tell them."""

from __future__ import annotations

import pytest
from github import GithubException

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
