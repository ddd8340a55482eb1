"""What a payload does not say and a decision needs. `needs` names what to look up for an event; the shell looks it up
and hands the answers over as `Facts`; `decide` never fetches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Flag, auto

from github_app.core.commands import Verb
from github_app.core.events import (
    BranchPushed,
    ChangeSetHeld,
    ChecksChanged,
    CommandIssued,
    EffectFailed,
    Event,
    IssueClosed,
    IssueEdited,
    IssueLabeled,
    IssueUnlabeled,
    Published,
    PullRequestClosed,
    PullRequestPushed,
    PullRequestReopened,
    ReviewSubmitted,
    Ticked,
    TurnFinished,
    TurnStopped,
    inquiry_in,
)
from github_app.core.explanation import Explained
from github_app.core.merges import Comparison
from github_app.core.model import Actor, BranchHold, Checks, Issue, Permission, Pull, Thread
from github_app.core.policy import Policy
from github_app.core.proposals import Proposal
from github_app.core.quotas import Load
from github_app.core.session import Pause, Session, Status
from github_app.core.shipments import Approvals


@dataclass(frozen=True, kw_only=True)
class Running:
    """The turn in force, as our own tables know it. `stirred_at` is its last sign of life (None: it has not begun),
    `cost_micro_usd` what it has cost so far, `others` how many turns run or wait beside it."""

    stirred_at: datetime | None = None
    cost_micro_usd: int = 0
    others: int = 0


@dataclass(frozen=True, kw_only=True)
class PlanComment:
    """The comment with a plan as it stands: who saved it last (None: nobody but us, when it was written), and what that
    account may do."""

    body: str
    editor: Actor | None = None
    permission: Permission = Permission.NONE


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Answers looked up just before a decision. A field that was not needed keeps its default.

    `me` is our own account; `base_sha` the commit that new work would start from, and at which the policy was read;
    `comparison` is how the pull request's head stands to the branch that it goes into (None: that is gone);
    `base_checks` are those of the commit that the session's work began at, looked up where the head's `checks` failed;
    after a merge `checks` are those of the merge commit, and where they failed `earlier` has those of the commits
    before it, the newest first;
    `obstacle` says why no work can start here (the policy file is wrong, the repository is empty). `asker` is who a
    turn would be for, `load` what it would add to, `told` what `asker` was refused in words within the last day.
    `running` is the turn that would be cut short; None where there is none, or its own end is what is decided on.
    `up_since` is when this worker started: nobody is charged for the time before.
    `proposal` is what a pull request would make of the policy, if it changes that;
    `rules` are those of work that begins now, value by value.
    `inquiries` are the sessions of reports that are being made where `stop` was said.
    `is_heard`: these very words were decided on before; `is_withdrawn`: they are deleted by now. `is_issue_gone`: the
    issue was looked for and is not there any more. `branch` is who else has a say about the branch of a pull
    request of others that we are to work on. `approvals` are those of the session's head, `is_merging` says whether
    GitHub would still merge by itself what was shipped.
    `lost` is why GitHub does not let us look: the installation or the repository is gone, suspended or lacks a
    permission. `version` is ours.
    """

    now: datetime
    me: Actor
    policy: Policy = field(default_factory=Policy)
    base_sha: str = ""
    obstacle: str = ""
    permission: Permission = Permission.NONE
    issue: Issue | None = None
    pull: Pull | None = None
    comparison: Comparison | None = None
    checks: Checks | None = None
    base_checks: Checks | None = None
    earlier: tuple[Checks, ...] = ()
    threads: tuple[Thread, ...] = ()
    plan_comment: PlanComment | None = None
    branch: BranchHold | None = None
    proposal: Proposal | None = None
    rules: tuple[Explained, ...] = ()
    approvals: Approvals | None = None
    is_merging: bool | None = None
    inquiries: tuple[str, ...] = ()
    asker: Actor | None = None
    load: Load | None = None
    pause: Pause | None = None
    told: frozenset[str] = frozenset()
    running: Running | None = None
    lost: str = ""
    up_since: datetime | None = None
    is_heard: bool = False
    is_withdrawn: bool = False
    is_issue_gone: bool = False
    trigger_label: str = "honk"
    version: str = ""
    checks_grace_s: float = 90.0
    checks_settle_s: float = 0.0
    checks_limit_s: float = 6 * 3600.0
    silence_limit_s: float = 3600.0

    def shows(self, at: datetime | None) -> bool:
        """Whether the issue, as it was looked up, is known to be at least as new as something at this time."""
        if self.issue is None or self.issue.updated_at is None or at is None:
            return False
        return self.issue.updated_at >= at

    @property
    def is_labelled(self) -> bool:
        """Whether the issue, as it was looked up, has the trigger label."""
        return self.has_label(self.trigger_label)

    def has_label(self, label: str) -> bool:
        """Whether the issue, as it was looked up, has a label, whatever the case of its name."""
        labels = self.issue.labels if self.issue is not None else ()
        return label.casefold() in (each.casefold() for each in labels)


