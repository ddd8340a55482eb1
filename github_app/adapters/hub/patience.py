"""When a request is sent again and when it must wait: never for long, and never what may not happen twice."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self, TypeVar

import urllib3
from github import GithubException
from urllib3.util.retry import Retry

from github_app.adapters.hub.errors import MOVED
from github_app.core.errors import RateLimited, Transient

T = TypeVar("T")

LONGEST_PACE_S = 5.0
"""With more writers than that waiting for one installation, the next is sent away."""


WRITES = ((75, 60.0), (480, 3_600.0))
"""At most so many writes of one installation within so many seconds: a little less than GitHub accepts."""


class _Retries(Retry):
    """urllib3's policy: twice again, and only what may be repeated (never POST or PATCH); a redirect is an error.

    PyGithub would follow a 301 without its query, and take a 307 for an answer. Its own `GithubRetry` repeats POSTs and
    sleeps until a limit ends. (Subclassing is how both libraries want to be told.)
    """

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        return status_code in MOVED or super().is_retry(method, status_code, has_retry_after)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *rest: Any,
        **named: Any,
    ) -> Self:
        if response is not None and response.status in MOVED:
            status, headers = response.status, {k.lower(): v for k, v in response.headers.items()}
            response.drain_conn()
            raise GithubException(status, {"message": "Moved"}, headers)
        return super().increment(method, url, response, error, *rest, **named)


def make_retries() -> Retry:
    """Return the retry policy that every client carries."""
    return _Retries(
        total=2,
        redirect=0,
        backoff_factor=0.25,
        status_forcelist={500, 502, 503, 504},
        allowed_methods=Retry.DEFAULT_ALLOWED_METHODS,
        respect_retry_after_header=False,  # it may be minutes
        raise_on_status=False,
    )


class Pacer:
    """Keeps writes of one installation apart, across the threads of this process; with `pause_s` 0 it does nothing.

    GitHub wants at least a second between them, and not more than 80 in a minute and 500 in an hour:
    https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
    """

    def __init__(self, *, pause_s: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._turns: dict[int, deque[float]] = {}

    def wait(self, installation_id: int) -> None:
        """Wait for our turn. Raises `RateLimited` if too many are before us, or were in this hour."""
        if not self._pause_s:
            return
        with self._lock:
            now = self._clock()
            turns = self._turns.setdefault(installation_id, deque(maxlen=WRITES[-1][0]))
            turn = max(now, turns[-1] + self._pause_s) if turns else now
            for most, span_s in WRITES:
                if len(turns) >= most:
                    turn = max(turn, turns[-most] + span_s)
            if turn - now > LONGEST_PACE_S:
                raise RateLimited("too many writes are waiting for this installation", retry_after_s=turn - now)
            turns.append(turn)
        if turn > now:
            self._sleep(turn - now)


def patiently(work: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Run work that may be repeated; once more if GitHub or the network stumbled."""
    try:
        return work()
    except RateLimited:
        raise
    except Transient:
        sleep(0.5)
        return work()
