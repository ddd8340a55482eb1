"""The audit's tables: records are added in the transaction of what they tell of, and never changed. What they say is
made in `core.record.records`, and how they hang together in `core.record.audit`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from github_app.core.errors import Refused
from github_app.core.ports import Clock
from github_app.core.record.audit import (
    START,
    Head,
    Link,
    Problem,
    Record,
    append,
    document_of,
    doubt,
    is_sealed,
    pin,
    sealed,
    verify_chain,
    verify_openings,
)
from github_app.engine.database import text_of, transaction

_REPO = "repo-"

# Cast: SQLite takes any value in any column, and this is read when somebody may have put one there.
_RECORDS = """
SELECT CAST(chain AS TEXT) AS chain, CAST(number AS INTEGER) AS number, CAST(at AS TEXT) AS at,
    CAST(kind AS TEXT) AS kind, CAST(document AS TEXT) AS document, CAST(hash AS TEXT) AS hash
FROM audit WHERE chain = :chain AND number > :after ORDER BY number
"""
_HEADS = """
SELECT CAST(chain AS TEXT) AS chain, CAST(number AS INTEGER) AS number, CAST(hash AS TEXT) AS hash,
    CAST(seal AS TEXT) AS seal
FROM audit_heads
"""


class Audit:
    """The chains of a database, their heads sealed with `key`. Every method blocks and raises `DatabaseAway`."""

    def __init__(self, engine: sa.Engine, clock: Clock, *, key: bytes) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key

    def add(self, connection: sa.Connection, chain: str, records: Sequence[Record]) -> None:
        """Put records at the end of a chain, as part of a transaction that writes; as its last part, so that no two
        transactions wait for each other."""
        if not records:
            return
        head = self._hold_head(connection, chain)
        if not is_sealed(self._key, chain, head):
            records = (doubt(head), *records)
        at = text_of(self._clock.now())
        for record in records:
            link = append(head, chain, record, at=at)
            connection.execute(
                sa.text(
                    "INSERT INTO audit (chain, number, at, kind, document, hash) "
                    "VALUES (:chain, :number, :at, :kind, :document, :hash)"
                ),
                vars(link),
            )
            head = sealed(self._key, chain, number=link.number, hash_=link.hash)
        connection.execute(
            sa.text("UPDATE audit_heads SET number = :number, hash = :hash, seal = :seal WHERE chain = :chain"),
            {"chain": chain, **vars(head)},
        )

    def _hold_head(self, connection: sa.Connection, chain: str) -> Head:
        """The end of a chain, nobody else's until the transaction ends."""
        connection.execute(
            sa.text(
                "INSERT INTO audit_heads (chain, number, hash, seal) VALUES (:chain, :number, :hash, :seal) "
                "ON CONFLICT (chain) DO NOTHING"
            ),
            {"chain": chain, **vars(sealed(self._key, chain, number=0, hash_=START))},
        )
        query = f"{_HEADS} WHERE chain = :chain"
        if self._engine.dialect.name == "postgresql":
            query += " FOR UPDATE"
        return _head(connection.execute(sa.text(query), {"chain": chain}).one())

    def note(self, chain: str, records: Sequence[Record]) -> None:
        """Put records on a chain by themselves. Durable when it returns."""
        with transaction(self._engine) as connection:
            self.add(connection, chain, records)

    def pin_of(self, session_id: str, *, change_set_id: str) -> str:
        """The name of the record that let a change set out, for the commit's trailer; always the same one.

        Raises `LookupError` if none did, and `Refused` where the session is older than the record.
        """
        for link in reversed(self.read(session_id)):
            if link.kind == "change_set" and document_of(link).get("sha256") == change_set_id:
                return pin(link)
        if not any(self._opens(link, session_id) for link in self.read(chain_of_repo(int(session_id.split("-")[0])))):
            raise Refused("this change was accepted by a Honk that kept no record yet; `/honk retry` makes one")
        raise LookupError(f"no record lets change set {change_set_id} out")

    def _opens(self, link: Link, session_id: str) -> bool:
        return link.kind == "opened" and document_of(link).get("session") == session_id

    def read(self, chain: str, *, after: int = 0, limit: int | None = None) -> list[Link]:
        """A chain's records, as they are stored: those after a number, so many at most."""
        with transaction(self._engine, reads=True) as connection:
            return self._read(connection, chain, after=after, limit=limit)

    def _read(self, connection: sa.Connection, chain: str, *, after: int = 0, limit: int | None = None) -> list[Link]:
        query = _RECORDS + (f" LIMIT {limit:d}" if limit is not None else "")
        rows = connection.execute(sa.text(query), {"chain": chain, "after": after})
        return [Link(**row._mapping) for row in rows]

    def lengths(self, chains: Collection[str]) -> dict[str, int]:
        """How many records some chains have."""
        query = sa.text("SELECT chain, number FROM audit_heads WHERE chain IN :chains")
        with transaction(self._engine, reads=True) as connection:
            rows = connection.execute(
                query.bindparams(sa.bindparam("chains", expanding=True)), {"chains": list(chains)}
            )
            return {row.chain: row.number for row in rows}

    def verify(self, session_id: str = "", *, former_keys: Sequence[bytes] = ()) -> list[Problem]:
        """All that is wrong in all chains (or one session's): with their hashes, with their heads, and with which
        chains there are. `former_keys` may have sealed heads too."""
        keys = (self._key, *former_keys)
        with transaction(self._engine, reads=True) as connection:
            if self._engine.dialect.name == "postgresql":  # all as of one moment, while others go on writing
                connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            heads = {row.chain: _head(row) for row in connection.execute(sa.text(_HEADS))}
            chains = {*heads, *connection.execute(sa.text("SELECT DISTINCT CAST(chain AS TEXT) FROM audit")).scalars()}
            sessions = {*connection.execute(sa.text("SELECT id FROM sessions")).scalars()}
            sessions |= {chain for chain in chains if not chain.startswith(_REPO)}
            problems: list[Problem] = []
            opened: dict[str, str] = {}
            begun: dict[str, Link | None] = {}
            for chain in sorted(chains | sessions | ({session_id} if session_id else set())):
                links = self._read(connection, chain)
                problems += verify_chain(chain, links, heads.get(chain), keys=keys)
                if chain in sessions:
                    begun[chain] = links[0] if links else None
                for link in links:
                    if chain not in sessions and link.kind == "opened":
                        opened[str(document_of(link).get("session"))] = chain
        problems += verify_openings(opened, begun)
        return [each for each in problems if not session_id or each.chain == session_id]


def _head(row: sa.Row[Any]) -> Head:
    return Head(number=row.number, hash=row.hash, seal=row.seal)


def chain_of_repo(repo_id: int) -> str:
    """The chain of what is no session's in a repository: which sessions began, and who was refused."""
    return f"{_REPO}{repo_id}"
