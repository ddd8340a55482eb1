"""The values of the local GitHub: accounts, apps, repositories, and all that hangs on them.

Plain mutable dataclasses in memory; files and history live in bare git repositories on disk. Whoever reads or changes
them holds `World.lock`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .values_builds import Artifact, Deployment

Role = Literal["none", "read", "triage", "write", "maintain", "admin"]
ROLES: tuple[Role, ...] = ("none", "read", "triage", "write", "maintain", "admin")


@dataclass(eq=False)
class User:
    """An account: a person, an organisation or an app's bot."""

    id: int
    login: str
    type: Literal["User", "Bot", "Organization"] = "User"

    @property
    def email(self) -> str:
        """The no-reply address that GitHub gives to commits of this account."""
        return f"{self.id}+{self.login}@users.noreply.localhub"


@dataclass(eq=False)
class App:
    """A GitHub App. `public_key` is PEM; `events` are webhook names; without `webhook_url` nothing is delivered."""

    id: int
    slug: str
    owner: User
    bot: User
    public_key: str
    client_id: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    webhook_url: str
    webhook_secret: str
    created_at: datetime
    client_secret: str = ""
    callback_urls: tuple[str, ...] = ()


@dataclass(eq=False)
class Installation:
    """An app on an account. `repository_ids` None means all repositories of the account, `granted` None all permissions
    that the app wants: when it wants more, somebody has to accept that first."""

    id: int
    app: App
    account: User
    repository_ids: set[int] | None
    created_at: datetime
    updated_at: datetime
    suspended_at: datetime | None = None
    suspended_by: User | None = None
    granted: dict[str, str] | None = None

    @property
    def permissions(self) -> dict[str, str]:
        """What its tokens may have."""
        return self.app.permissions if self.granted is None else self.granted


@dataclass(frozen=True)
class Token:
    """An installation access token. `repository_ids` None means all that the installation has."""

    value: str
    installation: Installation
    permissions: dict[str, str]
    repository_ids: frozenset[int] | None
    created_at: datetime
    expires_at: datetime


@dataclass(eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str
    description: str | None


@dataclass(eq=False)
class Reaction:
    """One account's reaction to one thing."""

    id: int
    user: User
    content: str
    created_at: datetime


@dataclass(eq=False)
class Comment:
    """A comment on an issue or in the conversation of a pull request."""

    id: int
    issue: Issue
    user: User
    app: App | None
    body: str
    created_at: datetime
    updated_at: datetime
    editor: User | None = None
    minimized: str = ""
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(eq=False)
class Thread:
    """An inline conversation on a pull request. `line` and `sha` say where it was begun; see `reviews.place`."""

    id: int
    pull: Pull
    path: str
    sha: str
    side: Literal["LEFT", "RIGHT"]
    line: int | None
    start_line: int | None
    position: int
    diff_hunk: str
    subject_type: Literal["line", "file"] = "line"
    comments: list[ReviewComment] = field(default_factory=list)
    resolved_by: User | None = None


@dataclass(eq=False)
class ReviewComment:
    """One comment in a thread. The first of a thread has `reply_to` None."""

    id: int
    thread: Thread
    review: Review
    user: User
    body: str
    created_at: datetime
    updated_at: datetime
    reply_to: ReviewComment | None = None
    editor: User | None = None
    minimized: str = ""
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(eq=False)
class Review:
    """A review; `submitted_at` is None while it is PENDING."""

    id: int
    pull: Pull
    user: User
    body: str
    state: Literal["PENDING", "COMMENTED", "APPROVED", "CHANGES_REQUESTED", "DISMISSED"]
    sha: str
    submitted_at: datetime | None
    comments: list[ReviewComment] = field(default_factory=list)


@dataclass(frozen=True)
class AutoMerge:
    """Somebody wants a pull request merged as soon as its branch's rules let it."""

    enabled_by: User
    method: Literal["merge", "squash"]
    body: str | None = None


@dataclass(eq=False)
class Pull:
    """What makes an issue a pull request. `head_sha` follows the branch while it is open."""

    id: int
    issue: Issue
    head_repo: Repository | None
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_sha: str | None = None
    auto_merge: AutoMerge | None = None
    in_queue: bool = False
    requested_reviewers: list[User] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)


