"""What events are about: how the session is found that one belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from github_app.core.builds import Delivered
from github_app.core.events import (
    BranchPushed,
    ChangeSetHeld,
    ChecksChanged,
    CommandIssued,
    EffectFailed,
    Event,
    InquiryStopped,
    InstallationChanged,
    IssueClosed,
    IssueEdited,
    IssueLabeled,
    IssueUnlabeled,
    PlanDrafted,
    Published,
    PullRequestClosed,
    PullRequestDraftChanged,
    PullRequestPushed,
    PullRequestReopened,
    Reported,
    Reverted,
    ReviewSubmitted,
    Ticked,
    TrackingEdited,
    TurnAsked,
    TurnFinished,
    TurnStopped,
    Undone,
    inquiry_in,
)
from github_app.core.model import Repo
from github_app.core.shipments import Shipped


@dataclass(frozen=True, kw_only=True)
class Subject:
    """How to find the session an event is about: by what is set, in a repository or everywhere in an installation.

    `comment_id` is a tracking comment's: that alone tells which session, and `issue_number` only where it is.
    `inquiry_at` is the issue or pull request where a report was asked for; no other number finds those.
    """

    repo_id: int | None = None
    issue_number: int | None = None
    pull_number: int | None = None
    branch: str | None = None
    head_sha: str | None = None
    session_id: str | None = None
    installation_id: int | None = None
    comment_id: int | None = None
    inquiry_at: int | None = None


def _numbered(repo: Repo, number: int, *, is_pull: bool, branch: str | None = None) -> Subject:
    if is_pull:
        return Subject(repo_id=repo.id, pull_number=number, branch=branch)
    return Subject(repo_id=repo.id, issue_number=number)


def subject_of(event: Event) -> Subject:  # noqa: C901 - a table, one row an event
    """What an event is about. A comment on a pull request is known by the pull request's number only."""
    asked = inquiry_in(event)
    if asked is not None:
        return Subject(repo_id=asked.repo.id, inquiry_at=asked.number)
    match event:
        case IssueLabeled():
            return _numbered(event.repo, event.issue.number, is_pull=event.is_pull)
        case IssueEdited():
            return _numbered(event.repo, event.issue.number, is_pull=False)
        case IssueUnlabeled():
            return _numbered(event.repo, event.number, is_pull=event.is_pull)
        case IssueClosed():
            return _numbered(event.repo, event.number, is_pull=False)
        case TrackingEdited():
            return Subject(repo_id=event.repo.id, issue_number=event.number, comment_id=event.comment_id)
        case CommandIssued():
            if event.source == "tracking":
                return Subject(repo_id=event.repo.id, issue_number=event.number, comment_id=event.comment_id)
            return _numbered(event.repo, event.number, is_pull=event.is_pull, branch=event.branch)
        case ReviewSubmitted() | PullRequestClosed() | PullRequestReopened() | PullRequestDraftChanged():
            return Subject(repo_id=event.repo.id, pull_number=event.pull_number, branch=event.branch)
        case ChecksChanged():
            return Subject(repo_id=event.repo.id, branch=event.branch, head_sha=event.head_sha)
        case BranchPushed():
            return Subject(repo_id=event.repo.id, branch=event.branch)
        case PullRequestPushed():
            return Subject(repo_id=event.repo.id)  # It is about the repository's policy, and about no work.
        case InstallationChanged():
            return Subject(installation_id=event.installation_id)
        case (
            TurnFinished()
            | TurnAsked()
            | TurnStopped()
            | PlanDrafted()
            | Reported()
            | InquiryStopped()
            | Published()
            | ChangeSetHeld()
            | Undone()
            | Reverted()
            | Shipped()
            | Delivered()
            | EffectFailed()
            | Ticked()
        ):
            return Subject(session_id=event.session_id)
        case _:
            assert_never(event)


def words_in(event: Event) -> tuple[str, int] | None:
    """Where somebody said something, and its number there: the same words are heard once, however often they come."""
    match event:
        case CommandIssued():
            # By another door the event's own id says that: it is recorded once. A box is there to be ticked again.
            return (event.source, event.comment_id) if event.comment_id and event.source != "tracking" else None
        case ReviewSubmitted():
            return "review", event.review_id
        case _:
            return None
