"""What a turn is given and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field

from github_app.core.background import Background
from github_app.core.context import Context
from github_app.core.filediffs import PullDiff
from github_app.core.holds import Finding
from github_app.core.images import Pictures
from github_app.core.lessons import Lesson
from github_app.core.linked import Links
from github_app.core.merges import Conflict
from github_app.core.model import ChangeSet, Comment, Issue, NetworkDecision, Permission, Usage
from github_app.core.reports import Report
from github_app.core.session import Cause, Feedback, Submission
from github_app.core.suggestions import Suggestion

INSTRUCTION_PATHS = ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md")
"""Files in which a repository tells agents how to work in it; read at the base commit, never on the branch."""


REPORTING = (Cause.EXPLAIN, Cause.REVIEW)
"""Why a turn runs that ends with a report."""

READING = (Cause.PLAN, *REPORTING)
"""Why a turn runs that changes nothing: it has no tool that could."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One turn's work. `comments` are those of people who may instruct, `quoted` those of others, where policy wants
    them; `feedback` is all that waits for an answer.

    A turn that is resumed gets the session's whole feedback again: what may be answered in threads is known from it.
    `plan` is what people accepted that shall be done, `accepted_by` whose word that was.
    `earlier` tells what former turns of the session handed in, `carried_over` what the last one left unfinished.
    `context` is what the base commit has on the issue; empty if that could not be found. `setup` is what the policy's
    set-up commands said where one failed, `refused` which hosts they were refused. `links` is what issue and comments
    refer to, `suggestions` what reviewers suggest word for word, `lessons` are
    those that fit. `background` is of the pull request where that is somebody else's, whose title and text then are the
    issue's. `merges` is the base's commit that is merged into the branch (empty: none is), `conflicts` what of that is
    to be resolved. `diff` is the pull request that is read, `sha` the commit, where a report is wanted.
    """

    repo: str
    cause: Cause
    issue: Issue
    issue_permission: Permission
    branch: str
    base_branch: str
    comments: tuple[Comment, ...] = ()
    quoted: tuple[Comment, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    instructions: tuple[tuple[str, str], ...] = ()
    plan: str = ""
    accepted_by: str = ""
    earlier: str = ""
    carried_over: str = ""
    setup: str = ""
    refused: tuple[NetworkDecision, ...] = ()
    context: Context = field(default_factory=Context)
    links: Links = field(default_factory=Links)
    pictures: Pictures = field(default_factory=Pictures)
    suggestions: tuple[Suggestion, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    background: Background | None = None
    merges: str = ""
    conflicts: tuple[Conflict, ...] = ()
    diff: PullDiff | None = None
    sha: str = ""


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """The agent handed its work in: verified, or with the reason why not. `findings` are what a human must accept."""

    submission: Submission
    changes: ChangeSet
    findings: tuple[Finding, ...]
    usage: Usage
    consumed: tuple[str, ...]
    refused: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The agent cannot go on without an answer from a human. What it changed so far is in the workspace."""

    question: str
    usage: Usage
    consumed: tuple[str, ...]
    refused: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The agent has a plan. Nothing is changed."""

    summary: str
    items: tuple[str, ...]
    usage: Usage
    consumed: tuple[str, ...]
    refused: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reported:
    """The agent has an answer, or a review. Nothing is changed."""

    report: Report
    usage: Usage
    consumed: tuple[str, ...]
    refused: tuple[NetworkDecision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OutOfLimits:
    """The turn ended without a submission; `reason` is one sentence for people. What was changed is in the workspace.

    `limit` is `money`, `tokens`, `steps` or `time`; empty if the model refused, went round in circles or fell silent.
    """

    limit: str
    reason: str
    usage: Usage
    consumed: tuple[str, ...]
    refused: tuple[NetworkDecision, ...] = ()


Outcome = Submitted | Asked | Planned | Reported | OutOfLimits
