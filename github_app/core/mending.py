"""`/honk fix`: a round on what is wrong with the pull request now, whatever was said and tried before."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.checks import checks_of_head
from github_app.core.decisions import Decision, acknowledge, refuse_once, run_turn
from github_app.core.effects import Effect, Say
from github_app.core.events import CommandIssued
from github_app.core.facts import Facts
from github_app.core.feedback import feedback_of_checks, is_full, open_threads, with_feedback, without_old_checks
from github_app.core.messages import answers, refusals
from github_app.core.session import Cause, Session, Status


def rests(session: Session) -> bool:
    """Whether a pull request is there and waits for no word of another kind."""
    return session.pull_number is not None and session.status is not Status.WORKING and session.stuck_on in _ABOUT_IT


_ABOUT_IT = ("", "checks")


def fix(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody wants what is wrong mended now: all of it is told anew, as often as that was tried by ourselves."""
    checks = checks_of_head(session, facts)
    red = feedback_of_checks(checks)
    threads = open_threads(facts.threads, me=facts.me, may_command=facts.policy.may_command)
    if not red and not threads:
        known = replace(session, checks=checks)
        say = Say(number=event.number, tag=f"answer:{event.id}", body=answers.nothing_to_fix(known))
        return Decision(session=session, effects=(*seen, say), why="nothing is wrong that could be fixed")
    told = {each.id for each in (*red, *threads)}
    fresh = replace(without_old_checks(session), seen=tuple(each for each in session.seen if each not in told))
    asked = replace(with_feedback(fresh, (*red, *threads)), fix_rounds=0, review_rounds=0, moved_heads=0)
    if is_full(asked):
        return too_much(session, event, facts)
    cause = Cause.ADDRESS_REVIEW if threads else Cause.FIX_CHECKS
    asked = replace(asked, checked_sha=session.head_sha) if red else asked
    return run_turn(asked, facts, cause, before=seen, why=f"`{event.actor.login}` wants what is wrong to be fixed")


def too_much(session: Session, event: CommandIssued, facts: Facts) -> Decision:
    """More is asked than a session holds for the agent."""
    return refuse_once(
        session,
        facts,
        Say(number=event.number, tag=f"full:{event.actor.id}", body=refusals.too_much_waits()),
        about="full",
        before=acknowledge(event, content="confused"),
        why="more waits for the agent than it can take up",
    )
