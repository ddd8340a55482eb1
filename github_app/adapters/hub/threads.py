"""Unresolved review threads, by GraphQL: REST does not say which are resolved.

https://docs.github.com/graphql/reference/objects#pullrequestreviewthread
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.people import EDITOR_FIELDS, least
from github_app.adapters.hub.shapes import actor_of_node
from github_app.core.errors import NotVisibleYet
from github_app.core.model import Actor, Comment, Permission, Thread

_COMMENTS = (
    """
comments(first: 100, after: $comments) {
  pageInfo { hasNextPage endCursor }
  nodes {
    databaseId
    body
    createdAt
    """
    + EDITOR_FIELDS
    + """
    author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
  }
}
"""
)

THREADS = (
    """
query($owner: String!, $name: String!, $number: Int!, $threads: String, $comments: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      headRefOid
      reviewThreads(first: 50, after: $threads) {
        pageInfo { hasNextPage endCursor }
        nodes { id isResolved isOutdated path line startLine diffSide opening: comments(first: 1) { nodes { diffHunk } }
          """
    + _COMMENTS
    + """ }
      }
    }
  }
}
"""
)

MORE_COMMENTS = (
    """
query($thread: ID!, $comments: String) {
  node(id: $thread) { ... on PullRequestReviewThread { """
    + _COMMENTS
    + """ } }
}
"""
)

RESOLVE = """
mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }
"""

LAG_S = 300.0
"""What is older than this GraphQL knows as well as REST, if our clock is not too wrong."""

QUOTED_LINES = 12
"""So many lines are shown of what a thread is about, where the file does not have them (any more)."""


def read_threads(
    client: RepoClient, pull_number: int, *, permission_of: Callable[[Actor], Permission]
) -> tuple[Thread, ...]:
    """Read the unresolved threads of a pull request, all pages; our own comments are among their comments.

    Raises `NotVisibleYet` where REST has a new comment that GraphQL does not show yet.
    """
    what = f"review threads of #{pull_number}"
    newest = _newest_comments(client, pull_number, what)
    found: list[Thread] = []
    seen: set[int] = set()
    cursor: str | None = None
    while True:
        variables = {"number": pull_number, "threads": cursor, "comments": None}
        repository = client.query(THREADS, variables, what=what).get("repository") or {}
        pull = repository.get("pullRequest")
        if pull is None:
            raise NotVisibleYet(f"{what}: GitHub does not show the pull request")
        page = pull["reviewThreads"]
        for node in page["nodes"]:
            seen |= {each["databaseId"] for each in node["comments"]["nodes"]}
            if node["isResolved"]:
                continue
            comments = [_comment(each, permission_of) for each in _all_comments(client, node, what)]
            seen |= {each.id for each in comments}
            if comments:
                found.append(_thread(node, comments, head_sha=pull["headRefOid"]))
        if not page["pageInfo"]["hasNextPage"]:
            if not newest <= seen:
                raise NotVisibleYet(f"{what}: GitHub does not show all comments yet")
            return tuple(found)
        cursor = page["pageInfo"]["endCursor"]


def resolve(client: RepoClient, thread_id: str) -> None:
    """Resolve a review thread; nothing if it is."""
    client.mutate(RESOLVE, {"id": thread_id}, what="review thread")


def _newest_comments(client: RepoClient, pull_number: int, what: str) -> set[int]:
    """The comments of the last minutes: those that GraphQL may not know yet."""

    def ask(it: Repository) -> set[int]:
        listed = it.get_pull(pull_number).get_review_comments(sort="created", direction="desc")
        return {each.id for each in itertools.takewhile(lambda each: client.age_s(each.created_at) < LAG_S, listed)}

    return client.read(ask, what=what)


def _all_comments(client: RepoClient, thread: dict[str, Any], what: str) -> list[dict[str, Any]]:
    page = thread["comments"]
    nodes = list(page["nodes"])
    while page["pageInfo"]["hasNextPage"]:
        variables = {"thread": thread["id"], "comments": page["pageInfo"]["endCursor"]}
        page = client.query(MORE_COMMENTS, variables, what=what)["node"]["comments"]
        nodes += page["nodes"]
    return nodes


def _thread(node: dict[str, Any], comments: list[Comment], *, head_sha: str) -> Thread:
    # On the left side lines are counted in the old file.
    line = node["line"] if node["diffSide"] == "RIGHT" else None
    hunk = node["opening"]["nodes"][0]["diffHunk"] or ""
    return Thread(
        id=node["id"],
        reply_to=comments[0].id,
        path=node["path"],
        line=line,
        comments=tuple(comments),
        is_outdated=node["isOutdated"],
        first_line=node["startLine"] if line is not None else None,
        quoted="\n".join(hunk.splitlines()[-QUOTED_LINES:]) if line is None else "",
        hunk=hunk,
        head_sha=head_sha,
    )


def _comment(node: dict[str, Any], permission_of: Callable[[Actor], Permission]) -> Comment:
    author = actor_of_node(node["author"])
    return Comment(
        id=node["databaseId"],
        author=author,
        permission=least(permission_of(author), author, node, permission_of),
        body=node["body"] or "",
        created_at=datetime.fromisoformat(node["createdAt"]),
    )
