"""The tokens of the API: made, known again, taken back. What is stored opens nothing. Every method is one transaction
and blocks; all raise `DatabaseAway`."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from github_app.core.errors import Refused
from github_app.core.model import Actor
from github_app.core.ports import Clock
from github_app.core.requests import MOST_TOKENS, PREFIX, Scope, Token
from github_app.engine.database import text_of, transaction

_NOTED_EVERY = timedelta(hours=1)
"""A token that is used all the time is a write to the database so often."""

_COLUMNS = "id, account_id, login, scope, name, created_at, expires_at, used_at"


class Tokens:
    """The table of tokens. One that has expired is as good as none, and is deleted when the next one is made."""

    def __init__(self, database: sa.Engine, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, actor: Actor, scope: Scope, *, name: str, lives_for: timedelta) -> tuple[Token, str]:
        """Make a token of an account; what is known of it, and the token, which nobody can tell again. Raises `Refused`
        where the account has too many."""
        now, secret = self._clock.now(), f"{PREFIX}{secrets.token_urlsafe(32)}"
        values: dict[str, Any] = {
            "id": secrets.token_hex(4),
            "account_id": actor.id,
            "login": actor.login,
            "scope": scope,
            "name": name,
            "created_at": text_of(now),
            "expires_at": text_of(now + lives_for),
            "used_at": "",
        }
        with transaction(self._database) as connection:
            connection.execute(sa.text("DELETE FROM tokens WHERE expires_at <= :now"), {"now": text_of(now)})
            count = sa.text("SELECT count(*) FROM tokens WHERE account_id = :a")
            if connection.execute(count, {"a": actor.id}).scalar_one() >= MOST_TOKENS:
                raise Refused(f"`{actor.login}` has {MOST_TOKENS} tokens, and no account has more: revoke one first")
            connection.execute(
                sa.text(
                    f"INSERT INTO tokens (digest, {_COLUMNS}) "  # noqa: S608
                    "VALUES (:digest, :id, :account_id, :login, :scope, :name, :created_at, :expires_at, :used_at)"
                ),
                {"digest": _digest(secret), **values},
            )
        return _token(values), secret

    def find(self, secret: str) -> Token | None:
        """The token that this is, if it is one now; that it was used is noted."""
        found = self._rows("digest = :d", d=_digest(secret))
        now = self._clock.now()
        if not found or found[0].expires_at <= now:
            return None
        used_at = found[0].used_at
        if used_at is None or used_at + _NOTED_EVERY <= now:
            with transaction(self._database) as connection:
                statement = sa.text("UPDATE tokens SET used_at = :at WHERE id = :id")
                connection.execute(statement, {"at": text_of(now), "id": found[0].id})
        return found[0]

    def of(self, actor: Actor) -> list[Token]:
        """An account's tokens, the newest first, with those that have just expired."""
        return self._rows("account_id = :a", a=actor.id)

    def all(self) -> list[Token]:
        """Everybody's tokens, the newest first."""
        return self._rows("1 = 1")

    def revoke(self, key: str, *, actor: Actor | None = None) -> bool:
        """Take a token back, at once; with `actor`, only one of that account. Whether there was one."""
        mine = " AND account_id = :a" if actor is not None else ""
        values = {"id": key, **({"a": actor.id} if actor is not None else {})}
        with transaction(self._database) as connection:
            return connection.execute(sa.text(f"DELETE FROM tokens WHERE id = :id{mine}"), values).rowcount > 0  # noqa: S608

    def _rows(self, where: str, **values: Any) -> list[Token]:
        query = sa.text(f"SELECT {_COLUMNS} FROM tokens WHERE {where} ORDER BY created_at DESC, id")  # noqa: S608
        with transaction(self._database, reads=True) as connection:
            return [_token(dict(row._mapping)) for row in connection.execute(query, values)]


def _digest(secret: str) -> str:
    # Without salt or stretching: nobody can guess 256 random bits.
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: dict[str, Any]) -> Token:
    return Token(
        id=row["id"],
        actor=Actor(id=row["account_id"], login=row["login"]),
        scope=row["scope"],
        name=row["name"],
        created_at=datetime.fromisoformat(row["created_at"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        used_at=datetime.fromisoformat(row["used_at"]) if row["used_at"] else None,
    )
