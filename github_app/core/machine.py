"""The machine: `decide(session, event, facts)`, the one place where Honk makes up its mind. Pure and exhaustive: every
status meets every event, and every decision says why, also for "nothing to do".

Reading order: `decide` → `_decide_open` (the table) → what each event does: `opening` holds how work begins, `words`
what people say, `planning` what they are told before anything is done, `inquiries` what they only want to know,
`proposing` what a change of the policy comes to, `rounds` how turns end, `undoing` how they are taken back, `shipping`
how they are merged, `checks` what CI means, `delivering` what it made, `upkeep` time and what happens behind our back,
`afterwards` what follows a merge, and `reverting` how it is taken back; all of them speak in the few moves of
`decisions`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from github_app.core import (
    checks,
    clicks,
    delivering,
    inquiries,
    opening,
    planning,
    proposing,
    reverting,
    rounds,
    shipping,
    undoing,
    upkeep,
    words,
)
from github_app.core.authors import with_authors
from github_app.core.builds import Delivered
from github_app.core.decisions import Decision, end, nothing, refuse, speaks_with_authority
from github_app.core.effects import ShowProgress
from github_app.core.events import (
    BranchPushed,
    ChangeSetHeld,
    ChecksChanged,
    CommandIssued,
    Done,
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
    inquiry_in,
)
from github_app.core.facts import Facts
from github_app.core.messages import stops
from github_app.core.outdated import without_outdated
from github_app.core.requests import left_to_people
from github_app.core.session import Session, Status
from github_app.core.shipments import Shipped

__all__ = ["Decision", "decide", "is_our_own"]


def decide(session: Session | None, event: Event, facts: Facts) -> Decision:
    """What an event means for a session (the newest of its issue; None: there never was one).

    Deterministic: the same three values give the same decision. The effects' ids are their places in the tuple.
    Words count only from people with authority; what GitHub let somebody do to the issue, the branch or the pull
    request (close, merge, push, delete) is a fact, whoever did it.
    """
    if is_our_own(event, facts):
        return nothing(session, "our own act comes back as an event")
    if facts.is_heard:
        return nothing(session, "these words were heard before")
    if facts.is_withdrawn:
        return nothing(session, "these words were deleted before they were taken up")
    if why := left_to_people(session, event):
        return nothing(session, why)
    decision = _decide_on(session, event, facts)
    if clicks.is_click(event):
        decision = clicks.redrawn(decision)
    decision = shipping.without_outdated_shipment(session, event, with_authors(session, event, decision), facts)
    decision = without_outdated(session, decision)
    if decision.session is not None and decision.session != session:
        return replace(decision, session=replace(decision.session, updated_at=facts.now))
    return decision


def _decide_on(session: Session | None, event: Event, facts: Facts) -> Decision:
    asked = inquiry_in(event)
    if asked is not None:
        return inquiries.asked(session, asked, facts)
    if isinstance(event, PullRequestPushed):
        return proposing.proposed(session, event, facts)
    if session is not None and session.inquiry is not None:
        return inquiries.went_on(session, event, facts)
    if session is None or session.status.is_terminal:
        return opening.decide_without(session, event, facts)
    return _decide_open(session, event, facts)


CLOCKS_APART = timedelta(minutes=2)
"""How far GitHub's clock and ours may be apart."""


def is_our_own(event: Event, facts: Facts) -> bool:
    """Loop guard, by the sender's number. Checks have no sender here: CI of our own commits must wake us. What a policy
    comes to is the same whoever proposes it, and nothing follows from it. A merge is news, though GitHub makes in our
    name what somebody shipped."""
    match event:
        case PullRequestClosed() if event.is_merged:
            return False
        case ChecksChanged() | PullRequestPushed():
            return False
        case TurnFinished() | TurnAsked() | TurnStopped() | Published() | ChangeSetHeld() | Undone() | Reverted():
            return False
        case PlanDrafted() | Reported() | InquiryStopped() | Shipped() | Delivered() | EffectFailed() | Ticked():
            return False
        case _:
            return event.actor.id == facts.me.id


