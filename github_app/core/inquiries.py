"""`/honk explain` and `/honk review`: people want to know something, and nothing is changed. Each is a session of its
own, beside whatever work goes on at the same place: one turn that only reads, one report, and it is over. It never
waits: what keeps it from being made is said, and ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from github_app.core.decisions import Decision, acknowledge, charged, may_ask, move, nothing, refuse, refuse_once
from github_app.core.effects import DiscardWorkspace, Effect, PostReview, RunTurn, Say, StopInquiries
from github_app.core.events import (
    CommandIssued,
    EffectFailed,
    Event,
    InquiryStopped,
    InstallationChanged,
    Reported,
    Ticked,
    TurnAsked,
    TurnStopped,
)
from github_app.core.facts import Facts
from github_app.core.feedback import feedback_of_command
from github_app.core.messages import refusals, reports
from github_app.core.names import inquiry_id
from github_app.core.quotas import find_shortage
from github_app.core.reports import Answer, Inquiry
from github_app.core.rounds import after_turn
from github_app.core.session import Cause, Session, Status
from github_app.core.watchdog import watch_turn


def asked(last: Session | None, event: CommandIssued, facts: Facts) -> Decision:
    """Somebody wants a report; `last` is the newest inquiry there, be it over or not."""
    if not may_ask(event.actor, facts):
        return refuse(last, event, facts, number=event.number)
    if event.actor.is_bot:
        return nothing(last, "bots get no answers")
    shortage = find_shortage(facts.load, opens_pull=False)
    if facts.pause is None and shortage is not None:
        say = Say(number=event.number, tag=f"quota:{event.actor.id}", body=refusals.quota_refusal(shortage))
        seen = acknowledge(event, content="confused")
        return refuse_once(
            last, facts, say, about="quota", before=seen, why=f"the quota of the {shortage.whose} is used up"
        )
    seen = acknowledge(event)
    if obstacle := _obstacle(event, facts):
        say = Say(number=event.number, tag=f"answer:{event.id}", body=obstacle)
        return Decision(session=last, effects=(*seen, say), why=f"no report is made: {obstacle.splitlines()[0]}")
    begun = _begun(last, event, facts)
    turn = RunTurn(turn_id=begun.turn_id or "", cause=begun.turn_cause or Cause.EXPLAIN)
    return Decision(session=begun, effects=(*seen, turn), why=f"`{event.actor.login}` wants to know, and may")


def _obstacle(event: CommandIssued, facts: Facts) -> str:
    """Why no report can be made; empty if nothing speaks against it."""
    is_review = event.command.verb == "review"
    if facts.pause is not None:
        return reports.PAUSED
    if facts.obstacle:
        return refusals.obstacle_refusal(facts.obstacle)
    if is_review and not event.is_pull:
        return reports.NO_PULL
    if facts.pull is None if event.is_pull else facts.issue is None:
        return reports.GONE
    if is_review and facts.pull is not None and not facts.pull.is_open:
        return reports.PULL_ENDED
    return ""


def _begun(last: Session | None, event: CommandIssued, facts: Facts) -> Session:
    generation = last.generation + 1 if last is not None else 1
    key = inquiry_id(event.repo.id, event.number, generation)
    about = facts.pull if event.is_pull else facts.issue
    title, body = (about.title, about.body) if about is not None else ("", "")
    if event.issue_text is not None:
        title, body = event.issue_text
    return Session(
        id=key,
        repo=event.repo,
        issue_number=event.number,
        generation=generation,
        branch="",
        base_branch=event.repo.default_branch,
        base_sha=facts.base_sha,
        status=Status.WORKING,
        status_since=facts.now,
        requested_by=event.actor,
        issue_title=title,
        issue_body=body,
        turn_id=f"{key}/turn-1",
        turn_cause=Cause.REVIEW if event.command.verb == "review" else Cause.EXPLAIN,
        turn_asked_by=event.actor,
        turns=1,
        feedback=feedback_of_command(event, facts),
        inquiry=Inquiry(
            question=event.command.text,
            pull_number=event.number if event.is_pull else None,
            url=about.url if about is not None else "",
        ),
        limit_micro_usd=facts.policy.limits.cost_micro_usd,
        created_at=facts.now,
    )


def went_on(session: Session, event: Event, facts: Facts) -> Decision:
    """What an event means for an inquiry. What happens to the issue or the pull request changes nothing about it."""
    if session.status.is_terminal:
        return _after_report(session, event)
    match event:
        case Reported() | TurnAsked() | TurnStopped() if event.turn_id != session.turn_id:
            return nothing(session, "that turn is not in force")
        case Reported() | TurnAsked() | TurnStopped():
            return _turn_ended(session, event, facts)
        case EffectFailed(effect_kind="RunTurn") if event.turn_id == session.turn_id:
            body = reports.not_made(event.reason)
            return _ended(charged(session, facts), facts, (_say(session, body),), why=event.reason)
        case InquiryStopped():
            body = reports.stopped(event.login)
            return _ended(charged(session, facts), facts, (_say(session, body),), why=f"`{event.login}` said stop")
        case InstallationChanged() if event.action in ("deleted", "removed", "suspended"):
            return _ended(charged(session, facts), facts, (), why=f"the app was {event.action}: nothing can be said")
        case Ticked():
            return _watched(session, event, facts)
        case _:
            return nothing(session, "a report is being made, and that goes on")


def _turn_ended(session: Session, event: Reported | TurnAsked | TurnStopped, facts: Facts) -> Decision:
    told = after_turn(session, event)
    if isinstance(event, Reported):
        said = _told(session, event)
        inquiry = replace(session.inquiry or Inquiry(), report=_in_words(said))
        return _ended(replace(told, inquiry=inquiry), facts, said, why="the report is there")
    if isinstance(event, TurnAsked):
        return _ended(told, facts, (_say(session, reports.asked_back(event.question)),), why="the agent asks back")
    body = {"pause": reports.PAUSED, "quota": reports.SPENT}.get(event.limit, reports.not_made(event.reason))
    return _ended(told, facts, (_say(session, body),), why=event.reason)


def _after_report(session: Session, event: Event) -> Decision:
    if isinstance(event, EffectFailed) and event.effect_kind == "PostReview":
        say = _say(session, reports.not_made(event.reason))
        return Decision(session=session, effects=(say,), why="the review could not be posted, and that is said")
    return nothing(session, "the report was made, or is not wanted any more")


def _watched(session: Session, event: Ticked, facts: Facts) -> Decision:
    seen = watch_turn(session, event, facts)
    if seen.session is not None and seen.session.status is Status.NEEDS_HUMAN:
        say = _say(session, reports.not_made(reports.TOO_LATE))
        return _ended(charged(session, facts), facts, (say,), why=seen.why)
    return replace(seen, effects=())


def _told(session: Session, event: Reported) -> tuple[Say | PostReview, ...]:
    """A report as it is posted: an answer as a comment, remarks on the lines that they are about."""
    report, inquiry = event.report, session.inquiry or Inquiry()
    if isinstance(report, Answer):
        return (_say(session, reports.answer(report, event.sha, url=inquiry.url)),)
    if not report.remarks:
        return (_say(session, reports.nothing_found(report, event.sha)),)
    return (
        PostReview(
            pull_number=session.issue_number,
            head_sha=event.sha,
            body=reports.review(report, event.sha),
            remarks=reports.line_comments(report),
            instead=_say(session, reports.review_as_comment(report, event.sha, url=inquiry.url)),
        ),
    )


def _in_words(said: tuple[Say | PostReview, ...]) -> str:
    return "\n\n".join(
        each.body if isinstance(each, Say) else reports.in_words(each.body, each.remarks) for each in said
    )


def stop_inquiries(event: CommandIssued, facts: Facts) -> tuple[Effect, ...]:
    """What ends the reports that are being made where somebody with authority said `stop`."""
    if not facts.inquiries:
        return ()
    return (StopInquiries(session_ids=facts.inquiries, login=event.actor.login),)


def _say(session: Session, body: str) -> Say:
    return Say(number=session.issue_number, tag=f"report:{session.id}", body=body)


def _ended(session: Session, facts: Facts, said: Sequence[Effect], *, why: str) -> Decision:
    over = replace(move(session, facts, Status.CLOSED), turn_id=None, feedback=(), waiting_for=why)
    return Decision(session=over, effects=(*said, DiscardWorkspace()), why=why)
