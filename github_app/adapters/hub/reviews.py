"""Reviews of ours: comments on the lines of a pull request. They approve nothing and refuse nothing.

https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.comments import post_once
from github_app.adapters.hub.texts import BODY_LIMIT, cut, has_mark, mark
from github_app.core.model import Actor
from github_app.core.reports import LineComment


def post_review(
    client: RepoClient, number: int, *, key: str, sha: str, body: str, comments: Sequence[LineComment], me: Actor
) -> None:
    """Post one review with comments on lines, once for each key. Raises `Refused` where GitHub does not take those."""
    what = f"review of #{number}"

    def look() -> int | None:
        def ask(it: Repository) -> int | None:
            for review in it.get_pull(number).get_reviews():
                if review.user and review.user.id == me.id and has_mark(review.body or "", key):
                    return review.id
            return None

        return client.read(ask, what=what)

    def post(it: Repository) -> int:
        # Not by PyGithub's own call: that looks the commit up first. What event it is, nobody can tell us.
        lines = [_line(each) for each in comments]
        asked = {"commit_id": sha, "body": mark(body, key), "event": "COMMENT", "comments": lines}
        _, made = it.requester.requestJsonAndCheck("POST", f"{it.url}/pulls/{number}/reviews", input=asked)
        return int(made["id"])

    if look() is None:
        post_once(client, post, look, what=what)


def _line(comment: LineComment) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "path": comment.path,
        "line": comment.last_line,
        "side": "RIGHT",
        "body": cut(comment.body, BODY_LIMIT),
    }
    if comment.first_line != comment.last_line:
        asked |= {"start_line": comment.first_line, "start_side": "RIGHT"}
    return asked
