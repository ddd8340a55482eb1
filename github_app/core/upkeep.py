"""What keeps a session true to the world without anybody speaking to it: time, other people's pushes, the
installation. Nothing that we were not told is missed for ever, and nobody is left to wait in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from github_app.core.adoption import leave_to_author
from github_app.core.checks import checks_of_head, judge_checks, judge_if_ended, ready
from github_app.core.decisions import Decision, ask, end, may_ask, move, nothing, run_turn
from github_app.core.effects import Effect, ShowProgress
from github_app.core.events import BranchPushed, Event, InstallationChanged, Ticked
from github_app.core.facts import Facts
from github_app.core.feedback import feedback_of_push, with_feedback, without_old_checks
from github_app.core.merging import with_conflicts
from github_app.core.messages import refusals, stops
from github_app.core.session import Cause, Feedback, Session, Status
from github_app.core.shipping import as_merged
from github_app.core.watchdog import remind, watch_turn


def pushed(session: Session, event: BranchPushed, facts: Facts) -> Decision:
    """Somebody pushed to our branch, or deleted it. Their commits win: we only ever add on top."""
    if event.branch != session.branch:
        return nothing(session, "not our branch")
    if event.after is not None:
        head_sha = facts.pull.head_sha if facts.pull is not None else event.after
        if not may_ask(event.actor, facts):
            return _pushed_by_a_stranger(session, event, facts, event.after, head_sha)
        if event.after != head_sha:
            # Maybe by somebody who may not write: their own event says so, before or after this one.
            return nothing(session, "others have pushed on top of it")
        if session.stuck_on == "push":
            answered = replace(session, head_sha=head_sha, strange_sha="", checks=None)
            return take_up_again(without_old_checks(answered), facts, why="who may write has pushed: that is the head")
        return judge_if_ended(follow_head(session, facts, head_sha), event, facts)
    if facts.pull is not None and facts.pull.is_merged:
        known = replace(session, pull_number=facts.pull.number)
        return end(as_merged(known, facts), facts, Status.MERGED, why="merged, and the branch was deleted with it")
    if session.pull_number is None:
        return nothing(session, "the branch is not ours yet")
    return end(session, facts, Status.CLOSED, stops.branch_deleted(session, event.actor.login))


def _pushed_by_a_stranger(
    session: Session, event: BranchPushed, facts: Facts, pushed_sha: str, head_sha: str
) -> Decision:
    """A deploy key, another app or a bot: GitHub lets it push, and nobody who may write has seen what.

    The push may reach us after somebody's words, and after a turn began on it: that turn is withdrawn.
    """
    if session.pull_number is None:
        return nothing(session, "nothing is published yet; publishing will look at the branch")
    if pushed_sha not in (head_sha, session.head_sha):
        return nothing(session, "others have pushed on top of it")
    if pushed_sha == session.head_sha and any(each.head_sha == pushed_sha for each in session.published):
        return nothing(session, "what was pushed is our own commit")
    if session.stuck_on == "push" and session.strange_sha == pushed_sha:
        return nothing(session, "a human was asked about it already")
    strange = replace(session, strange_sha=pushed_sha)
    if session.status is Status.WORKING and pushed_sha != session.head_sha:
        return Decision(session=strange, why="the running turn does not see it; its own push will be put to a human")
    return ask_about_push(strange, event, facts, event.actor.login)


def ask_about_push(
    session: Session, event: Event, facts: Facts, login: str = "", *, before: tuple[Effect, ...] = ()
) -> Decision:
    """Somebody who may write must look at a commit before anything is built on it."""
    return ask(session, event, facts, refusals.strange_push(login, session.strange_sha), stuck_on="push", before=before)


def is_off_again(session: Session, facts: Facts) -> bool:
    """Whether the push that a human was asked about is not on the branch any more."""
    return facts.pull is not None and facts.pull.head_sha == session.head_sha != session.strange_sha


def follow_head(session: Session, facts: Facts, head_sha: str) -> Decision:
    """The branch's head is `head_sha`, by whomever: have that checked. A turn that runs is only told."""
    if head_sha == session.head_sha:
        return nothing(session, "the head is where we know it")
    if session.pull_number is None:
        return nothing(session, "nothing is published yet; publishing will look at the branch")
    if session.status is Status.WORKING:
        # The turn stands on the commit it began with: its push will be refused, and done again on top of theirs.
        told = with_feedback(session, (push_of(head_sha),))
        return Decision(session=told, why="the running turn is told of the push")
    moved = without_old_checks(replace(session, head_sha=head_sha, checks=None))
    if session.status is Status.NEEDS_HUMAN and session.stuck_on != "checks":
        return Decision(session=moved, effects=(ShowProgress(),), why="a new head; a human has the next word")
    waiting = replace(moved, status=Status.AWAITING_CHECKS, status_since=facts.now, waiting_for="", stuck_on="")
    return Decision(session=waiting, effects=(ShowProgress(),), why="somebody pushed: the new head is checked")


def push_of(head_sha: str) -> Feedback:
    """A push by somebody else, as words to the agent."""
    return Feedback(id=f"push:{head_sha}", kind="push", author="git", body=feedback_of_push(head_sha))


def at_newest_head(session: Session, facts: Facts) -> Session:
    """The session at the head that its pull request has now, if that was looked up: a new turn must stand on it."""
    if facts.pull is None or session.pull_number != facts.pull.number:
        return session
    if facts.pull.head_sha in (session.head_sha, session.strange_sha):
        return session
    return without_old_checks(replace(session, head_sha=facts.pull.head_sha, checks=None))


