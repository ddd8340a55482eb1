"""What pages ask of the sessions. Each question asks the database for no more than is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from github_app.core.model import Repo
from github_app.core.outcomes import Tally
from github_app.core.record.audit import Link
from github_app.core.session import Session, Status
from github_app.core.waits import Wait
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


@dataclass(frozen=True)
class Browsing:
    """The sessions of a store, for pages (`web.visits.Records`). All of it raises `DatabaseAway`."""

    store: Store

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
        parts = ["repo_id IN :repos"]
        lists: dict[str, list[int] | list[str]] = {"repos": [repo.id for repo in repos]}
        if statuses:
            parts.append("status IN :statuses")
            lists["statuses"] = [status.value for status in statuses]
        if login:
            parts.append(f"{self._words['person']} = :login")
        query = sa.text(
            f"SELECT document FROM sessions WHERE {' AND '.join(parts)} "  # noqa: S608
            "ORDER BY updated_at DESC, id LIMIT :limit OFFSET :skip"
        ).bindparams(*(sa.bindparam(name, expanding=True) for name in lists))
        values = {**lists, "limit": limit, "skip": skip, **({"login": login} if login else {})}
        with self._reading() as connection:
            return [codec.load_session(document) for document in connection.execute(query, values).scalars()]

    def tallies(self, repos: Sequence[Repo], *, by: Grouping) -> list[Tally]:
        """How many sessions of each group have which status, and what they cost."""
        query = sa.text(
            f"SELECT {self._words[by]} AS name, status, count(*) AS sessions, sum({self._words['cost']}) AS cost "  # noqa: S608
            "FROM sessions WHERE repo_id IN :repos GROUP BY 1, 2"
        ).bindparams(sa.bindparam("repos", expanding=True))
        with self._reading() as connection:
            return [
                Tally(group=row.name, status=Status(row.status), sessions=row.sessions, micro_usd=int(row.cost or 0))
                for row in connection.execute(query, {"repos": [repo.id for repo in repos]})
            ]

    def session(self, session_id: str) -> tuple[Session, list[Link], Wait | None] | None:
        """A session, its records, and what it waits for."""
        session = self.store.session(session_id)
        if session is None:
            return None
        return session, self.store.audit.read(session_id), self.store.waits.of(session_id)

    @property
    def _words(self) -> Mapping[str, str]:
        return _WORDS[self.store.engine.dialect.name]

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return transaction(self.store.engine, reads=True)
