"""What the checks of the head mean for a pull request at rest: wait, run again, fix, ask, or ready for review."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from github_app.core.adoption import leave_to_author
from github_app.core.attempts import changed_paths, is_unmoved, with_failures, with_passed
from github_app.core.decisions import Decision, ask, charged, move, nothing, run_turn
from github_app.core.delivering import with_delivery
from github_app.core.effects import Effect, LookAgain, MarkReady, RerunChecks, ShowProgress
from github_app.core.events import ChecksChanged, EffectFailed, Event
from github_app.core.facts import Facts
from github_app.core.failures import Rerun, Settling
from github_app.core.feedback import feedback_of_checks, with_feedback, without_old_checks
from github_app.core.messages import stops
from github_app.core.model import Checks
from github_app.core.precedents import UNSAID
from github_app.core.session import Cause, Session, Status
from github_app.core.triage import is_doubtful, sign_of_outside

RERUN_SHOWS_WITHIN = timedelta(minutes=10)
"""If a run that was asked for again has not begun by then, it never will."""


def checks_changed(session: Session, event: ChecksChanged, facts: Facts) -> Decision:
    """Something about a commit's checks changed; the state itself comes with the facts."""
    if event.head_sha != session.head_sha:
        return nothing(session, "checks of a commit that is not the head")
    if session.status is Status.WORKING:
        return _while_a_turn_runs(session, facts)
    return judge_checks(session, event, facts)


def _while_a_turn_runs(session: Session, facts: Facts) -> Decision:
    """One round for all: what failed on the commit that the turn stands on joins it. What turned green needs no turn
    that was to mend it, unless it has been told of more, or has handed in."""
    checks = checks_of_head(session, facts)
    ours = _without_those_outside(session, _without_those_of_base(checks, facts))
    if checks.state == "failed" and ours.failed and session.answers_for_head:
        told = with_feedback(session, feedback_of_checks(ours))
        if told != session:
            told = replace(told, checked_sha=session.head_sha)
            return Decision(session=told, why="what failed joins the running turn")
    only_mends = session.turn_cause is Cause.FIX_CHECKS and all(each.kind == "checks" for each in session.feedback)
    if checks.state == "passed" and only_mends and not session.carried:
        stopped = replace(with_passed(charged(session, facts), ()), turn_id=None, checks=checks)
        return ready(stopped, facts, why="all checks passed: the turn that was to mend them is withdrawn")
    return nothing(session, "a turn runs; its push will be checked anew")


def judge_if_ended(waiting: Decision, event: Event, facts: Facts) -> Decision:
    """A decision to wait for checks; or what follows of them, if CI was faster than the news of the commit."""
    session = waiting.session
    if session is None or session.status is not Status.AWAITING_CHECKS:
        return waiting
    if checks_of_head(session, facts).state in ("none", "pending"):
        return waiting
    return judge_checks(session, event, facts)


def checks_of_head(session: Session, facts: Facts) -> Checks:
    """The head's checks as looked up; `none` if what was looked up is another commit's."""
    if facts.checks is None or facts.checks.head_sha != session.head_sha:
        return Checks(head_sha=session.head_sha, state="none")
    return facts.checks


