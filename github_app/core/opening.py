"""How work begins: what events mean where no session is open, be it that there never was one or that the last has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from github_app.core import messages
from github_app.core.decisions import Decision, move, nothing, refuse, run_turn, speaks_with_authority
from github_app.core.effects import Effect, React, RemoveLabel, Say, ShowProgress
from github_app.core.events import (
    BranchPushed,
    ChecksChanged,
    CommandIssued,
    EffectFailed,
    Event,
    InstallationChanged,
    IssueClosed,
    IssueEdited,
    IssueLabeled,
    IssueUnlabeled,
    Published,
    PullRequestClosed,
    PullRequestDraftChanged,
    PullRequestReopened,
    ReviewSubmitted,
    Ticked,
    TurnAsked,
    TurnFinished,
    TurnStopped,
)
from github_app.core.facts import Facts
from github_app.core.model import Actor, Cause, Feedback, Issue, Repo, Session, Status
from github_app.core.names import branch_name, session_id


def decide_without(last: Session | None, event: Event, facts: Facts) -> Decision:
    """Decide where no session is open; `last` is the one that ended, if there was one."""
    match event:
        case IssueLabeled():
            return _labeled(last, event, facts)
        case CommandIssued():
            return _command(last, event, facts)
        case PullRequestReopened():
            return _reopened(last, event, facts)
        case Published() if last is not None:
            # Stopped while a push was on its way: remember what it left behind, so that a later session finds it.
            left = replace(last, head_sha=event.head_sha, pull_number=event.pull_number)
            return Decision(session=left, why="the session had ended; what was published is noted")
        case (
            IssueUnlabeled()
            | IssueEdited()
            | IssueClosed()
            | ReviewSubmitted()
            | ChecksChanged()
            | BranchPushed()
            | PullRequestClosed()
            | PullRequestDraftChanged()
            | InstallationChanged()
            | TurnFinished()
            | TurnAsked()
            | TurnStopped()
            | Published()
            | EffectFailed()
            | Ticked()
        ):
            return nothing(last, "there is no open session for it")
        case _:
            assert_never(event)


def _labeled(last: Session | None, event: IssueLabeled, facts: Facts) -> Decision:
    if event.label.casefold() != facts.trigger_label.casefold():
        return nothing(last, f"label `{event.label}` means nothing to us")
    if not speaks_with_authority(event.actor, facts):
        return refuse(last, event, facts, number=event.issue.number, label=event.label)
    acknowledged = (React(target="issue", target_id=event.issue.number),)
    return _start(last, event.repo, event.actor, event.issue, facts, event_id=event.id, acknowledged=acknowledged)


def _command(last: Session | None, event: CommandIssued, facts: Facts) -> Decision:
    if not speaks_with_authority(event.actor, facts):
        return refuse(last, event, facts, number=event.number)
    seen: tuple[Effect, ...] = (React(target="issue", target_id=event.number),)
    if event.source != "issue":
        seen = (React(target=event.source, target_id=event.comment_id),)

    def answer(body: str, why: str) -> Decision:
        return Decision(
            session=last,
            effects=(*seen, Say(number=event.number, tag=f"answer:{event.id}", body=body)),
            why=why,
        )

    match event.command.verb:
        case "help":
            return answer(messages.help_text(facts.trigger_label), "help was asked for")
        case "status" | "stop" | "retry" if last is None:
            return answer(messages.no_session_answer(facts.trigger_label), "there is no work to speak of")
        case "status" | "stop" if last is not None:
            return answer(messages.status_answer(last), "the work has ended already")
    if event.is_pull and last is None:
        return answer(messages.foreign_pull_refusal(), "the pull request is not ours")
    if facts.issue is None:
        return nothing(last, "the issue is not there any more")
    words: tuple[Feedback, ...] = ()
    if event.command.text:
        words = (
            Feedback(
                id=f"command:{event.comment_id}",
                kind="command",
                author=event.actor.login,
                body=event.command.text,
            ),
        )
    return _start(last, event.repo, event.actor, facts.issue, facts, event_id=event.id, acknowledged=seen, words=words)


def _start(
    last: Session | None,
    repo: Repo,
    actor: Actor,
    issue: Issue,
    facts: Facts,
    *,
    event_id: str,
    acknowledged: tuple[Effect, ...],
    words: tuple[Feedback, ...] = (),
) -> Decision:
    def refused(body: str, why: str) -> Decision:
        say = Say(number=issue.number, tag=f"answer:{event_id}", body=body)
        off = RemoveLabel(number=issue.number, label=facts.trigger_label)
        return Decision(session=last, effects=(*acknowledged, say, off), why=why)

    if facts.obstacle:
        return refused(messages.obstacle_refusal(facts.obstacle), facts.obstacle)
    takes_over = (
        last is not None and facts.pull is not None and facts.pull.is_open and facts.pull.head_branch == last.branch
    )
    if not issue.is_open and not takes_over:
        return refused(messages.closed_issue_refusal(), "the issue is closed")
    session = _new_session(last, repo, actor, issue, facts)
    if takes_over and last is not None:
        session = _taking_over(session, last, facts)
    cause = Cause.FOLLOW_UP if takes_over else Cause.IMPLEMENT
    begun = replace(session, feedback=words)
    return run_turn(begun, facts, cause, before=acknowledged, why=f"`{actor.login}` asked for it and may")


def _reopened(last: Session | None, event: PullRequestReopened, facts: Facts) -> Decision:
    if last is None or last.pull_number != event.pull_number:
        return nothing(last, "the pull request is not ours")
    if not speaks_with_authority(event.actor, facts):
        return nothing(
            last,
            "reopened by somebody without write access: a command by somebody who has it would start work",
        )
    issue = Issue(number=last.issue_number, title=last.issue_title, body="", author=last.requested_by, is_open=True)
    again = _new_session(last, event.repo, event.actor, issue, facts)
    again = replace(
        again, branch=last.branch, base_branch=last.base_branch, base_sha=last.base_sha, submission=last.submission,
        pull_number=event.pull_number, pull_is_draft=event.is_draft, head_sha=event.head_sha,
    )  # fmt: skip
    waiting = move(replace(again, status_since=None), facts, Status.AWAITING_CHECKS)
    return Decision(
        session=waiting,
        effects=(ShowProgress(),),
        why="the pull request is open again: a new session takes it over",
    )


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
        created_at=facts.now,
    )


def _taking_over(session: Session, last: Session, facts: Facts) -> Session:
    """The new session goes on with the open pull request of the one that ended."""
    assert facts.pull is not None
    return replace(
        session,
        branch=last.branch,
        base_branch=facts.pull.base_branch,
        base_sha=last.base_sha,
        head_sha=facts.pull.head_sha,
        pull_number=facts.pull.number,
        pull_is_draft=facts.pull.is_draft,
        submission=last.submission,
    )
