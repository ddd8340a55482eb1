"""What happens when a turn ends: a change set is published, a question asked, and what came in meanwhile starts the
next turn; else the checks have the word (`checks`)."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.approvals import hold
from github_app.core.checks import go_on_without_rerun, judge_checks
from github_app.core.decisions import Decision, ask, nothing, run_turn
from github_app.core.effects import Effect, Publish, ReplyThreads, RequestReview, Say, ShowProgress, ShowProof
from github_app.core.events import (
    ChangeSetHeld,
    EffectFailed,
    Event,
    Published,
    TurnAsked,
    TurnEnded,
    TurnFinished,
    TurnStopped,
)
from github_app.core.facts import Facts
from github_app.core.feedback import entries_of, replies_in, with_feedback, without_feedback, without_old_checks
from github_app.core.hosts import refusals
from github_app.core.learning import say_proposals, with_proposals
from github_app.core.ledger import committed, entered
from github_app.core.messages import account, adoption, proof, stops
from github_app.core.messages.answers import answer
from github_app.core.messages.refusals import not_merged
from github_app.core.names import other_branch_name
from github_app.core.parts import left_after
from github_app.core.reverting import not_reverted
from github_app.core.session import Cause, Round, Session, Status, Submission
from github_app.core.shipping import not_shipped
from github_app.core.undoing import not_undone
from github_app.core.upkeep import ask_about_push, at_newest_head, follow_head, push_of

HELD_UP = ("pause", "quota", "permission")
"""Limits that stop a turn for reasons of their own, which are said as they come."""

MAX_MOVED_HEADS = 3
"""How often a turn is done again because others pushed first, before a human is asked."""


def turn_finished(session: Session, event: TurnFinished, facts: Facts) -> Decision:
    """The agent submitted: publish what changed, or answer if nothing did."""
    if event.turn_id != session.turn_id:
        return nothing(session, "that turn is not in force")
    # Lessons are the session's from here on: one is shown, and agreed to, in the words that it first had.
    submission = replace(account.harmless_submission(event.submission), lessons=())
    entries = entries_of(session, event.consumed, submission, has_changes=event.change_set_id is not None)
    told = replace(
        after_turn(session, event),
        submission=submission,
        held=None,
        ledger=entered(session.ledger, entries),
        remaining=left_after(session, submission),
    )
    told = with_proposals(told, event)
    if event.change_set_id is not None:
        # Done with only when it is published: until then the words may have to be handed out again.
        carried = replace(told, carried=event.consumed)
        if event.findings:
            return hold(carried, event, event.change_set_id, facts)
        publish = Publish(turn_id=event.turn_id, change_set_id=event.change_set_id)
        return Decision(session=carried, effects=(publish,), why="the agent submitted a change set")
    told = at_newest_head(told, facts)
    answers: tuple[Effect, ...] = ()
    if session.pull_number is not None and submission.replies:
        answers = (ReplyThreads(pull_number=session.pull_number, replies=replies_in(told)),)
    done = without_feedback(told, event.consumed)
    if session.pull_number is None:
        return ask(told, event, facts, stops.nothing_changed(submission.summary))
    if session.turn_cause is Cause.FIX_CHECKS and not waits_for_turn(done):
        text = stops.nothing_changed(submission.summary)
        return ask(told, event, facts, text, stuck_on="checks", before=answers)
    if not answers:
        body = answer(submission.summary)
        answers = (Say(number=session.pull_number, tag=f"answer:{event.id}", body=body),)
    answers = (*answers, *say_proposals(session, told, event))
    if facts.pull is not None and facts.pull.head_sha == session.strange_sha:
        return ask_about_push(done, event, facts, before=answers)
    return _go_on(done, event, facts, before=answers, why="the agent answered without a change")


def turn_ended_early(session: Session, event: TurnAsked | TurnStopped, facts: Facts) -> Decision:
    """The agent asked, or a limit or failure stopped it: a human has the next word, unless somebody spoke meanwhile.

    The turn's feedback stays with the session: the next turn knows only what it is told.
    """
    if event.turn_id != session.turn_id:
        return nothing(session, "that turn is not in force")
    told = after_turn(session, event)
    if isinstance(event, TurnAsked):
        if waits_for_turn(without_feedback(told, event.consumed)):
            cause = session.turn_cause or Cause.IMPLEMENT
            return run_turn(told, facts, cause, why="a person spoke while the agent asked")
        return ask(told, event, facts, stops.question(event.question))
    if event.limit == "merge" and session.pull_number is not None:
        # Not asked: nothing of what stands hangs on it.
        say = Say(number=session.pull_number, tag=f"answer:{event.id}", body=not_merged(event.reason))
        return _go_on(replace(told, merging=""), event, facts, before=(say,), why="the base cannot be merged by us")
    if event.limit == "pause" and facts.pause is None:
        return run_turn(told, facts, session.turn_cause or Cause.IMPLEMENT, why="the pause is over already")
    if event.limit == "money" and session.granted_micro_usd > session.turn_granted_micro_usd:
        cause = session.turn_cause or Cause.IMPLEMENT
        return run_turn(told, facts, cause, why="a person allowed more money meanwhile")
    text = event.reason
    if event.limit not in HELD_UP:
        text = stops.turn_stopped(event.reason, limit=event.limit)
    return ask(told, event, facts, text, stuck_on=event.limit if event.limit in (*HELD_UP, "money") else "")


def after_turn(session: Session, event: TurnEnded) -> Session:
    """The session with what a turn used, and what it was refused."""
    return replace(
        session,
        waiting_for="",
        usage=session.usage + event.usage,
        refused=refusals((*session.refused, *event.refused)),
    )


def published(session: Session, event: Published, facts: Facts) -> Decision:
    """The commit is on the branch: answer the threads, then wait for the checks or go on with what came in."""
    if event.turn_id != session.turn_id:
        known = replace(session, pull_number=event.pull_number)
        if session.status is Status.WORKING:
            return Decision(session=known, why="published by a turn that is not in force; the new one will find it")
        return follow_head(known, facts, event.head_sha)
    out = replace(
        without_old_checks(without_feedback(session, session.carried)),
        head_sha=event.head_sha,
        pull_number=event.pull_number,
        moved_heads=0,
        checks=None,
        published=(*session.published, *_round_of(session, event)),
        held=None,
        ledger=committed(session.ledger, event.head_sha),
        merging="",
        has_conflicts=session.has_conflicts and not session.merging,
    )
    effects: list[Effect] = []
    if session.merging:
        said = session.submission.summary if session.submission is not None else ""
        body = stops.merged(session.base_branch, session.merging, event.head_sha, summary=said)
        effects.append(Say(number=event.pull_number, tag=f"merged:{event.id}", body=body))
    resolves = facts.policy.resolve == "fixed"
    if replies := replies_in(session, head_sha=event.head_sha, paths=event.paths, resolves=resolves):
        effects.append(ReplyThreads(pull_number=event.pull_number, replies=replies))
    if session.reviewers and not waits_for_turn(out):
        effects.append(RequestReview(pull_number=event.pull_number, logins=session.reviewers))
        out = replace(out, reviewers=())
    if session.adopted is not None:
        body = adoption.pushed(session, event.head_sha)
        effects.append(Say(number=event.pull_number, tag=f"pushed:{event.turn_id}", body=body))
    if session.submission is not None:
        effects.append(_proof_of(session, session.submission, event.head_sha))
    return _go_on(out, event, facts, before=tuple(effects), why="the change set is published")


def _proof_of(session: Session, submission: Submission, head_sha: str) -> ShowProof:
    return ShowProof(
        head_sha=head_sha,
        conclusion=proof.conclusion(submission),
        title=proof.title(submission),
        summary=proof.summary(session, submission),
    )


def _round_of(session: Session, event: Published) -> tuple[Round, ...]:
    said = session.submission
    if said is None:
        return ()
    return (
        Round(
            head_sha=event.head_sha,
            title=said.title,
            summary=said.summary,
            notes=said.notes,
            approvals=session.held.approvals if session.held is not None else (),
            paths=event.paths,
            merges=session.merging,
        ),
    )


def change_set_held(session: Session, event: ChangeSetHeld, facts: Facts) -> Decision:
    """Something was found only at the door: kept, and put to people."""
    if event.turn_id != session.turn_id:
        return nothing(session, "that turn is not in force")
    return hold(session, event, event.change_set_id, facts)


def effect_failed(session: Session, event: EffectFailed, facts: Facts) -> Decision:
    """Something could not be done; a human is asked where the work hangs on it."""
    match event.effect_kind:
        case "Publish" | "RunTurn":
            if session.status is not Status.WORKING or event.turn_id not in ("", session.turn_id):
                return nothing(session, "the work it belonged to is not in force")
            if event.effect_kind == "Publish" and event.head_sha is not None:
                return _do_again_on_top(session, event, facts, event.head_sha)
            # What people accepted stays accepted: trying again is enough.
            stuck_on = "approval" if event.effect_kind == "Publish" and session.held is not None else ""
            text = stops.effect_failed(event.effect_kind, event.reason)
            return ask(session, event, facts, text, stuck_on=stuck_on)
        case "Undo":
            return not_undone(session, event)
        case "OpenRevert":
            return not_reverted(session, event)
        case "Ship" | "Unship":
            return not_shipped(session, event)
        case "RerunChecks":
            return go_on_without_rerun(session, event, facts)
        case "MarkReady" if session.pull_number is not None:
            say = Say(
                number=session.pull_number,
                tag=f"draft:{session.id}",
                body=stops.effect_failed(event.effect_kind, event.reason),
            )
            still_draft = replace(session, pull_is_draft=True)
            return Decision(session=still_draft, effects=(say, ShowProgress()), why="it stays a draft, and says why")
        case "ReplyThreads" if session.pull_number is not None:
            text = stops.effect_failed(event.effect_kind, event.reason)
            say = Say(number=session.pull_number, tag=f"answer:{event.id}", body=text)
            return Decision(session=session, effects=(say,), why="the answers stay unsaid, and that is said")
        case _:
            why = f"{event.effect_kind} could not be done ({event.reason}); the work does not hang on it"
            return nothing(session, why)


def _do_again_on_top(session: Session, event: EffectFailed, facts: Facts, head_sha: str) -> Decision:
    if session.moved_heads >= MAX_MOVED_HEADS:
        return ask(session, event, facts, stops.branch_kept_moving())
    if head_sha == session.strange_sha:
        return ask_about_push(session, event, facts)
    cause = session.turn_cause or Cause.IMPLEMENT
    if session.pull_number is None:
        # Left over from something that we know nothing of: it must not slip into our pull request.
        other = replace(session, branch=other_branch_name(session.branch), moved_heads=session.moved_heads + 1)
        return run_turn(other, facts, cause, why="a branch of that name is there already; the work gets another one")
    moved = replace(session, head_sha=head_sha, checks=None, moved_heads=session.moved_heads + 1)
    told = with_feedback(moved, (push_of(head_sha),))
    return run_turn(told, facts, cause, why="the branch had moved; the work goes on top of it")


def waits_for_turn(session: Session) -> bool:
    """Whether somebody said something that a turn must deal with; a push alone needs none."""
    return any(feedback.kind != "push" for feedback in session.feedback)


def _go_on(session: Session, event: Event, facts: Facts, *, before: tuple[Effect, ...], why: str) -> Decision:
    """After a turn: feedback that came in meanwhile starts the next one, else the checks have the word."""
    if waits_for_turn(session):
        by_review = any(feedback.kind in ("review", "thread") for feedback in session.feedback)
        cause = Cause.ADDRESS_REVIEW if by_review else Cause.FOLLOW_UP
        return run_turn(session, facts, cause, before=before, why="more came in while the agent worked")
    done = without_feedback(session, (feedback.id for feedback in session.feedback))
    resting = replace(done, status=Status.AWAITING_CHECKS, status_since=facts.now, turn_id=None)
    return judge_checks(resting, event, facts, before=before, why=why)
