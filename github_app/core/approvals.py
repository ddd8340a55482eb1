"""Change sets that are held back until people accept what is in them: asked for once, accepted kind by kind, and then
published as they are."""

from __future__ import annotations

from dataclasses import replace

from github_app.core import consent
from github_app.core.commands import kinds_in
from github_app.core.decisions import Decision, ask
from github_app.core.effects import Effect, Publish, Say, ShowProgress
from github_app.core.events import ChangeSetHeld, CommandIssued, TurnFinished
from github_app.core.facts import Facts
from github_app.core.holds import Acceptable, Approval, Hold, hold_back
from github_app.core.session import Session, Status


def hold(session: Session, event: TurnFinished | ChangeSetHeld, change_set_id: str, facts: Facts) -> Decision:
    """Keep a change set and ask people to accept what was found in it."""
    held = hold_back(session.held, turn_id=event.turn_id, change_set_id=change_set_id, findings=event.findings)
    reason = session.submission.needs_approval if session.submission is not None else ""
    text = consent.held_back(held, reason=reason, policy=facts.policy)
    asked = ask(replace(session, held=held), event, facts, text, stuck_on="approval", waiting_for=consent.waiting(held))
    return replace(asked, why=f"held back: {', '.join(held.open_kinds)} must be accepted by a human")


def approve(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody with write access accepts what is held back: all of it, or some kinds, as far as they may."""
    held = held_in_force(session)

    def answered(known: Session, body: str, why: str) -> Decision:
        say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
        return Decision(session=known, effects=(*seen, say), why=why)

    if held is None:
        return answered(session, consent.nothing_held(), "nothing is held back")
    named = kinds_in(event.command.text) or ()
    wanted = [kind for kind in held.kinds if kind in named]
    allowed = [kind for kind in wanted if consent.may_accept(kind, event.actor, facts.permission, facts.policy)]
    now = replace(held, approvals=(*held.approvals, *_approvals(held, allowed, event, facts)))
    known = replace(session, held=now)
    if not now.open_kinds:
        return publish_held(known, now, facts, seen, why=f"`{event.actor.login}` accepted what was held back")
    refused = [kind for kind in wanted if kind not in allowed]
    known = replace(known, waiting_for=consent.waiting(now))
    body = consent.still_open(now, refused, login=event.actor.login, policy=facts.policy)
    return answered(known, body, f"accepted: {', '.join(allowed) or 'nothing'}; open: {', '.join(now.open_kinds)}")


def held_in_force(session: Session) -> Hold | None:
    """The change set that can be accepted now; None once another turn began."""
    return session.held if session.stuck_on == "approval" else None


def publish_held(session: Session, held: Hold, facts: Facts, seen: tuple[Effect, ...], *, why: str) -> Decision:
    """Publish what was held back, in the name of the turn that made it."""
    working = replace(
        session,
        status=Status.WORKING,
        status_since=facts.now,
        turn_id=held.turn_id,
        waiting_for="",
        stuck_on="",
    )
    publish = Publish(turn_id=held.turn_id, change_set_id=held.change_set_id)
    return Decision(session=working, effects=(*seen, ShowProgress(), publish), why=why)


def _approvals(held: Hold, kinds: list[Acceptable], event: CommandIssued, facts: Facts) -> list[Approval]:
    return [
        Approval(
            kind=kind,
            actor_id=event.actor.id,
            login=event.actor.login,
            change_set_id=held.change_set_id,
            at=facts.now,
            texts=consent.texts_of(held.of_kind(kind)),
        )
        for kind in kinds
        if kind in held.open_kinds
    ]
