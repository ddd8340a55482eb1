"""Reviews, threads and what becomes of their lines, by REST and GraphQL."""

from __future__ import annotations

from typing import Any

import pytest
from github import GithubException

from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.exchange import ApiError
from github_app.localhub.values import Pull

from .conftest import Story

THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 2, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id isResolved isOutdated path line comments(first: 50) {
        nodes { databaseId body author { login ... on User { databaseId } ... on Bot { databaseId } } } } } } } } }
"""
LINES = "".join(f"line {n}\n" for n in range(1, 21))


@pytest.fixture
def pull(story: Story) -> Pull:
    """A pull request of the app that changes lines 5 and 15 of a file of twenty."""
    story.alice.push(story.repo, "main", {"code.py": LINES}, "Twenty lines")
    bot = type(story.alice)(story.hub.world, story.made.app.bot)
    changed = LINES.replace("line 5\n", "LINE 5\n").replace("line 15\n", "LINE 15\n")
    bot.push(story.repo, "honk/1", {"code.py": changed}, "Shout")
    return bot.open_pull(story.repo, "Shout", head="honk/1")


def threads(story: Story, pull: Pull) -> list[dict[str, Any]]:
    """Read all threads, page by page, as an app does."""
    requester, found, after = story.client().requester, [], None
    while True:
        variables = {"owner": "acme", "name": "app", "number": pull.issue.number, "after": after}
        _, answer = requester.graphql_query(THREADS, variables)
        page = answer["data"]["repository"]["pullRequest"]["reviewThreads"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_a_review_is_one_event_and_its_comments_one_each(story: Story, pull: Pull):
    story.alice.review(pull, "REQUEST_CHANGES", "Please.", [Inline("code.py", "why?", 5), Inline("code.py", "hm", 15)])
    assert story.events()[-3:] == ["pull_request_review.submitted", *["pull_request_review_comment.created"] * 2]
    remote = story.remote().get_pull(pull.issue.number)
    assert [(r.state, r.body) for r in remote.get_reviews()] == [("CHANGES_REQUESTED", "Please.")]
    assert [(c.path, c.line, c.body) for c in remote.get_review_comments()] == [
        ("code.py", 5, "why?"), ("code.py", 15, "hm"),
    ]  # fmt: skip
    payload = next(d.payload for d in story.hub.deliveries if d.event == "pull_request_review")
    assert payload["review"]["state"] == "changes_requested"


def test_the_hunk_ends_at_the_commented_line(story: Story, pull: Pull):
    comment = story.alice.comment_line(pull, "code.py", 5, "why?")
    lines = comment.thread.diff_hunk.split("\n")
    assert lines[0].startswith("@@ -2,7 +2,7 @@")
    assert lines[-2:] == ["-line 5", "+LINE 5"]


@pytest.mark.parametrize("asked", [Inline("code.py", "x", 10), Inline("code.py", "x", 99), Inline("none.py", "x", 1)])
def test_a_line_outside_the_diff_takes_no_comment(story: Story, pull: Pull, asked: Inline):
    with pytest.raises(ApiError, match="422"):
        story.alice.review(pull, "COMMENT", inline=[asked])
    assert pull.reviews == []


def test_an_answer_joins_the_thread(story: Story, pull: Pull):
    asked = story.alice.comment_line(pull, "code.py", 5, "why?")
    remote = story.remote().get_pull(pull.issue.number)
    answer = remote.create_review_comment_reply(asked.id, "because")
    assert (answer.in_reply_to_id, answer.user.login) == (asked.id, "honk[bot]")
    (thread,) = threads(story, pull)
    # GraphQL, unlike REST, shows bots without their suffix.
    assert [(c["body"], c["author"]["login"]) for c in thread["comments"]["nodes"]] == [
        ("why?", "alice"), ("because", "honk"),
    ]  # fmt: skip


def test_lines_above_move_a_thread_and_a_change_outdates_it(story: Story, pull: Pull):
    story.alice.review(pull, "COMMENT", "See.", [Inline("code.py", "five", 5), Inline("code.py", "fifteen", 15)])
    moved = "new first\n" + LINES.replace("line 5\n", "LINE 5\n").replace("line 15\n", "changed\n")
    story.alice.push(story.repo, "honk/1", {"code.py": moved}, "Again")
    assert [(t["line"], t["isOutdated"]) for t in threads(story, pull)] == [(6, False), (None, True)]
    comments = story.remote().get_pull(pull.issue.number).get_review_comments()
    assert [(c.line, c.original_line) for c in comments] == [(6, 5), (None, 15)]


def test_threads_are_paged_resolved_and_answered_by_graphql(story: Story, pull: Pull):
    for line in (3, 4, 5, 6, 7):
        story.alice.comment_line(pull, "code.py", line, f"{line}?")
    found = threads(story, pull)
    assert [t["line"] for t in found] == [3, 4, 5, 6, 7]
    requester = story.client().requester
    requester.graphql_named_mutation("resolveReviewThread", {"threadId": found[0]["id"]}, "thread { isResolved }")
    requester.graphql_named_mutation(
        "addPullRequestReviewThreadReply", {"pullRequestReviewThreadId": found[1]["id"], "body": "done"},
        "comment { databaseId }",
    )  # fmt: skip
    assert [t["isResolved"] for t in threads(story, pull)] == [True, False, False, False, False]
    assert [c.body for c in pull.threads[1].comments] == ["4?", "done"]
    assert "pull_request_review_thread.resolved" in story.events()


def test_a_comment_is_minimized(story: Story, pull: Pull):
    comment = story.alice.comment(pull.issue, "old news")
    node = story.remote().get_issue(pull.issue.number).get_comment(comment.id).node_id
    story.client().requester.graphql_named_mutation(
        "minimizeComment", {"subjectId": node, "classifier": "OUTDATED"}, "minimizedComment { isMinimized }"
    )
    assert comment.minimized == "outdated"


def test_graphql_refuses_what_its_schema_does_not_know(story: Story):
    for query in ("{ viewer { shoeSize } }", '{ repository(owner: "acme") { id } }', "{ viewer {"):
        with pytest.raises(GithubException) as refused:
            story.client().requester.graphql_query(query, {})
        assert refused.value.data["errors"][0]["message"]


def test_graphql_keeps_to_the_tokens_permissions(story: Story, pull: Pull):
    node = f"PR_{pull.id}"
    with pytest.raises(GithubException) as refused:
        story.client(pull_requests="read").requester.graphql_named_mutation(
            "convertPullRequestToDraft", {"pullRequestId": node}, "pullRequest { isDraft }"
        )
    assert refused.value.data["errors"][0]["message"] == "Resource not accessible by integration"
    assert not pull.draft


def test_nobody_approves_their_own_pull_request(story: Story, pull: Pull):
    with pytest.raises(GithubException) as refused:
        story.remote().get_pull(pull.issue.number).create_review(event="APPROVE")
    assert refused.value.data["errors"] == ["Can not approve your own pull request"]


def test_a_pending_review_is_silent_until_it_is_submitted(story: Story, pull: Pull):
    remote = story.remote().get_pull(pull.issue.number)
    review = remote.create_review(body="Notes.")
    assert (review.state, "pull_request_review.submitted" in story.events()) == ("PENDING", False)
    requester, url = story.client().requester, f"{review.pull_request_url}/reviews/{review.id}/events"
    requester.requestJsonAndCheck("POST", url, input={"event": "COMMENT"})
    assert pull.reviews[0].state == "COMMENTED"
    assert "pull_request_review.submitted" in story.events()
