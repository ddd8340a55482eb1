"""The requests that Slack sends to an app: signed, within three seconds, events again when nobody answered.

https://docs.slack.dev/apis/events-api#retries
"""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2

from github_app.localchat.values import Delivery, SlackApp
from github_app.localhub.faults import DELIVERY_KINDS, Faults

ANSWER_S = 3.0
RETRIES_S = (0.05, 0.5, 1.0)
"""In the real one: almost at once, after a minute, after five."""


def sign(secret: str, body: bytes, at: int) -> str:
    """The value of X-Slack-Signature."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()


@dataclass
class Post:
    """Sends events in their order, from a thread of its own; commands and buttons at once."""

    app: SlackApp
    faults: Faults
    sent: list[Delivery] = field(default_factory=list)
    _queue: queue.Queue[dict[str, Any] | None] = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._work, name="localchat-events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what is queued, and end."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout=ANSWER_S + 1)

    def settle(self) -> None:
        """Wait until all that was queued has been sent."""
        self._queue.join()

    def emit(self, envelope: dict[str, Any]) -> None:
        """Queue an event."""
        self._queue.put(envelope)

    def submit(self, form: Mapping[str, str]) -> httpx2.Response | None:
        """Send a command or a button's press, once; the answer, or None if there was none in time."""
        delivery = Delivery("command" if "command" in form else "interaction", urlencode(form).encode())
        self.sent.append(delivery)
        return self._send(delivery, "application/x-www-form-urlencoded", {})

    def _work(self) -> None:
        while (envelope := self._queue.get()) is not None:
            try:
                self._deliver(envelope)
            finally:
                self._queue.task_done()
        self._queue.task_done()

    def _deliver(self, envelope: dict[str, Any]) -> None:
        kind = str(envelope.get("event", {}).get("type", envelope["type"]))
        delivery = Delivery(kind, json.dumps(envelope).encode())
        self.sent.append(delivery)
        fault = self.faults.take(kind, DELIVERY_KINDS)
        if fault is not None and fault.kind == "drop":
            delivery.answers.append("dropped")
            return
        answer = self._send(delivery, "application/json", {})
        if fault is not None and fault.kind == "duplicate":
            self._again(delivery, 1, "http_timeout")
        for number, pause_s in enumerate(RETRIES_S, 1):
            if answer is not None and (answer.is_success or "x-slack-no-retry" in answer.headers):
                return
            time.sleep(pause_s)
            answer = self._again(delivery, number, "http_timeout" if answer is None else "http_error")

    def _again(self, delivery: Delivery, number: int, reason: str) -> httpx2.Response | None:
        headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        delivery.retry_headers.append(headers)
        return self._send(delivery, "application/json", headers)

    def _send(self, delivery: Delivery, media: str, more: Mapping[str, str]) -> httpx2.Response | None:
        at = int(time.time())
        headers = {
            "Content-Type": media,
            "User-Agent": "Slackbot 1.0 (localchat)",
            "X-Slack-Request-Timestamp": str(at),
            "X-Slack-Signature": sign(self.app.signing_secret, delivery.body, at),
            **more,
        }
        try:
            with httpx2.Client(timeout=ANSWER_S, trust_env=False) as client:
                answer = client.post(self.app.request_url, content=delivery.body, headers=headers)
        except httpx2.HTTPError as problem:
            delivery.answers.append(type(problem).__name__)
            return None
        delivery.answers.append(str(answer.status_code))
        return answer
