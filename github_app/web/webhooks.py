"""The webhook route: read a bounded body, let `webhook.accept` judge it, record it, answer. A plain ASGI application:
the body is bytes until the signature is right, and nothing of a framework runs in between."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from github_app.core.errors import Misconfigured, Rejected, Transient
from github_app.core.registration import WEBHOOK_PATH
from github_app.webhook.delivery import Delivery, accept, check_size, signature_in

PATH = WEBHOOK_PATH

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_LOG = logging.getLogger(__name__)
# GitHub waits ten seconds for an answer (https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks).
_ANSWER_TIMEOUT_S = 9.0
_RETRY_AFTER_S = 30
# Hashing and parsing more than this would hold up the other requests: done in a thread.
_LARGE_BYTES = 512 * 1024


class Recorder(Protocol):
    """The inbox. Raises `Transient` when the store is away."""

    async def record(self, delivery: Delivery) -> bool:
        """Store a delivery durably; False if it was there already."""


@dataclass(frozen=True)
class _Answer:
    """One HTTP answer; `body` is what its JSON says."""

    status: int
    body: dict[str, str]
    headers: tuple[tuple[str, str], ...] = ()


class _Disconnected(Exception):
    """The sender went away before its body was complete; nobody waits for an answer."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """ASGI application for `POST /webhooks/github`.

    Answers 202 recorded; 200 duplicate, or ignored (`ping` and events we do not read: not stored); 401, 413, 400 as
    `accept` rejects; 408 for a body that does not arrive; 405; 503 with `Retry-After` when the store is away or slow
    (GitHub does not send again by itself, `engine.reconciliation` asks it to). Every answer is JSON with a `status`.
    """

    recorder: Recorder
    secrets: Sequence[bytes] = field(repr=False)
    max_body_bytes: int
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    """How often each HTTP status was answered with each `status` of the body, since the start."""

    def __post_init__(self) -> None:
        if not self.secrets or not all(self.secrets):
            raise Misconfigured("HONK_WEBHOOK_SECRET is missing or empty: without it anybody could start work")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            answer = await self._answer(scope, receive)
        except _Disconnected:
            return
        except Rejected as error:
            _LOG.warning("delivery rejected: %s", error, extra={"http_status": error.http_status})
            answer = _Answer(error.http_status, {"status": "rejected", "reason": str(error)})
        self.answers[answer.status, answer.body["status"]] += 1
        await _respond(send, answer)

    async def _answer(self, scope: Message, receive: Receive) -> _Answer:
        if scope["method"] != "POST":
            hint = "GitHub sends webhooks here by POST; this is the URL to enter as the app's webhook URL"
            return _Answer(405, {"status": "method not allowed", "reason": hint}, (("allow", "POST"),))
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # Both can be known before the first byte of the body is read, and mostly are.
        check_size(_announced_bytes(headers), max_bytes=self.max_body_bytes)
        signature_in(headers)
        delivery: Delivery | None = None
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                delivery = await self._accept(headers, await _read(receive, max_bytes=self.max_body_bytes))
                if not delivery.is_wanted:
                    return _Answer(200, {"status": "ignored", "delivery": delivery.id})
                is_new = await self.recorder.record(delivery)
        except (Transient, TimeoutError) as error:
            if delivery is None:
                raise Rejected(f"the body did not arrive within {_ANSWER_TIMEOUT_S:.0f} s", http_status=408) from None
            return _unavailable(delivery, error)
        if is_new:
            return _Answer(202, {"status": "recorded", "delivery": delivery.id})
        return _Answer(200, {"status": "duplicate", "delivery": delivery.id})

    async def _accept(self, headers: dict[str, str], body: bytes) -> Delivery:
        judge = partial(accept, headers, body, secrets=self.secrets, max_bytes=self.max_body_bytes)
        return judge() if len(body) <= _LARGE_BYTES else await asyncio.to_thread(judge)


def _unavailable(delivery: Delivery, error: Exception) -> _Answer:
    _LOG.error("delivery %s not recorded: %s", delivery.id, error or "the store did not answer in time")
    reason = "the store is away; redeliver later"
    return _Answer(503, {"status": "unavailable", "reason": reason}, (("retry-after", str(_RETRY_AFTER_S)),))


def _announced_bytes(headers: dict[str, str]) -> int:
    """The Content-Length; 0 where there is none (a chunked body), which is then counted as it comes."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


async def _read(receive: Receive, *, max_bytes: int) -> bytes:
    """Read the body, and stop at the first byte too many: what one request can make us hold is `max_bytes`."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        check_size(size, max_bytes=max_bytes)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _respond(send: Send, answer: _Answer) -> None:
    body = json.dumps(answer.body).encode()
    headers = [("content-type", "application/json"), ("content-length", str(len(body))), *answer.headers]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
