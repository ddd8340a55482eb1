"""Facts that happened, in past tense: the closed set `Event`. Those from GitHub are made by `webhook.parse`, those from
ourselves by the engine when an effect ends or time passes. An event's `id` is unique for ever: GitHub's delivery id, or
`<effect id>/<what>`; taking the same id in twice changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from github_app.core.builds import Delivered
from github_app.core.commands import Command
from github_app.core.holds import Finding
from github_app.core.model import Actor, Issue, NetworkDecision, Repo, Usage
from github_app.core.reports import Report
from github_app.core.session import Submission
from github_app.core.shipments import Shipped

CommentSource = Literal["issue_comment", "review_comment", "issue", "review"]
CommandSource = CommentSource | Literal["slack", "api", "tracking"]
ReviewState = Literal["approved", "changes_requested", "commented"]
InstallationAction = Literal["deleted", "suspended", "unsuspended", "removed", "created", "added", "granted"]


@dataclass(frozen=True, kw_only=True)
class IssueLabeled:
    """A label was put on an issue, or an issue was opened with it. With `is_pull` it is a pull request."""

    id: str
    repo: Repo
    actor: Actor
    issue: Issue
    label: str
    is_pull: bool = False


@dataclass(frozen=True, kw_only=True)
class IssueUnlabeled:
    """A label was taken off an issue or pull request, at the time `at` of GitHub's clock if that is known."""

    id: str
    repo: Repo
    actor: Actor
    number: int
    label: str
    at: datetime | None = None
    is_pull: bool = False


@dataclass(frozen=True, kw_only=True)
class IssueEdited:
    """Title or body of an issue changed; `actor` made the edit, whoever wrote the issue."""

    id: str
    repo: Repo
    actor: Actor
    issue: Issue


@dataclass(frozen=True, kw_only=True)
class IssueClosed:
    """An issue was closed, by a person or by a merge, or is not there any more; `at` by GitHub's clock, if known."""

    id: str
    repo: Repo
    actor: Actor
    number: int
    how: Literal["closed", "deleted", "transferred"] = "closed"
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CommandIssued:
    """Somebody wrote `/honk …`. `number` is the issue's or pull request's; `branch` a pull request's head, if known.

    `comment_id` is the comment's id; for source `issue` (it stood in the issue's own text) the issue's number, for
    `review` (see `command_of_review`) the review's id, 0 where it came by another door (`core.doors`). For `tracking`
    nobody wrote anything: `actor` ticked a box in the tracking comment with this id. `issue_text` is the issue's title
    and body as they stood then, None on pull requests and where they are known. `at` is when it was written, by
    GitHub's clock, if that is known.
    """

    id: str
    repo: Repo
    actor: Actor
    number: int
    is_pull: bool
    command: Command
    comment_id: int
    source: CommandSource
    branch: str | None = None
    issue_text: tuple[str, str] | None = None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TrackingEdited:
    """Somebody changed the text of what looks like a tracking comment, and ticked no box by it."""

    id: str
    repo: Repo
    actor: Actor
    number: int
    comment_id: int


@dataclass(frozen=True, kw_only=True)
class ReviewSubmitted:
    """A review of a pull request was submitted. Its inline comments are read when facts are fetched."""

    id: str
    repo: Repo
    actor: Actor
    pull_number: int
    branch: str
    review_id: int
    state: ReviewState
    body: str
    command: Command | None = None


@dataclass(frozen=True, kw_only=True)
class ChecksChanged:
    """A check run, check suite, status or workflow run of a commit ended. A hint only: state is read from the API."""

    id: str
    repo: Repo
    head_sha: str
    branch: str | None


@dataclass(frozen=True, kw_only=True)
class BranchPushed:
    """A branch got new commits, or was deleted (`after` is None)."""

    id: str
    repo: Repo
    actor: Actor
    branch: str
    after: str | None
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True)
class PullRequestClosed:
    """A pull request was closed, merged or not."""

    id: str
    repo: Repo
    actor: Actor
    pull_number: int
    branch: str
    is_merged: bool


@dataclass(frozen=True, kw_only=True)
class PullRequestReopened:
    """A closed pull request was opened again."""

    id: str
    repo: Repo
    actor: Actor
    pull_number: int
    branch: str
    head_sha: str
    is_draft: bool


@dataclass(frozen=True, kw_only=True)
class PullRequestPushed:
    """A pull request, anybody's, was opened or has new commits; `base_sha` is where its base branch was then."""

    id: str
    repo: Repo
    actor: Actor
    pull_number: int
    head_sha: str
    base_sha: str
    base_branch: str


