"""What each payload says: one short function for each row of the table in `parse`, from a payload to an event, or to
the reason why it means nothing to us. Pure; nothing is looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar, cast

from github_app.core import events
from github_app.core.commands import parse_command
from github_app.core.events import HubEvent, InstallationAction, ReviewState
from github_app.core.model import Actor, Issue, Repo
from github_app.core.names import plan_label
from github_app.webhook import payloads

GHOST = Actor(id=0, login="ghost")
"""Stands for an account that is gone. Id 0 is nobody's, so it has no permission anywhere."""

_BRANCH = "refs/heads/"
_MERGE_QUEUE = "gh-readonly-queue/"


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A delivery that means nothing to us, with the reason in a few words for the record."""

    reason: str


Parsed = HubEvent | Ignored


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What every row needs besides its payload."""

    id: str
    actor: Actor
    installation_id: int
    trigger_label: str

    def is_trigger(self, label: str) -> bool:
        """Whether a label is one that starts work, or the plan of it."""
        # GitHub's labels are the same in any case: `Honk` cannot be made beside `honk`.
        return label.casefold() in (self.trigger_label.casefold(), plan_label(self.trigger_label).casefold())

    def repo(self, payload: payloads.RepoPayload) -> Repo:
        """The repository that a payload is about."""
        found = payload.repository
        return Repo(
            id=found.id,
            full_name=found.full_name,
            installation_id=self.installation_id,
            default_branch=found.default_branch,
        )


_P = TypeVar("_P", bound=payloads.Payload)
Read = Callable[[Origin, _P], Parsed]


def actor_of(account: payloads.Account | None) -> Actor:
    """Who an account is; `GHOST` if it is gone."""
    if account is None:
        return GHOST
    return Actor(id=account.id, login=account.login, is_bot=account.type == "Bot")


# --- issues ----------------------------------------------------------------------------------------------------------


def _issue(found: payloads.Issue) -> Issue:
    return Issue(
        number=found.number,
        title=found.title,
        body=found.body or "",
        author=actor_of(found.user),
        is_open=found.state != "closed",
        labels=tuple(label.name for label in found.labels or () if label),
        is_locked=found.locked,
        url=found.html_url,
        updated_at=_moment(found.updated_at),
    )


