"""What happens between the first turn and the end: turns end, commits are published, checks and reviews come in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from github_app.core import messages
from github_app.core.decisions import (
    Decision,
    ask,
    end,
    move,
    nothing,
    refuse,
    run_turn,
    speaks_with_authority,
)
from github_app.core.effects import Effect, MarkReady, Publish, ReplyThreads, RequestReview, Say, ShowProgress
from github_app.core.events import (
    BranchPushed,
    ChecksChanged,
    CommandIssued,
    EffectFailed,
    Event,
    Published,
    ReviewSubmitted,
    Ticked,
    TurnAsked,
    TurnFinished,
    TurnStopped,
)
from github_app.core.facts import Facts
from github_app.core.model import Cause, Checks, Feedback, Session, Status, Thread

MAX_MOVED_HEADS = 3
"""How often a turn is done again because others pushed first, before a human is asked."""

SEEN_KEPT = 500
"""How many ids of handled feedback a session remembers."""


# Turns


def turn_finished(session: Session, event: TurnFinished, facts: Facts) -> Decision:
    """The agent submitted: publish what changed, or answer if nothing did."""
    if event.turn_id != session.turn_id:
        return nothing(session, "that turn is not in force")
    told = replace(_after_turn(session, event), submission=event.submission)
    if event.change_set_id is not None:
        publish = Publish(turn_id=event.turn_id, change_set_id=event.change_set_id)
        return Decision(session=told, effects=(publish,), why="the agent submitted a change set")
    answers: tuple[Effect, ...] = ()
    if session.pull_number is not None and event.submission.replies:
        answers = (ReplyThreads(pull_number=session.pull_number, replies=event.submission.replies),)
    if session.pull_number is None or (session.turn_cause is Cause.FIX_CHECKS and not told.feedback):
        return ask(told, event, facts, messages.nothing_changed(event.submission.summary), before=answers)
    if not answers:
        answers = (Say(number=session.pull_number, tag=f"answer:{event.id}", body=event.submission.summary),)
    return _go_on(told, event, facts, before=answers, why="the agent answered without a change")


def turn_ended_early(session: Session, event: TurnAsked | TurnStopped, facts: Facts) -> Decision:
    """The agent asked, or a limit or failure stopped it: a human has the next word, unless somebody spoke meanwhile."""
    if event.turn_id != session.turn_id:
        return nothing(session, "that turn is not in force")
    told = _after_turn(session, event)
    if isinstance(event, TurnAsked):
        if any(feedback.kind == "command" for feedback in told.feedback):
            return run_turn(
                told, facts, session.turn_cause or Cause.IMPLEMENT, why="a person spoke while the agent asked"
            )
        return ask(told, event, facts, messages.question(event.question))
    return ask(told, event, facts, messages.turn_stopped(event.reason, limit=event.limit, usage=told.usage))


def _after_turn(session: Session, event: TurnFinished | TurnAsked | TurnStopped) -> Session:
    left = tuple(feedback for feedback in session.feedback if feedback.id not in event.consumed)
    seen = (*session.seen, *event.consumed)[-SEEN_KEPT:]
    return replace(session, usage=session.usage + event.usage, feedback=left, seen=seen)


def published(session: Session, event: Published, facts: Facts) -> Decision:
    """The commit is on the branch: answer the threads, then wait for the checks or go on with what came in."""
    if event.turn_id != session.turn_id:
        return nothing(session, "that turn is not in force")
    out = replace(
        session,
        head_sha=event.head_sha,
        pull_number=event.pull_number,
        moved_heads=0,
        reviewers=(),
        checks=None,
    )
    effects: list[Effect] = []
    replies = session.submission.replies if session.submission is not None else ()
    if replies:
        effects.append(ReplyThreads(pull_number=event.pull_number, replies=replies))
    if session.reviewers:
        effects.append(RequestReview(pull_number=event.pull_number, logins=session.reviewers))
    return _go_on(out, event, facts, before=tuple(effects), why="the change set is published")


def effect_failed(session: Session, event: EffectFailed, facts: Facts) -> Decision:
    """Something that matters could not be done."""
    if event.effect_kind in ("Publish", "RunTurn") and session.status is not Status.WORKING:
        return nothing(session, "the work it belonged to is not in force")
    if event.effect_kind == "Publish" and event.head_sha is not None:
        if session.moved_heads >= MAX_MOVED_HEADS:
            return ask(session, event, facts, messages.branch_kept_moving())
        moved = replace(session, head_sha=event.head_sha, moved_heads=session.moved_heads + 1)
        words = Feedback(
            id=f"push:{event.head_sha}",
            kind="push",
            author="git",
            body=messages.feedback_of_push(event.head_sha),
        )
        cause = session.turn_cause or Cause.IMPLEMENT
        return run_turn(
            with_feedback(moved, (words,)),
            facts,
            cause,
            why="the branch had moved; the work goes on top of it",
        )
    if event.effect_kind in ("Publish", "RunTurn", "MarkReady"):
        return ask(session, event, facts, messages.effect_failed(event.effect_kind, event.reason))
    return nothing(session, f"{event.effect_kind} could not be done ({event.reason}); the work does not hang on it")


# Checks


def checks_changed(session: Session, event: ChecksChanged, facts: Facts) -> Decision:
    """Something about a commit's checks changed; the state itself comes with the facts."""
    if event.head_sha != session.head_sha:
        return nothing(session, "checks of a commit that is not the head")
    if session.status is Status.WORKING:
        return nothing(session, "a turn runs; its push will be checked anew")
    return _judge_checks(session, event, facts)


