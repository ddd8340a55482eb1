"""The comments that sessions wrote, each by its tag: found again by number, whatever anybody did to its text."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from github_app.core.ports import Clock
from github_app.engine.database import text_of, transaction


class Comments:
    """The table of our own comments. Every method is one transaction and blocks; all raise `DatabaseAway`."""

    def __init__(self, database: sa.Engine, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def note(self, session_id: str, repo_id: int, tag: str, comment_id: int) -> None:
        """Note which comment of a session has a tag; one that was deleted gives way to the one written in its place."""
        values = {"s": session_id, "t": tag, "r": repo_id, "c": comment_id, "at": text_of(self._clock.now())}
        with transaction(self._database) as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO comments (session_id, tag, repo_id, comment_id, at) VALUES (:s, :t, :r, :c, :at) "
                    "ON CONFLICT (session_id, tag) DO UPDATE SET comment_id = :c, at = :at"
                ),
                values,
            )

    def of(self, session_id: str, tag: str) -> int | None:
        """The number of the comment with a tag; None if there is none that we know of."""
        return next(iter(self.all_of(session_id, [tag])), None)

    def all_of(self, session_id: str, tags: Sequence[str]) -> list[int]:
        """The numbers of a session's comments with these tags, as far as they are known."""
        statement = sa.text("SELECT comment_id FROM comments WHERE session_id = :s AND tag = :t")
        with transaction(self._database, reads=True) as connection:
            found = [connection.execute(statement, {"s": session_id, "t": tag}).scalar() for tag in tags]
        return [int(each) for each in found if each is not None]