def asker_of(session: Session | None, event: Event) -> Actor | None:
    """Whose word an event is; where nobody spoke (CI, time, a turn's end), who asked for the session. A turn that was
    held, or must be done again, stays the turn of who asked for it."""
    match event:
        case IssueLabeled() | IssueUnlabeled() | IssueEdited() | CommandIssued() | ReviewSubmitted():
            return event.actor
        case PullRequestReopened():
            return event.actor
        case _ if session is None:
            return None
        case TurnStopped() | EffectFailed():
            return session.turn_asked_by or session.requested_by
        case Ticked() if session.stuck_on in ("quota", "pause"):
            return session.turn_asked_by or session.requested_by
        case _:
            return session.requested_by


class Need(Flag):
    """What must be looked up for one event."""

    NOTHING = 0
    PERMISSION = auto()
    ISSUE = auto()
    PULL = auto()
    CHECKS = auto()
    THREADS = auto()
    POLICY = auto()
    PLAN = auto()
    ADOPTION = auto()
    BASE = auto()
    PROPOSAL = auto()
    RULES = auto()
    APPROVALS = auto()
    SHIPMENT = auto()


ADOPTING = ("do", "retry", "fix", "plan")
"""Verbs that ask for work, also on a pull request that is not ours."""


def would_adopt(last: Session | None, event: Event) -> bool:
    """Whether somebody asks for work on a pull request that is not ours: on one with no session, or where the last one
    was of that kind and has ended."""
    if last is not None and not (last.status.is_terminal and last.adopted is not None):
        return False
    match event:
        case CommandIssued():
            # By another door than GitHub's, it is about the number that the last session had.
            return (event.is_pull or last is not None) and event.command.verb in ADOPTING
        case ReviewSubmitted():
            return event.command is not None and event.command.verb in ADOPTING
        case IssueLabeled():
            return event.is_pull
        case _:
            return False


def needs(session: Session | None, event: Event) -> Need:
    """What `decide` will want to know about `event`. As little as possible: each costs a call of GitHub's API."""
    if (asked := inquiry_in(event)) is not None:
        return Need.PERMISSION | Need.POLICY | (Need.PULL if asked.is_pull else Need.ISSUE)
    if session is not None and session.inquiry is not None:
        return Need.POLICY if isinstance(event, Ticked) else Need.NOTHING
    if would_adopt(session, event):
        issue = Need.ISSUE if isinstance(event, IssueLabeled) else Need.NOTHING
        return Need.PERMISSION | Need.POLICY | Need.PULL | Need.ADOPTION | issue
    match event:
        case CommandIssued():
            is_fix = event.command.verb == "fix" and session is not None and session.pull_number is not None
            threads = Need.THREADS if event.source == "review_comment" or is_fix else Need.NOTHING
            is_go = event.command.verb == "go" and session is not None and session.stuck_on == "plan"
            plan = Need.PLAN if is_go else Need.NOTHING
            checks = Need.CHECKS if is_fix else Need.NOTHING
            verb = _needs_of_verb(session, event.command.verb)
            return Need.PERMISSION | Need.POLICY | Need.ISSUE | Need.PULL | threads | plan | checks | verb
        case ReviewSubmitted() if event.command is not None:
            checks = Need.CHECKS if event.command.verb == "fix" else Need.NOTHING
            verb = _needs_of_verb(session, event.command.verb)
            return Need.PERMISSION | Need.POLICY | Need.ISSUE | Need.PULL | Need.THREADS | checks | verb
        case PullRequestPushed():
            return Need.PROPOSAL
        case Ticked() if session is not None and session.status is Status.MERGED:
            return _needs_of_watch(session)
        case _ if session is None or session.status.is_terminal:
            return _needs_without(event)
        case _:
            return _needs_open(session, event)


