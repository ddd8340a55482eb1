"""The lessons of repositories, and which of them an issue is about: found by the text search of the database at hand,
FTS5 of SQLite or that of PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Protocol

import sqlalchemy as sa
from pydantic import TypeAdapter

from github_app.agent.context.words import is_common
from github_app.agent.task import Task
from github_app.agent.visible import visible
from github_app.core.lessons import EXPIRED_FOR, MAX_TOLD, Lesson, words_of
from github_app.core.ports import Clock
from github_app.core.record.audit import Record
from github_app.core.record.records import Hand, of_dropped, of_kept
from github_app.engine.audit import Audit, chain_of_repo
from github_app.engine.database import text_of, transaction

LIFETIME = timedelta(days=180)

_LESSON = TypeAdapter(Lesson)
_LIKELIEST = 5
"""So many of the files that an issue is likely about count as words of it."""


class Search(Protocol):
    """Finds lessons by words."""

    def __call__(
        self, connection: sa.Connection, *, repo_id: int, since: str, words: Sequence[str], limit: int
    ) -> list[str]:
        """The ids of lessons with any of the words that were used since then, those that fit best first."""


class Lessons:
    """The table of lessons; one expires when no turn was told of it for `lifetime`. Every method is one transaction and
    blocks; all raise `DatabaseAway`."""

    def __init__(self, database: sa.Engine, clock: Clock, audit: Audit, *, lifetime: timedelta = LIFETIME) -> None:
        self.lifetime = lifetime
        self._database = database
        self._clock = clock
        self._audit = audit
        self._search: Search = _search_postgresql if database.dialect.name == "postgresql" else _search_sqlite

    def keep(self, lesson: Lesson) -> None:
        """Put a lesson into force, in the place of one with the same numbers."""
        with transaction(self._database) as connection:
            _save(connection, lesson)

    def write(self, lessons: Iterable[Lesson]) -> None:
        """Put lessons into force in the operator's name; on record in their repository's chain."""
        with transaction(self._database) as connection:
            for lesson in lessons:
                _save(connection, lesson)
                self._note(connection, lesson.repo_id, of_kept(lesson))

    def drop(self, repo_id: int, key: str, *, by_operator: bool = False) -> bool:
        """Take a lesson out of force; False if there is none of that name. The operator's act is put on record here,
        that of people with the decision on it."""
        with transaction(self._database) as connection:
            found = connection.execute(sa.text("DELETE FROM lessons WHERE id = :id"), {"id": _id(repo_id, key)})
            if found.rowcount == 1 and by_operator:
                self._note(connection, repo_id, of_dropped(key))
        return found.rowcount == 1

    def keep_by_hand(self, lesson: Lesson, hand: Hand) -> None:
        """Put a lesson into force on somebody's word on a page; on record in its repository's chain."""
        with transaction(self._database) as connection:
            _save(connection, lesson)
            self._note(connection, lesson.repo_id, of_kept(lesson, hand))

    def drop_by_hand(self, repo_id: int, key: str, hand: Hand) -> None:
        """Take a lesson out of force on such a word; nothing if it is not in force."""
        with transaction(self._database) as connection:
            found = connection.execute(sa.text("DELETE FROM lessons WHERE id = :id"), {"id": _id(repo_id, key)})
            if found.rowcount == 1:
                self._note(connection, repo_id, of_dropped(key, hand))

    def of(self, repo_id: int) -> list[Lesson]:
        """All lessons of a repository, the last used ones first; those that have expired, too."""
        query = "SELECT * FROM lessons WHERE repo_id = :r ORDER BY last_used_at DESC, id"
        with transaction(self._database, reads=True) as connection:
            return [_lesson(row) for row in connection.execute(sa.text(query), {"r": repo_id})]

    def is_expired(self, lesson: Lesson) -> bool:
        """Whether turns are not told of it any more."""
        return lesson.is_expired(self._clock.now(), self.lifetime)

    def recall(self, repo_id: int, words: Sequence[str]) -> tuple[Lesson, ...]:
        """The few lessons of a repository that fit best to these words (`words_about`), but for those that say nothing;
        that they are used is noted."""
        telling = [word for word in words if not is_common(word)]
        if not telling:
            return ()
        now = self._clock.now()
        since = text_of(now - self.lifetime)
        with transaction(self._database, reads=True) as connection:
            keys = self._search(connection, repo_id=repo_id, since=since, words=telling, limit=MAX_TOLD)
        if not keys:
            return ()
        with transaction(self._database) as connection:
            found = {"keys": keys, "at": text_of(now)}
            chosen: sa.BindParameter[str] = sa.bindparam("keys", expanding=True)
            use = sa.text("UPDATE lessons SET last_used_at = :at, uses = uses + 1 WHERE id IN :keys")
            connection.execute(use.bindparams(chosen), found)
            query = sa.text("SELECT * FROM lessons WHERE id IN :keys").bindparams(chosen)
            rows = {row.id: row for row in connection.execute(query, found)}
        return tuple(_lesson(rows[key]) for key in keys if key in rows)

    def _note(self, connection: sa.Connection, repo_id: int, record: Record) -> None:
        self._audit.add(connection, chain_of_repo(repo_id), [record])


def words_about(task: Task) -> tuple[str, ...]:
    """What lessons are found by for a task: the words of its issue, and the names of the likeliest files."""
    issue = words_of((task.issue.title, visible(task.issue.body)))
    files = words_of(PurePosixPath(file.path).stem for file in task.context.files[:_LIKELIEST])
    return tuple(dict.fromkeys((*files, *issue)))


def forget_before(now: datetime, lifetime: timedelta) -> datetime:
    """Lessons that were last used before this are deleted: they have expired, and were shown as that."""
    return now - lifetime - EXPIRED_FOR


def _save(connection: sa.Connection, lesson: Lesson) -> None:
    values = {
        "id": _id(lesson.repo_id, lesson.key),
        "r": lesson.repo_id,
        "w": " ".join(words_of((lesson.text, PurePosixPath(lesson.path).stem))),
        "d": _LESSON.dump_json(lesson).decode(),
        "at": text_of(lesson.last_used_at),
        "n": lesson.uses,
    }
    connection.execute(
        sa.text(
            "INSERT INTO lessons (id, repo_id, words, document, last_used_at, uses) VALUES (:id, :r, :w, :d, :at, :n) "
            "ON CONFLICT (id) DO UPDATE SET words = :w, document = :d, last_used_at = :at, uses = :n"
        ),
        values,
    )


def _id(repo_id: int, key: str) -> str:
    return f"{repo_id}-{key}"


def _lesson(row: sa.Row[tuple[object, ...]]) -> Lesson:
    lesson = _LESSON.validate_json(row.document)
    return replace(lesson, last_used_at=datetime.fromisoformat(row.last_used_at), uses=row.uses)


def _search_postgresql(
    connection: sa.Connection, *, repo_id: int, since: str, words: Sequence[str], limit: int
) -> list[str]:
    query = (
        "SELECT id FROM lessons, to_tsquery('english', :q) AS query, to_tsvector('english', words) AS vector "
        "WHERE repo_id = :r AND last_used_at >= :since AND vector @@ query "
        "ORDER BY ts_rank(vector, query) DESC, id LIMIT :n"
    )
    # Quoted, a word is no operator. https://www.postgresql.org/docs/current/datatype-textsearch.html
    named = " | ".join(f"'{word}'" for word in words)
    values = {"q": named, "r": repo_id, "since": since, "n": limit}
    return list(connection.execute(sa.text(query), values).scalars())


def _search_sqlite(
    connection: sa.Connection, *, repo_id: int, since: str, words: Sequence[str], limit: int
) -> list[str]:
    rows = connection.execute(
        sa.text("SELECT id, words FROM lessons WHERE repo_id = :r AND last_used_at >= :since ORDER BY id"),
        {"r": repo_id, "since": since},
    )
    # A repository has tens of lessons: an index made for one search cannot differ from what it is of.
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute("CREATE VIRTUAL TABLE found USING fts5(id UNINDEXED, words, tokenize = 'porter unicode61')")
        index.executemany("INSERT INTO found VALUES (?, ?)", [tuple(row) for row in rows])
        # Quoted, a word is no operator. https://www.sqlite.org/fts5.html#full_text_query_syntax
        named = " OR ".join(f'"{word}"' for word in words)
        best = index.execute("SELECT id FROM found WHERE words MATCH ? ORDER BY rank, id LIMIT ?", (named, limit))
        return [key for (key,) in best]
