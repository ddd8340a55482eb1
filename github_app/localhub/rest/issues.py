"""https://docs.github.com/rest/issues : issues, their comments and labels."""

from __future__ import annotations

from typing import Any

from github_app.localhub import attachments, shapes
from github_app.localhub.deeds import issues
from github_app.localhub.exchange import ApiError, Call, Reply, invalid, not_found, route
from github_app.localhub.values import Comment, Issue, Label, User

_READ = "issues:read|pull_requests:read"
_TALK = "talk|issues:write|pull_requests:write"
_WRITE = "issues:write|pull_requests:write"


@route("GET", "/repos/{owner}/{repo}/issues", _READ)
def list_issues(call: Call) -> Any:
    """Issues and pull requests, newest first."""
    state = call.query.get("state", "open")
    labels = [x.lower() for x in call.query.get("labels", "").split(",") if x]
    found = [
        i for i in call.repo.issues.values()
        if state in ("all", i.state) and set(labels) <= {x.name.lower() for x in i.labels}
    ]  # fmt: skip
    since = call.query.get("since")
    if since:
        found = [i for i in found if shapes.iso(i.updated_at) >= since]
    by_update = call.query.get("sort") == "updated"
    found.sort(key=lambda i: (i.updated_at if by_update else i.created_at, i.number))
    if call.query.get("direction", "desc") == "desc":
        found.reverse()
    return call.page(found, lambda i: shapes.issue(call.world, i))


@route("GET", "/repos/{owner}/{repo}/issues/{number}", _READ)
def get_issue(call: Call) -> Any:
    """One issue."""
    return _full(call, shapes.issue(call.world, call.issue))


def _full(call: Call, shape: dict[str, Any]) -> dict[str, Any]:
    """The shape of a text, with its HTML where that is asked for.

    https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types
    """
    if "full+json" not in call.headers.get("accept", ""):
        return shape
    return {**shape, "body_html": attachments.rendered(call.world, shape["body"] or "")}


@route("POST", "/repos/{owner}/{repo}/issues", "talk|issues:write")
def create_issue(call: Call) -> Any:
    """Open an issue; labels of people without triage are dropped, as GitHub does."""
    title = call.want("title", (str, int))
    names = _names(call.may("labels", list, []))
    person = call.caller.user and not call.caller.token
    if person and call.world.role(call.user, call.repo) in ("none", "read"):
        names = []
    issue = issues.open_issue(
        call.world, call.repo, call.user, title=str(title), body=call.may("body"), labels=tuple(names),
        assignees=tuple(_people(call, call.may("assignees", list, []))),
    )  # fmt: skip
    return Reply(shapes.issue(call.world, issue), 201)


@route("PATCH", "/repos/{owner}/{repo}/issues/{number}", _WRITE)
def edit_issue(call: Call) -> Any:
    """Change title, body, state, labels or assignees."""
    issue = call.issue
    issues.edit_issue(call.world, issue, call.user, title=call.may("title"), body=call.may("body"))
    if call.body.get("labels") is not None:
        _set_labels(call, issue, _names(call.want("labels", list)))
    if call.body.get("assignees") is not None:
        issue.assignees = _people(call, call.want("assignees", list))
    state = call.may("state")
    if state not in (None, "open", "closed"):
        raise invalid("Issue", "state", "invalid")
    if state:
        issues.set_state(call.world, issue, call.user, state, call.may("state_reason"))
    return shapes.issue(call.world, issue)


def _names(labels: list[Any]) -> list[str]:
    return [str(x["name"]) if isinstance(x, dict) else str(x) for x in labels]


def _people(call: Call, logins: list[Any]) -> list[User]:
    found = []
    for login in logins:
        who = call.world.users.get(str(login).lower())
        if who is None:
            raise invalid("Issue", "assignees", "invalid")
        found.append(who)
    return found


def _set_labels(call: Call, issue: Issue, names: list[str]) -> None:
    wanted = {name.lower() for name in names}
    for label in list(issue.labels):
        if label.name.lower() not in wanted:
            issues.remove_label(call.world, issue, call.user, label.name)
    issues.add_labels(call.world, issue, call.user, names)


@route("POST", "/repos/{owner}/{repo}/issues/{number}/assignees", _WRITE)
def add_assignees(call: Call) -> Any:
    """Assign people."""
    for who in _people(call, call.may("assignees", list, [])):
        if who not in call.issue.assignees:
            call.issue.assignees.append(who)
    return Reply(shapes.issue(call.world, call.issue), 201)


@route("GET", "/repos/{owner}/{repo}/issues/{number}/comments", _READ)
def list_comments(call: Call) -> Any:
    """The conversation, oldest first."""
    since = call.query.get("since", "")
    found = [c for c in call.issue.comments if shapes.iso(c.updated_at) >= since]
    return call.page(found, lambda c: _full(call, shapes.comment(call.world, c)))


