"""How often things happened that a decision was about, in all and by name; counted with the decision, so once."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from github_app.engine.database import transaction


def count(connection: sa.Connection, names: Iterable[str]) -> None:
    """Count each of the names once more, in a transaction that is under way."""
    for name in sorted(names):
        connection.execute(
            sa.text(
                "INSERT INTO tallies (name, times) VALUES (:n, 1) "
                "ON CONFLICT (name) DO UPDATE SET times = tallies.times + 1"
            ),
            {"n": name},
        )


def read_tallies(database: sa.Engine) -> dict[str, int]:
    """How often each thing happened. Raises `DatabaseAway`."""
    with transaction(database, reads=True) as connection:
        return {name: times for name, times in connection.execute(sa.text("SELECT name, times FROM tallies"))}
