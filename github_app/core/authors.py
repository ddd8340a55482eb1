"""Who a change is from: all whose words the work has followed, and whoever else pushed to its branch."""

from __future__ import annotations

from dataclasses import replace

from github_app.core.decisions import Decision
from github_app.core.events import BranchPushed, CommandIssued, Event, Published, Undone
from github_app.core.session import Session

UNKNOWN = 0
"""Stands among authors for whoever pushed without our being told who that was."""


def with_authors(before: Session | None, event: Event, decision: Decision) -> Decision:
    """A decision whose session also knows whom the change is from after this event."""
    after = decision.session
    if after is None or after.inquiry is not None:
        return decision
    is_same = before is not None and before.id == after.id
    found: list[int] = []
    if before is not None and not is_same and after.pull_number is not None:
        # What stands on that branch is still from them.
        found += [before.requested_by.id, *before.authors] * (before.pull_number == after.pull_number)
    found += _speakers(before if is_same else None, event, after)
    found += _pushers(before, event, after)
    authors = tuple(dict.fromkeys((*after.authors, *found)))
    return decision if authors == after.authors else replace(decision, session=replace(after, authors=authors))


def authors_of(session: Session) -> frozenset[int]:
    """The numbers of all accounts that the change is from."""
    return frozenset((session.requested_by.id, *session.authors))


def _speakers(before: Session | None, event: Event, after: Session) -> list[int]:
    """Whose words the event brought: new ones for the agent, or a plan that is to be done as it stands."""
    actor = getattr(event, "actor", None)
    if actor is None:
        return []
    known = {each.id for each in before.feedback} if before is not None else set()
    has_words = any(each.kind not in ("push", "checks") for each in after.feedback if each.id not in known)
    is_go = isinstance(event, CommandIssued) and event.command.verb == "go"
    begins = is_go and after.turn_id is not None and (before is None or before.turn_id != after.turn_id)
    return [actor.id] * (has_words or begins)


def _pushers(before: Session | None, event: Event, after: Session) -> list[int]:
    """Who moved the branch that the pull request is from, where we did not."""
    if before is None or isinstance(event, Published | Undone) or before.pull_number != after.pull_number:
        return []
    if not before.head_sha:
        return []
    told = {each.id for each in after.feedback if each.kind == "push"} - {each.id for each in before.feedback}
    if after.head_sha == before.head_sha and not told:
        return []
    return [event.actor.id if isinstance(event, BranchPushed) else UNKNOWN]
