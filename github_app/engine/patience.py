"""What failed for now: when it is tried again, and when that is enough. Each effect has tries of its own, so that one
that must wait does not make the next one wait longer."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import uuid4

from github_app.core.effects import BEST_EFFORT
from github_app.core.errors import HonkError, NotVisibleYet, RateLimited, Transient
from github_app.core.waits import LONGEST_LIMIT_S
from github_app.engine.codec import FromNewer
from github_app.engine.pauses import Paused
from github_app.engine.performance import explain
from github_app.engine.store import Pending

log = logging.getLogger(__name__)

_TRIES = 3
_NEWER_TRIES = 12  # half an hour
_PATIENCE, _LITTLE_PATIENCE, _LONG_PATIENCE = timedelta(hours=1), timedelta(minutes=2), timedelta(hours=6)
_LONGEST_DELAY_S = 300.0


class Later(Exception):
    """An effect did not work for now; this was its try number `tries`, counted from 0."""

    def __init__(self, error: Transient, *, tries: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.tries = tries


def delay_s(error: Transient, tries: int) -> float:
    """Seconds until the next try: what a limit says, else twice as long each time."""
    if isinstance(error, RateLimited):
        return min(error.retry_after_s, LONGEST_LIMIT_S)
    return min(2.0 ** min(tries, 10), _LONGEST_DELAY_S)


def is_given_up(error: Transient, tries: int) -> bool:
    """Whether something that GitHub told us of will hardly show any more, or no worker of a newer version is there."""
    match error:
        case NotVisibleYet():
            return tries >= 3 * _TRIES
        case FromNewer():
            return tries >= _NEWER_TRIES
        case _:
            return False


def is_over(pending: Pending, error: Transient, now: datetime) -> bool:
    """Whether an effect is not worth another try: it had several, and for long. What a limit takes, it takes."""
    if isinstance(error, Paused):
        return False
    if is_given_up(error, pending.tries):
        return True
    patience = _LITTLE_PATIENCE if isinstance(pending.effect, BEST_EFFORT) else _PATIENCE
    if isinstance(error, RateLimited):
        patience = _LONG_PATIENCE
    return pending.tries >= _TRIES and now >= pending.decided_at + patience


def sort_out(what: str, error: Exception, **about: str) -> str:
    """Log a failure by whose business it is, and say it to people: a bug of ours by a number to find it by."""
    if isinstance(error, HonkError):
        log.warning(what, extra={**about, "why": str(error)})
        return explain(error)
    error_id = uuid4().hex[:8]
    log.error(what, extra={**about, "error_id": error_id}, exc_info=error)
    return f"an error of my own (id {error_id}, in the log)"
