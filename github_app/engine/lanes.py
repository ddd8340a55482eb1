"""Lanes: what is taken in one after the other, and all else beside each other."""

from __future__ import annotations

from github_app.core.chat.model import ChatEvent
from github_app.core.events import Event
from github_app.core.names import issue_of_branch
from github_app.core.subjects import subject_of
from github_app.engine.store import Store


def lane_of(event: Event | ChatEvent, store: Store) -> str:
    """What an event is serial with: the session it is about, as far as that can be told from the event, or the thread
    in a chat."""
    if isinstance(event, ChatEvent):
        return f"chat-{event.place.team}-{event.place.channel}-{event.place.thread}"
    subject = subject_of(event)
    if subject.session_id is not None:
        return subject.session_id.rpartition("-")[0]
    issue = subject.inquiry_at or subject.issue_number or (issue_of_branch(subject.branch) if subject.branch else None)
    if issue is None:
        session = store.find_session(subject)
        issue = session.issue_number if session is not None else subject.pull_number
    return f"{subject.repo_id or 0}-{issue or 0}"