def judge_checks(  # noqa: C901 - a table, one row a state
    session: Session, event: Event, facts: Facts, *, before: tuple[Effect, ...] = (), why: str = ""
) -> Decision:
    """Where a pull request at rest stands, by the checks of its head."""
    checks = checks_of_head(session, facts)
    has_ended = checks.state in ("passed", "failed")
    noted = replace(session, checks=_without_logs(checks), settling=session.settling if has_ended else None)
    waits_for_words = session.status is Status.NEEDS_HUMAN and session.stuck_on != "checks"
    match checks.state:
        case _ if waits_for_words:
            shown = (ShowProgress(),) if noted != session else ()
            return Decision(session=noted, effects=(*before, *shown), why="noted; a human has the next word")
        case "failed" | "blocked" if not noted.answers_for_head:
            return leave_to_author(session, _without_logs(checks), facts, before=before)
        case "passed" | "failed" if (settling := _let_settle(noted, facts, checks, before)) is not None:
            return settling
        case "passed":
            return ready(with_passed(noted, ()), facts, before=before, why="all checks passed")
        case "failed":
            return _fix(noted, event, facts, checks, before)
        case "blocked" if session.stuck_on == "checks":
            return Decision(session=noted, effects=before, why="CI still waits for a person")
        case "blocked":
            return ask(noted, event, facts, stops.checks_blocked(), stuck_on="checks", before=before)
        case "none" if session.status is Status.AWAITING_REVIEW:
            return nothing(session, "nothing checks this commit, as before")
        case "none" | "pending":
            if session.status is Status.AWAITING_CHECKS and not before and session.checks == noted.checks:
                return nothing(session, "checks have not ended")
            waiting = replace(move(noted, facts, Status.AWAITING_CHECKS), waiting_for="", stuck_on="")
            return Decision(session=waiting, effects=(*before, ShowProgress()), why=why or "checks have not ended")
        case _:
            assert_never(checks.state)


def _let_settle(session: Session, facts: Facts, checks: Checks, before: tuple[Effect, ...]) -> Decision | None:
    """Wait a little where all checks have ended and something would follow: another app may be about to begin. None
    once nothing has changed for that long, or where people know already."""
    is_known = session.stuck_on == "checks" if checks.state == "failed" else session.status is Status.AWAITING_REVIEW
    if is_known or facts.checks_settle_s <= 0:
        return None
    seen = how_ended(checks)
    asked = session.settling
    if asked is not None and (asked.head_sha, asked.seen) == (session.head_sha, seen):
        if facts.now >= asked.since + timedelta(seconds=facts.checks_settle_s):
            return None
        return Decision(session=session, effects=before, why="all checks have ended a moment ago")
    return Decision(
        session=replace(session, settling=Settling(head_sha=session.head_sha, seen=seen, since=facts.now)),
        effects=(*before, LookAgain(head_sha=session.head_sha, after_s=facts.checks_settle_s)),
        why="all checks have ended: others may be about to begin",
    )


def how_ended(checks: Checks) -> str:
    """Which checks ended how, in a text that is another one as soon as anything changes."""
    failed = sorted(f"{each.source} {each.name} {each.conclusion} {each.attempt}" for each in checks.failed)
    return f"{checks.passed} passed; {'; '.join(failed)}"


def ready(session: Session, facts: Facts, *, why: str, before: tuple[Effect, ...] = ()) -> Decision:
    """Nothing is red: the reviewers have the word. Who makes it a draft again meanwhile is not overruled."""
    resting = replace(move(session, facts, Status.AWAITING_REVIEW), fix_rounds=0, waiting_for="", stuck_on="")
    resting = replace(without_old_checks(resting), can_ship=facts.policy.ship.is_on)
    effects = before
    is_ours_to_show = session.pull_is_draft and session.adopted is None
    if session.status is not Status.AWAITING_REVIEW and is_ours_to_show and session.pull_number is not None:
        resting = replace(resting, pull_is_draft=False)
        effects = (*before, MarkReady(pull_number=session.pull_number))
    resting, delivery = with_delivery(resting)
    if resting == session and not effects:
        return nothing(session, "it was ready already")
    return Decision(session=resting, effects=(*effects, ShowProgress(), *delivery), why=why)