def _judge_checks(
    session: Session, event: Event, facts: Facts, *, before: tuple[Effect, ...] = (), why: str = ""
) -> Decision:
    """Where a pull request at rest stands, by the checks of its head."""
    checks = facts.checks
    if checks is None or checks.head_sha != session.head_sha:
        checks = Checks(head_sha=session.head_sha, state="none")
    noted = replace(session, checks=_without_logs(checks))
    waits_for_words = session.status is Status.NEEDS_HUMAN and session.stuck_on != "checks"
    match checks.state:
        case _ if waits_for_words:
            return Decision(session=noted, effects=(*before, ShowProgress()), why="noted; a human has the next word")
        case "passed":
            return _ready(noted, facts, before=before, why="all checks passed")
        case "failed":
            return _fix(noted, event, facts, checks, before)
        case "blocked" if session.stuck_on == "checks":
            return Decision(session=noted, effects=before, why="CI still waits for a person")
        case "blocked":
            return ask(noted, event, facts, messages.checks_blocked(), stuck_on="checks", before=before)
        case "none" | "pending":
            if session.status is Status.AWAITING_CHECKS and not before and session.checks == noted.checks:
                return nothing(session, "checks have not ended")
            waiting = replace(move(noted, facts, Status.AWAITING_CHECKS), turn_id=None, waiting_for="", stuck_on="")
            return Decision(session=waiting, effects=(*before, ShowProgress()), why=why or "checks have not ended")


def _ready(session: Session, facts: Facts, *, why: str, before: tuple[Effect, ...] = ()) -> Decision:
    ready = replace(
        move(session, facts, Status.AWAITING_REVIEW),
        turn_id=None, fix_rounds=0, waiting_for="", stuck_on="", pull_is_draft=False,
    )  # fmt: skip
    effects = before
    if session.pull_is_draft and session.pull_number is not None:
        effects = (*before, MarkReady(pull_number=session.pull_number))
    if ready == session and not effects:
        return nothing(session, "it was ready already")
    return Decision(session=ready, effects=(*effects, ShowProgress()), why=why)


def _fix(session: Session, event: Event, facts: Facts, checks: Checks, before: tuple[Effect, ...]) -> Decision:
    if session.checked_sha == session.head_sha:
        if session.stuck_on == "checks":
            return Decision(session=session, effects=before, why="a human was asked about this failure already")
        text = messages.checks_still_failing(session.fix_rounds, checks)
        return ask(session, event, facts, text, stuck_on="checks", before=before)
    if session.fix_rounds >= facts.policy.fix_rounds:
        text = messages.checks_still_failing(session.fix_rounds, checks)
        return ask(
            replace(session, checked_sha=session.head_sha),
            event,
            facts,
            text,
            stuck_on="checks",
            before=before,
        )
    told = with_feedback(session, messages.feedback_of_checks(checks))
    told = replace(told, fix_rounds=session.fix_rounds + 1, checked_sha=session.head_sha)
    return run_turn(told, facts, Cause.FIX_CHECKS, before=before, why="checks failed")


