"""The tracking comment of a session: written once, then edited in place, wherever news of the session come from."""

from __future__ import annotations

from github_app.core.messages import account
from github_app.core.names import tracking_tag
from github_app.core.plans import plan_tag
from github_app.core.ports import Hub
from github_app.core.session import Session
from github_app.engine.costs import estimate_of
from github_app.engine.store import Store


def show(hub: Hub, store: Store, session: Session, *, page: str, doing: str = "") -> None:
    """Bring a session's tracking comment up to date; what people did to its text is undone by that. Nothing
    where a report is made, which is all that is said then. Raises what `Hub` raises, and `DatabaseAway`."""
    if session.inquiry is not None:
        return
    tag = tracking_tag(session.id)
    known = store.comments.of(session.id, tag)
    plan = store.comments.of(session.id, plan_tag(session.plan.turn_id)) if session.plan is not None else None
    wait, expected = store.waits.of(session.id), estimate_of(store.engine, session)
    body = account.tracking(session, doing=doing, page=page, wait=wait, expected=expected, plan_comment=plan)
    written = hub.say(session.repo, session.issue_number, tag, body, known=known)
    if written != known:
        store.comments.note(session.id, session.repo.id, tag, written)
