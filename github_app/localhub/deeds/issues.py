"""Opening, labelling, discussing and closing issues; pull requests share all of it."""

from __future__ import annotations

from typing import Any

from github_app.localhub import events, shapes
from github_app.localhub.exchange import ApiError, invalid
from github_app.localhub.values import Act, App, Comment, Issue, Label, Reaction, Repository, ReviewComment, User
from github_app.localhub.world import World

BODY_LIMIT = 65_536


def check_body(resource: str, body: str | None) -> None:
    """Refuse a text longer than GitHub takes."""
    if body is not None and len(body) > BODY_LIMIT:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {BODY_LIMIT} characters)")


def next_number(repo: Repository) -> int:
    """Return the number of the next issue or pull request."""
    return max((*repo.issues, *repo.gone), default=0) + 1


def _record(world: World, issue: Issue, event: str, actor: User, **more: Any) -> None:
    issue.acts.append(Act(world.new_id(), event, actor, world.now(), **more))


def label_named(world: World, repo: Repository, name: str, color: str = "ededed") -> Label:
    """Return a label of the repository, whatever its case, made where it is missing as GitHub does."""
    key = name.lower()
    if key not in repo.labels:
        repo.labels[key] = Label(world.new_id(), name, color, None)
    return repo.labels[key]


def open_issue(
    world: World,
    repo: Repository,
    author: User,
    *,
    title: str,
    body: str | None = None,
    labels: tuple[str, ...] = (),
    assignees: tuple[User, ...] = (),
) -> Issue:
    """Open an issue; one `labeled` event follows per label."""
    check_body("Issue", body)
    now = world.now()
    issue = Issue(world.new_id(), repo, next_number(repo), title, body, author, now, now)
    issue.assignees = list(assignees)
    issue.labels = [label_named(world, repo, name) for name in labels]
    repo.issues[issue.number] = issue
    events.issue(world, "opened", issue, author)
    for label in issue.labels:
        _record(world, issue, "labeled", author, label=label)
        events.issue(world, "labeled", issue, author, label=shapes.label(world, repo, label))
    return issue


def edit_issue(world: World, issue: Issue, sender: User, *, title: str | None, body: str | None) -> None:
    """Change title or body."""
    check_body("Issue", body)
    changes: dict[str, Any] = {}
    if title is not None and title != issue.title:
        _record(world, issue, "renamed", sender, names=(issue.title, title))
        changes["title"], issue.title = {"from": issue.title}, title
    if body is not None and body != (issue.body or ""):
        changes["body"], issue.body = {"from": issue.body or ""}, body
        issue.editor, issue.edited_at = sender, world.now()
    if changes:
        issue.updated_at = world.now()
        events.issue(world, "edited", issue, sender, changes=changes)


def set_state(world: World, issue: Issue, sender: User, state: str, reason: str | None = None) -> None:
    """Close or reopen; nothing happens when it is so already."""
    if state == issue.state:
        return
    now = issue.updated_at = world.now()
    if state == "closed":
        issue.state, issue.closed_at, issue.closed_by = "closed", now, sender
        issue.state_reason = None if issue.pull else (reason or "completed")
        _record(world, issue, "closed", sender)
        events.issue(world, "closed", issue, sender)
    else:
        issue.state, issue.closed_at, issue.closed_by = "open", None, None
        issue.state_reason = None if issue.pull else "reopened"
        _record(world, issue, "reopened", sender)
        events.issue(world, "reopened", issue, sender)


def add_labels(world: World, issue: Issue, sender: User, names: list[str]) -> None:
    """Add labels; those that are there already cause no event."""
    for name in names:
        label = label_named(world, issue.repo, name)
        if label not in issue.labels:
            issue.labels.append(label)
            issue.updated_at = world.now()
            _record(world, issue, "labeled", sender, label=label)
            events.issue(world, "labeled", issue, sender, label=shapes.label(world, issue.repo, label))