def _without_logs(checks: Checks) -> Checks:
    return replace(checks, failed=tuple(replace(failed, log="") for failed in checks.failed))


# Reviews and words


def reviewed(session: Session, event: ReviewSubmitted, facts: Facts) -> Decision:
    """A review came in: one round for the whole of it."""
    if not speaks_with_authority(event.actor, facts):
        if event.command is not None:
            return refuse(session, event, facts, number=event.pull_number)
        return nothing(session, "a review by somebody without write access is not an instruction")
    words = feedback_of_review(event, facts)
    heard = with_feedback(session, words)
    if heard == session:
        return nothing(session, f"the review ({event.state}) says nothing to act on")
    heard = replace(heard, reviewers=tuple(dict.fromkeys((*session.reviewers, event.actor.login))))
    if session.status is Status.WORKING:
        return Decision(session=heard, why="the review joins the running turn")
    if session.review_rounds >= facts.policy.review_rounds:
        return ask(heard, event, facts, messages.review_rounds_spent(session.review_rounds))
    heard = replace(heard, review_rounds=session.review_rounds + 1, fix_rounds=0)
    return run_turn(heard, facts, Cause.ADDRESS_REVIEW, why="a review asks for something")


def feedback_of_review(event: ReviewSubmitted, facts: Facts) -> tuple[Feedback, ...]:
    """The review's own words and the threads that are open, as far as they come from people who may instruct."""
    words: list[Feedback] = []
    body = event.command.text if event.command is not None else event.body
    if body.strip():
        words.append(
            Feedback(id=f"review:{event.review_id}", kind="review", author=event.actor.login, body=body.strip())
        )
    words += (found for thread in facts.threads if (found := _feedback_of_thread(thread, facts)) is not None)
    return tuple(words)


def feedback_of_command(event: CommandIssued, facts: Facts) -> tuple[Feedback, ...]:
    """An instruction; one that was written in a review thread is that thread."""
    for thread in facts.threads:
        if any(comment.id == event.comment_id for comment in thread.comments):
            found = _feedback_of_thread(thread, facts)
            return (found,) if found is not None else ()
    if not event.command.text:
        return ()
    return (
        Feedback(
            id=f"command:{event.comment_id}",
            kind="command",
            author=event.actor.login,
            body=event.command.text,
        ),
    )


def _feedback_of_thread(thread: Thread, facts: Facts) -> Feedback | None:
    """A thread whose last word is a trusted person's; its id names that word, so that a new reply is new feedback."""
    trusted = [c for c in thread.comments if c.permission >= facts.policy.may_command or c.author.id == facts.me.id]
    if not trusted or trusted[-1].author.id == facts.me.id:
        return None
    body = "\n\n".join(f"{comment.author.login}: {comment.body.strip()}" for comment in trusted)
    return Feedback(
        id=f"thread:{thread.id}:{trusted[-1].id}",
        kind="thread",
        author=trusted[-1].author.login,
        body=body,
        path=thread.path,
        line=thread.line,
        thread_id=thread.id,
        reply_to=thread.reply_to,
    )


def with_feedback(session: Session, words: Iterable[Feedback]) -> Session:
    """The session with feedback added that it has neither seen nor already holds."""
    known = {*session.seen, *(feedback.id for feedback in session.feedback)}
    fresh = tuple(feedback for feedback in words if feedback.id not in known)
    return replace(session, feedback=(*session.feedback, *fresh)) if fresh else session


# Time and other people's pushes


def pushed(session: Session, event: BranchPushed, facts: Facts) -> Decision:
    """Somebody pushed to our branch, or deleted it. Their commits win: we only ever add on top."""
    if event.branch != session.branch:
        return nothing(session, "not our branch")
    if event.after is None:
        if facts.pull is not None and facts.pull.is_merged:
            return end(session, event, facts, Status.MERGED, why="merged, and the branch was deleted with it")
        if session.pull_number is None:
            return nothing(session, "the branch is not ours yet")
        reason = messages.stopped_by(event.actor.login, "deleted the branch", pull_number=None)
        return end(session, event, facts, Status.CLOSED, reason)
    head = facts.pull.head_sha if facts.pull is not None else event.after
    return _follow_head(session, event, facts, head)


