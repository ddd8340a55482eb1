"""How work begins: what events mean where no session is open, be it that there never was one or that the last has
ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from github_app.core import adoption
from github_app.core.afterwards import looked
from github_app.core.builds import Delivered
from github_app.core.checks import judge_if_ended
from github_app.core.clicks import clicked_late, edited, is_click
from github_app.core.decisions import (
    MAX_BOT_WORDS,
    Decision,
    acknowledge,
    asked_back,
    may_ask,
    nothing,
    refuse,
    refuse_once,
    run_turn,
    speaks_with_authority,
)
from github_app.core.effects import Effect, React, RemoveLabel, Say, ShowProgress
from github_app.core.events import (
    BranchPushed,
    ChangeSetHeld,
    ChecksChanged,
    CommandIssued,
    EffectFailed,
    Event,
    InquiryStopped,
    InstallationChanged,
    IssueClosed,
    IssueEdited,
    IssueLabeled,
    IssueUnlabeled,
    PlanDrafted,
    Published,
    PullRequestClosed,
    PullRequestDraftChanged,
    PullRequestPushed,
    PullRequestReopened,
    Reported,
    Reverted,
    ReviewSubmitted,
    Ticked,
    TrackingEdited,
    TurnAsked,
    TurnFinished,
    TurnStopped,
    Undone,
    command_of_review,
)
from github_app.core.facts import Facts, would_adopt
from github_app.core.feedback import feedback_of_command
from github_app.core.inquiries import stop_inquiries
from github_app.core.learning import taught
from github_app.core.merging import obstacle_to_merging, towards_base
from github_app.core.messages import answers, plans, refusals
from github_app.core.model import Actor, Issue, Pull, Repo
from github_app.core.names import branch_name, plan_label, session_id
from github_app.core.particulars import told_of_honk
from github_app.core.parts import next_part
from github_app.core.pausing import switched
from github_app.core.quotas import find_shortage
from github_app.core.reverting import not_reverted, revert, reverted
from github_app.core.session import Cause, Feedback, Session, Status
from github_app.core.shipments import Shipped
from github_app.core.shipping import not_shipped, ship, shipped_late
from github_app.core.undoing import not_undone, undo, undone


def decide_without(last: Session | None, event: Event, facts: Facts) -> Decision:
    """Decide where no session is open; `last` is the one that ended, if there was one."""
    match event:
        case IssueLabeled():
            return _labeled(last, event, facts)
        case CommandIssued():
            return _command(last, event, facts)
        case TrackingEdited():
            return edited(last)
        case ReviewSubmitted() if (said := command_of_review(event)) is not None:
            return _command(last, said, facts)
        case PullRequestReopened():
            return _reopened(last, event, facts)
        case Published() | Undone() | Reverted() | Shipped() | EffectFailed() | Ticked() if last is not None:
            return _after_end(last, event, facts)
        case PullRequestClosed() if last is not None and last.leaves_pull and last.pull_number == event.pull_number:
            gone = replace(last, leaves_pull=False)
            return Decision(session=gone, why="the session had ended; its pull request has, too")
        case (
            IssueUnlabeled()
            | IssueEdited()
            | IssueClosed()
            | ReviewSubmitted()
            | ChecksChanged()
            | BranchPushed()
            | PullRequestClosed()
            | PullRequestPushed()
            | PullRequestDraftChanged()
            | InstallationChanged()
            | Published()
            | ChangeSetHeld()
            | Undone()
            | Reverted()
            | Shipped()
            | Delivered()
            | EffectFailed()
            | Ticked()
        ):
            return nothing(last, _NOTHING_OPEN)
        case TurnFinished() | TurnAsked() | TurnStopped() | PlanDrafted() | Reported() | InquiryStopped():
            return nothing(last, _NOTHING_OPEN)
        case _:
            assert_never(event)


_NOTHING_OPEN = "there is no open session for it"
_FAILED = {"Undo": not_undone, "OpenRevert": not_reverted, "Ship": not_shipped, "Unship": not_shipped}
_ABOUT_WORK = ("status", "stop", "retry", "budget", "approve", "undo", "revert", "rebase", "lesson", "ship")


def _after_end(last: Session, event: Event, facts: Facts) -> Decision:
    """What comes of our own acts, and of time, after the end of a session."""
    match event:
        case Published():
            # Stopped while a push was on its way: remember what it left behind, so that a later session finds it.
            left = replace(last, head_sha=event.head_sha, pull_number=event.pull_number, leaves_pull=True)
            return Decision(session=left, why="the session had ended; what was published is noted")
        case Undone():
            return undone(last, event, facts)
        case Reverted():
            return reverted(last, event)
        case Shipped():
            return shipped_late(last, event)
        case EffectFailed() if event.effect_kind in _FAILED:
            return _FAILED[event.effect_kind](last, event)
        case Ticked() if last.status is Status.MERGED:
            return looked(last, facts)
        case _:
            return nothing(last, _NOTHING_OPEN)


def _labeled(last: Session | None, event: IssueLabeled, facts: Facts) -> Decision:
    causes = {facts.trigger_label.casefold(): Cause.IMPLEMENT, plan_label(facts.trigger_label).casefold(): Cause.PLAN}
    cause = causes.get(event.label.casefold())
    if cause is None:
        return nothing(last, f"label `{event.label}` means nothing to us")
    if event.is_pull and not would_adopt(last, event):
        return nothing(last, "the label that counts is the issue's")
    if not may_ask(event.actor, facts):
        return refuse(last, event, facts, number=event.issue.number, label=event.label)
    if _is_off_again(event, facts):
        return nothing(last, "the label was taken off again before we heard of it")
    acknowledged: tuple[Effect, ...] = (React(target="issue", target_id=event.issue.number),)
    if cause is Cause.PLAN:
        acknowledged = (*acknowledged, RemoveLabel(number=event.issue.number, label=event.label))
    if would_adopt(last, event):
        return _adopt(last, event, facts, acknowledged, cause=cause)
    begin = _Beginning(
        event_id=event.id,
        actor=event.actor,
        repo=event.repo,
        number=event.issue.number,
        acknowledged=acknowledged,
    )
    return _start(last, begin, event.issue, facts, cause=cause)


def _is_off_again(event: IssueLabeled, facts: Facts) -> bool:
    """Deliveries come late and out of order, and what the API answers may be older than they: a later look counts."""
    return facts.shows(event.issue.updated_at) and not facts.has_label(event.label)


def _command(last: Session | None, event: CommandIssued, facts: Facts) -> Decision:
    if is_click(event):
        return clicked_late(last, event, facts)
    if event.command.verb in ("pause", "resume"):
        return switched(last, event, facts)
    if not may_ask(event.actor, facts):
        return refuse(last, event, facts, number=event.number)
    if event.actor.is_bot and event.command.verb != "do":
        return nothing(last, "there is no work, and bots get no answers")
    seen = acknowledge(event)
    answered = asked_back(last, event, seen) or _answered(last, event, facts, seen)
    if answered is not None:
        return answered
    cause = {"plan": Cause.PLAN, "rebase": Cause.MERGE_BASE}.get(event.command.verb, Cause.IMPLEMENT)
    if would_adopt(last, event):
        return _adopt(last, event, facts, seen, cause=cause)
    if facts.issue is None:
        return _said(last, event, seen, refusals.issue_gone_refusal(), "the issue is not there any more")
    begin = _Beginning(event_id=event.id, actor=event.actor, repo=event.repo, number=event.number, acknowledged=seen)
    words = next_part(last, event) or feedback_of_command(event, facts)
    return _start(last, begin, _as_asked(last, event, facts.issue), facts, cause=cause, words=words)


def _answered(last: Session | None, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision | None:
    """What is answered at once, where no work is; None for what begins some."""
    match event.command.verb:
        case "help" | "ping" | "config":
            return _said(last, event, seen, told_of_honk(event, facts), f"{event.command.verb} was asked for")
        case "stop" if stops := stop_inquiries(event, facts):
            return Decision(session=last, effects=(*seen, *stops), why="the reports that are being made are stopped")
        case verb if last is None and verb in _ABOUT_WORK:
            body = answers.no_session_answer(facts.trigger_label)
            return _said(last, event, seen, body, "there is no work to speak of")
        case "status" | "stop" | "budget" | "approve" if last is not None:
            return _said(last, event, seen, answers.status_answer(last), "the work has ended already")
        case "go" if next_part(last, event):
            return None
        case "go":
            return _said(last, event, seen, plans.refusal(plans.NO_PLAN), "no plan waits here")
        case "lesson" if last is not None:
            return taught(last, event, facts)
        case "undo" | "revert" | "ship" as verb if last is not None:
            return {"undo": undo, "revert": revert, "ship": ship}[verb](last, event, facts, seen)
        case "rebase" if last is not None and (reason := obstacle_to_merging(last, event, facts)):
            return _said(last, event, seen, refusals.not_merged(reason), "there is nothing that can be merged now")
        case _:
            return None


def _adopt(
    last: Session | None,
    event: CommandIssued | IssueLabeled,
    facts: Facts,
    acknowledged: tuple[Effect, ...],
    *,
    cause: Cause,
) -> Decision:
    """Start work on somebody else's pull request."""
    number = event.issue.number if isinstance(event, IssueLabeled) else event.number
    if facts.pull is None:
        say = Say(number=number, tag=f"answer:{event.id}", body=refusals.pull_gone_refusal())
        return Decision(session=last, effects=(*acknowledged, say), why="the pull request is not there any more")
    begin = _Beginning(
        event_id=event.id,
        actor=event.actor,
        repo=event.repo,
        number=number,
        acknowledged=acknowledged,
        adopts=True,
    )
    words = adoption.words_of(event, facts)
    return _start(last, begin, adoption.issue_of(facts.pull), facts, cause=cause, words=words)