def _needs_of_verb(session: Session | None, verb: Verb) -> Need:
    match verb:
        case "rebase":
            return Need.BASE
        case "config":
            return Need.RULES
        case "ship" if session is not None and not session.status.is_terminal:
            return Need.CHECKS | Need.APPROVALS
        case _:
            return Need.NOTHING


def _needs_without(event: Event) -> Need:
    """Where no session is open, only a start has to be looked into."""
    match event:
        case IssueLabeled():
            return Need.PERMISSION | Need.POLICY | Need.PULL | Need.ISSUE
        case PullRequestReopened():
            return Need.PERMISSION | Need.CHECKS | Need.POLICY
        case _:
            return Need.NOTHING


def _needs_of_watch(session: Session) -> Need:
    """After a merge: what it became and for how long that is watched is looked up once, its checks until they ended."""
    watch = session.aftermath
    if watch is None or watch.look_at is None:
        return Need.NOTHING
    return Need.CHECKS if watch.merge_sha else Need.CHECKS | Need.PULL | Need.POLICY


def _needs_open(session: Session, event: Event) -> Need:
    match event:
        case IssueUnlabeled():
            return Need.PERMISSION | Need.ISSUE
        case IssueEdited():
            return Need.PERMISSION
        case ReviewSubmitted():
            return Need.PERMISSION | Need.THREADS | Need.POLICY
        case ChecksChanged():
            return Need.CHECKS | Need.POLICY if session.head_sha == event.head_sha else Need.NOTHING
        case IssueClosed():
            return Need.PULL | Need.ISSUE if event.how == "closed" else Need.PULL
        case BranchPushed():
            return Need.PERMISSION | Need.PULL | Need.CHECKS | Need.POLICY
        case PullRequestClosed():
            return Need.NOTHING if event.is_merged else Need.PULL
        case Ticked():
            return _needs_of_tick(session)
        case TurnFinished() | TurnStopped() | ChangeSetHeld() | Published() | EffectFailed():
            return _needs_of_end(event)
        case _:
            return Need.NOTHING


def _needs_of_end(event: TurnFinished | TurnStopped | ChangeSetHeld | Published | EffectFailed) -> Need:
    match event:
        case EffectFailed():
            return Need.CHECKS | Need.POLICY if event.effect_kind == "RerunChecks" else Need.NOTHING
        case Published():
            # CI may have ended before we knew the new head, and its events were then about a commit unknown to us.
            return Need.CHECKS | Need.POLICY
        case TurnStopped():
            return Need.CHECKS | Need.POLICY if event.limit == "merge" else Need.NOTHING
        case TurnFinished() if event.change_set_id is None:
            return Need.CHECKS | Need.POLICY | Need.PULL
        case _:
            return Need.POLICY if event.findings else Need.NOTHING


def _needs_of_tick(session: Session) -> Need:
    if session.pull_number is None:
        return Need.ISSUE | Need.POLICY
    if session.status is Status.WORKING:
        return Need.PULL | Need.POLICY
    waits = session.shipment is not None and session.shipment.missing is not None
    return Need.ISSUE | Need.PULL | Need.CHECKS | Need.POLICY | (Need.SHIPMENT if waits else Need.NOTHING)
