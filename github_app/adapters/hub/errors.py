"""The one place where what GitHub answers (or does not) becomes one of our errors, sorted by who must act.

Statuses: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
Limits: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from github import GithubException

from github_app.core.errors import AccessDenied, Gone, NotVisibleYet, RateLimited, Refused, Transient

UNTOLD_WAIT_S = 60.0
"""How long to wait when GitHub says "too fast" and nothing else: at least a minute, its documentation says."""

MOVED = (301, 307, 308)


class Moved(Transient):
    """The repository has another name now. Inside the adapter only: the client asks for the name and tries again."""


class NotFound(Gone):
    """A 404: missing, or hidden from this token."""


class Unprocessable(Refused):
    """A 422. `said` are GitHub's own words, one for each thing that it minds; `reasons` are the same, lower-cased."""

    def __init__(self, message: str, *, said: tuple[str, ...]) -> None:
        super().__init__(message)
        self.said = said
        self.reasons = tuple(each.lower() for each in said)

    def says(self, words: str) -> bool:
        """Whether GitHub gave this (lower-cased) reason."""
        return any(words in reason for reason in self.reasons)


# Everything that a call through PyGithub raises because of the network or the server. `JSONDecodeError`: PyGithub reads
# a body that was cut off as JSON without checking.
FAILURES = (GithubException, requests.RequestException, json.JSONDecodeError)


def translate(error: Exception, *, what: str, permissions: Mapping[str, str]) -> Exception:
    """Say in our words what went wrong with a call about `what` ("issue 12") whose token had these permissions.

    Anything that is not GitHub's doing comes back as it is: a bug.
    """
    if not isinstance(error, FAILURES):
        return error
    if not isinstance(error, GithubException):
        return Transient(f"no usable answer from GitHub ({what}): {type(error).__name__}")
    told = f"{what}: {message_of(error) or 'no reason given'} (HTTP {error.status})"
    if error.status in (401, 403, 429):
        return _refusal(error, told, permissions)
    if error.status in (404, 405, 409, 410, 422):
        return _contradiction(error, told, what)
    if error.status in MOVED:
        return Moved(told)
    return Transient(told) if error.status >= 500 or error.status == 408 else error


def _refusal(error: GithubException, told: str, permissions: Mapping[str, str]) -> Exception:
    if error.status != 401 and is_limit(error):
        return RateLimited(f"GitHub asks us to slow down; {told}", retry_after_s=wait_of(error))
    if error.status == 401:
        return AccessDenied(f"GitHub does not accept our credentials; {told}")
    asked = ", ".join(f"{name}: {level}" for name, level in sorted(permissions.items()))
    return AccessDenied(f"GitHub denies access; {told}; the token had {asked or 'no permissions'}")


def _contradiction(error: GithubException, told: str, what: str) -> Exception:
    said = reasons_of(error)
    reasons = tuple(each.lower() for each in said)
    if error.status == 404:
        return NotFound(told, what=what)
    if error.status == 410:
        return Gone(told, what=what)
    if error.status == 409 and not any("rule violation" in reason or "secret" in reason for reason in reasons):
        is_empty = any("repository is empty" in reason for reason in reasons)
        return Gone(f"the repository is empty; {told}", what="repository content") if is_empty else Transient(told)
    if error.status == 405 and any("base branch was modified" in reason for reason in reasons):
        return Transient(told)
    if any("no commit found" in reason for reason in reasons):
        return NotVisibleYet(told)
    return Unprocessable(f"GitHub refuses; {what}: {'; '.join(said)}", said=said)


def message_of(error: GithubException) -> str:
    """Return GitHub's own sentence, or what stands for it; never long."""
    data: Any = error.data
    text = data.get("message") if isinstance(data, dict) else data
    return str(text or error.message or "")[:500]


def reasons_of(error: GithubException) -> tuple[str, ...]:
    """Return all that a 422 gives as reasons: its message and each of its `errors`."""
    data: Any = error.data
    reasons = [message_of(error)]
    entries = data.get("errors") if isinstance(data, dict) else None
    for entry in entries if isinstance(entries, list) else [entries] if entries else []:
        if isinstance(entry, dict):
            fields = (entry.get("field"), entry.get("code"), entry.get("message"))
            reasons.append(" ".join(str(part) for part in fields if part))
        else:
            reasons.append(str(entry))
    return tuple(reasons)


def is_limit(error: GithubException) -> bool:
    """Whether a 403 or 429 is about speed, not about permission."""
    headers = error.headers or {}
    text = message_of(error).lower()
    return (
        error.status == 429
        or "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in text
        or "abuse detection" in text
    )


def wait_of(error: GithubException) -> float:
    """Return how many seconds GitHub wants us to wait: its Retry-After, else the limit's reset, else a minute."""
    headers = error.headers or {}
    wait_s = told_wait(headers)
    if wait_s is None and headers.get("x-ratelimit-remaining") == "0":
        wait_s = seconds_until_reset(headers, time.time())
    return UNTOLD_WAIT_S if wait_s is None else wait_s


def told_wait(headers: Mapping[str, Any]) -> float | None:
    """Return the seconds of Retry-After, at least one; None without it."""
    after = str(headers.get("retry-after", ""))
    return max(float(after), 1.0) if after.isdecimal() else None


def seconds_until_reset(headers: Mapping[str, Any], now: float) -> float | None:
    """Return in how many seconds the hour of a limit ends, by GitHub's clock where it says what time it is there."""
    reset = str(headers.get("x-ratelimit-reset", ""))
    if not reset.isdecimal():
        return None
    with suppress(TypeError, ValueError):
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    # A second more, because it is not said when in that second the limit ends.
    return max(float(reset) - now, 0.0) + 1.0


_GRAPHQL_STATUS = {"NOT_FOUND": 404, "FORBIDDEN": 403, "RATE_LIMITED": 429, "UNPROCESSABLE": 422}


def graphql_failure(answer: Mapping[str, Any], headers: Mapping[str, Any]) -> GithubException | None:
    """Return the failure that a GraphQL answer of HTTP 200 reports in its `errors`, with REST's status for it.

    What GitHub could not compute in time has no type and is worth another try; a query that it does not understand has
    none either and is our bug.
    """
    errors = answer.get("errors")
    if not errors:
        return None
    first = errors[0] if isinstance(errors[0], dict) else {}
    message = str(first.get("message", errors[0]))
    status = _GRAPHQL_STATUS.get(str(first.get("type", "")))
    if status is None:
        if "not accessible by integration" in message:
            status = 403
        else:
            status = 502 if re.search("something went wrong|time[d-]* ?out", message, re.IGNORECASE) else 400
    return GithubException(status, {"message": message}, {str(k): str(v) for k, v in headers.items()})
