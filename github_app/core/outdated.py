"""Comments of ours that say what is not so any more: on GitHub they are folded up as outdated, and stay there to be
read. Never anybody's but our own."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.builds import tag_of
from github_app.core.decisions import Decision
from github_app.core.effects import MinimiseComments
from github_app.core.names import tracking_tag
from github_app.core.plans import plan_tag
from github_app.core.session import Session, Status


def without_outdated(before: Session | None, decision: Decision) -> Decision:
    """A decision that also folds up what it makes outdated: questions that are answered, a plan that is written anew,
    a build that there is a newer one of, and what an ended session said of itself once another one begins."""
    after = decision.session
    if before is None or after is None:
        return decision
    if after.id != before.id:
        return _folding(decision, before, _standing_of(before))
    if after.status is not Status.NEEDS_HUMAN and not after.status.is_terminal and after.asked:
        after = replace(after, asked=())
    tags = tuple(tag for tag in before.asked if tag not in after.asked)
    if before.build is not None and before.build != after.build:
        tags = (*tags, tag_of(before.id, before.build.head_sha))
    if before.plan is not None and after.plan is not None and before.plan.turn_id != after.plan.turn_id:
        tags = (*tags, plan_tag(before.plan.turn_id))
    return _folding(replace(decision, session=after), before, tags)


def _standing_of(ended: Session) -> tuple[str, ...]:
    plan = (plan_tag(ended.plan.turn_id),) if ended.plan is not None else ()
    return (tracking_tag(ended.id), f"ending:{ended.id}", *ended.asked, *plan)


def _folding(decision: Decision, of: Session, tags: tuple[str, ...]) -> Decision:
    if not tags:
        return decision
    return replace(decision, effects=(*decision.effects, MinimiseComments(session_id=of.id, tags=tags)))
