"""The door's second half: what a verified delivery means. One table by (event, action); what is in no row, or says
nothing to us, is `Ignored` with its reason. Pure, and outside the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from pydantic import ValidationError

from github_app.core.errors import Rejected
from github_app.webhook import edits, payloads, proposals, readers
from github_app.webhook.delivery import Delivery, load_object
from github_app.webhook.readers import Ignored, Origin, Parsed, Read

__all__ = ["TABLE", "Ignored", "Parsed", "parse"]

_P = TypeVar("_P", bound=payloads.Payload)


@dataclass(frozen=True)
class _Row:
    """The payload's model and what makes an event of it."""

    model: type[payloads.Payload]
    read: Callable[[Origin, payloads.Payload], Parsed]


def parse(delivery: Delivery, *, trigger_label: str) -> Parsed:
    """Make an event of a delivery, or say why it means nothing.

    The actor is always the payload's `sender`, whoever wrote the comment or issue. Texts hold neither NUL nor lone
    surrogates; those became U+FFFD. A command in a new issue has its number for `comment_id`. Raises `Rejected` (400)
    naming the field if the payload of an event that we read is not as GitHub documents it: its sender has long had an
    answer then, so whoever calls this records the delivery as unreadable.
    """
    row = TABLE.get((delivery.event, delivery.action))
    what = delivery.event + (f".{delivery.action}" if delivery.action else "")
    if row is None:
        return Ignored(reason=f"nothing follows from {what}")
    try:
        payload = row.model.model_validate(load_object(delivery.body))
    except ValidationError as error:
        raise Rejected(f"payload of {what}: {_first_problem(error)}", http_status=400) from None
    if payload.installation is None:
        return Ignored(reason="not sent to an installation of the app")
    origin = Origin(
        id=delivery.id,
        actor=readers.actor_of(payload.sender),
        installation_id=payload.installation.id,
        trigger_label=trigger_label,
    )
    return row.read(origin, payload)


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _row(model: type[_P], read: Read[_P]) -> _Row:
    """Tie a reader to its model; the two are never parted, so the reader gets what it says it takes."""
    return _Row(model, cast("Callable[[Origin, payloads.Payload], Parsed]", read))


TABLE: Mapping[tuple[str, str | None], _Row] = {
    ("issues", "opened"): _row(payloads.IssuePayload, readers.issue_opened),
    ("issues", "labeled"): _row(payloads.LabelPayload, readers.issue_labeled),
    ("issues", "unlabeled"): _row(payloads.LabelPayload, readers.issue_unlabeled),
    ("issues", "edited"): _row(payloads.IssuePayload, readers.issue_edited),
    ("issues", "closed"): _row(payloads.EndedIssuePayload, readers.issue_ended("closed")),
    ("issues", "deleted"): _row(payloads.EndedIssuePayload, readers.issue_ended("deleted")),
    ("issues", "transferred"): _row(payloads.EndedIssuePayload, readers.issue_ended("transferred")),
    ("issue_comment", "created"): _row(payloads.CommentPayload, readers.comment_created),
    ("issue_comment", "edited"): _row(payloads.EditedCommentPayload, edits.comment_edited),
    ("pull_request_review", "submitted"): _row(payloads.ReviewPayload, readers.review_submitted),
    ("pull_request_review_comment", "created"): _row(payloads.ReviewCommentPayload, readers.review_comment_created),
    ("pull_request", "labeled"): _row(payloads.PullLabelPayload, readers.pull_labeled),
    ("pull_request", "unlabeled"): _row(payloads.PullLabelPayload, readers.pull_unlabeled),
    ("pull_request", "opened"): _row(payloads.OpenPullPayload, proposals.pull_pushed),
    ("pull_request", "synchronize"): _row(payloads.OpenPullPayload, proposals.pull_pushed),
    ("pull_request", "closed"): _row(payloads.PullPayload, readers.pull_closed),
    ("pull_request", "reopened"): _row(payloads.PullPayload, readers.pull_reopened),
    ("pull_request", "converted_to_draft"): _row(payloads.PullPayload, readers.draft_changed(is_draft=True)),
    ("pull_request", "ready_for_review"): _row(payloads.PullPayload, readers.draft_changed(is_draft=False)),
    ("check_run", "completed"): _row(payloads.CheckRunPayload, readers.check_run_completed),
    ("check_suite", "completed"): _row(payloads.CheckSuitePayload, readers.check_suite_completed),
    ("workflow_run", "completed"): _row(payloads.WorkflowRunPayload, readers.workflow_run_completed),
    ("status", None): _row(payloads.StatusPayload, readers.status_set),
    ("push", None): _row(payloads.PushPayload, readers.pushed),
    ("installation", "created"): _row(payloads.InstallationPayload, readers.installation("created")),
    ("installation", "deleted"): _row(payloads.InstallationPayload, readers.installation("deleted")),
    ("installation", "suspend"): _row(payloads.InstallationPayload, readers.installation("suspended")),
    ("installation", "unsuspend"): _row(payloads.InstallationPayload, readers.installation("unsuspended")),
    ("installation", "new_permissions_accepted"): _row(payloads.InstallationPayload, readers.installation("granted")),
    ("installation_repositories", "added"): _row(payloads.RepositoriesAddedPayload, readers.repositories_added),
    ("installation_repositories", "removed"): _row(payloads.RepositoriesRemovedPayload, readers.repositories_removed),
}
"""All that we read, by event and action (None: the event has no actions)."""
