"""`/honk pause` and `/honk resume`: one switch for all of Honk's work in a repository. It is no session's business, so
it works in any comment; what it does to the work under way is in `decisions.run_turn` and `upkeep.ticked`."""

from __future__ import annotations

from github_app.core.decisions import Decision, acknowledge, nothing, refuse_once
from github_app.core.effects import Effect, PauseRepository, ResumeRepository, Say
from github_app.core.events import CommandIssued
from github_app.core.facts import Facts
from github_app.core.messages import refusals
from github_app.core.model import Permission
from github_app.core.session import Pause, Session

MAX_REASON = 200


def switched(session: Session | None, event: CommandIssued, facts: Facts) -> Decision:
    """Somebody wants everything here to rest, or to go on. The session, if there is one, stays as it is."""
    actor = event.actor
    if actor.is_bot:
        return nothing(session, f"`{actor.login}` is a bot, and bots switch nothing")
    if facts.permission < Permission.MAINTAIN:
        return refuse_once(
            session,
            facts,
            Say(number=event.number, tag=f"switch:{actor.id}", body=refusals.switch_refusal(actor.login)),
            about="switch",
            before=acknowledge(event, content="confused"),
            why=f"`{actor.login}` does not maintain the repository",
        )

    def answer(body: str, why: str, *effects: Effect) -> Decision:
        say = Say(number=event.number, tag=f"answer:{event.id}", body=body)
        return Decision(session=session, effects=(*acknowledge(event), *effects, say), why=why)

    if event.command.verb == "pause":
        if facts.pause is not None:
            return answer(refusals.paused(facts.pause), "paused already")
        wanted = Pause(login=actor.login, reason=event.command.text[:MAX_REASON])
        switch = PauseRepository(login=wanted.login, reason=wanted.reason)
        return answer(refusals.paused(wanted), f"`{actor.login}` paused the repository", switch)
    if facts.pause is None:
        return answer(refusals.not_paused(), "nothing is paused")
    if facts.pause.by_operator:
        return answer(refusals.paused(facts.pause), "the operator's pause is the operator's to lift")
    return answer(refusals.resumed(), f"`{actor.login}` lifted the pause", ResumeRepository())
