"""The outside world on one screen: what Honk asks of GitHub, of a model, of workspaces and of a clock. Adapters
implement these; `app.py` joins them; tests may put a program of their own behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from github_app.core.aftermath import Aftermaths
from github_app.core.backing import Backing
from github_app.core.effects import ReactionTarget
from github_app.core.events import CommentSource
from github_app.core.linked import Linked
from github_app.core.merges import Comparison
from github_app.core.model import (
    Actor,
    Annotation,
    ChangeSet,
    Checks,
    Comment,
    Issue,
    NetworkDecision,
    Patch,
    Permission,
    Pull,
    Repo,
    Thread,
    Usage,
)
from github_app.core.reports import LineComment
from github_app.core.session import Feedback
from github_app.core.shipments import Gate
from github_app.core.traffic import Traffic

KilledBy = Literal["timeout", "memory", "processes", "disk", "output", "stop"]


@dataclass(frozen=True, kw_only=True)
class ExecLimits:
    """Ceilings for one command. `disk_bytes` is growth of what it may write, `file_bytes` the size of any one file."""

    timeout_s: float = 600.0
    memory_bytes: int = 4 * 2**30
    processes: int = 512
    output_bytes: int = 1_000_000
    disk_bytes: int = 4 * 2**30
    file_bytes: int = 2**30


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """How a command ended. `output` is stdout and stderr as they came, its middle cut where it was too long.

    `network` has what it asked of the network, counted by host; empty where it had none.
    """

    exit_code: int
    output: str
    output_bytes: int
    truncated: bool
    killed_by: KilledBy | None
    duration_s: float
    network: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GitAuth:
    """Where to fetch a repository and what opens it. The token goes to one git process, by its environment."""

    url: str
    token: str | None = field(default=None, repr=False)


class Workspace(Protocol):
    """A writable view of one repository at one commit. Calls are serialised: one command at a time."""

    @property
    def sha(self) -> str:
        """The commit underneath."""

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str = ".",
        env: Mapping[str, str] = ...,
        limits: ExecLimits = ...,
        network: tuple[str, ...] = ...,
        backing: Backing = ...,
    ) -> ExecResult:
        """Run a command in the sandbox. Raises nothing for what it does; `SandboxUnavailable` if it cannot start.

        `network` are the hosts that it may reach, as policies name them; none by default, and nothing at its back.
        """

    async def read(self, path: str, *, max_bytes: int = 1_000_000) -> bytes:
        """A regular file's content. Raises `PathRefused`, or `ToolFailed` if it is missing or too large."""

    async def write(self, path: str, content: bytes, *, executable: bool | None = None) -> None:
        """Create or replace a file, making folders. `executable=None` keeps the mode. Raises `PathRefused`."""

    async def delete(self, path: str) -> None:
        """Delete a file. Raises `PathRefused`, `ToolFailed` if it is missing."""

    async def read_base(self, path: str, *, max_bytes: int = 1_000_000) -> bytes | None:
        """A file's content at `sha`, whatever was written since; None if it is larger. `ToolFailed` if missing."""

    async def list(self, prefix: str = "", *, limit: int = 10_000) -> list[str]:
        """Paths of files below `prefix`, sorted: tracked and new ones, neither ignored ones nor `.git`."""

    async def changes(self) -> ChangeSet:
        """What differs from `sha`. Ignored files are left out unless the commit has them."""

    async def apply(self, changes: ChangeSet) -> None:
        """Write the files of a change set (a snapshot of earlier work) over this workspace."""

    async def recall(self) -> str:
        """What `remember` was last told; empty in a workspace that is new, was lost or is over another commit."""

    async def remember(self, note: str) -> None:
        """Keep a note with the workspace, where its commands cannot reach it."""

    async def close(self, *, discard: bool) -> None:
        """Let go of it; with `discard`, delete what was written."""


class Workspaces(Protocol):
    """Opens workspaces."""

    async def open(self, repo: Repo, sha: str, key: str, *, auth: Callable[[], GitAuth]) -> Workspace:
        """Open the workspace of session `key` at `sha`; what the same key wrote there before is still there.

        `auth` is called only if the commit must be fetched. Raises `NotVisibleYet`, `Gone`, `AccessDenied`,
        `Transient`.
        """

    async def discard(self, key: str) -> None:
        """Delete all that session `key` holds on disk."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A secret in a text: where it stands (lines count from 1), and what it is, never its value.

    `is_ours`: it is one of Honk's own, known by its value, and no mere resemblance.
    """

    line: int
    last_line: int
    what: str
    is_ours: bool = False


