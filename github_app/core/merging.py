"""`/honk rebase`: the base's head is merged into our branch, by a turn that resolves what conflicts; and conflicts that
come by themselves are shown."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.decisions import Decision, run_turn
from github_app.core.effects import Effect, Say, ShowProgress
from github_app.core.events import CommandIssued
from github_app.core.facts import Facts
from github_app.core.messages import refusals
from github_app.core.session import Cause, Session, Status

WAITS_FOR_ELSE = ("money", "permission", "push", "installation", "approval")
"""What a session may wait for that comes before a merge."""


def rebase(session: Session, event: CommandIssued, facts: Facts, seen: tuple[Effect, ...]) -> Decision:
    """Somebody with authority wants our pull request brought up to date: a turn, or one reason why not."""
    if reason := obstacle_to_merging(session, event, facts):
        say = Say(number=event.number, tag=f"answer:{event.id}", body=refusals.not_merged(reason))
        return Decision(session=session, effects=(*seen, say), why="there is nothing that can be merged now")
    ahead, cause = towards_base(session, facts)
    fresh = replace(ahead, fix_rounds=0, review_rounds=0, moved_heads=0)
    return run_turn(fresh, facts, cause, before=seen, why=f"`{event.actor.login}` had the base merged into the branch")


def obstacle_to_merging(session: Session, event: CommandIssued, facts: Facts) -> str:
    """Why the base is not merged now; empty if it can be."""
    pull = facts.pull
    if pull is None:
        return refusals.NOTHING_TO_MERGE_INTO
    if not pull.is_open:
        return refusals.merge_into_ended_pull(pull.number)
    if session.status.is_terminal and session.adopted is not None:
        return refusals.MERGE_AFTER_END
    if session.status is Status.WORKING:
        return refusals.MERGE_WHILE_WORKING
    if session.stuck_on in WAITS_FOR_ELSE:
        return refusals.MERGE_WHILE_WAITING
    if not session.status.is_terminal and pull.head_sha != session.head_sha:
        return refusals.MERGE_AFTER_PUSH
    # The base is where the policy is read from: who may write must not choose it by pointing a pull request elsewhere.
    if pull.base_branch != event.repo.default_branch:
        return refusals.merge_of_other_base(pull.base_branch, event.repo.default_branch)
    if facts.comparison is None:
        return refusals.base_gone(pull.base_branch)
    return "" if facts.comparison.behind_by else refusals.nothing_to_merge(pull.base_branch)


def towards_base(session: Session, facts: Facts, cause: Cause = Cause.MERGE_BASE) -> tuple[Session, Cause]:
    """The session as it is about to merge: from here on, the newest base is what it is measured by. What is no merge
    follows up on what is there."""
    if cause is not Cause.MERGE_BASE or facts.comparison is None or facts.pull is None:
        return session, Cause.FOLLOW_UP
    base_sha = facts.comparison.base_sha
    return replace(session, base_branch=facts.pull.base_branch, base_sha=base_sha, merging=base_sha), cause


def with_conflicts(decision: Decision, facts: Facts) -> Decision:
    """Show in the tracking comment that the pull request conflicts with its base, or does no more. Nothing is done
    about it unasked: that costs money, and who merges may not mind."""
    session, seen = decision.session, facts.pull.has_conflicts if facts.pull is not None else None
    if session is None or session.status.is_terminal or session.status is Status.WORKING:
        return decision
    if seen is None or seen == session.has_conflicts:
        return decision
    shown = () if any(isinstance(each, ShowProgress) for each in decision.effects) else (ShowProgress(),)
    why = "the base conflicts with the branch" if seen else "the base conflicts with the branch no more"
    return replace(
        decision,
        session=replace(session, has_conflicts=seen),
        effects=(*decision.effects, *shown),
        why=f"{decision.why}; {why}" if decision.effects else why,
    )