def _fix(session: Session, event: Event, facts: Facts, checks: Checks, before: tuple[Effect, ...]) -> Decision:
    """Sort what failed: what was red before us, what is run again first, what is no matter of the code, and what is
    handed to the agent, once for each head and as often as policy allows; then to a human."""
    session = with_passed(session, checks.failed)
    ours = _without_those_of_base(checks, facts)
    if not ours.failed:
        text = stops.checks_red_before(checks, session.base_sha)
        return _ask_once(session, event, facts, text, before, why="a human was told that these are not ours")
    is_known = session.checked_sha == session.head_sha
    if is_known and session.stuck_on == "checks":
        return Decision(session=session, effects=before, why="a human was asked about this failure already")
    again = None if is_known else _run_again(session, facts, ours, before)
    if again is not None:
        return again
    left = _without_those_outside(session, ours)
    session = with_failures(session, ours.failed)
    if not left.failed:
        text = stops.checks_outside(session)
        return _ask_once(session, event, facts, text, before, why="a human was told that nothing here is to be mended")
    # With the session even if a human is asked: the turn that they start must know what failed.
    told = with_feedback(without_old_checks(session), feedback_of_checks(left))
    told = replace(told, checked_sha=session.head_sha)
    if is_known or session.fix_rounds >= facts.policy.fix_rounds:
        text = stops.checks_still_failing(session, left)
        return ask(told, event, facts, text, stuck_on="checks", before=before)
    if is_unmoved(session, left):
        return ask(told, event, facts, stops.checks_unmoved(session, left), stuck_on="checks", before=before)
    told = replace(with_failures(told, left.failed, is_handed=True), fix_rounds=session.fix_rounds + 1)
    return run_turn(told, facts, Cause.FIX_CHECKS, before=before, why="checks failed")


def _ask_once(
    session: Session, event: Event, facts: Facts, text: str, before: tuple[Effect, ...], *, why: str
) -> Decision:
    """Put failures to a human of which the agent is told nothing; the same words only once."""
    if session.stuck_on == "checks" and session.waiting_for == text:
        return Decision(session=session, effects=before, why=why)
    return ask(without_old_checks(session), event, facts, text, stuck_on="checks", before=before)


def _run_again(session: Session, facts: Facts, ours: Checks, before: tuple[Effect, ...]) -> Decision | None:
    """Before money is spent on failures all of which may well not be the change's, their jobs run once more on the same
    commit, where that can be. One that surely is the change's makes a new commit anyway, and all run again on that."""
    run_ids = tuple(sorted({each.run_id for each in ours.failed if each.run_id and each.attempt == 1}))
    asked = session.rerun
    if asked is not None and asked.head_sha == session.head_sha:
        is_open = asked.asked_at is not None and facts.now < asked.asked_at + RERUN_SHOWS_WITHIN
        if is_open and set(run_ids) & set(asked.run_ids):
            return Decision(session=session, effects=before, why="what runs again has not begun")
        return None
    changed = changed_paths(session)
    if not run_ids or not all(is_doubtful(each, changed) for each in ours.failed):
        return None
    rerun = Rerun(head_sha=session.head_sha, run_ids=run_ids, asked_at=facts.now)
    waiting = replace(move(session, facts, Status.AWAITING_CHECKS), rerun=rerun, waiting_for="", stuck_on="")
    return Decision(
        session=with_failures(without_old_checks(waiting), ours.failed),
        effects=(*before, RerunChecks(run_ids=run_ids), ShowProgress()),
        why="what failed may not be the change's: it runs once more on the same commit",
    )


def go_on_without_rerun(session: Session, event: EffectFailed, facts: Facts) -> Decision:
    """The failed jobs could not be run again: what failed counts as it is."""
    asked = session.rerun
    if asked is None or asked.asked_at is None or session.status is not Status.AWAITING_CHECKS:
        return nothing(session, "nothing waits for jobs that run again")
    return judge_checks(replace(session, rerun=replace(asked, asked_at=None)), event, facts)


def _without_those_outside(session: Session, checks: Checks) -> Checks:
    """The checks without those failures that are no matter of the code: nobody can mend them there."""
    changed = changed_paths(session) or ()
    return replace(checks, failed=tuple(each for each in checks.failed if not sign_of_outside(each, changed)))


def _without_those_of_base(checks: Checks, facts: Facts) -> Checks:
    """The checks without those failures that were there before us: on the base, the same check failed, too. One that
    was only cancelled there says nothing."""
    if facts.base_checks is None:
        return checks
    before = {(each.source, each.name) for each in facts.base_checks.failed if each.conclusion not in UNSAID}
    return replace(checks, failed=tuple(each for each in checks.failed if (each.source, each.name) not in before))


def _without_logs(checks: Checks) -> Checks:
    return replace(checks, failed=tuple(replace(failed, log="") for failed in checks.failed), succeeded=())
