"""The store: what was decided and why, and what was done about it; beside it the inbox (`entries`) and the audit. One
database, SQLite or PostgreSQL. Every method is one transaction and blocks; all raise `DatabaseAway`; `Conflict` means
somebody else was faster: read again."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from github_app.core.attempts import happened
from github_app.core.decisions import Decision, may_ask
from github_app.core.effects import Effect
from github_app.core.endings import ended
from github_app.core.errors import Transient
from github_app.core.events import Event, OwnEvent, Published, Undone
from github_app.core.facts import Facts
from github_app.core.model import Repo
from github_app.core.names import issue_of_branch, tracking_tag
from github_app.core.ports import Clock
from github_app.core.record import records
from github_app.core.session import Session
from github_app.core.subjects import Subject
from github_app.engine import codec
from github_app.engine.audit import Audit, chain_of_repo
from github_app.engine.comments import Comments
from github_app.engine.conversations import Conversations
from github_app.engine.database import text_of, transaction
from github_app.engine.entries import Entries
from github_app.engine.figures import Figures
from github_app.engine.heard import note_words
from github_app.engine.lessons import LIFETIME, Lessons
from github_app.engine.quotas import note_decision
from github_app.engine.tallies import count
from github_app.engine.tokens import Tokens
from github_app.engine.waits import Waits

_RARER = 8
"""A merge is looked at again after this part of the time for which nothing has changed."""


class Conflict(Transient):
    """The session was changed by somebody else since it was read."""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """An effect that was decided, with what is needed to perform it. `tries` counts those that failed for then."""

    id: str
    event_id: str
    session_id: str | None
    repo: Repo
    effect: Effect
    decided_at: datetime
    tries: int = 0


class Store:
    """All of Honk's own tables, with the audit of what happens to them."""

    def __init__(self, engine: sa.Engine, clock: Clock, audit: Audit, *, lessons_for: timedelta = LIFETIME) -> None:
        self.engine = engine
        self.audit = audit
        self.entries = Entries(engine, clock)
        self.waits = Waits(engine, clock)
        self.comments = Comments(engine, clock)
        self.figures = Figures(engine, clock)
        self.conversations = Conversations(engine, clock)
        self.tokens = Tokens(engine, clock)
        self.lessons = Lessons(engine, clock, audit, lifetime=lessons_for)
        self._clock = clock

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self.engine, reads=True)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self.engine)

    def _now(self) -> str:
        return text_of(self._clock.now())

    # Sessions

    def session(self, key: str) -> Session | None:
        """A session by its id."""
        return self._one_session("id = :id", id=key)

    def find_session(self, subject: Subject) -> Session | None:
        """The newest session that an event is about, be it open or ended."""
        if subject.session_id is not None:
            return self.session(subject.session_id)
        if subject.comment_id is not None:
            query = (
                "id = (SELECT session_id FROM comments WHERE repo_id = :r AND comment_id = :c AND tag LIKE :t || '%')"
            )
            return self._one_session(query, r=subject.repo_id, c=subject.comment_id, t=tracking_tag(""))
        if subject.inquiry_at is not None:
            return self._one_session("repo_id = :r AND issue_number = :i", r=subject.repo_id, i=-subject.inquiry_at)
        issue = subject.issue_number
        if issue is None and subject.branch is not None:
            issue = issue_of_branch(subject.branch)
        if issue is not None:
            found = self._one_session("repo_id = :r AND issue_number = :i", r=subject.repo_id, i=issue)
            if subject.issue_number is not None or (found is not None and found.branch == subject.branch):
                return found
        if subject.pull_number is not None:
            return self._one_session("repo_id = :r AND pull_number = :p", r=subject.repo_id, p=subject.pull_number)
        if subject.branch is not None and (found := self.session_on(subject.repo_id or 0, subject.branch)) is not None:
            return found
        if subject.head_sha:
            # Under whatever branch a check is reported: the commit is ours.
            return self._one_session("repo_id = :r AND head_sha = :h", r=subject.repo_id, h=subject.head_sha)
        return None

    def session_on(self, repo_id: int, branch: str) -> Session | None:
        """The open session whose branch this is."""
        where = "repo_id = :r AND branch = :b AND status NOT IN ('merged', 'closed')"
        return self._one_session(where, r=repo_id, b=branch)

    def any_session(self, repo_id: int) -> Session | None:
        """A session of a repository; None if it never had one."""
        return self._one_session("repo_id = :r", r=repo_id)

    def open_sessions(self, *, installation_id: int | None = None) -> list[Session]:
        """All sessions that have not ended."""
        where = "status NOT IN ('merged', 'closed')" + (" AND installation_id = :i" if installation_id else "")
        return self._sessions(f"{where} ORDER BY updated_at", {"i": installation_id} if installation_id else {})

    def turns_in_force(self) -> list[Session]:
        """The sessions whose turn has not come to its end, but for those that only newer versions can read."""
        with self._reading() as connection:
            keys = connection.execute(sa.text("SELECT id FROM sessions WHERE status = 'working'")).scalars().all()
        found: list[Session] = []
        for key in keys:
            with suppress(codec.FromNewer):
                session = self.session(key)
                if session is not None and session.turn_id and self.decision_of(f"{session.turn_id}/finished") is None:
                    found.append(session)
        return found

    def sessions(self, limit: int = 100) -> list[Session]:
        """The newest sessions, open or ended."""
        return self._sessions("1 = 1 ORDER BY updated_at DESC LIMIT :n", {"n": limit})

    def _one_session(self, where: str, **values: Any) -> Session | None:
        found = self._sessions(f"{where} ORDER BY generation DESC LIMIT 1", values)
        return found[0] if found else None

    def _sessions(self, where: str, values: dict[str, Any]) -> list[Session]:
        with self._reading() as connection:
            rows = connection.execute(sa.text(f"SELECT document FROM sessions WHERE {where}"), values)  # noqa: S608
            return [codec.load_session(row.document) for row in rows]

    # Decisions and effects

    def decision_of(self, event_id: str) -> list[Pending] | None:
        """The effects of an event that was decided already, done or not; None if it was not."""
        with self._reading() as connection:
            known = connection.execute(sa.text("SELECT 1 FROM decisions WHERE event_id = :e"), {"e": event_id}).first()
        return None if known is None else self.pending_effects(event_id)

    def commit(
        self, event: Event, before: Session | None, decision: Decision, repo: Repo | None, facts: Facts
    ) -> list[Pending]:
        """Store a decision: the session (if nobody changed it since), the reason, the effects, what it takes from
        quotas, and all of it in the audit.

        All or nothing. Raises `Conflict` if the session has moved on, the event was decided by somebody else, or others
        took meanwhile what the quotas in `facts` had left.
        """
        after = decision.session
        with self._writing() as connection:
            if after is not None and after != before:
                after = self._save_session(connection, before, after)
            added = connection.execute(
                sa.text(
                    "INSERT INTO decisions (event_id, event_kind, session_id, status_before, status_after, why, "
                    "decided_at) VALUES (:e, :k, :s, :b, :a, :w, :at) ON CONFLICT DO NOTHING"
                ),
                {
                    "e": event.id,
                    "k": type(event).__name__,
                    "s": after.id if after else None,
                    "b": before.status if before else "",
                    "a": after.status if after else "",
                    "w": decision.why,
                    "at": self._now(),
                },
            )
            if added.rowcount != 1:
                raise Conflict(f"event {event.id} was decided by somebody else")
            actor = getattr(event, "actor", None)
            refused = actor is not None and not may_ask(actor, facts)
            if not (facts.is_heard or note_words(connection, event, repo, self._now(), refused=refused)):
                raise Conflict("the same words were decided on at this very moment")
            if not note_decision(connection, after, decision, repo, facts):
                raise Conflict("a turn was started, or the same was told, at this very moment")
            count(connection, (*happened(before, after), *ended(before, event)))
            for position, effect in enumerate(decision.effects):
                self._save_effect(connection, event, after, repo, position, effect)
            connection.execute(
                sa.text("UPDATE inbox SET note = :w, session_id = :s WHERE id = :e"),
                {"w": decision.why, "s": after.id if after else None, "e": event.id.partition("@")[0]},
            )
            version = after.version if after is not None else 0
            self.conversations.tell(connection, self.entries, event, decision, repo, version=version)
            told = records.of_decision(event, before, decision, facts)
            if after is not None:
                self.audit.add(connection, after.id, told)
                if before is None or before.id != after.id:
                    self.audit.add(connection, chain_of_repo(after.repo.id), [records.of_opening(after)])
            elif repo is not None:
                self.audit.add(connection, chain_of_repo(repo.id), told)
        return self.pending_effects(event.id)

    def _save_session(self, connection: sa.Connection, before: Session | None, after: Session) -> Session:
        is_same = before is not None and before.id == after.id
        stored = replace(after, version=before.version + 1 if is_same and before else 1)
        values = {
            "id": stored.id,
            "repo": stored.repo.id,
            "installation": stored.repo.installation_id,
            "issue": stored.place,
            "generation": stored.generation,
            "branch": stored.branch,
            "pull": stored.pull_number,
            "head": stored.head_sha,
            "look": text_of(look) if (look := _look_of(stored)) is not None else "",
            "status": stored.status.value,
            "version": stored.version,
            "document": self._document_of(connection, stored) if is_same else codec.dump(stored),
            "at": self._now(),
            "known": before.version if before else 0,
        }
        if is_same:
            statement = (
                "UPDATE sessions SET installation_id = :installation, branch = :branch, pull_number = :pull, "
                "head_sha = :head, look_at = :look, version = :version, document = :document, updated_at = :at, "
                "ticked_at = CASE WHEN status = :status THEN ticked_at ELSE :at END, status = :status "
                "WHERE id = :id AND version = :known"
            )
        else:
            statement = (
                "INSERT INTO sessions (id, repo_id, installation_id, issue_number, generation, branch, pull_number, "
                "head_sha, look_at, status, version, document, updated_at, ticked_at) VALUES (:id, :repo, "
                ":installation, :issue, :generation, :branch, :pull, :head, :look, :status, :version, :document, "
                ":at, :at) ON CONFLICT DO NOTHING"
            )
        if connection.execute(sa.text(statement), values).rowcount != 1:
            raise Conflict(f"session {stored.id} was changed by somebody else")
        return stored

    def _document_of(self, connection: sa.Connection, stored: Session) -> str:
        query = sa.text("SELECT document FROM sessions WHERE id = :id")
        return codec.dump_over(stored, connection.execute(query, {"id": stored.id}).scalar() or "{}")

    def _save_effect(
        self,
        connection: sa.Connection,
        event: Event,
        session: Session | None,
        repo: Repo | None,
        position: int,
        effect: Effect,
    ) -> None:
        owner = session.repo if session is not None else repo
        if owner is None:
            raise ValueError(f"effect {position} of {event.id} has no repository")
        connection.execute(
            sa.text(
                "INSERT INTO effects (id, event_id, position, session_id, kind, repo, document, state, decided_at) "
                "VALUES (:id, :event, :position, :session, :kind, :repo, :document, 'pending', :at)"
            ),
            {
                "id": f"{event.id}/{position}",
                "event": event.id,
                "position": position,
                "session": session.id if session else None,
                "kind": type(effect).__name__,
                "repo": codec.dump(owner),
                "document": codec.dump(effect),
                "at": self._now(),
            },
        )

    def pending_effects(self, event_id: str) -> list[Pending]:
        """What an event's decision left to do, in order."""
        with self._reading() as connection:
            rows = connection.execute(
                sa.text("SELECT * FROM effects WHERE event_id = :e AND state = 'pending' ORDER BY position"),
                {"e": event_id},
            )
            return [_pending(row) for row in rows]

    def count_try(self, effect_id: str) -> None:
        """Note that an effect failed for now."""
        with self._writing() as connection:
            connection.execute(sa.text("UPDATE effects SET tries = tries + 1 WHERE id = :id"), {"id": effect_id})

    def finish_effect(
        self, effect_id: str, *, note: str = "", failed: bool = False, result: OwnEvent | None = None
    ) -> None:
        """Mark an effect as done or failed, and record the event that came of it, together."""
        with self._writing() as connection:
            connection.execute(
                sa.text("UPDATE effects SET state = :s, note = :n, done_at = :at WHERE id = :id AND state = 'pending'"),
                {"s": "failed" if failed else "done", "n": note, "at": self._now(), "id": effect_id},
            )
            if result is not None:
                body = codec.dump(result).encode()
                self.entries.add_one(connection, result.id, "self", type(result).__name__, body)
            if isinstance(result, Published | Undone):
                self.audit.add(connection, result.session_id, [records.of_push(result)])

    # Time

    def due_sessions(self, before: dict[str, datetime]) -> list[str]:
        """Ids of open sessions that were last ticked before the time given for their status; marks them as ticked."""
        due: list[str] = []
        with self._writing() as connection:
            for status, at in before.items():
                rows = connection.execute(
                    sa.text(
                        "SELECT id FROM sessions WHERE status = :s AND ticked_at < :at ORDER BY ticked_at LIMIT 200"
                    ),
                    {"s": status, "at": text_of(at)},
                )
                due += [row.id for row in rows]
            for key in due:
                connection.execute(
                    sa.text("UPDATE sessions SET ticked_at = :at WHERE id = :id"), {"at": self._now(), "id": key}
                )
        return due

    def due_watches(self, *, soon: timedelta) -> list[str]:
        """Ids of sessions whose merge is to be looked at; puts off the next look for `soon`, or for longer where
        nothing has happened for long. A look that gets lost is made up for by the next."""
        now = self._clock.now()
        with self._writing() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT id, updated_at FROM sessions WHERE look_at <> '' AND look_at <= :now "
                    "ORDER BY look_at LIMIT 200"
                ),
                {"now": self._now()},
            ).all()
            for row in rows:
                pause = max(soon, (now - datetime.fromisoformat(row.updated_at)) / _RARER)
                connection.execute(
                    sa.text("UPDATE sessions SET look_at = :at WHERE id = :id"),
                    {"at": text_of(now + pause), "id": row.id},
                )
        return [row.id for row in rows]

    def count_sessions(self) -> dict[str, int]:
        """How many sessions are in each status."""
        with self._reading() as connection:
            rows = connection.execute(sa.text("SELECT status, count(*) FROM sessions GROUP BY status"))
            return {status: count for status, count in rows}


def _look_of(session: Session) -> datetime | None:
    return session.aftermath.look_at if session.aftermath is not None else None


def _pending(row: Any) -> Pending:
    return Pending(
        id=row.id,
        event_id=row.event_id,
        session_id=row.session_id,
        repo=codec.load_repo(row.repo),
        effect=codec.load_named(row.kind, row.document),
        decided_at=datetime.fromisoformat(row.decided_at),
        tries=row.tries,
    )