@dataclass(frozen=True)
class Act:
    """One entry of an issue's record: `labeled`, `unlabeled`, `closed`, `reopened` or `renamed` (then `names`)."""

    id: int
    event: str
    actor: User
    at: datetime
    label: Label | None = None
    names: tuple[str, str] = ("", "")


@dataclass(eq=False)
class Issue:
    """An issue, or (with `pull`) a pull request: GitHub numbers both together."""

    id: int
    repo: Repository
    number: int
    title: str
    body: str | None
    user: User
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    locked: bool = False
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    pull: Pull | None = None
    acts: list[Act] = field(default_factory=list)
    editor: User | None = None
    edited_at: datetime | None = None


@dataclass(eq=False)
class Status:
    """A commit status."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at: datetime


@dataclass(eq=False)
class CheckSuite:
    """All check runs of one app for one push."""

    id: int
    app: App
    head_sha: str
    head_branch: str | None
    before: str | None
    created_at: datetime
    updated_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    runs: list[CheckRun] = field(default_factory=list)


@dataclass(eq=False)
class CheckRun:
    """One check. `output` has GitHub's keys: title, summary, text, annotations."""

    id: int
    suite: CheckSuite
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None = None
    external_id: str = ""
    details_url: str | None = None
    output: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Job:
    """One job of a workflow run; it shares its id with its check run, as on GitHub."""

    id: int
    key: str
    name: str
    check: CheckRun
    attempt: int
    log: str | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class WorkflowRun:
    """One run of a workflow file. `jobs` holds all attempts; `attempt` is the newest."""

    id: int
    repo: Repository
    suite: CheckSuite
    workflow_id: int
    path: str
    name: str
    number: int
    event: str
    ref: str
    payload: dict[str, Any]
    actor: User
    title: str
    created_at: datetime
    updated_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    attempt: int = 1
    jobs: list[Job] = field(default_factory=list)


@dataclass(eq=False)
class Delivery:
    """One attempt to hand a webhook to an app; a redelivery is another one with the same `guid`."""

    id: int
    guid: str
    app: App
    event: str
    payload: dict[str, Any]
    installation_id: int | None
    repository_id: int | None
    redelivery: bool
    delivered_at: datetime
    duration_s: float = 0.0
    status: str = "pending"
    status_code: int = 0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""


@dataclass(eq=False)
class Repository:
    """A repository. `git_dir` is bare; `refs` mirrors its refs (full names) and is renewed by `refs.reread`."""

    id: int
    owner: User
    name: str
    git_dir: Path
    created_at: datetime
    pushed_at: datetime
    default_branch: str = "main"
    private: bool = True
    description: str | None = None
    archived: bool = False
    delete_branch_on_merge: bool = False
    collaborators: dict[int, Role] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    gone: dict[int, Issue | None] = field(default_factory=dict)  # deleted (None), or where it was transferred to
    statuses: list[Status] = field(default_factory=list)
    suites: list[CheckSuite] = field(default_factory=list)
    runs: list[WorkflowRun] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    workflow_ids: dict[str, int] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)  # commits that GitHub itself would have signed
    protected: set[str] = field(default_factory=set)  # branches that refuse pushes
    allow_auto_merge: bool = True
    required_checks: set[str] = field(default_factory=set)  # of the default branch: names of check runs and statuses
    required_approvals: int = 0  # the same
    merge_queue: bool = False

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    def branch(self, name: str) -> str | None:
        """Return the commit of a branch, or None."""
        return self.refs.get(f"refs/heads/{name}")

    def pulls(self) -> list[Pull]:
        """Return all pull requests, oldest first."""
        return [issue.pull for issue in self.issues.values() if issue.pull]

    def open_pulls_for(self, sha: str) -> list[Pull]:
        """Return the open pull requests whose head is this commit."""
        return [p for p in self.pulls() if p.head_sha == sha and p.issue.state == "open"]

    def check_runs(self, sha: str) -> list[CheckRun]:
        """Return the check runs of a commit, oldest first."""
        return [run for suite in self.suites if suite.head_sha == sha for run in suite.runs]