def _moment(value: object) -> datetime | None:
    """A moment, as far as it is one: nothing hangs on it that would be worth refusing a delivery for."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def issue_opened(origin: Origin, payload: payloads.IssuePayload) -> Parsed:
    """The label wins over a command in the body: the agent reads the body anyway."""
    issue = _issue(payload.issue)
    # With both, the plan comes first.
    for label in sorted(filter(origin.is_trigger, issue.labels), key=len, reverse=True):
        return events.IssueLabeled(
            id=origin.id, repo=origin.repo(payload), actor=origin.actor, issue=issue, label=label
        )
    if (command := parse_command(issue.body)) is None:
        return Ignored(reason="an issue with neither label nor command")
    return events.CommandIssued(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        number=issue.number,
        is_pull=False,
        command=command,
        comment_id=issue.number,  # reactions to an issue are put by its number
        source="issue",
        issue_text=(issue.title, issue.body),
    )


def issue_labeled(origin: Origin, payload: payloads.LabelPayload) -> Parsed:
    label = _trigger_in(origin, payload)
    if isinstance(label, Ignored):
        return label
    return events.IssueLabeled(
        id=origin.id, repo=origin.repo(payload), actor=origin.actor, issue=_issue(payload.issue), label=label
    )


def issue_unlabeled(origin: Origin, payload: payloads.LabelPayload) -> Parsed:
    label = _trigger_in(origin, payload)
    if isinstance(label, Ignored):
        return label
    return events.IssueUnlabeled(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        number=payload.issue.number,
        label=label,
        at=_moment(payload.issue.updated_at),
    )


def _trigger_in(origin: Origin, payload: payloads.LabelPayload | payloads.PullLabelPayload) -> str | Ignored:
    """The trigger label as it is written there. GitHub leaves the label out when it was deleted meanwhile."""
    if payload.label is None or not origin.is_trigger(payload.label.name):
        return Ignored(reason="another label")
    if isinstance(payload, payloads.LabelPayload) and payload.issue.pull_request is not None:
        return Ignored(reason="a label on a pull request, which is told as one")
    return payload.label.name


def issue_edited(origin: Origin, payload: payloads.IssuePayload) -> Parsed:
    return events.IssueEdited(id=origin.id, repo=origin.repo(payload), actor=origin.actor, issue=_issue(payload.issue))


def issue_ended(how: Literal["closed", "deleted", "transferred"]) -> Read[payloads.EndedIssuePayload]:
    def read(origin: Origin, payload: payloads.EndedIssuePayload) -> Parsed:
        return events.IssueClosed(
            id=origin.id,
            repo=origin.repo(payload),
            actor=origin.actor,
            number=payload.issue.number,
            how=how,
            at=_moment(payload.issue.updated_at),
        )

    return read


# --- comments and reviews --------------------------------------------------------------------------------------------


def comment_created(origin: Origin, payload: payloads.CommentPayload) -> Parsed:
    command = parse_command(payload.comment.body or "")
    if command is None:
        return Ignored(reason="a comment without a command")
    return events.CommandIssued(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        number=payload.issue.number,
        is_pull=payload.issue.pull_request is not None,
        command=command,
        comment_id=payload.comment.id,
        source="issue_comment",
        issue_text=None if payload.issue.pull_request is not None else (payload.issue.title, payload.issue.body or ""),
        at=_moment(payload.comment.created_at),
    )


def review_submitted(origin: Origin, payload: payloads.ReviewPayload) -> Parsed:
    review = payload.review
    state = review.state.lower()
    if state not in ("approved", "changes_requested", "commented"):
        return Ignored(reason="a review that is neither approval, request nor comment")
    if (ignored := _foreign(payload)) is not None:
        return ignored
    body = review.body or ""
    return events.ReviewSubmitted(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        pull_number=payload.pull_request.number,
        branch=payload.pull_request.head.ref,
        review_id=review.id,
        state=cast("ReviewState", state),
        body=body,
        command=parse_command(body),
    )


def review_comment_created(origin: Origin, payload: payloads.ReviewCommentPayload) -> Parsed:
    """Without a command the review's own event stands for it: each inline comment belongs to a review."""
    command = parse_command(payload.comment.body or "")
    if command is None:
        return Ignored(reason="an inline comment without a command; its review is an event of its own")
    if (ignored := _foreign(payload)) is not None:
        return ignored
    return events.CommandIssued(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        number=payload.pull_request.number,
        is_pull=True,
        command=command,
        comment_id=payload.comment.id,
        source="review_comment",
        branch=payload.pull_request.head.ref,
        at=_moment(payload.comment.created_at),
    )


# --- pull requests ---------------------------------------------------------------------------------------------------


def _foreign(payload: payloads.PullPayload) -> Ignored | None:
    """A fork's branch may bear the name of one of ours; nothing that happens to it is about ours."""
    head = payload.pull_request.head.repo
    if head is None or head.id != payload.repository.id:
        return Ignored(reason="a pull request from a fork")
    return None


def pull_labeled(origin: Origin, payload: payloads.PullLabelPayload) -> Parsed:
    """Of a fork's, too: who labels it wants an answer."""
    label = _trigger_in(origin, payload)
    if isinstance(label, Ignored):
        return label
    issue = _issue(payload.pull_request)
    return events.IssueLabeled(
        id=origin.id, repo=origin.repo(payload), actor=origin.actor, issue=issue, label=label, is_pull=True
    )


def pull_unlabeled(origin: Origin, payload: payloads.PullLabelPayload) -> Parsed:
    label = _trigger_in(origin, payload)
    if isinstance(label, Ignored):
        return label
    return events.IssueUnlabeled(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        number=payload.pull_request.number,
        label=label,
        at=_moment(payload.pull_request.updated_at),
        is_pull=True,
    )


def pull_closed(origin: Origin, payload: payloads.PullPayload) -> Parsed:
    return _foreign(payload) or events.PullRequestClosed(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        pull_number=payload.pull_request.number,
        branch=payload.pull_request.head.ref,
        is_merged=bool(payload.pull_request.merged),
    )


