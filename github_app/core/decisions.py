"""What a decision is, and the five moves that all decisions are made of: nothing, refuse, run a turn, ask, end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from github_app.core import messages
from github_app.core.effects import (
    DiscardWorkspace,
    Effect,
    React,
    RemoveLabel,
    RunTurn,
    Say,
    ShowProgress,
)
from github_app.core.events import CommandIssued, Event
from github_app.core.facts import Facts
from github_app.core.model import Actor, Cause, Session, Status


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The session after an event (None: still none), what to do about it, and why, in one sentence."""

    session: Session | None
    effects: tuple[Effect, ...] = ()
    why: str


def speaks_with_authority(actor: Actor, facts: Facts) -> bool:
    """Whether an account may start and steer work: a person with the permission that policy asks for, as looked up."""
    return not actor.is_bot and facts.permission >= facts.policy.may_command


def acknowledge(event: CommandIssued, *, content: str = "eyes") -> tuple[Effect, ...]:
    """A reaction on what the person wrote, where GitHub takes one (on a review's own words it does not)."""
    react = React(target="issue", target_id=event.number)
    if event.source == "issue_comment" or event.source == "review_comment":
        react = React(target=event.source, target_id=event.comment_id)
    if event.source == "review":
        return ()
    return (replace(react, content="confused") if content == "confused" else react,)


def move(session: Session, facts: Facts, status: Status) -> Session:
    """The session in another status, with the clock of that status set."""
    if status is session.status and session.status_since is not None:
        return session
    return replace(session, status=status, status_since=facts.now)


def nothing(session: Session | None, why: str) -> Decision:
    """Nothing to do."""
    return Decision(session=session, why=why)


def refuse(session: Session | None, event: Event, facts: Facts, *, number: int, label: str = "") -> Decision:
    """Say once to a person why their request is not followed; bots get no answer, so that no two bots can talk."""
    actor = getattr(event, "actor", facts.me)
    if actor.is_bot:
        return nothing(session, f"`{actor.login}` is a bot, and bots do not give instructions")
    needed = facts.policy.may_command.name.lower()
    effects: tuple[Effect, ...] = (
        Say(number=number, tag=f"refusal:{actor.id}", body=messages.refusal(actor.login, needed=needed)),
    )
    if isinstance(event, CommandIssued):
        effects = (*acknowledge(event, content="confused"), *effects)
    if label:
        effects = (*effects, RemoveLabel(number=number, label=label))
    return Decision(
        session=session,
        effects=effects,
        why=f"`{actor.login}` has {facts.permission.name.lower()} access only",
    )


def run_turn(session: Session, facts: Facts, cause: Cause, *, why: str, before: tuple[Effect, ...] = ()) -> Decision:
    """Let the agent work. The turn's id counts the session's turns, so that each turn has one name for ever."""
    turn_id = f"{session.id}/turn-{session.turns + 1}"
    working = replace(
        session,
        status=Status.WORKING,
        status_since=facts.now,
        turn_id=turn_id,
        turn_cause=cause,
        turns=session.turns + 1,
        carried=(),
        waiting_for="",
        stuck_on="",
    )
    return Decision(session=working, effects=(*before, ShowProgress(), RunTurn(turn_id=turn_id, cause=cause)), why=why)


def ask(
    session: Session,
    event: Event,
    facts: Facts,
    text: str,
    *,
    stuck_on: str = "",
    before: tuple[Effect, ...] = (),
    is_reachable: bool = True,
) -> Decision:
    """Put it to a human: one comment that says what happened and what to do next."""
    waiting = replace(move(session, facts, Status.NEEDS_HUMAN), turn_id=None, waiting_for=text, stuck_on=stuck_on)
    number = session.pull_number or session.issue_number
    said = (Say(number=number, tag=f"ask:{event.id}", body=text), ShowProgress()) if is_reachable else ()
    return Decision(session=waiting, effects=(*before, *said), why=f"a human is needed: {text.splitlines()[0]}")


def end(
    session: Session,
    facts: Facts,
    status: Status,
    reason: str = "",
    *,
    why: str = "",
    before: tuple[Effect, ...] = (),
    is_reachable: bool = True,
) -> Decision:
    """End the session: a last comment, the label off, the workspace deleted."""
    ended = replace(
        move(session, facts, status),
        turn_id=None,
        feedback=(),
        carried=(),
        waiting_for=reason,
        stuck_on="",
        reviewers=(),
    )
    said: tuple[Effect, ...] = ()
    if is_reachable:
        said = (
            Say(number=session.issue_number, tag=f"ending:{session.id}", body=messages.ending(ended)),
            ShowProgress(),
            RemoveLabel(number=session.issue_number, label=facts.trigger_label),
        )
    return Decision(session=ended, effects=(*before, *said, DiscardWorkspace()), why=why or reason)
