"""What a decision is, and the five moves that all decisions are made of: nothing, refuse, run a turn, ask, end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from github_app.core.aftermath import Aftermath
from github_app.core.commands import verb_meant
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
from github_app.core.messages import answers, refusals, stops
from github_app.core.messages.requests import repeated
from github_app.core.model import Actor, Usage
from github_app.core.quotas import find_shortage
from github_app.core.session import Cause, Session, Status


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The session after an event (None: still none), what to do about it, and why, in one sentence.

    `refused` names what somebody is told here that they are not told again for a day, wherever they ask.
    """

    session: Session | None
    effects: tuple[Effect, ...] = ()
    why: str
    refused: str = ""


def speaks_with_authority(actor: Actor, facts: Facts) -> bool:
    """Whether an account may start and steer work: a person with the permission that policy asks for, as looked up."""
    return not actor.is_bot and facts.permission >= facts.policy.may_command


MAX_BOT_WORDS = 3
"""How often bots are listened to in a row, where no person says anything: two of them could go on for ever."""


def may_ask(actor: Actor, facts: Facts) -> bool:
    """Whether an account may start work: somebody with authority, or a bot that policy knows by its number."""
    return actor.id in facts.policy.bots if actor.is_bot else speaks_with_authority(actor, facts)


def acknowledge(event: CommandIssued, *, content: Literal["eyes", "confused"] = "eyes") -> tuple[React | Say, ...]:
    """A reaction on what the person wrote, where GitHub takes one (on a review's own words it does not); what was said
    by the API is not to be seen there yet, so it is repeated."""
    if event.source == "api":
        return (Say(number=event.number, tag=event.id, body=repeated(event.actor.login, event.command)),)
    react = React(target="issue", target_id=event.number)
    if event.source == "issue_comment" or event.source == "review_comment":
        react = React(target=event.source, target_id=event.comment_id)
    if event.source == "tracking":
        react = React(target="issue_comment", target_id=event.comment_id)
    elif event.source not in ("issue", "issue_comment", "review_comment"):
        return ()
    return (replace(react, content=content),)


def move(session: Session, facts: Facts, status: Status) -> Session:
    """The session in another status, with the clock of that status set."""
    if status is session.status and session.status_since is not None:
        return session
    return replace(session, status=status, status_since=facts.now)


def charged(session: Session, facts: Facts) -> Session:
    """The session with what a turn has cost that is cut short here: its own end will not be heard any more."""
    if facts.running is None:
        return session
    return replace(session, usage=session.usage + Usage(cost_micro_usd=facts.running.cost_micro_usd))


def nothing(session: Session | None, why: str) -> Decision:
    """Nothing to do."""
    return Decision(session=session, why=why)


def refuse(session: Session | None, event: Event, facts: Facts, *, number: int, label: str = "") -> Decision:
    """Say once to a person why their request is not followed; bots get no answer, so that no two bots can talk."""
    actor = getattr(event, "actor", facts.me)
    if actor.is_bot:
        return nothing(session, f"`{actor.login}` is a bot, and bots do not give instructions")
    needed = facts.policy.may_command.name.lower()
    return refuse_once(
        session,
        facts,
        Say(number=number, tag=f"refusal:{actor.id}", body=refusals.refusal(actor.login, needed=needed)),
        about="authority",
        before=acknowledge(event, content="confused") if isinstance(event, CommandIssued) else (),
        after=(RemoveLabel(number=number, label=label),) if label else (),
        why=f"`{actor.login}` has {facts.permission.name.lower()} access only",
    )


def refuse_once(
    session: Session | None,
    facts: Facts,
    say: Say,
    *,
    about: str,
    why: str,
    before: tuple[Effect, ...] = (),
    after: tuple[Effect, ...] = (),
) -> Decision:
    """Refuse with words, unless the person was told the same in this repository within a day."""
    if about in facts.told:
        return Decision(session=session, effects=(*before, *after), why=f"{why}; they were told")
    return Decision(session=session, effects=(*before, say, *after), why=why, refused=about)


def asked_back(session: Session | None, event: CommandIssued, seen: tuple[Effect, ...]) -> Decision | None:
    """A lone word that is nearly a verb, put to who wrote it; None for words that are none."""
    verb = verb_meant(event.command)
    if verb is None:
        return None
    say = Say(number=event.number, tag=f"answer:{event.id}", body=answers.did_you_mean(event.command.text, verb))
    return Decision(session=session, effects=(*seen, say), why=f"`{verb}` was probably meant, and was not said")