def ticked(session: Session, event: Ticked, facts: Facts) -> Decision:
    """Time passed: catch up with what we were not told, and let nobody wait in silence."""
    decision = with_conflicts(_caught_up(session, event, facts), facts)
    return decision if decision.effects else remind(decision, event, facts)


def _caught_up(session: Session, event: Ticked, facts: Facts) -> Decision:
    waited = facts.now - (session.status_since or facts.now)
    if facts.lost:
        return _locked_out(session, event, facts)
    if (ended := _ended_unseen(session, facts)) is not None:
        return ended
    if session.stuck_on == "installation":
        return take_up_again(session, facts, why="GitHub answers again, so the installation is active")
    if session.stuck_on in ("quota", "pause"):
        cause = session.turn_cause or Cause.IMPLEMENT
        return run_turn(at_newest_head(session, facts), facts, cause, why="nothing holds the work up any more")
    if session.status is Status.WORKING:
        return watch_turn(session, event, facts)
    if (moved := _look_at_head(session, event, facts)) is not None:
        return moved
    if session.status is Status.AWAITING_CHECKS:
        return _wait_for_checks(session, event, facts, waited=waited)
    if checks_of_head(session, facts).state in ("passed", "failed"):
        return judge_checks(session, event, facts)
    return nothing(session, "nothing has changed")


def _locked_out(session: Session, event: Ticked, facts: Facts) -> Decision:
    """GitHub does not let us look, and nobody told us. It may again: nothing ends here, and we look on."""
    if session.status in (Status.WORKING, Status.NEEDS_HUMAN):
        return nothing(session, f"GitHub does not let us look: {facts.lost}")
    return ask(session, event, facts, stops.locked_out(facts.lost), stuck_on="installation")


def _look_at_head(session: Session, event: Event, facts: Facts) -> Decision | None:
    """What follows if the head is not where we know it, or not any more what a human was asked about."""
    if facts.pull is None:
        return None
    is_asked, head_sha = session.stuck_on == "push", facts.pull.head_sha
    if is_asked and is_off_again(session, facts):
        return take_up_again(replace(session, strange_sha=""), facts, why="the push is off the branch again")
    if head_sha == session.head_sha:
        return None
    if is_asked and head_sha == session.strange_sha:
        return nothing(session, "a human was asked about the new head already")
    if is_asked or head_sha == session.strange_sha:
        return ask_about_push(replace(session, strange_sha=head_sha), event, facts)
    return follow_head(session, facts, head_sha)


def _ended_unseen(session: Session, facts: Facts) -> Decision | None:
    pull = facts.pull
    if pull is not None and pull.is_merged:
        return end(as_merged(session, facts), facts, Status.MERGED, why="merged, seen by looking")
    if pull is not None and not pull.is_open:
        then = stops.after_closed_pull(session)
        reason = stops.stopped_by("", "closed the pull request", then, pull_number=pull.number)
        return end(session, facts, Status.CLOSED, reason)
    if facts.is_issue_gone:
        return issue_gone(session, facts)
    if facts.issue is not None and not facts.issue.is_open and pull is None:
        then = stops.after_closed_issue(session.pull_number)
        reason = stops.stopped_by("", "closed the issue", then, pull_number=session.pull_number)
        return end(session, facts, Status.CLOSED, reason)
    return None


def issue_gone(session: Session, facts: Facts, login: str = "", how: str = "deleted or moved") -> Decision:
    """The issue was deleted or transferred, or became a discussion: with it goes what the work was for."""
    then = stops.WITHOUT_ISSUE if session.pull_number is not None else ""
    reason = stops.stopped_by(login, f"{how} the issue", then, pull_number=session.pull_number).rstrip()
    return end(session, facts, Status.CLOSED, reason, leaves_pull=True, said_at="pull")


def _wait_for_checks(session: Session, event: Event, facts: Facts, *, waited: timedelta) -> Decision:
    checks = checks_of_head(session, facts)
    if checks.state == "none" and waited >= timedelta(seconds=facts.checks_grace_s):
        return ready(replace(session, checks=checks), facts, why="nothing checks this repository's commits")
    if checks.state == "pending" and waited >= timedelta(seconds=facts.checks_limit_s):
        if not session.answers_for_head:
            return leave_to_author(session, checks, facts)
        text = stops.checks_silent(checks.pending, facts.checks_limit_s)
        return ask(replace(session, checks=checks), event, facts, text, stuck_on="checks")
    return judge_checks(session, event, facts)


def installation_changed(session: Session, event: InstallationChanged, facts: Facts) -> Decision:
    """The app was removed, suspended or put back. Nothing can be said where it is not let in."""
    match event.action:
        case "deleted" | "removed":
            reason = "The app was removed from this repository."
            return end(session, facts, Status.CLOSED, reason, said_at="nowhere")
        case "suspended" if session.status is Status.NEEDS_HUMAN:
            return nothing(session, "suspended; a human has the next word anyway")
        case "suspended":
            return ask(session, event, facts, "The app is suspended.", stuck_on="installation", is_reachable=False)
        case "unsuspended" | "granted" | "added" if session.stuck_on == "installation":
            return take_up_again(session, facts, why="the installation is active again")
        case "unsuspended" | "granted" | "created" | "added":
            return nothing(session, "nothing waited for the installation")
        case _:
            assert_never(event.action)


def take_up_again(session: Session, facts: Facts, *, why: str) -> Decision:
    """Go on after an interruption that had nothing to do with the work."""
    if session.pull_number is None or session.feedback:
        return run_turn(session, facts, session.turn_cause or Cause.IMPLEMENT, why=why)
    waiting = replace(move(session, facts, Status.AWAITING_CHECKS), waiting_for="", stuck_on="")
    return Decision(session=waiting, effects=(ShowProgress(),), why=why)