def remove_label(world: World, issue: Issue, sender: User, name: str) -> None:
    """Take a label off; 404 when it is not on."""
    label = issue.repo.labels.get(name.lower())
    if label is None or label not in issue.labels:
        raise ApiError(404, "Label does not exist")
    issue.labels.remove(label)
    issue.updated_at = world.now()
    _record(world, issue, "unlabeled", sender, label=label)
    events.issue(world, "unlabeled", issue, sender, label=shapes.label(world, issue.repo, label))


def delete_issue(world: World, issue: Issue, sender: User) -> None:
    """Remove an issue for good; whoever asks for it is told that it is gone."""
    events.issue(world, "deleted", issue, sender)
    del issue.repo.issues[issue.number]
    issue.repo.gone[issue.number] = None


def transfer_issue(world: World, issue: Issue, sender: User, to: Repository) -> Issue:
    """Move an issue to another repository of its owner; labels that are unknown there are lost on the way."""
    now = world.now()
    moved = Issue(
        world.new_id(), to, next_number(to), issue.title, issue.body, issue.user, issue.created_at, now,
        state=issue.state, labels=[to.labels[x.name.lower()] for x in issue.labels if x.name.lower() in to.labels],
    )  # fmt: skip
    moved.comments = issue.comments
    for comment in moved.comments:
        comment.issue = moved
    to.issues[moved.number] = moved
    events.transferred(world, issue, moved, sender)
    del issue.repo.issues[issue.number]
    issue.repo.gone[issue.number] = moved
    events.issue(world, "opened", moved, sender)
    return moved


def add_comment(world: World, issue: Issue, author: User, body: str, app: App | None = None) -> Comment:
    """Comment on an issue or in a pull request's conversation."""
    check_body("IssueComment", body)
    if not body.strip():
        raise invalid("IssueComment", "body", "unprocessable", "Body cannot be blank")
    if issue.locked and world.role(author, issue.repo) not in ("write", "maintain", "admin") and not app:
        raise ApiError(403, "Unable to create comment because issue is locked.")
    now = issue.updated_at = world.now()
    comment = Comment(world.new_id(), issue, author, app, body, now, now)
    issue.comments.append(comment)
    events.issue_comment(world, "created", comment, author)
    return comment


def edit_comment(world: World, comment: Comment, sender: User, body: str) -> None:
    """Change a comment's text."""
    check_body("IssueComment", body)
    before, comment.body, comment.updated_at, comment.editor = comment.body, body, world.now(), sender
    events.issue_comment(world, "edited", comment, sender, changes={"body": {"from": before}})


def tick(world: World, comment: Comment, sender: User, label: str, *, seen: str | None = None) -> None:
    """Tick a box, which sends the whole text anew; only who may edit a comment has boxes that can be ticked."""
    if sender is not comment.user and world.role(sender, comment.issue.repo) not in ("write", "maintain", "admin"):
        raise ApiError(403, "Must have admin rights to Repository.")
    before = comment.body if seen is None else seen
    after = before.replace(f"- [ ] {label}", f"- [x] {label}", 1)
    if after == before:
        raise ApiError(422, f"There is no box {label!r} to tick.")
    edit_comment(world, comment, sender, after)


def delete_comment(world: World, comment: Comment, sender: User) -> None:
    """Remove a comment."""
    comment.issue.comments.remove(comment)
    comment.issue.updated_at = world.now()
    events.issue_comment(world, "deleted", comment, sender)


def add_reaction(
    world: World, thing: Issue | Comment | ReviewComment, who: User, content: str
) -> tuple[Reaction, bool]:
    """React; the second value tells whether the reaction is new (GitHub answers 201, else 200)."""
    if content not in shapes.REACTIONS:
        raise invalid("Reaction", "content", "invalid")
    for found in thing.reactions:
        if found.user is who and found.content == content:
            return found, False
    reaction = Reaction(world.new_id(), who, content, world.now())
    thing.reactions.append(reaction)
    return reaction, True
