"""What stands around the API: how large a call may be and how many there may be, and that no answer is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from github_app.web.webhooks import Application, Message, Receive, Send

MAX_BODY_BYTES = 128 * 1024
PER_MINUTE = 240
_MINUTE_S = 60.0
_COUNTED = 10_000

_KEPT_NOWHERE = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def problem(status: int, title: str, detail: str) -> dict[str, Any]:
    """A problem as JSON (RFC 9457)."""
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


@dataclass
class Rates:
    """Counts the calls of each token, minute by minute, in this process. Thread-safe."""

    per_minute: int = PER_MINUTE
    _counts: MutableMapping[str, tuple[int, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, key: str, now_s: float) -> int:
        """Count a call; 0, or after how many seconds it may be made."""
        minute, into = divmod(now_s, _MINUTE_S)
        with self._lock:
            if len(self._counts) >= _COUNTED:
                self._counts.clear()
            known, count = self._counts.get(key, (int(minute), 0))
            count = count + 1 if known == int(minute) else 1
            self._counts[key] = (int(minute), count)
        return 0 if count <= self.per_minute else int(_MINUTE_S - into) + 1


def bounded(app: Application, *, max_bytes: int = MAX_BODY_BYTES) -> Application:
    """The application behind a limit for what it reads; what it answers is kept nowhere."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_KEPT_NOWHERE]
            await send(message)

        if scope["type"] != "http":
            return await app(scope, receive, send)
        body = await _read(receive, max_bytes)
        if body is None:
            return await _too_large(send_headers, max_bytes)
        is_read = False

        async def replay() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        await app(scope, replay, send_headers)

    return answer


async def _read(receive: Receive, max_bytes: int) -> bytes | None:
    """The body; None where it is too large, known as soon as that is read."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_bytes:
            return None
    return body


async def _too_large(send: Send, max_bytes: int) -> None:
    told = json.dumps(problem(413, "Too large", f"a call has at most {max_bytes} bytes")).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": told})