class SecretScanner(Protocol):
    """Looks for secrets. Works offline, asks nobody whether one is valid, and may be called from several threads."""

    def scan(self, content: bytes) -> tuple[Sighting, ...]:
        """What looks like a secret in a file's content, in order. Blocks; the first call takes seconds."""


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """One call of the model, in the Messages API's own JSON shapes. Cache marks are already in it."""

    model: str
    max_tokens: int
    system: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    messages: Sequence[Mapping[str, Any]]
    tool_choice: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class ModelReply:
    """The model's answer: content blocks as JSON, why it stopped, what it consumed (as the server counted) and cost."""

    content: tuple[dict[str, Any], ...]
    stop_reason: str
    usage: Usage
    request_id: str = ""


class Model(Protocol):
    """The language model. Raises `RateLimited` or `Transient` after its own retries, `AccessDenied` for a bad key."""

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Ask for one reply."""

    def price_of(self, model: str, usage: Usage) -> int:
        """What an amount of tokens costs, in millionths of a US dollar. Unknown models cost as much as the dearest."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One journalled message of a turn, counted from 0: what we said (`user`), what the model replied (`assistant`), or
    what the judge replied about the change set whose digest is `about` (`judge`).

    `consumed` are the ids of the feedback that a `user` message carries. Of an `assistant` one, `usage` is what it
    cost, `model` and `request_id` say which request it answers, and `stop_reason` why it ended.
    """

    number: int
    role: Literal["user", "assistant", "judge"]
    content: tuple[dict[str, Any], ...]
    usage: Usage = field(default_factory=Usage)
    consumed: tuple[str, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()
    model: str = ""
    request_id: str = ""
    stop_reason: str = ""
    about: str = ""


class Journal(Protocol):
    """The durable memory of one turn. What is in it is never asked of the model again."""

    async def load(self) -> tuple[Step, ...]:
        """The steps so far, in order."""

    async def append(self, step: Step, *, snapshot: ChangeSet | None = None) -> None:
        """Store a step, and what the workspace holds after it if that changed. Durable when it returns.

        Raises `Stopped` if the turn is not in force any more (then nothing was stored).
        """

    async def arrivals(self) -> tuple[Feedback, ...]:
        """What people and CI said since the turn began and no step has carried yet. Raises `Stopped` as above."""


class Publisher(Protocol):
    """Makes a change set a commit on GitHub. There are two: the Git Data API (GitHub signs it) and `git push`."""

    def publish(
        self,
        repo: Repo,
        changes: ChangeSet,
        *,
        parent_sha: str,
        branch: str,
        message: str,
        key: str,
        audit: str,
        may_create: bool = True,
        merged_sha: str = "",
    ) -> str:
        """Make one commit on `branch` (created at `parent_sha` if absent) and return its SHA; never forces.

        With a `merged_sha` the commit is a merge: that is its second parent, and `changes` are on top of that one.
        Without `may_create`, a branch that is not there was deleted: `Gone` ("branch"), and it stays so.

        Idempotent by `key`, kept as a trailer of the commit beside `audit`, which names the record of why we made it.
        Raises `HeadMoved` if the tip is not `parent_sha`.
        """


class Hub(Aftermaths, Gate, Protocol):
    """GitHub, for one repository at a time: each call uses a token that names that repository and few permissions.

    All calls block. They raise `Transient`/`RateLimited`, `NotVisibleYet`, `Gone`, `AccessDenied`.
    """

    def at_leisure(self) -> AbstractContextManager[None]:
        """Within it, calls of this thread are work that can wait: `RateLimited` while the rest is for people."""

    def traffic(self) -> Traffic:
        """What this process has asked of GitHub so far."""

    def identity(self) -> Actor:
        """Our own account: the app's bot user."""

    def permission(self, repo: Repo, actor: Actor) -> Permission:
        """What an account may do, asked live; NONE for unknown accounts and bots."""

    def issue(self, repo: Repo, number: int) -> Issue:
        """An issue as it stands now."""

    def linked(self, repo: Repo, number: int) -> Linked:
        """An issue or pull request that a text refers to, if it is there; its author's permission is not asked."""

    def images(self, repo: Repo, number: int, urls: Sequence[str]) -> Mapping[str, bytes]:
        """The images at these addresses, which an issue or its comments show; what cannot be had is left out."""

    def comments(self, repo: Repo, number: int) -> tuple[Comment, ...]:
        """All comments of an issue or pull request but our own, oldest first, with their authors' permissions."""

    def pull(self, repo: Repo, number: int) -> Pull:
        """A pull request as it stands now."""

    def patches(self, repo: Repo, number: int) -> tuple[Patch, ...]:
        """What a pull request changes, file by file, in the order of paths."""

    def find_pull(self, repo: Repo, branch: str) -> Pull | None:
        """The newest pull request whose head is `branch` of this repository."""

    def head_of(self, repo: Repo, branch: str) -> str | None:
        """The commit at the tip of a branch; None if there is no such branch. Raises `Gone` for an empty repository."""

    def is_protected(self, repo: Repo, branch: str) -> bool:
        """Whether GitHub has a branch protected, so that nobody pushes to it directly."""

    def compare(self, repo: Repo, *, base: str, head_sha: str) -> Comparison | None:
        """How a commit stands to a branch or commit `base`; None if that is gone, or they have nothing in common."""

    def checks(self, repo: Repo, sha: str, *, with_logs: bool = False) -> Checks:
        """All checks of a commit, merged; with `with_logs`, what the failed ones printed, as far as it can be had."""

    def rerun_failed(self, repo: Repo, run_id: int) -> None:
        """Have the failed jobs of a workflow run run once more; nothing if it has run more than once, or runs."""

    def threads(self, repo: Repo, pull_number: int) -> tuple[Thread, ...]:
        """The unresolved review threads of a pull request, all pages."""

    def file(self, repo: Repo, path: str, sha: str) -> bytes | None:
        """A file at a commit; None if it is not there. At most 1 MB."""

    def react(self, repo: Repo, target: ReactionTarget, target_id: int, content: str) -> None:
        """Put a reaction; once, however often it is called."""

    def say(self, repo: Repo, number: int, tag: str, body: str, *, known: int | None = None) -> int:
        """Post a comment, or edit ours with the same hidden `tag`; its id. Cuts a body that is too long, visibly.

        `known` is its id as it was: found by that, whatever people did to its text; if it is gone, by its tag.
        """

    def minimise(self, repo: Repo, comment_id: int) -> None:
        """Fold up a comment of ours as outdated; nothing if it is gone, or another's."""

    def own_comment(self, repo: Repo, number: int, tag: str) -> tuple[str, Actor | None] | None:
        """Our comment with this `tag` as it stands, and who edited it last (None: nobody); None if it is gone."""

    def template(self, repo: Repo, sha: str) -> str | None:
        """The repository's template of pull requests at a commit, as GitHub finds it; None if there is none."""

    def open_pull(self, repo: Repo, *, branch: str, base: str, title: str, body: str, below: str = "") -> Pull:
        """The open draft pull request for `branch`: found if it is there, else opened; `below` goes below our part."""

    def edit_pull(self, repo: Repo, number: int, *, body: str) -> None:
        """Replace the part of the body between our markers, or all of it if they are gone; the rest is the humans'."""

    def show_check(
        self, repo: Repo, sha: str, *, name: str, key: str, conclusion: str, title: str, summary: str,
        annotations: Sequence[Annotation] = (),
    ) -> None:  # fmt: skip
        """Enter a check run of ours of a commit, completed; once for each `key`."""

    def mark_ready(self, repo: Repo, number: int) -> None:
        """Take a pull request out of draft; nothing if it is not one."""

    def post_review(
        self, repo: Repo, number: int, *, key: str, sha: str, body: str, comments: Sequence[LineComment]
    ) -> None:
        """Post one review of commit `sha` that only comments; once for each `key`. Raises `Refused`."""

    def reply_thread(self, repo: Repo, pull_number: int, *, reply_to: int, key: str, body: str) -> None:
        """Answer in a review thread; once for each `key`."""

    def resolve_thread(self, repo: Repo, thread_id: str) -> None:
        """Resolve a review thread; nothing if it is."""

    def request_review(self, repo: Repo, number: int, logins: Sequence[str]) -> None:
        """Ask for another review; unknown people are passed over."""

    def remove_label(self, repo: Repo, number: int, label: str) -> None:
        """Take a label off; nothing if it is not on."""

    def git_auth(self, repo: Repo, *, write: bool = False, workflows: bool = False) -> GitAuth:
        """How to fetch from (or push to, changed workflows as well) the repository for the next minutes."""

    def has_comment(self, repo: Repo, source: CommentSource, comment_id: int) -> bool:
        """Whether a comment is still there."""

    def redeliver_failed(self, *, since: datetime, again: bool) -> int:
        """Ask GitHub to deliver again what did not arrive; how many. With `again`, also what we refused twice."""


class Fence(Protocol):
    """Stands before each effect on the outside: a process that stood still may have lost its work to another one."""

    def require(self) -> None:
        """Return if the work is still ours; usually at once. Raises `Transient` where that cannot be known now.

        Does not return where the work is another's: the process ends.
        """


class Unfenced:
    """The fence of one who works alone: nobody can take anything over."""

    def require(self) -> None:
        """Return at once."""


class Clock(Protocol):
    """The time, so that tests can hold it."""

    def now(self) -> datetime:
        """Now, with time zone UTC."""
