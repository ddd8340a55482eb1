"""The API's client. Imports httpx2, which takes a third of a second: import it late."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from github_app.core.errors import Refused, Transient

Json = dict[str, Any]

_TIMEOUT_S = 30.0
_PAUSES_S = (1.0, 3.0, 10.0)
_LONGEST_WAIT_S = 60.0
_MAX_PAGE = 100


@dataclass(kw_only=True)
class Client:
    """One Honk, asked with one token. What fails for now is asked again a few times, what changes something with the
    same key, so that it happens once. Raises `Refused` with the server's reason, `Transient` when it does not answer.
    """

    url: str
    token: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep

    def sessions(self, *, limit: int, repository: str = "", is_open: bool = False) -> Iterator[Json]:
        """The sessions that the token's account can see, what changed last first, at most `limit`."""
        cursor = ""
        while limit > 0:
            asked = {"repository": repository, "open": is_open, "cursor": cursor, "limit": min(limit, _MAX_PAGE)}
            page = self._ask("GET", "/sessions", params=asked)
            yield from page["sessions"]
            limit, cursor = limit - len(page["sessions"]), page["next"]
            if not cursor:
                return

    def session(self, session_id: str) -> Json:
        """A session."""
        return self._ask("GET", f"/sessions/{quote(session_id, safe='')}")

    def events(self, session_id: str, *, after: int) -> Json:
        """What is on record of it after a number: `events`, `next`, `status`, `is_over`."""
        return self._ask("GET", f"/sessions/{quote(session_id, safe='')}/events", params={"after": after})

    def start(self, repository: str, **asked: Any) -> Json:
        """Begin work: `issue`, perhaps with `text`, or `prompt`, perhaps with `title`; or a report: `review`, perhaps
        with `text`, or `question`, perhaps with `issue`."""
        given = {name: value for name, value in asked.items() if value}
        return self._post("/sessions", {"repository": repository, **given})

    def steer(self, session_id: str, text: str) -> Json:
        """Say something to a session."""
        return self._post(f"/sessions/{quote(session_id, safe='')}/messages", {"text": text})

    def stop(self, session_id: str) -> Json:
        """End a session's work."""
        return self._post(f"/sessions/{quote(session_id, safe='')}/stop", None)

    def outcome(self, request: str) -> Json:
        """What became of something that was asked."""
        return self._ask("GET", f"/requests/{quote(request, safe='')}")

    def _post(self, path: str, body: Json | None) -> Json:
        return self._ask("POST", path, json=body, key=str(uuid.uuid4()))

    def _ask(self, method: str, path: str, *, key: str = "", **more: Any) -> Json:
        headers = {"Authorization": f"Bearer {self.token}", **({"Idempotency-Key": key} if key else {})}
        pauses = list(_PAUSES_S)
        while True:
            try:
                # Redirects are not followed: they could lead the token elsewhere.
                answer = httpx2.request(
                    method,
                    f"{self.url}/api/v1{path}",
                    headers=headers,
                    timeout=_TIMEOUT_S,
                    follow_redirects=False,
                    **more,
                )
                wait_s = _wait_s(answer)
                if wait_s is None:
                    return _told(answer)
                problem: Exception = Transient(f"{self.url} answers {answer.status_code}: {_detail(answer)}")
            except httpx2.HTTPError as error:
                wait_s, problem = 0.0, Transient(f"{self.url} does not answer ({type(error).__name__})")
            if not pauses:
                raise problem
            self.sleep(max(pauses.pop(0), min(wait_s, _LONGEST_WAIT_S)))


def _wait_s(answer: httpx2.Response) -> float | None:
    """How long to wait before the same is asked again; None for an answer that stays."""
    if answer.status_code != 429 and answer.status_code < 500:
        return None
    after = answer.headers.get("Retry-After", "")
    return float(after) if after.isdecimal() else 0.0


def _told(answer: httpx2.Response) -> Json:
    if answer.status_code >= 300:
        raise Refused(_detail(answer))
    try:
        told: Json = answer.json()
    except ValueError as error:
        raise Refused(f"{answer.url.host} does not answer as a Honk does: see HONK_URL") from error
    return told


def _detail(answer: httpx2.Response) -> str:
    try:
        told = answer.json()
        return str(told["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}, not as a Honk answers: see HONK_URL"