def _follow_head(session: Session, event: Event, facts: Facts, head_sha: str) -> Decision:
    if head_sha == session.head_sha:
        return nothing(session, "the head is where we know it")
    if session.pull_number is None:
        return nothing(session, "nothing is published yet; publishing will look at the branch")
    moved = replace(session, head_sha=head_sha, checks=None)
    if session.status is Status.WORKING:
        # The turn goes on from the commit it began with; its push will be refused and done again on top.
        words = Feedback(id=f"push:{head_sha}", kind="push", author="git", body=messages.feedback_of_push(head_sha))
        return Decision(session=with_feedback(moved, (words,)), why="a push joins the running turn")
    if session.status is Status.NEEDS_HUMAN and session.stuck_on != "checks":
        return Decision(session=moved, effects=(ShowProgress(),), why="a new head; a human has the next word")
    waiting = replace(move(moved, facts, Status.AWAITING_CHECKS), waiting_for="", stuck_on="", status_since=facts.now)
    return Decision(session=waiting, effects=(ShowProgress(),), why="somebody pushed: the new head is checked")


def ticked(session: Session, event: Ticked, facts: Facts) -> Decision:
    """Time passed: catch up with what we were not told, and let nobody wait in silence."""
    pull, since = facts.pull, session.status_since or facts.now
    if pull is not None and pull.is_merged:
        return end(session, event, facts, Status.MERGED, why="merged, seen by looking")
    if pull is not None and not pull.is_open:
        reason = messages.stopped_by(pull.merged_by or "somebody", f"closed #{pull.number}", pull_number=pull.number)
        return end(session, event, facts, Status.CLOSED, reason)
    if facts.issue is not None and not facts.issue.is_open and pull is None:
        reason = messages.stopped_by("somebody", "closed the issue", pull_number=None)
        return end(session, event, facts, Status.CLOSED, reason)
    if session.status is Status.WORKING:
        if facts.now - since >= timedelta(seconds=facts.silence_limit_s):
            return ask(session, event, facts, messages.silence(facts.silence_limit_s / 3600))
        return nothing(session, "a turn runs")
    if pull is not None and pull.head_sha != session.head_sha:
        return _follow_head(session, event, facts, pull.head_sha)
    if session.status is Status.AWAITING_CHECKS:
        return _checks_late(session, event, facts, waited=facts.now - since)
    if session.pull_number is not None and facts.checks is not None and facts.checks.state in ("passed", "failed"):
        return _judge_checks(session, event, facts)
    return nothing(session, "nothing has changed")


def _checks_late(session: Session, event: Event, facts: Facts, *, waited: timedelta) -> Decision:
    state = facts.checks.state if facts.checks is not None else "none"
    if state == "none" and waited >= timedelta(seconds=facts.checks_grace_s):
        return _ready(replace(session, checks=facts.checks), facts, why="nothing checks this repository's commits")
    if state == "pending" and waited >= timedelta(seconds=facts.checks_limit_s):
        pending = facts.checks.pending if facts.checks is not None else ()
        text = messages.checks_silent(pending, facts.checks_limit_s / 3600)
        return ask(session, event, facts, text, stuck_on="checks")
    return _judge_checks(session, event, facts)


def take_up_again(session: Session, facts: Facts, *, why: str) -> Decision:
    """Go on after an interruption that had nothing to do with the work."""
    if session.pull_number is None or session.feedback:
        return run_turn(session, facts, session.turn_cause or Cause.IMPLEMENT, why=why)
    waiting = replace(move(session, facts, Status.AWAITING_CHECKS), waiting_for="", stuck_on="")
    return Decision(session=waiting, effects=(ShowProgress(),), why=why)


def _go_on(session: Session, event: Event, facts: Facts, *, before: tuple[Effect, ...], why: str) -> Decision:
    """After a turn: feedback that came in meanwhile starts the next one, else the checks have the word."""
    if session.feedback:
        by_review = any(feedback.kind in ("review", "thread") for feedback in session.feedback)
        cause = Cause.ADDRESS_REVIEW if by_review else Cause.FOLLOW_UP
        return run_turn(session, facts, cause, before=before, why="more came in while the agent worked")
    resting = replace(move(session, facts, Status.AWAITING_CHECKS), turn_id=None, status_since=facts.now)
    return _judge_checks(resting, event, facts, before=before, why=why)
