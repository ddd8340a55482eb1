"""The pull request that takes a merged one back, made by GitHub as by its button: branch, commit and pull request.

https://docs.github.com/graphql/reference/mutations#revertpullrequest
"""

from __future__ import annotations

import itertools

from github import GithubException
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.errors import Unprocessable, message_of
from github_app.adapters.hub.texts import has_mark, mark, title_of
from github_app.core.errors import RateLimited, Refused, Transient
from github_app.core.model import Actor

REVERT = """
mutation($id: ID!, $title: String!, $body: String!, $draft: Boolean!) {
  revertPullRequest(input: {pullRequestId: $id, title: $title, body: $body, draft: $draft}) {
    revertPullRequest { number }
  }
}
"""

NEWEST = 100
"""So many pull requests, the newest first, are searched for one of ours: it was asked for a moment ago."""


def revert_pull(client: RepoClient, number: int, *, key: str, title: str, body: str, me: Actor) -> int:
    """The number of the draft pull request (not a draft, where there are none) that reverts a merged one: found by its
    mark, else made. Raises `Refused` with GitHub's words."""
    tag = f"revert:{key}"
    found = _find(client, tag, me)
    if found is not None:
        return found
    node_id = client.read(lambda it: it.get_pull(number).node_id, what=f"pull request #{number}", was_told=True)
    asked = {"id": node_id, "title": title_of(title), "body": mark(body, tag), "draft": True}
    try:
        return _ask(client, asked, number)
    except Unprocessable as error:
        if not error.says("draft pull requests are not supported"):
            raise _refused(error.said[0]) from error
        return _ask(client, {**asked, "draft": False}, number)
    except RateLimited:
        raise
    except Transient:
        # The answer may be all that was lost.
        if (found := _find(client, tag, me)) is None:
            raise
        return found


def _ask(client: RepoClient, asked: dict[str, object], number: int) -> int:
    try:
        answer = client.mutate(REVERT, asked, what=f"revert of #{number}")
    except GithubException as error:  # an error to which GitHub gave no kind
        raise _refused(message_of(error)) from error
    return int(answer["revertPullRequest"]["revertPullRequest"]["number"])


def _refused(said: str) -> Refused:
    return Refused(f"GitHub says: {said}")


def _find(client: RepoClient, tag: str, me: Actor) -> int | None:
    def ask(it: Repository) -> int | None:
        listed = itertools.islice(it.get_pulls(state="all", sort="created", direction="desc"), NEWEST)
        ours = (each for each in listed if each.user and each.user.id == me.id)
        return next((each.number for each in ours if has_mark(each.body or "", tag)), None)

    return client.read(ask, what="our revert")