def pull_reopened(origin: Origin, payload: payloads.PullPayload) -> Parsed:
    return _foreign(payload) or events.PullRequestReopened(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        pull_number=payload.pull_request.number,
        branch=payload.pull_request.head.ref,
        head_sha=payload.pull_request.head.sha,
        is_draft=bool(payload.pull_request.draft),
    )


def draft_changed(*, is_draft: bool) -> Read[payloads.PullPayload]:
    def read(origin: Origin, payload: payloads.PullPayload) -> Parsed:
        return _foreign(payload) or events.PullRequestDraftChanged(
            id=origin.id,
            repo=origin.repo(payload),
            actor=origin.actor,
            pull_number=payload.pull_request.number,
            branch=payload.pull_request.head.ref,
            is_draft=is_draft,
        )

    return read


# --- checks and pushes -----------------------------------------------------------------------------------------------


def _checks_changed(origin: Origin, payload: payloads.RepoPayload, *, sha: str, branch: str | None) -> Parsed:
    """The payload's `pull_requests` is not used: it is empty for forks and names those of other repositories."""
    if branch and branch.startswith(_MERGE_QUEUE):
        return Ignored(reason="checks of a merge queue")
    return events.ChecksChanged(id=origin.id, repo=origin.repo(payload), head_sha=sha, branch=branch or None)


def check_run_completed(origin: Origin, payload: payloads.CheckRunPayload) -> Parsed:
    run = payload.check_run
    branch = run.check_suite.head_branch if run.check_suite else None
    return _checks_changed(origin, payload, sha=run.head_sha, branch=branch)


def check_suite_completed(origin: Origin, payload: payloads.CheckSuitePayload) -> Parsed:
    suite = payload.check_suite
    return _checks_changed(origin, payload, sha=suite.head_sha, branch=suite.head_branch)


def workflow_run_completed(origin: Origin, payload: payloads.WorkflowRunPayload) -> Parsed:
    run = payload.workflow_run
    if run.head_repository is not None and run.head_repository.id != payload.repository.id:
        return Ignored(reason="a workflow run of a fork")
    return _checks_changed(origin, payload, sha=run.head_sha, branch=run.head_branch)


def status_set(origin: Origin, payload: payloads.StatusPayload) -> Parsed:
    if payload.state == "pending":
        return Ignored(reason="a status that is still pending")
    # `branches` are all that contain the commit, our base among them after a merge; we mean the one it is the tip of.
    tips = [branch.name for branch in payload.branches if branch.commit.sha == payload.sha]
    return _checks_changed(origin, payload, sha=payload.sha, branch=tips[0] if len(tips) == 1 else None)


def pushed(origin: Origin, payload: payloads.PushPayload) -> Parsed:
    branch = payload.ref.removeprefix(_BRANCH)
    if branch in ("", payload.ref) or branch.startswith(_MERGE_QUEUE):
        return Ignored(reason="a push to a tag or a merge queue")
    return events.BranchPushed(
        id=origin.id,
        repo=origin.repo(payload),
        actor=origin.actor,
        branch=branch,
        after=None if payload.deleted else payload.after,
        is_forced=payload.forced,
    )


# --- the app itself --------------------------------------------------------------------------------------------------


def installation(action: InstallationAction) -> Read[payloads.InstallationPayload]:
    def read(origin: Origin, _: payloads.InstallationPayload) -> Parsed:
        return events.InstallationChanged(
            id=origin.id, actor=origin.actor, installation_id=origin.installation_id, action=action
        )

    return read


def repositories_added(origin: Origin, payload: payloads.RepositoriesAddedPayload) -> Parsed:
    return _repositories(origin, "added", payload.repositories_added)


def repositories_removed(origin: Origin, payload: payloads.RepositoriesRemovedPayload) -> Parsed:
    return _repositories(origin, "removed", payload.repositories_removed)


def _repositories(origin: Origin, action: InstallationAction, changed: list[payloads.Ref]) -> Parsed:
    """An empty list (the selection changed, its result did not) must not be taken for "all repositories"."""
    if not changed:
        return Ignored(reason=f"no repository was {action}")
    return events.InstallationChanged(
        id=origin.id,
        actor=origin.actor,
        installation_id=origin.installation_id,
        action=action,
        repo_ids=tuple(repo.id for repo in changed),
    )