def _said(last: Session | None, event: CommandIssued, seen: tuple[Effect, ...], body: str, why: str) -> Decision:
    say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
    return Decision(session=last, effects=(*seen, say), why=why)


def _as_asked(last: Session | None, event: CommandIssued, now: Issue) -> Issue:
    """The issue with the words that it had when somebody with authority asked: its author, who may be anybody, can
    have put others there since. Under a pull request nobody saw them, so the last that counted count."""
    if event.issue_text is not None:
        title, body = event.issue_text
        return replace(now, title=title, body=body)
    if last is not None and last.issue_body is not None:
        return replace(now, title=last.issue_title, body=last.issue_body)
    return now


@dataclass(frozen=True, kw_only=True)
class _Beginning:
    """Who asked for work, by which event, and where the answer goes if it is no. `adopts`: it is work on a pull request
    of others."""

    event_id: str
    actor: Actor
    repo: Repo
    number: int
    acknowledged: tuple[Effect, ...]
    adopts: bool = False


def _start(
    last: Session | None,
    begin: _Beginning,
    issue: Issue,
    facts: Facts,
    *,
    cause: Cause,
    words: tuple[Feedback, ...] = (),
) -> Decision:
    """Start work on an issue, or take over what an ended session left open."""

    def refused(body: str, why: str) -> Decision:
        say = Say(number=begin.number, tag=f"answer:{begin.event_id}", body=body)
        off = RemoveLabel(number=issue.number, label=facts.trigger_label)
        return Decision(session=last, effects=(*begin.acknowledged, say, off), why=why)

    if facts.obstacle:
        return refused(refusals.obstacle_refusal(facts.obstacle), facts.obstacle)
    spoken = last.bot_words if last is not None else 0
    if begin.actor.is_bot and spoken >= MAX_BOT_WORDS:
        return nothing(last, f"bots spoke {MAX_BOT_WORDS} times in a row: a person has the next word")
    session = _new_session(last, begin.repo, begin.actor, issue, facts)
    session = replace(session, bot_words=spoken + 1 if begin.actor.is_bot else 0)
    pull = facts.pull
    if begin.adopts and pull is not None:
        is_plan = cause is Cause.PLAN
        if reason := adoption.find_obstacle(pull, begin.repo, facts, is_plan=is_plan, is_asked=bool(words)):
            return refused(reason, "the pull request is not worked on as it stands")
        session, cause = adoption.adopting(session, pull, last), Cause.FOLLOW_UP
    elif last is not None and pull is not None and pull.is_open and pull.number == last.pull_number:
        if cause is Cause.PLAN:
            return refused(plans.refusal(plans.has_pull(pull.number)), "a plan comes before the work")
        session = _taking_over(session, last, pull)
        session, cause = towards_base(session, facts, cause)
    elif not issue.is_open:
        return refused(refusals.closed_issue_refusal(), "the issue is closed")
    shortage = find_shortage(facts.load, opens_pull=session.pull_number is None)
    if facts.pause is None and shortage is not None:
        return refuse_once(
            last,
            facts,
            Say(number=begin.number, tag=f"quota:{begin.actor.id}", body=refusals.quota_refusal(shortage)),
            about="quota",
            before=tuple(
                replace(each, content="confused") if isinstance(each, React) else each for each in begin.acknowledged
            ),
            after=(RemoveLabel(number=issue.number, label=facts.trigger_label),),
            why=f"the quota of the {shortage.whose} is used up",
        )
    begun = replace(session, feedback=words)
    return run_turn(begun, facts, cause, before=begin.acknowledged, why=f"`{begin.actor.login}` asked for it and may")


