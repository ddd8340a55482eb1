"""The machine: `decide(session, event, facts)`, the one place where Honk makes up its mind. Pure and exhaustive: every
status meets every event, and every decision says why, also for "nothing to do".

Reading order: `decide` → `_decide_open` (the table) → what each event does, in the order of a session's life:
`opening` holds how work begins, `rounds` what happens between pull request and merge."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from github_app.core import messages, opening, rounds
from github_app.core.decisions import Decision, ask, end, nothing, refuse, run_turn, speaks_with_authority
from github_app.core.effects import React, Say, ShowProgress
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
from github_app.core.model import Cause, Feedback, Session, Status

__all__ = ["Decision", "decide"]


def decide(session: Session | None, event: Event, facts: Facts) -> Decision:
    """What an event means for a session (the newest of its issue; None: there never was one).

    Deterministic: the same three values give the same decision. The effects' ids are their places in the tuple.
    """
    if _is_our_own(event, facts):
        return nothing(session, "our own act comes back as an event")
    if session is None or session.status.is_terminal:
        decision = opening.decide_without(session, event, facts)
    else:
        decision = _decide_open(session, event, facts)
    if decision.session is not None and decision.session != session:
        return replace(decision, session=replace(decision.session, updated_at=facts.now))
    return decision


def _is_our_own(event: Event, facts: Facts) -> bool:
    """Loop guard, by the sender's number. Checks have no sender here: CI of our own commits must wake us."""
    match event:
        case ChecksChanged() | TurnFinished() | TurnAsked() | TurnStopped() | Published() | EffectFailed() | Ticked():
            return False
        case _:
            return event.actor.id == facts.me.id


def _decide_open(session: Session, event: Event, facts: Facts) -> Decision:
    match event:
        case IssueLabeled():
            return _labeled_again(session, event, facts)
        case IssueUnlabeled():
            return _unlabeled(session, event, facts)
        case IssueEdited():
            return _edited(session, event, facts)
        case IssueClosed():
            if facts.pull is not None and facts.pull.is_merged:
                return end(session, event, facts, Status.MERGED, why="the issue was closed by our merge")
            return end(session, event, facts, Status.CLOSED, _stopped(session, event.actor.login, "closed the issue"))
        case CommandIssued():
            return _command(session, event, facts)
        case ReviewSubmitted():
            return rounds.reviewed(session, event, facts)
        case ChecksChanged():
            return rounds.checks_changed(session, event, facts)
        case BranchPushed():
            return rounds.pushed(session, event, facts)
        case PullRequestClosed():
            return _pull_closed(session, event, facts)
        case PullRequestReopened():
            return nothing(session, "the pull request is ours and work on it goes on")
        case PullRequestDraftChanged():
            changed = replace(session, pull_is_draft=event.is_draft)
            return Decision(session=changed, effects=(ShowProgress(),), why="a person changed the draft state")
        case InstallationChanged():
            return _installation_changed(session, event, facts)
        case TurnFinished():
            return rounds.turn_finished(session, event, facts)
        case TurnAsked() | TurnStopped():
            return rounds.turn_ended_early(session, event, facts)
        case Published():
            return rounds.published(session, event, facts)
        case EffectFailed():
            return rounds.effect_failed(session, event, facts)
        case Ticked():
            return rounds.ticked(session, event, facts)
        case _:
            assert_never(event)


def _labeled_again(session: Session, event: IssueLabeled, facts: Facts) -> Decision:
    if event.label.casefold() != facts.trigger_label.casefold():
        return nothing(session, f"label `{event.label}` means nothing to us")
    return nothing(session, "the issue is being worked on already")


def _unlabeled(session: Session, event: IssueUnlabeled, facts: Facts) -> Decision:
    if event.label.casefold() != facts.trigger_label.casefold():
        return nothing(session, f"label `{event.label}` means nothing to us")
    if not speaks_with_authority(event.actor, facts):
        return refuse(session, event, facts, number=session.issue_number)
    reason = _stopped(session, event.actor.login, f"took the `{facts.trigger_label}` label off")
    return end(session, event, facts, Status.CLOSED, reason)


