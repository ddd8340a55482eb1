"""What pages and the API ask of the sessions. Each question asks the database for no more than is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from github_app.core.model import Repo
from github_app.core.outcomes import Tally
from github_app.core.ports import Step
from github_app.core.record.audit import Link
from github_app.core.record.story import StepKey, Story, step_of
from github_app.core.session import Session, Status
from github_app.engine import codec
from github_app.engine.database import transaction
from github_app.engine.store import Store

_WORDS = {
    "sqlite": {
        "person": "json_extract(document, '$.requested_by.login')",
        "repository": "json_extract(document, '$.repo.full_name')",
        "cost": "json_extract(document, '$.usage.cost_micro_usd')",
    },
    "postgresql": {
        "person": "(document::json #>> '{requested_by,login}')",
        "repository": "(document::json #>> '{repo,full_name}')",
        "cost": "CAST(document::json #>> '{usage,cost_micro_usd}' AS BIGINT)",
    },
}
"""Where a session's document has what a page groups by."""

Grouping = Literal["repository", "person"]
Place = tuple[str, str]
"""A place in the list of sessions: when the last one above it changed, and which one it was."""

STEPS = 60
"""Of so many of the newest steps a page shows what was said; of older ones the record alone."""


@dataclass(frozen=True)
class Browsing:
    """The sessions of a store, for pages (`web.visits.Records`). All of it raises `DatabaseAway`. `has_steps`: stories
    tell what was said in steps, too, and not the record alone."""

    store: Store
    has_steps: bool = True

    def repositories(self) -> list[Repo]:
        """Each repository in which there is a session, as its newest session knows it."""
        with self._reading() as connection:
            newest = connection.execute(
                sa.text(
                    "SELECT document FROM sessions WHERE id IN (SELECT (SELECT id FROM sessions AS one WHERE "
                    "one.repo_id = every.repo_id ORDER BY updated_at DESC LIMIT 1) FROM "
                    "(SELECT DISTINCT repo_id FROM sessions) AS every)"
                )
            ).scalars()
            return [codec.load_session(document).repo for document in newest]

    def sessions(
        self, repos: Sequence[Repo], statuses: Sequence[Status], login: str, *, skip: int, limit: int
    ) -> list[Session]:
        """Sessions of these repositories, of these statuses (empty: any), asked for by `login` (empty: anybody); what
        changed last first."""
        found = self._found(repos, statuses, login, "", skip=skip, limit=limit)
        return [session for session, _ in found]

    def page(
        self, repos: Sequence[Repo], statuses: Sequence[Status], login: str, *, after: Place | None, limit: int
    ) -> tuple[list[Session], Place | None]:
        """The same, those that come after a place; and the place after which more come, if any do."""
        below, place = "", {}
        if after is not None:
            below = "(updated_at < :at OR (updated_at = :at AND id > :id))"
            place = {"at": after[0], "id": after[1]}
        found = self._found(repos, statuses, login, below, skip=0, limit=limit + 1, **place)
        sessions = [session for session, _ in found[:limit]]
        return sessions, (found[limit - 1][1], sessions[-1].id) if len(found) > limit else None

    def _found(
        self, repos: Sequence[Repo], statuses: Sequence[Status], login: str, where: str, **values: str | int
    ) -> list[tuple[Session, str]]:
        parts = ["repo_id IN :repos"]
        lists: dict[str, list[int] | list[str]] = {"repos": [repo.id for repo in repos]}
        if statuses:
            parts.append("status IN :statuses")
            lists["statuses"] = [status.value for status in statuses]
        if login:
            parts.append(f"{self._words['person']} = :login")
        if where:
            parts.append(where)
        query = sa.text(
            f"SELECT document, updated_at FROM sessions WHERE {' AND '.join(parts)} "  # noqa: S608
            "ORDER BY updated_at DESC, id LIMIT :limit OFFSET :skip"
        ).bindparams(*(sa.bindparam(name, expanding=True) for name in lists))
        given = {**lists, **values, **({"login": login} if login else {})}
        with self._reading() as connection:
            return [(codec.load_session(row.document), row.updated_at) for row in connection.execute(query, given)]

    def tallies(self, repos: Sequence[Repo], *, by: Grouping) -> list[Tally]:
        """How many sessions of each group have which status, and what they cost. Reports are no work that ends well or
        badly, so they are not counted."""
        query = sa.text(
            f"SELECT {self._words[by]} AS name, status, count(*) AS sessions, sum({self._words['cost']}) AS cost "  # noqa: S608
            "FROM sessions WHERE repo_id IN :repos AND issue_number > 0 GROUP BY 1, 2"
        ).bindparams(sa.bindparam("repos", expanding=True))
        with self._reading() as connection:
            return [
                Tally(group=row.name, status=Status(row.status), sessions=row.sessions, micro_usd=int(row.cost or 0))
                for row in connection.execute(query, {"repos": [repo.id for repo in repos]})
            ]

    def one(self, session_id: str) -> Session | None:
        """A session."""
        return self.store.session(session_id)

    def links(self, session_id: str) -> list[Link]:
        """A session's records."""
        return self.store.audit.read(session_id)

    def repository_of(self, session_id: str) -> Repo | None:
        """Where a session is; None if there is no such session."""
        session = self.store.session(session_id)
        return session.repo if session is not None else None

    def story(self, session_id: str, *, after: int = 0, limit: int | None = None) -> Story | None:
        """A session, its records after a number (so many at most), what it waits for, and of its steps those that the
        newest of these records are about."""
        session = self.store.session(session_id)
        if session is None:
            return None
        links = self.store.audit.read(session_id, after=after, limit=limit)
        steps = self._steps(links) if self.has_steps else {}
        return Story(session=session, links=links, wait=self.store.waits.of(session_id), steps=steps)

    def lengths(self, session_ids: Collection[str]) -> dict[str, int]:
        """How many records some sessions have."""
        return self.store.audit.lengths(session_ids)

    def _steps(self, links: Sequence[Link]) -> dict[StepKey, Step]:
        about = [key for link in links if (key := step_of(link)) is not None][-STEPS:]
        wanted: dict[str, set[int]] = {}
        for turn, number in about:
            wanted.setdefault(turn, set()).update((number - 1, number))  # what was called stands a step before
        query = sa.text("SELECT number, document FROM steps WHERE turn_id = :turn AND number IN :numbers")
        query = query.bindparams(sa.bindparam("numbers", expanding=True))
        found: dict[StepKey, Step] = {}
        with self._reading() as connection:
            for turn, numbers in wanted.items():
                rows = connection.execute(query, {"turn": turn, "numbers": sorted(numbers)})
                found |= {(turn, row.number): codec.load_step(row.document) for row in rows}
        return found

    @property
    def _words(self) -> Mapping[str, str]:
        return _WORDS[self.store.engine.dialect.name]

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self.store.engine, reads=True)
