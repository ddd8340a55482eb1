"""The session, the durable life of one issue's work: its status, turns and feedback, what was handed in and published.
`core.model` has the values that these are told in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from github_app.core.aftermath import Aftermath
from github_app.core.builds import Build
from github_app.core.failures import Failure, Rerun, Settling
from github_app.core.holds import Approval, Hold
from github_app.core.judgements import Judgement
from github_app.core.ledger import Entry, Outcome
from github_app.core.lessons import Draft, Proposal
from github_app.core.model import Actor, Checks, NetworkDecision, Repo, Usage
from github_app.core.plans import Plan
from github_app.core.reports import Inquiry
from github_app.core.shipments import Shipment
from github_app.core.verdicts import Verdict


class Status(StrEnum):
    """Who acts next: we (WORKING), CI (AWAITING_CHECKS), people (AWAITING_REVIEW, NEEDS_HUMAN), nobody."""

    WORKING = "working"
    AWAITING_CHECKS = "awaiting_checks"
    AWAITING_REVIEW = "awaiting_review"
    NEEDS_HUMAN = "needs_human"
    MERGED = "merged"
    CLOSED = "closed"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the session any more."""
        return self in (Status.MERGED, Status.CLOSED)


class Cause(StrEnum):
    """Why a turn runs."""

    IMPLEMENT = "implement"
    FIX_CHECKS = "fix_checks"
    ADDRESS_REVIEW = "address_review"
    FOLLOW_UP = "follow_up"
    PLAN = "plan"
    MERGE_BASE = "merge_base"
    EXPLAIN = "explain"
    REVIEW = "review"


Kind = Literal["change", "answer", "review"]
"""A pull request; or a report, for which nothing is changed: an answer to a question, or remarks on a pull request."""

FeedbackKind = Literal["command", "review", "thread", "push", "checks"]


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """Something for the agent to act on, kept with the session until a turn has seen it.

    `id` is stable for the same fact, so that a fact which arrives twice is kept once. For kind `thread`, `thread_id` is
    the GraphQL id and `reply_to` the REST comment id that answers go under.
    """

    id: str
    kind: FeedbackKind
    author: str
    body: str
    path: str = ""
    line: int | None = None
    thread_id: str = ""
    reply_to: int | None = None
    first_line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The agent's answer to one review thread. `resolves`: the thread is settled with it, unless somebody says more in
    it than this comment."""

    thread_id: str
    reply_to: int
    body: str
    standing: Outcome = "answered"
    resolves: int | None = None


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What the agent handed in at the end of a turn: its words, the verifiers' verdicts, answers to threads, lessons.
    `needs_approval` is why the change has to touch what a human must accept, `judgement` what a second look found,
    `suggested_by` whose suggestions are in the change word for word, `remaining` what of the task is left for other
    pull requests (None: what was said before)."""

    title: str
    summary: str
    notes: str = ""
    verdicts: tuple[Verdict, ...] = ()
    unverified_reason: str = ""
    needs_approval: str = ""
    replies: tuple[Reply, ...] = ()
    judgement: Judgement | None = None
    suggested_by: tuple[Actor, ...] = ()
    lessons: tuple[Draft, ...] = ()
    remaining: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one turn handed in that is published: its commit, its words for the pull request's body, what people
    accepted in it, and the paths that it changed (none if they are too many to keep); `undone_in` is the commit that
    took it back, by the word of `undone_by`. `merges` is the commit of the base that it merged, if it did."""

    head_sha: str
    title: str
    summary: str
    notes: str = ""
    approvals: tuple[Approval, ...] = ()
    paths: tuple[str, ...] = ()
    undone_in: str = ""
    undone_by: str = ""
    merges: str = ""


@dataclass(frozen=True, kw_only=True)
class Pause:
    """No turn starts and nothing is published, in one repository or everywhere; the operator's is theirs to lift."""

    login: str
    reason: str = ""
    by_operator: bool = False
    is_everywhere: bool = False