def _edited(session: Session, event: IssueEdited, facts: Facts) -> Decision:
    if not speaks_with_authority(event.actor, facts):
        return nothing(session, "edited by somebody without write access: the text seen at the start stays in force")
    if session.status is not Status.WORKING:
        return nothing(session, "nothing runs that the edit could join; a command would start a turn")
    words = messages.feedback_of_edit(event.issue.title, event.issue.body)
    edit = Feedback(id=f"edit:{event.id}", kind="command", author=event.actor.login, body=words)
    return Decision(session=replace(session, feedback=(*session.feedback, edit)), why="the edit joins the running turn")


def _command(session: Session, event: CommandIssued, facts: Facts) -> Decision:
    """Somebody with authority spoke: every verb gets a reaction and one result."""
    if not speaks_with_authority(event.actor, facts):
        return refuse(session, event, facts, number=event.number)
    seen = () if event.source == "issue" else (React(target=event.source, target_id=event.comment_id),)
    match event.command.verb:
        case "help" | "status":
            is_help = event.command.verb == "help"
            body = messages.help_text(facts.trigger_label) if is_help else messages.status_answer(session)
            say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
            return Decision(session=session, effects=(*seen, say), why=f"`{event.command.verb}` was asked for")
        case "stop":
            reason = _stopped(session, event.actor.login, "asked me to")
            return end(session, event, facts, Status.CLOSED, reason, before=seen)
        case "retry" if session.status is Status.WORKING:
            say = Say(number=event.number, tag=f"answer:{event.id}", body=messages.already_working(session))
            return Decision(session=session, effects=(*seen, say), why="a turn runs already")
        case "retry":
            cause = session.turn_cause or (Cause.FOLLOW_UP if session.pull_number else Cause.IMPLEMENT)
            fresh = replace(session, fix_rounds=0, review_rounds=0, moved_heads=0)
            return run_turn(fresh, facts, cause, before=seen, why="a person asked to try again")
        case "do":
            return _instruct(session, event, facts, seen)


def _instruct(session: Session, event: CommandIssued, facts: Facts, seen: tuple[React, ...]) -> Decision:
    if not event.command.text and session.status is Status.WORKING:
        say = Say(number=event.number, tag=f"answer:{event.id}", body=messages.already_working(session))
        return Decision(session=session, effects=(*seen, say), why="asked to start what runs already")
    words = rounds.feedback_of_command(event, facts)
    heard = rounds.with_feedback(replace(session, fix_rounds=0, moved_heads=0), words)
    if session.status is Status.WORKING:
        return Decision(session=heard, effects=seen, why="the instruction joins the running turn")
    cause = Cause.FOLLOW_UP if session.pull_number is not None else Cause.IMPLEMENT
    return run_turn(heard, facts, cause, before=seen, why="a person gave an instruction")


def _pull_closed(session: Session, event: PullRequestClosed, facts: Facts) -> Decision:
    if session.pull_number not in (None, event.pull_number):
        return nothing(session, f"#{event.pull_number} is not this session's pull request")
    known = replace(session, pull_number=event.pull_number)
    if event.is_merged:
        return end(known, event, facts, Status.MERGED, why="a human merged the pull request")
    reason = _stopped(known, event.actor.login, f"closed #{event.pull_number}")
    return end(known, event, facts, Status.CLOSED, reason)


def _installation_changed(session: Session, event: InstallationChanged, facts: Facts) -> Decision:
    match event.action:
        case "deleted" | "removed":
            reason = "The app was removed from this repository."
            return end(session, event, facts, Status.CLOSED, reason, is_reachable=False)
        case "suspended":
            return ask(session, event, facts, "The app is suspended.", stuck_on="installation", is_reachable=False)
        case "unsuspended" if session.stuck_on == "installation":
            return rounds.take_up_again(session, facts, why="the installation is active again")
        case "unsuspended" | "created" | "added":
            return nothing(session, "nothing waited for the installation")


def _stopped(session: Session, login: str, how: str) -> str:
    return messages.stopped_by(login, how, pull_number=session.pull_number)
