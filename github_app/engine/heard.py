"""What people said and we decided on, by where it stands: a comment is heard once, whichever event brings it first."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from github_app.core.events import Event
from github_app.core.model import Repo
from github_app.core.subjects import words_in
from github_app.engine.database import transaction


def note_words(connection: sa.Connection, event: Event, repo: Repo | None, at: str, *, refused: bool) -> bool:
    """Note, within the caller's transaction, that an event's words are decided on; False if another was first.

    `refused` words are heard of this actor alone: who edits somebody's comment and may not ask must not use it up.
    """
    words = words_in(event)
    if words is None or repo is None:
        return True
    kind, number = words
    values = {"r": repo.id, "k": _of_actor(kind, event) if refused else kind, "n": number, "e": event.id, "at": at}
    added = connection.execute(
        sa.text(
            "INSERT INTO heard (repo_id, kind, number, event_id, at) VALUES (:r, :k, :n, :e, :at) "
            "ON CONFLICT DO NOTHING"
        ),
        values,
    )
    return added.rowcount == 1


def is_heard(engine: sa.Engine, event: Event, repo: Repo) -> bool:
    """Whether the words of an event were decided on before, for another event. Raises `DatabaseAway`."""
    words = words_in(event)
    if words is None:
        return False
    kind, number = words
    statement = sa.text(
        "SELECT 1 FROM heard WHERE repo_id = :r AND kind IN (:k, :of_actor) AND number = :n AND event_id <> :e"
    )
    values = {"r": repo.id, "k": kind, "of_actor": _of_actor(kind, event), "n": number, "e": event.id}
    with transaction(engine, reads=True) as connection:
        return connection.execute(statement, values).first() is not None


def heard(engine: sa.Engine, repo: Repo, kind: str, numbers: Iterable[int]) -> set[int]:
    """Which of these comments were heard, of whomever. Raises `DatabaseAway`."""
    statement = sa.text(
        "SELECT 1 FROM heard WHERE repo_id = :r AND (kind = :k OR kind LIKE :k || ':%') AND number = :n"
    )
    with transaction(engine, reads=True) as connection:
        return {
            number
            for number in numbers
            if connection.execute(statement, {"r": repo.id, "k": kind, "n": number}).first() is not None
        }


def _of_actor(kind: str, event: Event) -> str:
    actor = getattr(event, "actor", None)
    return f"{kind}:{actor.id if actor is not None else 0}"