@route("POST", "/repos/{owner}/{repo}/issues/{number}/comments", _TALK)
def create_comment(call: Call) -> Any:
    """Comment on an issue or pull request."""
    comment = issues.add_comment(call.world, call.issue, call.user, call.want("body"), call.caller.app)
    return Reply(shapes.comment(call.world, comment), 201)


@route("GET", "/repos/{owner}/{repo}/issues/comments", _READ)
def list_all_comments(call: Call) -> Any:
    """The comments on all issues and pull requests, in the order of their numbers unless another is asked for."""
    since = call.query.get("since", "")
    found = [c for i in call.repo.issues.values() for c in i.comments if shapes.iso(c.updated_at) >= since]
    by_update = call.query.get("sort") == "updated"
    found.sort(key=lambda c: (c.updated_at if by_update else c.created_at, c.id))
    if call.query.get("direction") == "desc" and call.query.get("sort"):
        found.reverse()
    return call.page(found, lambda c: shapes.comment(call.world, c))


@route("GET", "/repos/{owner}/{repo}/issues/{number}/events", _READ)
def list_acts(call: Call) -> Any:
    """What happened to an issue, oldest first."""
    return call.page(call.issue.acts, lambda act: shapes.act(call.world, call.repo, act))


def find_comment(call: Call) -> Comment:
    """Return the issue comment in the path; 404 without it."""
    wanted = call.number("comment_id")
    found = (c for i in call.repo.issues.values() for c in i.comments if c.id == wanted)
    comment = next(found, None)
    if comment is None:
        raise not_found()
    return comment


@route("GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}", _READ)
def get_comment(call: Call) -> Any:
    """One comment."""
    return shapes.comment(call.world, find_comment(call))


def _own(call: Call, author: User) -> None:
    mine = call.user is author
    writer = call.caller.token or call.world.role(call.user, call.repo) in ("write", "maintain", "admin")
    if not mine and not writer:
        raise ApiError(403, "Must have admin rights to Repository.")


@route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", _TALK)
def edit_comment(call: Call) -> Any:
    """Change a comment."""
    comment = find_comment(call)
    _own(call, comment.user)
    issues.edit_comment(call.world, comment, call.user, call.want("body"))
    return shapes.comment(call.world, comment)


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", _TALK)
def delete_comment(call: Call) -> Any:
    """Remove a comment."""
    comment = find_comment(call)
    _own(call, comment.user)
    issues.delete_comment(call.world, comment, call.user)
    return Reply(None, 204)


def _label(call: Call, it: Label) -> dict[str, Any]:
    return shapes.label(call.world, call.repo, it)


@route("GET", "/repos/{owner}/{repo}/issues/{number}/labels", _READ)
def list_issue_labels(call: Call) -> Any:
    """The labels of an issue."""
    return call.page(call.issue.labels, lambda x: _label(call, x))


@route("POST", "/repos/{owner}/{repo}/issues/{number}/labels", _WRITE)
def add_labels(call: Call) -> Any:
    """Add labels; unknown ones come into being."""
    issues.add_labels(call.world, call.issue, call.user, _names(call.want("labels", list)))
    return [_label(call, x) for x in call.issue.labels]


@route("DELETE", "/repos/{owner}/{repo}/issues/{number}/labels/{name}", _WRITE)
def remove_label(call: Call) -> Any:
    """Take a label off."""
    issues.remove_label(call.world, call.issue, call.user, call.params["name"])
    return [_label(call, x) for x in call.issue.labels]


@route("GET", "/repos/{owner}/{repo}/labels", _READ)
def list_labels(call: Call) -> Any:
    """The labels of the repository."""
    return call.page(list(call.repo.labels.values()), lambda x: _label(call, x))


@route("GET", "/repos/{owner}/{repo}/labels/{name}", _READ)
def get_label(call: Call) -> Any:
    """One label, in any case."""
    found = call.repo.labels.get(call.params["name"].lower())
    if found is None:
        raise not_found()
    return _label(call, found)


@route("POST", "/repos/{owner}/{repo}/labels", _WRITE)
def create_label(call: Call) -> Any:
    """Make a label; 422 `already_exists` in any case of its name."""
    name = call.want("name")
    if name.lower() in call.repo.labels:
        raise invalid("Label", "name", "already_exists")
    label = issues.label_named(call.world, call.repo, name, call.may("color", default="ededed"))
    label.description = call.may("description")
    return Reply(_label(call, label), 201)


@route("DELETE", "/repos/{owner}/{repo}/labels/{name}", _WRITE)
def delete_label(call: Call) -> Any:
    """Remove a label everywhere."""
    label = call.repo.labels.pop(call.params["name"].lower(), None)
    if label is None:
        raise not_found()
    for issue in call.repo.issues.values():
        if label in issue.labels:
            issue.labels.remove(label)
    return Reply(None, 204)
