"""A task that is too large for one pull request: the agent does a part that stands alone and says what is left; after
the merge, `/honk go` starts the next."""

from __future__ import annotations

from github_app.core.events import CommandIssued
from github_app.core.messages.parts import go_on_with
from github_app.core.session import Feedback, Session, Status, Submission
from github_app.core.text.prose import clause

MAX_PARTS = 20
"""More are no plan that people read."""

MAX_PART_CHARS = 300


def left_after(session: Session, submission: Submission) -> tuple[str, ...]:
    """What is left of the task with this in: as it is said now, else as it was said before. On a pull request of
    others, what is left is theirs."""
    if session.adopted is not None:
        return ()
    if submission.remaining is None:
        return session.remaining
    parts = (clause(part[:MAX_PART_CHARS]) for part in submission.remaining[:MAX_PARTS])
    return tuple(part for part in parts if part)


def next_part(last: Session | None, event: CommandIssued) -> tuple[Feedback, ...]:
    """What `/honk go` asks for after a merge that left something; empty if nothing is left."""
    if last is None or last.status is not Status.MERGED or not last.remaining or event.command.verb != "go":
        return ()
    body = go_on_with(last)
    return (Feedback(id=f"command:go:{last.id}", kind="command", author=event.actor.login, body=body),)
