"""Retention: what nobody will ask for any more is deleted. Sessions stay: they are small, and the next one of the same
issue counts on. So does the audit: it is there to be asked late."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from github_app.engine.database import transaction

_STATEMENTS = (
    "DELETE FROM inbox WHERE state IN ('done', 'ignored', 'unreadable', 'failed') AND received_at < :at",
    "DELETE FROM effects WHERE state <> 'pending' AND decided_at < :at",
    "DELETE FROM decisions WHERE decided_at < :at "
    "AND NOT EXISTS (SELECT 1 FROM effects WHERE effects.event_id = decisions.event_id)",
    "DELETE FROM turns WHERE EXISTS (SELECT 1 FROM sessions WHERE sessions.id = turns.session_id "
    "AND status IN ('merged', 'closed') AND updated_at < :at)",
    "DELETE FROM steps WHERE at < :at AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = steps.turn_id)",
    "DELETE FROM starts WHERE at < :at",
    "DELETE FROM refusals WHERE said_at < :at",
    "DELETE FROM blobs WHERE created_at < :at AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.snapshot_id = blobs.id) "
    # A change set that is held back waits in its session for a person, however long.
    "AND NOT EXISTS (SELECT 1 FROM sessions WHERE status NOT IN ('merged', 'closed') "
    "AND document LIKE '%' || blobs.id || '%')",
)


def forget(engine: sa.Engine, before: datetime) -> int:
    """Delete what was done before a time, and the transcripts of sessions that ended before it; how many rows.

    GitHub offers deliveries again for 3 days; whoever gives a time further back than that takes none in twice.
    https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
    """
    at = before.astimezone(UTC).isoformat()
    with transaction(engine) as connection:
        return sum(connection.execute(sa.text(statement), {"at": at}).rowcount for statement in _STATEMENTS)
