"""What a thread is told of a decision about its issue: all that is said on GitHub, and the session's state. And what
the agent is told of a thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from github_app.core.chat.model import Place, Remark, Told
from github_app.core.decisions import Decision
from github_app.core.effects import Effect, PostReview, Say, ShowProgress
from github_app.core.events import Event
from github_app.core.messages.reports import in_words
from github_app.core.model import Actor, Comment, Permission
from github_app.core.text.prose import one_line


def issue_spoken_of(decision: Decision) -> int | None:
    """The number of the issue that a decision is about; None where nothing is to be told of it."""
    said = [effect for effect in decision.effects if isinstance(effect, Say | PostReview | ShowProgress)]
    if not said:
        return None
    if decision.session is not None:
        return decision.session.issue_number
    return next((effect.number for effect in said if isinstance(effect, Say)), None)


def telling(event: Event, decision: Decision, place: Place, now: datetime, *, version: int) -> Told:
    """What a thread is told. `version` is that of the stored session: a state that is older by then is passed over."""
    shows = any(isinstance(effect, ShowProgress) for effect in decision.effects)
    session = decision.session
    return Told(
        id=f"told:{event.id}:{place.team}:{place.channel}:{place.thread}",
        place=place,
        decided_at=now.timestamp(),
        words=tuple(words for effect in decision.effects if (words := _words_of(effect)) is not None),
        session_id=session.id if session is not None and shows else "",
        version=version if shows else 0,
    )


def _words_of(effect: Effect) -> tuple[str, str] | None:
    """What is said by an effect, with its tag."""
    if isinstance(effect, PostReview):
        return effect.instead.tag, in_words(effect.body, effect.remarks)
    return (effect.tag, effect.body) if isinstance(effect, Say) else None


def as_comments(said: Sequence[Remark], now: datetime) -> tuple[Comment, ...]:
    """What was said in a thread, for the agent: quoted, of people who give no orders, whoever they are elsewhere."""
    return tuple(
        Comment(
            id=0,
            author=Actor(id=0, login=f"{one_line(each.author)} (in Slack)"),
            permission=Permission.NONE,
            body=each.words,
            created_at=now,
        )
        for each in said
    )
