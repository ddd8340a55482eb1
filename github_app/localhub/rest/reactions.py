"""https://docs.github.com/rest/reactions : on issues, their comments and review comments."""

from __future__ import annotations

from typing import Any

from github_app.localhub import shapes
from github_app.localhub.deeds import issues
from github_app.localhub.exchange import Call, Reply, not_found, route
from github_app.localhub.values import Comment, Issue, ReviewComment

from .issues import find_comment
from .reviews import find_review_comment

_READ = "issues:read|pull_requests:read"
_TALK = "talk|issues:write|pull_requests:write"

Thing = Issue | Comment | ReviewComment


def _list(call: Call, thing: Thing) -> Any:
    wanted = call.query.get("content")
    found = [r for r in thing.reactions if wanted in (None, r.content)]
    return call.page(found, lambda r: shapes.reaction(call.world, r))


def _create(call: Call, thing: Thing) -> Reply:
    reaction, new = issues.add_reaction(call.world, thing, call.user, call.want("content"))
    return Reply(shapes.reaction(call.world, reaction), 201 if new else 200)


def _delete(call: Call, thing: Thing) -> Reply:
    for reaction in thing.reactions:
        if reaction.id == call.number("reaction_id"):
            thing.reactions.remove(reaction)
            return Reply(None, 204)
    raise not_found()


@route("GET", "/repos/{owner}/{repo}/issues/{number}/reactions", _READ)
def list_on_issue(call: Call) -> Any:
    """Reactions to an issue."""
    return _list(call, call.issue)


@route("POST", "/repos/{owner}/{repo}/issues/{number}/reactions", _TALK)
def create_on_issue(call: Call) -> Any:
    """React to an issue."""
    return _create(call, call.issue)


@route("DELETE", "/repos/{owner}/{repo}/issues/{number}/reactions/{reaction_id}", _TALK)
def delete_on_issue(call: Call) -> Any:
    """Take a reaction back."""
    return _delete(call, call.issue)


@route("GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", _READ)
def list_on_comment(call: Call) -> Any:
    """Reactions to a comment."""
    return _list(call, find_comment(call))


@route("POST", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", _TALK)
def create_on_comment(call: Call) -> Any:
    """React to a comment."""
    return _create(call, find_comment(call))


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}", _TALK)
def delete_on_comment(call: Call) -> Any:
    """Take a reaction back."""
    return _delete(call, find_comment(call))


@route("GET", "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions", "pull_requests:read")
def list_on_review_comment(call: Call) -> Any:
    """Reactions to a review comment."""
    return _list(call, find_review_comment(call))


@route("POST", "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions", "talk|pull_requests:write")
def create_on_review_comment(call: Call) -> Any:
    """React to a review comment."""
    return _create(call, find_review_comment(call))
