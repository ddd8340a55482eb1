"""Work that was decided, in the imperative: the closed set `Effect`. Each is idempotent by its id (`<event id>/<n>`)
or by what it names: comments carry a hidden marker and are looked up before they are posted again, commits carry a
trailer, a branch's name is a function of its session, a pull request is found by its head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from github_app.core.lessons import Lesson
from github_app.core.model import Annotation
from github_app.core.reports import LineComment
from github_app.core.session import Cause, Reply
from github_app.core.shipments import Method

ReactionTarget = Literal["issue", "issue_comment", "review_comment"]


@dataclass(frozen=True, kw_only=True)
class React:
    """Acknowledge at once: put a reaction on what the person wrote."""

    target: ReactionTarget
    target_id: int
    content: Literal["eyes", "+1", "-1", "confused", "rocket"] = "eyes"


@dataclass(frozen=True, kw_only=True)
class Say:
    """Post one comment under an issue or pull request; the same `tag` there edits the earlier one."""

    number: int
    tag: str
    body: str


@dataclass(frozen=True, kw_only=True)
class MinimiseComments:
    """Fold up the comments of a session that have these tags, as outdated."""

    session_id: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ShowProgress:
    """Bring the tracking comment (and the pull request's body, if there is one) up to date with the session."""


@dataclass(frozen=True, kw_only=True)
class RunTurn:
    """Let the agent work."""

    turn_id: str
    cause: Cause


@dataclass(frozen=True, kw_only=True)
class Publish:
    """Make the change set a commit on the session's branch and see that the draft pull request is there.

    What is found in it and was not accepted in the session's hold keeps it back.
    """

    turn_id: str
    change_set_id: str


@dataclass(frozen=True, kw_only=True)
class Undo:
    """Revert our commit `commit_sha` by a new one on top of `head_sha`, for `login`, who asked for it."""

    commit_sha: str
    head_sha: str
    login: str


@dataclass(frozen=True, kw_only=True)
class OpenRevert:
    """Have GitHub open the draft pull request that takes a merged one back, once for each session, for `login`."""

    pull_number: int
    title: str
    body: str
    login: str


@dataclass(frozen=True, kw_only=True)
class RerunChecks:
    """Have the failed jobs of these workflow runs run once more, unless they have been."""

    run_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class LookAgain:
    """Look at the checks of a commit once more, so many seconds later, as if there were news of them."""

    head_sha: str
    after_s: float


@dataclass(frozen=True, kw_only=True)
class ShowProof:
    """Enter the check run `honk` of a commit of ours, which says how it was verified. It counts for no decision."""

    head_sha: str
    conclusion: Literal["success", "neutral", "failure"]
    title: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class ShowPolicy:
    """Enter the check run `honk policy` of a commit, which says what its policy file comes to."""

    head_sha: str
    conclusion: Literal["success", "failure"]
    title: str
    summary: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Deliver:
    """Look for what CI made of this commit, and have it told to people; nothing if there is nothing."""

    head_sha: str


@dataclass(frozen=True, kw_only=True)
class MarkReady:
    """Take the pull request out of draft."""

    pull_number: int


@dataclass(frozen=True, kw_only=True)
class Ship:
    """Have GitHub merge the pull request at `head_sha`, for who shipped it: the one effect that leads to a merge."""

    pull_number: int
    head_sha: str
    method: Method


@dataclass(frozen=True, kw_only=True)
class Unship:
    """Have GitHub merge the pull request no more, as far as it would by our doing."""

    pull_number: int


@dataclass(frozen=True, kw_only=True)
class ReplyThreads:
    """Answer review threads, each in its place."""

    pull_number: int
    replies: tuple[Reply, ...]


@dataclass(frozen=True, kw_only=True)
class PostReview:
    """Post one review of a pull request at `head_sha`, with comments on lines; it neither approves nor refuses.

    `instead` is said in a comment where GitHub does not take it so.
    """

    pull_number: int
    head_sha: str
    body: str
    remarks: tuple[LineComment, ...]
    instead: Say


@dataclass(frozen=True, kw_only=True)
class StopInquiries:
    """Have reports that are being made end without one."""

    session_ids: tuple[str, ...]
    login: str


@dataclass(frozen=True, kw_only=True)
class RequestReview:
    """Ask those who reviewed to look again."""

    pull_number: int
    logins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RemoveLabel:
    """Take the trigger label off, so that the next labelling is a fresh act."""

    number: int
    label: str


@dataclass(frozen=True, kw_only=True)
class DiscardWorkspace:
    """Delete what the session holds on disk."""


@dataclass(frozen=True, kw_only=True)
class PauseRepository:
    """Let no turn start and nothing be published in the repository, in the name of who wanted that."""

    login: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ResumeRepository:
    """Lift the pause of the repository's people."""


@dataclass(frozen=True, kw_only=True)
class KeepLesson:
    """Tell later turns in the repository of this lesson, in the place of one with the same numbers."""

    lesson: Lesson


@dataclass(frozen=True, kw_only=True)
class DropLesson:
    """Tell no turn of this lesson any more; nothing if nobody had kept it."""

    pull_number: int
    number: int


Effect = (
    React
    | Say
    | MinimiseComments
    | ShowProgress
    | RunTurn
    | Publish
    | Undo
    | OpenRevert
    | ShowProof
    | ShowPolicy
    | RerunChecks
    | LookAgain
    | Deliver
    | MarkReady
    | Ship
    | Unship
    | ReplyThreads
    | PostReview
    | StopInquiries
    | RequestReview
    | RemoveLabel
    | DiscardWorkspace
    | PauseRepository
    | ResumeRepository
    | KeepLesson
    | DropLesson
)

BEST_EFFORT = (
    React, ShowProgress, MinimiseComments, ShowProof, ShowPolicy, Deliver, RequestReview, RemoveLabel, DiscardWorkspace,
)  # fmt: skip
"""Effects whose failure is the operator's business alone: logged and counted, never a question to a human."""
