"""How far we have looked, durably: where each repository was left, and whose turn it is. One worker looks at a time;
what one that died had not come to, the next begins with, as soon as it is known to be dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from github_app.core.ports import Clock
from github_app.engine.database import text_of, transaction
from github_app.engine.leases import Lease

ALL = 0
"""The row that says whose turn it is, where a repository's number would be."""

_HELD = timedelta(minutes=2)
"""A turn is over if nothing was looked at for so long: whoever holds it lives, and stands still."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Where a repository was left: nothing before `begins_at` is ever taken up; up to `issues_at` and `comments_at` all
    was seen. By GitHub's clock."""

    begins_at: datetime
    issues_at: datetime
    comments_at: datetime


class Looks:
    """The table of looks. Every method is one transaction and blocks; all raise `DatabaseAway`."""

    def __init__(self, engine: sa.Engine, clock: Clock, lease: Lease) -> None:
        self._engine = engine
        self._clock = clock
        self._lease = lease

    def claim(self, *, done_before: datetime) -> bool:
        """Take the turn, unless somebody else who lives has it, or has finished one since `done_before`."""
        now = self._clock.now()
        holder = self._holder(now)
        dead = holder if holder and self._lease.supersede(holder) else ""
        with transaction(self._engine) as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO looks (repo_id, begins_at, issues_at, comments_at, looked_at, held_until) "
                    "VALUES (:all, '', '', '', '', '') ON CONFLICT DO NOTHING"
                ),
                {"all": ALL},
            )
            taken = connection.execute(
                sa.text(
                    "UPDATE looks SET held_until = :until, held_by = :me WHERE repo_id = :all AND looked_at <= :done "
                    "AND (held_until <= :now OR held_by <> '' AND held_by = :dead)"
                ),
                {
                    "until": text_of(now + _HELD), "now": text_of(now), "done": text_of(done_before), "all": ALL,
                    "me": self._lease.holder, "dead": dead,
                },
            )  # fmt: skip
            return taken.rowcount == 1

    def hold(self) -> None:
        """Keep the turn for a while longer."""
        self._set("held_until = :at", self._clock.now() + _HELD)

    def release(self) -> None:
        """Give the turn back, not finished."""
        self._set("held_until = :at", self._clock.now())

    def finish(self, begun: datetime) -> None:
        """Give the turn back: all repositories that there were at `begun` have been looked through."""
        self._set("looked_at = :at", begun)
        self.release()

    def _holder(self, now: datetime) -> str:
        """Who has the turn; empty for nobody, and for a worker from before turns had names."""
        query = sa.text("SELECT held_by FROM looks WHERE repo_id = :all AND held_until > :now")
        with transaction(self._engine, reads=True) as connection:
            return connection.execute(query, {"all": ALL, "now": text_of(now)}).scalar() or ""

    def _set(self, what: str, at: datetime) -> None:
        """Change our turn; one that is somebody else's by now is left alone."""
        statement = sa.text(f"UPDATE looks SET {what} WHERE repo_id = :all AND held_by = :me")  # noqa: S608 - ours
        with transaction(self._engine) as connection:
            connection.execute(statement, {"at": text_of(at), "all": ALL, "me": self._lease.holder})

    def last(self) -> datetime | None:
        """When the last turn was begun that was finished; None if none ever was."""
        with transaction(self._engine, reads=True) as connection:
            found = connection.execute(sa.text("SELECT looked_at FROM looks WHERE repo_id = :all"), {"all": ALL})
            at = found.scalar()
        return datetime.fromisoformat(at) if at else None

    def of(self, repo_id: int) -> tuple[Look, datetime] | None:
        """Where a repository was left, and when; None for one that was never looked at."""
        with transaction(self._engine, reads=True) as connection:
            row = connection.execute(sa.text("SELECT * FROM looks WHERE repo_id = :r"), {"r": repo_id}).first()
        if row is None:
            return None
        begins_at, issues_at, comments_at, looked_at = map(
            datetime.fromisoformat, (row.begins_at, row.issues_at, row.comments_at, row.looked_at)
        )
        return Look(begins_at=begins_at, issues_at=issues_at, comments_at=comments_at), looked_at

    def note(self, repo_id: int, look: Look) -> None:
        """Leave a repository where `look` says, and keep the turn."""
        values = {
            "r": repo_id,
            "begins": text_of(look.begins_at),
            "issues": text_of(look.issues_at),
            "comments": text_of(look.comments_at),
            "now": text_of(self._clock.now()),
        }
        with transaction(self._engine) as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO looks (repo_id, begins_at, issues_at, comments_at, looked_at, held_until) "
                    "VALUES (:r, :begins, :issues, :comments, :now, '') ON CONFLICT (repo_id) DO UPDATE "
                    "SET issues_at = :issues, comments_at = :comments, looked_at = :now"
                ),
                values,
            )
