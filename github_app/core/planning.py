"""`/honk plan` and `/honk go`: the agent says first what it would do, people make of it what they want, and the work
begins on a word, with the plan as it stands then."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.decisions import Decision, move, nothing, run_turn
from github_app.core.effects import Effect, Say, ShowProgress
from github_app.core.events import CommandIssued, PlanDrafted
from github_app.core.facts import Facts
from github_app.core.feedback import without_feedback
from github_app.core.messages import answers, plans
from github_app.core.plans import Plan, plan_tag, written
from github_app.core.rounds import after_turn, waits_for_turn
from github_app.core.session import Cause, Session, Status
from github_app.core.text.prose import harmless, one_line


def plan_asked(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody with authority wants a plan where a session is open: written, as long as nothing is published."""
    if session.status is Status.WORKING:
        say = Say(number=event.number, tag=f"working:{session.turn_id}", body=answers.already_working(session))
        return Decision(session=session, effects=(*seen, say), why="asked for a plan while a turn runs")
    if session.pull_number is not None:
        return _refused(session, event, seen, plans.has_pull(session.pull_number))
    return run_turn(session, facts, Cause.PLAN, before=seen, why="a person asked for a plan")


def plan_drafted(session: Session, event: PlanDrafted, facts: Facts) -> Decision:
    """The agent has a plan: people have the word, unless they spoke while it was written."""
    if event.turn_id != session.turn_id:
        return nothing(session, "that turn is not in force")
    items = tuple(one_line(harmless(item)) for item in event.items)
    plan = Plan(turn_id=event.turn_id, summary=harmless(event.summary), items=items)
    told = without_feedback(replace(after_turn(session, event), plan=plan), event.consumed)
    if waits_for_turn(told):
        return run_turn(told, facts, Cause.PLAN, why="a person spoke while the agent planned")
    waiting = replace(
        move(told, facts, Status.NEEDS_HUMAN), turn_id=None, waiting_for=plans.WAITS, stuck_on="plan", carried=()
    )
    say = Say(number=session.issue_number, tag=plan_tag(event.turn_id), body=plans.comment(plan, waiting))
    return Decision(session=waiting, effects=(say, ShowProgress()), why="a plan waits for people")


def go(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody with authority accepts the plan as it stands: the work begins with it."""
    if session.stuck_on != "plan" or session.plan is None:
        return _refused(session, event, seen, plans.NO_PLAN)
    text, why_own = _as_it_stands(session.plan, facts)
    if len(text) > plans.MAX_CHARS:
        return _refused(session, event, seen, plans.TOO_LONG)
    if not any(character.isalnum() for character in text):
        return _refused(session, event, seen, plans.EMPTY)
    accepted = replace(session.plan, text=text, accepted_by=event.actor.login)
    if why_own:
        say = Say(number=event.number, tag=f"answer:{event.id}", body=plans.own_version(why_own))
        seen = (*seen, say)
    why = f"`{event.actor.login}` accepted the plan"
    return run_turn(replace(session, plan=accepted), facts, Cause.IMPLEMENT, before=seen, why=why)


def _as_it_stands(plan: Plan, facts: Facts) -> tuple[str, str]:
    """The plan's text, and why it is the agent's own if people's could not be had. Whoever saved it last answers for
    all of it; only people who may give work can."""
    now = facts.plan_comment
    if now is None:
        return written(plan), plans.GONE
    if now.editor is None or now.editor.id == facts.me.id:
        return written(plan), ""
    if now.editor.is_bot or now.permission < facts.policy.may_command:
        return written(plan), plans.edited_by_stranger(now.editor.login)
    return plans.text_of(now.body), ""


def plan_waits(session: Session, event: CommandIssued, seen: tuple[Effect, ...]) -> Decision:
    """Told to go on without a word of what: a plan is followed on `go` alone, and is not written twice for nothing."""
    return _refused(session, event, seen, plans.ALREADY_WAITS)


def _refused(session: Session, event: CommandIssued, seen: tuple[Effect, ...], why: str) -> Decision:
    say = Say(number=event.number, tag=f"answer:{event.id}", body=plans.refusal(why))
    return Decision(session=session, effects=(*seen, say), why=f"no turn starts: {why}")
