"""How much one may ask and write in a time, and answers that need not be sent again because nothing has changed.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from .exchange import ApiError, Caller

HOUR_S = 3600.0
_SPENT = "API rate limit exceeded for {who}."
_TOO_FAST = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
    "Please retry your request again later."
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What each installation, person or app may do; a stranger may ask less. The defaults are GitHub's."""

    requests_per_hour: int = 5_000
    strangers_per_hour: int = 60
    writes_per_minute: int = 80
    writes_per_hour: int = 500


WIDE = Limits(
    requests_per_hour=10**9, strangers_per_hour=10**9, writes_per_minute=10**9, writes_per_hour=10**9
)  # fmt: skip
"""So much that nobody ever meets a limit."""


@dataclass
class Budget:
    """What was asked within the hour that ends at `reset_at` (seconds since 1970)."""

    used: int = 0
    reset_at: float = 0.0


@dataclass
class Meter:
    """Counts what each caller asks and writes, and sends away who does too much. Used under the world's lock."""

    clock: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    budgets: dict[tuple[str, str], Budget] = field(default_factory=dict)
    writes: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admit(self, caller: Caller, resource: str, *, is_write: bool) -> None:
        """Raise the answer to whoever has spent the hour's requests, or writes too fast."""
        who, now = payer(caller), self._now()
        budget = self._budget(who, resource)
        if budget.used >= self._limit(caller):
            raise ApiError(403, _SPENT.format(who=who))
        if not is_write or caller == Caller():
            return
        made = self.writes[who]
        while made and made[0] <= now - HOUR_S:
            made.popleft()
        for most, span_s in ((self.limits.writes_per_hour, HOUR_S), (self.limits.writes_per_minute, 60.0)):
            if len(made) < most:
                continue
            recent = [at for at in made if at > now - span_s]
            if len(recent) >= most:
                free_in_s = recent[len(recent) - most] + span_s - now
                raise ApiError(403, _TOO_FAST, headers={"Retry-After": str(max(int(free_in_s) + 1, 1))})
        made.append(now)

    def charge(self, caller: Caller, resource: str) -> None:
        """Count a request that was answered in full."""
        self._budget(payer(caller), resource).used += 1

    def headers(self, caller: Caller, resource: str) -> dict[str, str]:
        """What each answer says about the caller's budget."""
        budget, limit = self._budget(payer(caller), resource), self._limit(caller)
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(limit - budget.used, 0)),
            "X-RateLimit-Used": str(budget.used),
            "X-RateLimit-Reset": str(int(budget.reset_at)),
            "X-RateLimit-Resource": resource,
        }

    def shown(self, caller: Caller) -> dict[str, dict[str, int]]:
        """The budgets as `GET /rate_limit` shows them."""
        return {resource: self._shown(caller, resource) for resource in ("core", "graphql", "search")}

    def _shown(self, caller: Caller, resource: str) -> dict[str, int]:
        told = self.headers(caller, resource)
        return {name: int(told[f"X-RateLimit-{name.title()}"]) for name in ("limit", "used", "remaining", "reset")}

    def used(self, installation_id: int, resource: str = "core") -> int:
        """How many requests of an installation were counted in this hour."""
        return self._budget(f"installation ID {installation_id}", resource).used

    def spend(self, installation_id: int, *, resource: str = "core", left: int = 0, seconds: float = HOUR_S) -> None:
        """Have others asked on behalf of an installation until so much is left, for so long."""
        budget = self._budget(f"installation ID {installation_id}", resource)
        budget.used, budget.reset_at = self.limits.requests_per_hour - left, self._now() + seconds

    def _budget(self, who: str, resource: str) -> Budget:
        budget, now = self.budgets.setdefault((who, resource), Budget()), self._now()
        if budget.reset_at <= now:
            budget.used, budget.reset_at = 0, now + HOUR_S
        return budget

    def _limit(self, caller: Caller) -> int:
        return self.limits.strangers_per_hour if caller == Caller() else self.limits.requests_per_hour

    def _now(self) -> float:
        return self.clock().timestamp()


def payer(caller: Caller) -> str:
    """Return whose budget a request is taken from: all tokens of one installation share one."""
    if caller.installation is not None:
        return f"installation ID {caller.installation.id}"
    if caller.user is not None:
        return f"user ID {caller.user.id}"
    return f"app ID {caller.app.id}" if caller.app is not None else "127.0.0.1"


def is_write(method: str, path: str, body: Mapping[str, Any]) -> bool:
    """Tell whether a request creates or changes content; making a token does not."""
    if path == "/api/graphql":
        return str(body.get("query", "")).lstrip().startswith("mutation")
    return method != "GET" and not path.startswith("/app/")


def validators(body: bytes, content: Any) -> dict[str, str]:
    """Return the headers by which an answer is recognised: `ETag`, and `Last-Modified` of one thing that knows when."""
    headers = {"ETag": f'W/"{hashlib.sha256(body).hexdigest()}"'}
    when = content.get("updated_at") if isinstance(content, dict) else None
    if isinstance(when, str):
        headers["Last-Modified"] = format_datetime(datetime.fromisoformat(when).astimezone(UTC), usegmt=True)
    return headers


def is_unchanged(asked: Mapping[str, str], answer: Mapping[str, str]) -> bool:
    """Tell whether the caller has this very answer already; ETags are compared weakly, and before dates."""
    wanted = asked.get("if-none-match")
    if wanted is not None:
        held = {re.sub("^W/", "", each.strip()) for each in wanted.split(",")}
        return "*" in held or re.sub("^W/", "", answer.get("ETag", "")) in held
    since = asked.get("if-modified-since")
    return since is not None and since == answer.get("Last-Modified")


def rendered(body: Any) -> tuple[bytes, str]:
    """Return an answer's bytes and media type."""
    if body is None:
        return b"", ""
    if isinstance(body, str | bytes):
        return body.encode() if isinstance(body, str) else body, "text/plain; charset=utf-8"
    return json.dumps(body).encode(), "application/json; charset=utf-8"
