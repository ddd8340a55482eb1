"""The parts of GitHub's webhook payloads that we read, and no more: each model names what `parse` cannot do without, so
that a field GitHub may leave out or set to null never makes a delivery unreadable
(https://docs.github.com/en/webhooks/webhook-events-and-payloads)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _storable(value: object) -> object:
    """Replace what JSON can carry and a database cannot: NUL and halves of surrogate pairs."""
    return _UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_storable)]
Name = Annotated[str, BeforeValidator(_storable), Field(min_length=1)]
# It becomes part of URLs and paths, so neither side may be dots alone.
FullName = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_-]+/[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*\z")]
Sha = Annotated[str, Field(pattern=r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\z")]
Id = Annotated[int, Field(gt=0, lt=2**63)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Account(_Part):
    id: Id
    login: Name
    type: str = "User"


class Ref(_Part):
    id: Id


class Numbered(_Part):
    number: Id


class Repository(_Part):
    id: Id
    full_name: FullName
    default_branch: Name


class Payload(_Part):
    """What every payload may have. `sender` is null when the account is gone, `installation` is an app's only."""

    sender: Account | None = None
    installation: Ref | None = None


class RepoPayload(Payload):
    repository: Repository


# --- issues and comments ---------------------------------------------------------------------------------------------


class Label(_Part):
    name: Text


class Issue(Numbered):
    title: Text
    body: Text | None = None
    user: Account | None = None
    state: str = "open"
    locked: bool = False
    labels: list[Label | None] | None = None
    html_url: Text = ""
    updated_at: object = None
    pull_request: dict[str, object] | None = None


class IssuePayload(RepoPayload):
    issue: Issue


class LabelPayload(IssuePayload):
    label: Label | None = None


class EndedIssue(Numbered):
    updated_at: object = None


class EndedIssuePayload(RepoPayload):
    issue: EndedIssue


class CommentedIssue(Numbered):
    title: Text
    body: Text | None = None
    pull_request: dict[str, object] | None = None


class Comment(_Part):
    id: Id
    body: Text | None = None
    created_at: object = None


class CommentPayload(RepoPayload):
    issue: CommentedIssue
    comment: Comment


class OldText(_Part):
    # GitHub's name of the field is a Python keyword.
    text: Text = Field(default="", alias="from")


class Changes(_Part):
    body: OldText | None = None


class EditedCommentPayload(CommentPayload):
    changes: Changes = Changes()


# --- pull requests and reviews ---------------------------------------------------------------------------------------


class Side(_Part):
    """Head or base of a pull request; `repo` is null when the fork was deleted."""

    ref: Name
    sha: Sha
    repo: Ref | None = None


class Pull(Numbered):
    head: Side
    draft: bool | None = None
    merged: bool | None = None


class PullPayload(RepoPayload):
    pull_request: Pull


class OpenPull(Pull):
    base: Side


class OpenPullPayload(RepoPayload):
    pull_request: OpenPull


class LabelledPull(Issue):
    """A pull request in an issue's clothes, as far as its labels go."""


class PullLabelPayload(RepoPayload):
    pull_request: LabelledPull
    label: Label | None = None


class Review(_Part):
    id: Id
    state: str
    body: Text | None = None


class ReviewPayload(PullPayload):
    review: Review


class ReviewCommentPayload(PullPayload):
    comment: Comment


# --- checks and pushes -----------------------------------------------------------------------------------------------


class OnBranch(_Part):
    head_branch: Text | None = None


class CheckRun(_Part):
    head_sha: Sha
    check_suite: OnBranch | None = None


class CheckRunPayload(RepoPayload):
    check_run: CheckRun


class CheckSuite(OnBranch):
    head_sha: Sha


class CheckSuitePayload(RepoPayload):
    check_suite: CheckSuite


class WorkflowRun(OnBranch):
    head_sha: Sha
    head_repository: Ref | None = None


class WorkflowRunPayload(RepoPayload):
    workflow_run: WorkflowRun


class Tip(_Part):
    sha: Text | None = None


class Branch(_Part):
    name: Name
    commit: Tip


class StatusPayload(RepoPayload):
    sha: Sha
    state: str
    branches: list[Branch] = []


class PushPayload(RepoPayload):
    ref: Name
    after: Sha
    deleted: bool = False
    forced: bool = False


# --- the app itself --------------------------------------------------------------------------------------------------


class InstallationPayload(Payload):
    installation: Ref


class RepositoriesAddedPayload(InstallationPayload):
    repositories_added: list[Ref] = []


class RepositoriesRemovedPayload(InstallationPayload):
    repositories_removed: list[Ref] = []