def run_turn(session: Session, facts: Facts, cause: Cause, *, why: str, before: tuple[Effect, ...] = ()) -> Decision:
    """Let the agent work, unless that is paused or no quota has room: then the session waits with all it was told.

    The turn's id counts the session's turns, so that each turn has one name for ever.
    """
    turn_id = f"{session.id}/turn-{session.turns + 1}"
    if cause is Cause.MERGE_BASE and not session.merging:
        cause = Cause.FOLLOW_UP  # It is merged: trying again is about what came after.
    session = session if cause is Cause.MERGE_BASE else replace(session, merging="")
    shortage = find_shortage(facts.load, opens_pull=session.pull_number is None)
    if facts.pause is not None:
        return _hold(
            session, facts, cause, refusals.paused(facts.pause), stuck_on="pause", turn_id=turn_id, before=before
        )
    if shortage is not None:
        text = refusals.quota_holds(shortage)
        return _hold(session, facts, cause, text, stuck_on="quota", turn_id=turn_id, before=before)
    working = replace(
        session,
        status=Status.WORKING,
        status_since=facts.now,
        turn_id=turn_id,
        turn_cause=cause,
        turn_asked_by=facts.asker or session.requested_by,
        turns=session.turns + 1,
        turn_granted_micro_usd=session.granted_micro_usd,
        carried=(),
        waiting_for="",
        stuck_on="",
    )
    return Decision(session=working, effects=(*before, ShowProgress(), RunTurn(turn_id=turn_id, cause=cause)), why=why)


def _hold(
    session: Session,
    facts: Facts,
    cause: Cause,
    text: str,
    *,
    stuck_on: str,
    turn_id: str,
    before: tuple[Effect, ...],
) -> Decision:
    """Keep a turn from starting. Said once, however often somebody asks meanwhile."""
    held = replace(
        move(session, facts, Status.NEEDS_HUMAN),
        turn_id=None,
        turn_cause=cause,
        turn_asked_by=facts.asker or session.requested_by,
        carried=(),
        waiting_for=text,
        stuck_on=stuck_on,
    )
    said: tuple[Effect, ...] = ()
    if session.stuck_on != stuck_on:
        number = session.pull_number or session.issue_number
        held = replace(held, asked=(f"held:{turn_id}",))
        said = (Say(number=number, tag=f"held:{turn_id}", body=stops.with_standing(text, session)), ShowProgress())
    elif session.waiting_for != text:
        said = (ShowProgress(),)
    return Decision(session=held, effects=(*before, *said), why=f"no turn starts: {text.splitlines()[0]}")


def ask(
    session: Session,
    event: Event,
    facts: Facts,
    text: str,
    *,
    stuck_on: str = "",
    waiting_for: str = "",
    before: tuple[Effect, ...] = (),
    is_reachable: bool = True,
) -> Decision:
    """Put it to a human: one comment that says what happened and what to do next (`waiting_for` in short)."""
    waiting = replace(
        charged(move(session, facts, Status.NEEDS_HUMAN), facts),
        turn_id=None,
        waiting_for=waiting_for or text,
        stuck_on=stuck_on,
    )
    number = session.pull_number or session.issue_number
    said: tuple[Effect, ...] = ()
    if is_reachable:
        waiting = replace(waiting, asked=(f"ask:{event.id}",))
        said = (Say(number=number, tag=f"ask:{event.id}", body=stops.with_standing(text, waiting)), ShowProgress())
    return Decision(session=waiting, effects=(*before, *said), why=f"a human is needed: {text.splitlines()[0]}")


def watched(session: Session, facts: Facts) -> Aftermath | None:
    """What is kept of the time after a merge: from now on it is watched, unless others pushed the last commit to a pull
    request that is theirs. CI needs a while to begin."""
    if not session.answers_for_head or facts.policy.watch_s == 0:
        return session.aftermath
    begins, until = (facts.now + timedelta(seconds=each) for each in (facts.checks_grace_s, facts.policy.watch_s))
    return replace(session.aftermath or Aftermath(), look_at=begins, until=until)


def end(
    session: Session,
    facts: Facts,
    status: Status,
    reason: str = "",
    *,
    why: str = "",
    before: tuple[Effect, ...] = (),
    leaves_pull: bool = False,
    is_labelled: bool = True,
    said_at: Literal["issue", "pull", "nowhere"] = "issue",
) -> Decision:
    """End the session: a last comment, the label off, the workspace deleted. With `leaves_pull`, its pull request stays
    open, if it has one. A label that a person took off is left alone: it may be on again by now. Where the issue is
    gone the last comment goes to the pull request; where we are not let in, nothing can be said."""
    ended = replace(
        charged(move(session, facts, status), facts),
        turn_id=None,
        feedback=(),
        carried=(),
        held=None,
        build=None,
        waiting_for=reason,
        stuck_on="",
        reviewers=(),
        leaves_pull=leaves_pull and session.pull_number is not None,
        aftermath=watched(session, facts) if status is Status.MERGED else session.aftermath,
    )
    cuts_turn = session.status is Status.WORKING
    said: tuple[Effect, ...] = ()
    number = {"issue": session.issue_number, "pull": session.pull_number, "nowhere": None}[said_at]
    if number is not None:
        said = (Say(number=number, tag=f"ending:{session.id}", body=stops.ending(ended, cuts_turn=cuts_turn)),)
    if said_at == "issue":
        said = (*said, ShowProgress())
        if is_labelled:
            said = (*said, RemoveLabel(number=session.issue_number, label=facts.trigger_label))
    return Decision(session=ended, effects=(*before, *said, DiscardWorkspace()), why=why or reason)