def _decide_open(session: Session, event: Event, facts: Facts) -> Decision:  # noqa: C901 - a table, one row an event
    match event:
        case IssueLabeled():
            return nothing(session, "the issue is being worked on already")
        case IssueUnlabeled():
            return _unlabeled(session, event, facts)
        case IssueEdited():
            return words.edited(session, event, facts)
        case IssueClosed():
            return _issue_closed(session, event, facts)
        case CommandIssued():
            return words.commanded(session, event, facts)
        case TrackingEdited():
            return clicks.edited(session)
        case ReviewSubmitted():
            return words.reviewed(session, event, facts)
        case ChecksChanged():
            return checks.checks_changed(session, event, facts)
        case BranchPushed():
            return upkeep.pushed(session, event, facts)
        case PullRequestClosed():
            return _pull_closed(session, event, facts)
        case PullRequestReopened() | PullRequestPushed():
            return nothing(session, "the pull request is ours and work on it goes on")
        case PullRequestDraftChanged():
            return _draft_changed(session, event)
        case InstallationChanged():
            return upkeep.installation_changed(session, event, facts)
        case TurnFinished():
            return rounds.turn_finished(session, event, facts)
        case TurnAsked() | TurnStopped():
            return rounds.turn_ended_early(session, event, facts)
        case PlanDrafted():
            return planning.plan_drafted(session, event, facts)
        case Reported() | InquiryStopped():
            return nothing(session, "there is no inquiry")
        case Published():
            return rounds.published(session, event, facts)
        case ChangeSetHeld():
            return rounds.change_set_held(session, event, facts)
        case Undone() | Reverted() | Shipped() | Delivered():
            return _done(session, event, facts)
        case EffectFailed():
            return rounds.effect_failed(session, event, facts)
        case Ticked():
            return upkeep.ticked(session, event, facts)
        case _:
            assert_never(event)


def _done(session: Session, event: Done, facts: Facts) -> Decision:
    """What came of work that belongs to no turn."""
    match event:
        case Undone():
            return undoing.undone(session, event, facts)
        case Reverted():
            return reverting.reverted(session, event)
        case Shipped():
            return shipping.shipped(session, event, facts)
        case _:
            return delivering.delivered(session, event)


def _unlabeled(session: Session, event: IssueUnlabeled, facts: Facts) -> Decision:
    if event.label.casefold() != facts.trigger_label.casefold():
        return nothing(session, f"label `{event.label}` means nothing to us")
    if event.is_pull and session.adopted is None:
        return nothing(session, "the label that counts is the issue's")
    if not speaks_with_authority(event.actor, facts):
        return refuse(session, event, facts, number=session.issue_number)
    if event.at is not None and session.created_at is not None and event.at < session.created_at - CLOCKS_APART:
        return nothing(session, "the label was taken off before this work began")
    if facts.shows(event.at) and facts.is_labelled:
        return nothing(session, "the label is on again already")
    how = f"took the `{facts.trigger_label}` label off"
    return _stopped(session, facts, event.actor.login, how, stops.GO_ON, leaves_pull=True, is_labelled=False)


def _issue_closed(session: Session, event: IssueClosed, facts: Facts) -> Decision:
    """A merge closes the issue, and that may reach us before the news of the merge itself."""
    if facts.pull is not None and facts.pull.is_merged:
        merged = shipping.as_merged(session, facts)
        return end(merged, facts, Status.MERGED, why="the issue was closed by our merge")
    if event.how != "closed":
        return upkeep.issue_gone(session, facts, event.actor.login, event.how)
    if facts.shows(event.at) and facts.issue is not None and facts.issue.is_open:
        return nothing(session, "the issue is open again already")
    then = stops.after_closed_issue(session.pull_number)
    return _stopped(session, facts, event.actor.login, "closed the issue", then, leaves_pull=True)


def _pull_closed(session: Session, event: PullRequestClosed, facts: Facts) -> Decision:
    if session.pull_number not in (None, event.pull_number):
        return nothing(session, f"#{event.pull_number} is not this session's pull request")
    known = replace(session, pull_number=event.pull_number)
    if event.is_merged:
        merged = shipping.as_merged(known, facts, by=event.actor)
        who = "a human" if merged.shipment is None else "GitHub"
        return end(merged, facts, Status.MERGED, why=f"{who} merged the pull request")
    if facts.pull is not None and facts.pull.is_open:
        return nothing(session, f"#{event.pull_number} is open again already")
    return _stopped(known, facts, event.actor.login, "closed the pull request", stops.after_closed_pull(session))


def _draft_changed(session: Session, event: PullRequestDraftChanged) -> Decision:
    if session.pull_number != event.pull_number:
        return nothing(session, f"#{event.pull_number} is not this session's pull request")
    changed = replace(session, pull_is_draft=event.is_draft)
    return Decision(session=changed, effects=(ShowProgress(),), why="a person changed the draft state")


def _stopped(
    session: Session,
    facts: Facts,
    login: str,
    how: str,
    then: str,
    *,
    leaves_pull: bool = False,
    is_labelled: bool = True,
) -> Decision:
    reason = stops.stopped_by(login, how, then, pull_number=session.pull_number)
    return end(session, facts, Status.CLOSED, reason, leaves_pull=leaves_pull, is_labelled=is_labelled)
