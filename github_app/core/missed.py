"""What nobody told us: what stands on GitHub is held against what we know. Where a delivery must have been lost, the
event is made that it would have become; its id names what was found, so that finding it again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from github_app.core.commands import parse_command
from github_app.core.events import (
    CommandIssued,
    CommentSource,
    IssueClosed,
    IssueLabeled,
    IssueUnlabeled,
    ReviewState,
    ReviewSubmitted,
)
from github_app.core.machine import CLOCKS_APART
from github_app.core.model import Actor, Issue, Repo
from github_app.core.session import Session


@dataclass(frozen=True, kw_only=True)
class Change:
    """An issue or pull request that changed, as a list shows it."""

    issue: Issue
    is_pull: bool
    node_id: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Act:
    """One entry of an issue's record."""

    id: int
    kind: Literal["labeled", "unlabeled", "closed", "renamed"]
    actor: Actor
    at: datetime
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Words of somebody under an issue or pull request; `number` is the issue's, `id` the comment's or review's."""

    id: int
    source: CommentSource
    number: int
    is_pull: bool
    node_id: str
    author: Actor
    body: str
    created_at: datetime
    updated_at: datetime
    state: ReviewState = "commented"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Who edited a text last, and when."""

    editor: Actor
    at: datetime


def label_act(acts: tuple[Act, ...], label: str) -> Act | None:
    """The newest act by which a label was put on or taken off, whatever the case of its name."""
    kinds = ("labeled", "unlabeled")
    found = [act for act in acts if act.kind in kinds and act.label.casefold() == label.casefold()]
    return found[-1] if found else None


def has_label(issue: Issue, label: str) -> bool:
    """Whether a label is on an issue, whatever the case of its name."""
    return label.casefold() in (each.casefold() for each in issue.labels)


def find_label(
    change: Change, acts: tuple[Act, ...], last: Session | None, *, repo: Repo, label: str, since: datetime
) -> IssueLabeled | None:
    """The label that was put on an issue without anybody telling us. `last` is the issue's newest session, ended.

    One that was put on before that session began is the one that began it, wherever it should have been taken off.
    """
    act = label_act(acts, label)
    if act is None or act.kind != "labeled" or act.at < since:
        return None
    if last is not None and (last.created_at is None or act.at <= last.created_at + CLOCKS_APART):
        return None
    return IssueLabeled(id=f"look:labeled:{act.id}", repo=repo, actor=act.actor, issue=change.issue, label=act.label)


def find_end(
    change: Change, acts: tuple[Act, ...], session: Session, *, repo: Repo, label: str
) -> IssueUnlabeled | IssueClosed | None:
    """The act by which somebody ended an open session without anybody telling us: closed the issue, or took the label
    off. What is older than the session was not meant for it."""
    begun = session.created_at
    if begun is None:
        return None
    number = change.issue.number
    closed = [act for act in acts if act.kind == "closed" and act.at > begun]
    if not change.issue.is_open and closed:
        act = closed[-1]
        return IssueClosed(id=f"look:closed:{act.id}", repo=repo, actor=act.actor, number=number, at=act.at)
    off = label_act(acts, label)
    if off is None or off.kind != "unlabeled" or off.at <= begun or has_label(change.issue, label):
        return None
    return IssueUnlabeled(
        id=f"look:unlabeled:{off.id}", repo=repo, actor=off.actor, number=number, label=off.label, at=off.at
    )


def command_of_issue(change: Change, *, repo: Repo) -> CommandIssued | None:
    """The command that an issue's own text is, if it is one; nothing if it was opened with it is known from a list."""
    command = parse_command(change.issue.body)
    if command is None:
        return None
    issue = change.issue
    return CommandIssued(
        id=f"look:issue:{repo.id}:{issue.number}",
        repo=repo,
        actor=issue.author,
        number=issue.number,
        is_pull=False,
        command=command,
        comment_id=issue.number,
        source="issue",
        issue_text=(issue.title, issue.body),
        at=change.created_at,
    )


def command_of(
    remark: Remark, actor: Actor, *, repo: Repo, issue: Issue | None = None, branch: str | None = None
) -> CommandIssued | None:
    """The command in a comment, if there is one, as somebody's who answers for all that is in it."""
    command = parse_command(remark.body)
    if command is None:
        return None
    return CommandIssued(
        id=f"look:{remark.source}:{remark.id}",
        repo=repo,
        actor=actor,
        number=remark.number,
        is_pull=remark.is_pull,
        command=command,
        comment_id=remark.id,
        source=remark.source,
        branch=branch,
        issue_text=(issue.title, issue.body) if issue is not None else None,
        at=remark.created_at,
    )


def review_of(remark: Remark, actor: Actor, *, repo: Repo, branch: str) -> ReviewSubmitted:
    """A review as the event that its delivery would have been."""
    return ReviewSubmitted(
        id=f"look:review:{remark.id}",
        repo=repo,
        actor=actor,
        pull_number=remark.number,
        branch=branch,
        review_id=remark.id,
        state=remark.state,
        body=remark.body,
        command=parse_command(remark.body),
    )


def edited_since(at: datetime, acts: tuple[Act, ...], edit: Edit | None) -> tuple[Actor, ...]:
    """Who changed an issue's title or text after a moment, or in its very second. What was asked for then was asked for
    other words: it is worth as much as the least of them may."""
    renamed = tuple(act.actor for act in acts if act.kind == "renamed" and act.at >= at)
    return (*renamed, edit.editor) if edit is not None and edit.at >= at else renamed