@dataclass(frozen=True, kw_only=True)
class PullRequestDraftChanged:
    """A pull request became a draft, or ready for review."""

    id: str
    repo: Repo
    actor: Actor
    pull_number: int
    branch: str
    is_draft: bool


@dataclass(frozen=True, kw_only=True)
class InstallationChanged:
    """The app's installation, or its list of repositories, changed. Empty `repo_ids`: all repositories of it."""

    id: str
    actor: Actor
    installation_id: int
    action: InstallationAction
    repo_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TurnFinished:
    """The agent submitted. `change_set_id` names the stored change set; None: the agent changed nothing.

    `findings` are what the agent knows that a human must accept before it is published.
    """

    id: str
    session_id: str
    turn_id: str
    submission: Submission
    change_set_id: str | None
    usage: Usage
    consumed: tuple[str, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TurnAsked:
    """The agent cannot go on without an answer from a human. Its work so far is kept."""

    id: str
    session_id: str
    turn_id: str
    question: str
    usage: Usage
    consumed: tuple[str, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TurnStopped:
    """The turn ended without a submission: a limit, or a failure that retries did not cure. Its work so far is kept."""

    id: str
    session_id: str
    turn_id: str
    reason: str
    usage: Usage
    consumed: tuple[str, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()
    limit: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanDrafted:
    """The agent has looked, changed nothing, and says what it would do."""

    id: str
    session_id: str
    turn_id: str
    summary: str
    items: tuple[str, ...]
    usage: Usage
    consumed: tuple[str, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reported:
    """The agent has read commit `sha`, changed nothing, and says what it found."""

    id: str
    session_id: str
    turn_id: str
    sha: str
    report: Report
    usage: Usage
    consumed: tuple[str, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InquiryStopped:
    """Somebody with authority said `stop` where the inquiry was made."""

    id: str
    session_id: str
    login: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """The change set is a commit on the branch, and the pull request is there. `paths`: as in `Round`."""

    id: str
    session_id: str
    turn_id: str
    head_sha: str
    pull_number: int
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChangeSetHeld:
    """The change set was not published: in it is what somebody has to accept first, and nobody has."""

    id: str
    session_id: str
    turn_id: str
    change_set_id: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Undone:
    """Our commit `commit_sha` is reverted by `head_sha`, on the branch of the pull request, as `login` asked."""

    id: str
    session_id: str
    commit_sha: str
    head_sha: str
    pull_number: int
    login: str


@dataclass(frozen=True, kw_only=True)
class Reverted:
    """There is a draft pull request, `revert_number`, that takes back the merged one, as `login` asked."""

    id: str
    session_id: str
    revert_number: int
    login: str


@dataclass(frozen=True, kw_only=True)
class EffectFailed:
    """An effect that matters could not be done, after all retries. `head_sha` is set when the branch had moved.

    `turn_id` is the turn that the effect belonged to, where it belonged to one: a failure of an older turn is void.
    """

    id: str
    session_id: str
    effect_id: str
    effect_kind: str
    reason: str
    head_sha: str | None = None
    turn_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """Time passed: compare an open session with GitHub and with the clock."""

    id: str
    session_id: str


HubEvent = (
    IssueLabeled
    | IssueUnlabeled
    | IssueEdited
    | IssueClosed
    | CommandIssued
    | TrackingEdited
    | ReviewSubmitted
    | ChecksChanged
    | BranchPushed
    | PullRequestClosed
    | PullRequestReopened
    | PullRequestPushed
    | PullRequestDraftChanged
    | InstallationChanged
)
TurnEnded = TurnFinished | TurnAsked | TurnStopped | PlanDrafted | Reported
Done = Undone | Reverted | Shipped | Delivered
OwnEvent = TurnEnded | InquiryStopped | Published | ChangeSetHeld | Done | EffectFailed | Ticked
Event = HubEvent | OwnEvent


def command_of_review(event: ReviewSubmitted) -> CommandIssued | None:
    """The command that a review's own words are, if they are one."""
    if event.command is None:
        return None
    return CommandIssued(
        id=event.id,
        repo=event.repo,
        actor=event.actor,
        number=event.pull_number,
        is_pull=True,
        command=event.command,
        comment_id=event.review_id,
        source="review",
        branch=event.branch,
    )


def inquiry_in(event: Event) -> CommandIssued | None:
    """The command that asks for a report, if an event is one: work where it was given goes on beside it."""
    said = command_of_review(event) if isinstance(event, ReviewSubmitted) else event
    return said if isinstance(said, CommandIssued) and said.command.verb in ("explain", "review") else None
