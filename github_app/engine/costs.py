"""What ended work in a repository has cost."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from github_app.core.estimates import Estimate, estimate
from github_app.core.session import Session
from github_app.engine.database import transaction

_LAST = 30
"""So many pieces of work are looked back at: prices and code change."""


def estimate_of(engine: sa.Engine, session: Session) -> Estimate | None:
    """What a session that is open is likely to cost in all. Raises `DatabaseAway`."""
    if session.status.is_terminal:
        return None
    known = {"r": session.repo.id, "n": _LAST}
    with transaction(engine, reads=True) as connection:
        ended = connection.execute(
            sa.text(
                "SELECT id FROM sessions WHERE repo_id = :r AND status IN ('merged', 'closed') "
                "AND issue_number > 0 ORDER BY updated_at DESC LIMIT :n"
            ),
            known,
        ).scalars()
        costs = Counter(dict.fromkeys(ended, 0))
        turns = connection.execute(
            sa.text("SELECT turn_id, cost_micro_usd FROM starts WHERE repo_id = :r ORDER BY at DESC LIMIT 20 * :n"),
            known,
        )
        for turn_id, cost in turns:
            session_id = turn_id.partition("/")[0]
            if session_id in costs:
                costs[session_id] += cost
    return estimate([cost for cost in costs.values() if cost])