@dataclass(frozen=True, kw_only=True)
class Session:
    """The durable life of one issue's work: one branch, at most one pull request. Or, with an `inquiry`, that of one
    report: neither branch nor pull request, and beside whatever else goes on at `issue_number`.

    `turn_id` is the turn in force while WORKING (anything done in the name of another turn is void). `head_sha` is the
    branch's head as far as we know; while WORKING the commit that the turn stands on, whoever pushes meanwhile.
    `waiting_for` says what a human is asked for, `stuck_on` of what kind that is (`checks`, `money`, `quota`, `pause`,
    `permission`, `push`, `installation`, `approval`, `plan`, or empty: only words help). `asked` are the tags of the
    comments that ask for it. `plan` is the last one written. `held` is the last change set that was held back; it can
    be approved while `stuck_on` says so.
    `checked_sha` is the last head for which failed checks were handed to the agent, `failures` are the last ones of all
    heads, `rerun` what was last run again, `settling` when all ended. `delivered_sha` is the last head of which was
    looked for what CI made, `build` what was found last. `feedback` waits for a turn, or for the
    publication of the one that took it up (`carried` holds those ids); `seen` has the ids of feedback that is done
    with, `ledger` what became of threads, `lessons` what was proposed, `remaining` what of the task its pull
    request leaves to others. `reviewers` are asked again once all they said
    is published. `refused` are hosts that commands were refused, the first few. `limit_micro_usd` is what the policy
    let it spend when it began (0 in sessions that are older than this), `granted_micro_usd` what people allowed beyond
    that, and `turn_granted_micro_usd` as much of it as the last turn knew of. `version` grows with each commit.
    `turn_asked_by` is whose word started the last turn. `leaves_pull`: it has ended, its pull request stayed open.
    `reminded_at` is when people were last reminded. `bot_words` counts what bots said since a person did. `strange_sha`
    is the newest head that was pushed by somebody who may not write: nothing is built on it. `merging` is the head of
    the base that is being merged, until that is published. `has_conflicts`: the pull request cannot be merged as it
    stands, for all we saw last. `issue_title` and
    `issue_body` are the issue as somebody with authority last saw to it; None in sessions that are older than this: as
    it stands. `authors` are the numbers of the accounts whose words the work followed besides `requested_by`, and who
    else pushed to its branch. `can_ship`: policy let people ship it when it became ready; `shipment` is what one did.
    `adopted` is whose pull request the work is on, None where it is our own; then its number is the issue's.
    `aftermath` is what follows the merge.
    """

    id: str
    repo: Repo
    issue_number: int
    generation: int
    branch: str
    base_branch: str
    status: Status
    requested_by: Actor
    issue_title: str
    issue_body: str | None = None
    base_sha: str = ""
    head_sha: str = ""
    pull_number: int | None = None
    pull_is_draft: bool = True
    turn_id: str | None = None
    turn_cause: Cause | None = None
    turn_asked_by: Actor | None = None
    turns: int = 0
    fix_rounds: int = 0
    review_rounds: int = 0
    moved_heads: int = 0
    checked_sha: str = ""
    feedback: tuple[Feedback, ...] = ()
    carried: tuple[str, ...] = ()
    submission: Submission | None = None
    held: Hold | None = None
    published: tuple[Round, ...] = ()
    plan: Plan | None = None
    inquiry: Inquiry | None = None
    usage: Usage = field(default_factory=Usage)
    limit_micro_usd: int = 0
    granted_micro_usd: int = 0
    turn_granted_micro_usd: int = 0
    checks: Checks | None = None
    failures: tuple[Failure, ...] = ()
    rerun: Rerun | None = None
    settling: Settling | None = None
    delivered_sha: str = ""
    build: Build | None = None
    waiting_for: str = ""
    stuck_on: str = ""
    asked: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    ledger: tuple[Entry, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()
    lessons: tuple[Proposal, ...] = ()
    remaining: tuple[str, ...] = ()
    leaves_pull: bool = False
    bot_words: int = 0
    strange_sha: str = ""
    adopted: Actor | None = None
    merging: str = ""
    has_conflicts: bool = False
    aftermath: Aftermath | None = None
    authors: tuple[int, ...] = ()
    can_ship: bool = False
    shipment: Shipment | None = None
    reminded_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    status_since: datetime | None = None
    version: int = 0

    @property
    def answers_for_head(self) -> bool:
        """Whether what is wrong with the head is ours to mend: always on our own pull request, on somebody else's where
        the head is our commit."""
        if self.adopted is None:
            return True
        return any(self.head_sha in (each.head_sha, each.undone_in) for each in self.published)

    @property
    def holds_pull(self) -> bool:
        """Whether it has an open pull request of ours, or works towards one."""
        if self.adopted is not None or self.inquiry is not None:
            return False
        if self.status.is_terminal:
            return self.leaves_pull
        return self.pull_number is not None or self.status is Status.WORKING

    @property
    def kind(self) -> Kind:
        """What it is to come to."""
        if self.inquiry is None:
            return "change"
        return "review" if self.turn_cause is Cause.REVIEW else "answer"

    @property
    def place(self) -> int:
        """The number under which the session is stored: the issue's. An inquiry's has a minus, so that nothing that
        happens to the issue or its work finds it, and no other count of sessions takes it in."""
        return self.issue_number if self.inquiry is None else -self.issue_number
