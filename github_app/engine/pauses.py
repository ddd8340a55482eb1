"""The switch that pauses Honk, in a repository or everywhere. People of a repository have one, the operator has
another: neither lifts the other's."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from github_app.core.errors import Transient
from github_app.core.model import Repo
from github_app.core.ports import Clock
from github_app.core.session import Pause
from github_app.engine.database import text_of, transaction


class Paused(Transient):
    """Nothing is published for now, however long that takes."""


EVERYWHERE = 0
"""Stands for the number of a repository where all are meant."""


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """The table of pauses. Every method blocks and raises `DatabaseAway`."""

    database: sa.Engine
    clock: Clock

    def of(self, repo: Repo) -> Pause | None:
        """What pauses a repository; the operator's pause before the repository's own."""
        with transaction(self.database, reads=True) as connection:
            row = connection.execute(
                sa.text(
                    "SELECT repo_id, by_operator, login, reason FROM pauses WHERE repo_id IN (0, :r) "
                    "ORDER BY by_operator DESC, repo_id LIMIT 1"
                ),
                {"r": repo.id},
            ).first()
        if row is None:
            return None
        is_everywhere = row.repo_id == EVERYWHERE
        return Pause(login=row.login, reason=row.reason, by_operator=bool(row.by_operator), is_everywhere=is_everywhere)

    def pause(self, repo_id: int, *, login: str = "", reason: str = "") -> None:
        """Pause a repository (or `EVERYWHERE`); by the operator if nobody is named. A pause that is there stays."""
        with transaction(self.database) as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO pauses (repo_id, by_operator, login, reason, at) VALUES (:r, :o, :l, :why, :at) "
                    "ON CONFLICT DO NOTHING"
                ),
                {"r": repo_id, "o": int(not login), "l": login, "why": reason, "at": self._now()},
            )

    def resume(self, repo_id: int, *, by_operator: bool) -> bool:
        """Lift a pause, and have everything that it held looked at soon; False if there was none."""
        with transaction(self.database) as connection:
            lifted = connection.execute(
                sa.text("DELETE FROM pauses WHERE repo_id = :r AND by_operator = :o"),
                {"r": repo_id, "o": int(by_operator)},
            )
            connection.execute(
                sa.text("UPDATE sessions SET ticked_at = '' WHERE status = 'needs_human' AND (repo_id = :r OR :r = 0)"),
                {"r": repo_id},
            )
            connection.execute(
                sa.text("UPDATE inbox SET not_before = :at WHERE state = 'new' AND not_before > :at"),
                {"at": self._now()},
            )
        return lifted.rowcount == 1

    def _now(self) -> str:
        return text_of(self.clock.now())
