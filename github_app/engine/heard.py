"""What people said and we decided on, by where it stands: a comment is heard once, whichever event brings it first."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from github_app.core.events import Event, words_in
from github_app.core.model import Repo
from github_app.engine.database import transaction


def note_words(connection: sa.Connection, event: Event, repo: Repo | None, at: str) -> bool:
    """Note, within the caller's transaction, that an event's words are decided on; False if another was first."""
    words = words_in(event)
    if words is None or repo is None:
        return True
    kind, number = words
    values = {"r": repo.id, "k": kind, "n": number, "e": event.id, "at": at}
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
    first = heard(engine, repo, words[0], [words[1]]).get(words[1])
    return first is not None and first != event.id


def heard(engine: sa.Engine, repo: Repo, kind: str, numbers: Iterable[int]) -> dict[int, str]:
    """Which of these comments were heard, each with the event that brought it. Raises `DatabaseAway`."""
    found: dict[int, str] = {}
    with transaction(engine, reads=True) as connection:
        for number in numbers:
            statement = sa.text("SELECT event_id FROM heard WHERE repo_id = :r AND kind = :k AND number = :n")
            row = connection.execute(statement, {"r": repo.id, "k": kind, "n": number}).first()
            if row is not None:
                found[number] = row.event_id
    return found
