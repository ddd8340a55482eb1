"""What each installation may still ask of GitHub, as its answers tell: nothing is sent that is known to be refused, and
work that can wait leaves a rest for people.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from github_app.adapters.hub.errors import UNTOLD_WAIT_S, seconds_until_reset, told_wait
from github_app.core.errors import RateLimited
from github_app.core.waits import LONGEST_LIMIT_S

HEADROOM = 0.2
"""This part of an hour's requests is for people: work that can wait does not touch it."""

APP, NOBODY = 0, -1
"""Who pays for what no installation asks: the app itself, and this machine's address."""

_can_wait: ContextVar[bool] = ContextVar("can_wait", default=False)


@contextmanager
def at_leisure() -> Iterator[None]:
    """Within it, requests are work that can wait: `RateLimited` is raised while only the headroom is left."""
    token = _can_wait.set(True)
    try:
        yield
    finally:
        _can_wait.reset(token)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What was left of `limit` when GitHub last said so; `reset_at` is on our clock, in seconds since 1970."""

    limit: int
    left: int
    reset_at: float

    def least(self, *, can_wait: bool) -> int:
        """So much must be left for another request."""
        return math.ceil(self.limit * HEADROOM) + 1 if can_wait else 1


class Budgets:
    """The budgets of all who pay, by installation (`APP`, `NOBODY`). Safe to share between threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[int, str], Budget] = {}
        self._held_until: dict[int, float] = {}
        self._untold: dict[int, int] = {}
        self.limited = 0
        self.kept_back = 0

    def require(self, payer: int, resource: str) -> None:
        """Raise `RateLimited`, with the time that is left, where GitHub would refuse or the rest is for people."""
        can_wait, now = _can_wait.get(), self._clock()
        with self._lock:
            until, why = self._held_until.get(payer, now), "GitHub asked us to slow down"
            known = self._known.get((payer, resource))
            if known is not None and known.reset_at > max(until, now) and known.left < known.least(can_wait=can_wait):
                until, why = known.reset_at, "this hour's requests to GitHub are used up"
                if known.left > 0:
                    why = "the rest of this hour's requests to GitHub is kept for people"
            if until <= now:
                return
            self.kept_back += 1
        raise RateLimited(why, retry_after_s=min(until - now, LONGEST_LIMIT_S))

    def learn(self, payer: int, resource: str, status: int, headers: Mapping[str, Any], *, is_limit: bool) -> None:
        """Take in what an answer says. With `is_limit` it is a refusal because of a limit, whatever its headers say."""
        now = self._clock()
        told = _told(headers, now)
        with self._lock:
            if told is not None:
                key = (payer, str(headers.get("x-ratelimit-resource") or resource))
                self._known[key] = _merged(self._known.get(key), told, now)
            if not is_limit:
                if status < 400:
                    self._untold.pop(payer, None)
                return
            self.limited += 1
            if told is not None and told.left == 0 and "retry-after" not in headers:
                return
            wait_s = told_wait(headers)
            if wait_s is None:  # Longer each time, its documentation says.
                wait_s = UNTOLD_WAIT_S * 2 ** self._untold.get(payer, 0)
                self._untold[payer] = min(self._untold.get(payer, 0) + 1, 4)
            self._held_until[payer] = max(self._held_until.get(payer, 0), now + min(wait_s, LONGEST_LIMIT_S))

    def left(self) -> dict[tuple[int, str], int]:
        """What is left, by payer and resource, as far as it is known and still holds."""
        now = self._clock()
        with self._lock:
            return {key: budget.left for key, budget in self._known.items() if budget.reset_at > now}


def _told(headers: Mapping[str, Any], now: float) -> Budget | None:
    limit, left = str(headers.get("x-ratelimit-limit", "")), str(headers.get("x-ratelimit-remaining", ""))
    in_s = seconds_until_reset(headers, now)
    if not limit.isdecimal() or not left.isdecimal() or in_s is None:
        return None
    return Budget(limit=int(limit), left=int(left), reset_at=now + min(in_s, LONGEST_LIMIT_S))


def _merged(known: Budget | None, told: Budget, now: float) -> Budget:
    """Answers of threads overtake each other: within one hour only less can be left."""
    if known is None or known.reset_at <= now or abs(told.reset_at - known.reset_at) > 5:
        return told
    return replace(told, left=min(known.left, told.left))