def _reopened(last: Session | None, event: PullRequestReopened, facts: Facts) -> Decision:
    if last is None or last.pull_number != event.pull_number:
        return nothing(last, "the pull request is not ours")
    if last.adopted is not None:
        return nothing(last, "the pull request is somebody else's: words of theirs would start work")
    if not speaks_with_authority(event.actor, facts):
        return nothing(
            last,
            "reopened by somebody without write access: a command by somebody who has it would start work",
        )
    issue = Issue(number=last.issue_number, title=last.issue_title, body="", author=last.requested_by, is_open=True)
    again = replace(
        _new_session(last, event.repo, event.actor, issue, facts),
        status=Status.AWAITING_CHECKS,
        status_since=facts.now,
        branch=last.branch,
        base_branch=last.base_branch,
        base_sha=last.base_sha,
        head_sha=event.head_sha,
        pull_number=event.pull_number,
        pull_is_draft=event.is_draft,
        submission=last.submission,
        published=last.published,
        lessons=last.lessons,
        remaining=last.remaining,
        issue_body=last.issue_body,
    )
    why = "the pull request is open again: a new session takes it over"
    return judge_if_ended(Decision(session=again, effects=(ShowProgress(),), why=why), event, facts)


def _new_session(last: Session | None, repo: Repo, actor: Actor, issue: Issue, facts: Facts) -> Session:
    generation = last.generation + 1 if last is not None else 1
    return Session(
        id=session_id(repo.id, issue.number, generation),
        repo=repo,
        issue_number=issue.number,
        generation=generation,
        branch=branch_name(issue.number, issue.title, generation),
        base_branch=repo.default_branch,
        base_sha=facts.base_sha,
        status=Status.WORKING,
        requested_by=actor,
        issue_title=issue.title,
        issue_body=issue.body,
        limit_micro_usd=facts.policy.limits.cost_micro_usd,
        created_at=facts.now,
    )


def _taking_over(session: Session, last: Session, pull: Pull) -> Session:
    """The new session goes on with the open pull request of the one that ended."""
    return replace(
        session,
        branch=last.branch,
        base_branch=pull.base_branch,
        base_sha=last.base_sha,
        head_sha=pull.head_sha,
        pull_number=pull.number,
        pull_is_draft=pull.is_draft,
        submission=last.submission,
        published=last.published,
        lessons=last.lessons,
        remaining=last.remaining,
    )
