"""What is known of chats, as tables: people's accounts, threads and what they are about, channels' repositories, our
messages. Every method is one transaction and blocks; all raise `DatabaseAway`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from github_app.core.chat.model import Person, Place, Remark, Said, Told, Work
from github_app.core.chat.telling import issue_spoken_of, telling
from github_app.core.decisions import Decision
from github_app.core.events import Event
from github_app.core.model import Actor, Repo
from github_app.core.ports import Clock
from github_app.engine import codec
from github_app.engine.database import text_of, transaction
from github_app.engine.entries import Entries


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a thread is about, or what was said in it before we asked where."""

    work: Work | None = None
    waiting: Said | None = None


class Conversations:
    """The tables of chats."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self._engine, reads=True)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self._engine)

    def _now(self) -> str:
        return text_of(self._clock.now())

    # People

    def actor_of(self, person: Person) -> Actor | None:
        """The account that a person linked; None if they did not."""
        query = sa.text("SELECT actor_id, login FROM chat_links WHERE team = :t AND person = :p")
        with self._reading() as connection:
            row = connection.execute(query, {"t": person.team, "p": person.id}).first()
        return Actor(id=row.actor_id, login=row.login) if row is not None else None

    def link(self, person: Person, actor: Actor, *, nonce: str) -> bool:
        """Note whose account a person's is, in the place of another; False if the invitation was used before."""
        values = {"t": person.team, "p": person.id, "a": actor.id, "l": actor.login, "n": nonce, "at": self._now()}
        with self._writing() as connection:
            used = connection.execute(
                sa.text("INSERT INTO chat_invitations (nonce, at) VALUES (:n, :at) ON CONFLICT DO NOTHING"), values
            )
            if used.rowcount != 1:
                return False
            connection.execute(
                sa.text(
                    "INSERT INTO chat_links (team, person, actor_id, login, linked_at) VALUES (:t, :p, :a, :l, :at) "
                    "ON CONFLICT (team, person) DO UPDATE SET actor_id = :a, login = :l, linked_at = :at"
                ),
                values,
            )
        return True

    def unlink(self, person: Person) -> None:
        """Forget whose account a person's is."""
        statement = sa.text("DELETE FROM chat_links WHERE team = :t AND person = :p")
        with self._writing() as connection:
            connection.execute(statement, {"t": person.team, "p": person.id})

    # Threads

    def topic_of(self, place: Place) -> Topic:
        """What a thread is about."""
        query = sa.text("SELECT repo, issue_number, is_pull, waiting FROM chat_threads WHERE " + _HERE)  # noqa: S608
        with self._reading() as connection:
            row = connection.execute(query, _at(place)).first()
        if row is None:
            return Topic()
        work: Work | None = None
        if row.repo:
            repo = codec.load_repo(row.repo)
            work = Work(repo=repo, issue_number=row.issue_number, is_pull=bool(row.is_pull))
        return Topic(work=work, waiting=codec.load_named("Said", row.waiting) if row.waiting else None)

    def is_known(self, place: Place) -> bool:
        """Whether a thread is one of ours."""
        query = sa.text("SELECT 1 FROM chat_threads WHERE " + _HERE)  # noqa: S608
        with self._reading() as connection:
            return connection.execute(query, _at(place)).first() is not None

    def begin(self, place: Place, work: Work, context: Sequence[Remark] = ()) -> None:
        """Have a thread be about something; `context` is what was said in it before."""
        told = json.dumps([[each.author, each.words] for each in context])
        about = {"r": work.repo.id, "n": work.issue_number, "repo": codec.dump(work.repo), "p": int(work.is_pull)}
        change = "repo_id = :r, issue_number = :n, repo = :repo, is_pull = :p, waiting = '', context = :c"
        self._put(place, change, {**about, "c": told})

    def context_of(self, repo_id: int, issue_number: int) -> list[Remark]:
        """What was said in threads before they were about an issue."""
        query = sa.text("SELECT context FROM chat_threads WHERE repo_id = :r AND issue_number = :n ORDER BY at")
        with self._reading() as connection:
            found = connection.execute(query, {"r": repo_id, "n": issue_number}).scalars().all()
        return [Remark(author=author, words=words) for text in found for author, words in json.loads(text)]

    def wait_for_place(self, place: Place, said: Said) -> None:
        """Keep what was said until somebody says where; not in a thread that is about something by now."""
        self._put(place, "waiting = CASE WHEN repo = '' THEN :w ELSE '' END", {"w": codec.dump(said)})

    def _put(self, place: Place, change: str, values: dict[str, Any]) -> None:
        known = {**_at(place), "direct": int(place.is_direct), "at": self._now(), **values}
        with self._writing() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO chat_threads (team, channel, thread, is_direct, at) "
                    "VALUES (:team, :channel, :thread, :direct, :at) ON CONFLICT DO NOTHING"
                ),
                known,
            )
            connection.execute(sa.text(f"UPDATE chat_threads SET at = :at, {change} WHERE {_HERE}"), known)  # noqa: S608

    def tell(
        self,
        connection: sa.Connection,
        entries: Entries,
        event: Event,
        decision: Decision,
        repo: Repo | None,
        *,
        version: int,
    ) -> None:
        """Within the transaction of a decision: have the threads about its issue hear of it, as soon as may be."""
        number, where = issue_spoken_of(decision), decision.session.repo if decision.session is not None else repo
        if number is None or where is None:
            return
        for place in _places_of(connection, where.id, number):
            told = telling(event, decision, place, self._clock.now(), version=version)
            entries.add_one(connection, told.id, "chat", "Told", codec.dump(told).encode())

    def tell_words(self, entries: Entries, key: str, repo: Repo, issue_number: int, tag: str, body: str) -> None:
        """Have the threads about an issue hear of what was said there beside all decisions; once for each key."""
        now = self._clock.now().timestamp()
        with self._writing() as connection:
            for place in _places_of(connection, repo.id, issue_number):
                key_here = f"{key}:{place.team}:{place.channel}:{place.thread}"
                told = Told(id=key_here, place=place, decided_at=now, words=((tag, body),))
                entries.add_one(connection, told.id, "chat", "Told", codec.dump(told).encode())

    # Channels

    def default_of(self, place: Place) -> Repo | None:
        """The repository of a channel."""
        query = sa.text("SELECT repo FROM chat_channels WHERE team = :team AND channel = :channel")
        with self._reading() as connection:
            text = connection.execute(query, _at(place)).scalar()
        return codec.load_repo(text) if text else None

    def use(self, place: Place, repo: Repo) -> None:
        """Have a channel's requests go to a repository."""
        with self._writing() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO chat_channels (team, channel, repo, at) VALUES (:team, :channel, :repo, :at) "
                    "ON CONFLICT (team, channel) DO UPDATE SET repo = :repo, at = :at"
                ),
                {**_at(place), "repo": codec.dump(repo), "at": self._now()},
            )

    # Messages

    def message(self, place: Place, tag: str) -> tuple[str, int] | None:
        """Our message with a tag: what it is known by in the chat (empty: it was about to be posted), and the version
        of what it shows."""
        query = sa.text(f"SELECT message, version FROM chat_messages WHERE {_HERE} AND tag = :tag")  # noqa: S608
        with self._reading() as connection:
            row = connection.execute(query, {**_at(place), "tag": tag}).first()
        return (row.message, row.version) if row is not None else None

    def note_message(self, place: Place, tag: str, message: str, *, version: int = 0) -> None:
        """Note a message: before it is posted without what it is known by, and afterwards."""
        with self._writing() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO chat_messages (team, channel, thread, tag, message, version, at) "
                    "VALUES (:team, :channel, :thread, :tag, :message, :version, :at) "
                    "ON CONFLICT (team, channel, thread, tag) DO UPDATE "
                    "SET message = :message, version = :version, at = :at"
                ),
                {**_at(place), "tag": tag, "message": message, "version": version, "at": self._now()},
            )


_HERE = "team = :team AND channel = :channel AND thread = :thread"


def _at(place: Place) -> dict[str, Any]:
    return {"team": place.team, "channel": place.channel, "thread": place.thread}


def _places_of(connection: sa.Connection, repo_id: int, issue_number: int) -> Sequence[Place]:
    query = sa.text(
        "SELECT team, channel, thread, is_direct FROM chat_threads WHERE repo_id = :r AND issue_number = :n"
    )
    return [
        Place(team=row.team, channel=row.channel, thread=row.thread, is_direct=bool(row.is_direct))
        for row in connection.execute(query, {"r": repo_id, "n": issue_number})
    ]
