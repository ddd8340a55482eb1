"""Webhooks on their way: signed, in order, recorded, and sent again on demand.

https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
"""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import httpx2

from .faults import DELIVERY_KINDS, Faults
from .shapes import JSON
from .values import App, Delivery, Repository
from .world import World

# Sent to every app that they concern, whatever it subscribes to.
_ALWAYS = ("installation", "installation_repositories", "ping")
TIMEOUT_S = 10.0


class PayloadJudge(Protocol):
    """Holds a payload against GitHub's webhook documents; see `judge.py`."""

    def check_delivery(self, event: str, payload: dict[str, Any]) -> list[str]:
        """Return what is wrong with it."""
        ...


def sign(secret: str, body: bytes) -> str:
    """Return the value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Post:
    """The sender of webhooks: one thread, one queue, deliveries in the order of their events."""

    world: World
    faults: Faults
    violations: list[str]
    judge: PayloadJudge | None = None
    _queue: queue.Queue[Delivery | None] = field(default_factory=queue.Queue)
    _held: list[Delivery] = field(default_factory=list)
    _timers: list[threading.Timer] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._thread = threading.Thread(target=self._work, name="localhub-deliveries", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Deliver what is queued, drop what is late, and end."""
        for timer in self._timers:
            timer.cancel()
        self._queue.put(None)
        if self._thread:
            self._thread.join(timeout=TIMEOUT_S + 1)

    def settle(self) -> None:
        """Wait until everything that was queued before this call has been sent."""
        self._queue.join()

    def emit(self, event: str, repo: Repository | None, payload: JSON) -> None:
        """Queue an event for every app that should hear of it."""
        if self.judge:
            self.violations += [f"webhook {p}" for p in self.judge.check_delivery(event, payload)]
        for app in list(self.world.apps.values()):
            if event not in app.events and event not in _ALWAYS:
                continue
            installed = self.world.installation_for(app, repo) if repo else None
            if repo and (installed is None or installed.suspended_at):
                continue
            if repo is None and (payload.get("installation") or {}).get("app_id", app.id) != app.id:
                continue
            body = payload
            if installed:
                node = f"MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u{installed.id}"
                body = {**payload, "installation": {"id": installed.id, "node_id": node}}
            self._enqueue(app, event, repo, body)

    def _enqueue(self, app: App, event: str, repo: Repository | None, payload: JSON) -> None:
        if not app.webhook_url:
            return
        installation = (payload.get("installation") or {}).get("id")
        delivery = Delivery(
            self.world.new_id(), str(uuid.uuid4()), app, event, payload, installation,
            repo.id if repo else None, False, self.world.now(),
        )  # fmt: skip
        self.world.deliveries.append(delivery)
        self._queue.put(delivery)

    def redeliver(self, old: Delivery) -> Delivery:
        """Send a delivery again; it keeps its GUID, as on GitHub."""
        again = replace(
            old, id=self.world.new_id(), redelivery=True, delivered_at=self.world.now(), status="pending",
            status_code=0, request_headers={}, response_headers={}, response_body="",
        )  # fmt: skip
        self.world.deliveries.append(again)
        self._queue.put(again)
        return again

    def _work(self) -> None:
        with httpx2.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            while (delivery := self._queue.get()) is not None:
                try:
                    self._deliver(client, delivery)
                finally:
                    self._queue.task_done()

    def _deliver(self, client: httpx2.Client, delivery: Delivery) -> None:
        name = f"{delivery.event}.{delivery.payload.get('action', '')}"
        fault = None if delivery.redelivery else self.faults.take(name, DELIVERY_KINDS)
        match fault.kind if fault else "":
            case "drop":
                delivery.status, delivery.status_code = "failed to connect to host", 0
                return
            case "hold":
                self._held.append(delivery)
                return
            case "late" if fault:
                timer = threading.Timer(fault.seconds, self._queue.put, [delivery])
                timer.daemon = True
                self._timers.append(timer)
                timer.start()
                return
            case "duplicate":
                _send(client, delivery)
            case _:
                pass
        _send(client, delivery)
        for waiting in [d for d in self._held if d.app is delivery.app]:
            self._held.remove(waiting)
            _send(client, waiting)


def _send(client: httpx2.Client, delivery: Delivery) -> None:
    body = json.dumps(delivery.payload, separators=(",", ":")).encode()
    app = delivery.app
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/localhub",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(app.id),
        "X-GitHub-Hook-Installation-Target-ID": str(app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }
    if app.webhook_secret:
        headers["X-Hub-Signature-256"] = sign(app.webhook_secret, body)
    delivery.request_headers = headers
    begun = time.monotonic()
    try:
        answer = client.post(app.webhook_url, content=body, headers=headers)
    except httpx2.TimeoutException:
        delivery.status, delivery.status_code = "timed out", 0
    except httpx2.HTTPError as problem:
        delivery.status, delivery.status_code = "failed to connect to host", 0
        delivery.response_body = str(problem)
    else:
        delivery.status_code = answer.status_code
        delivery.status = "OK" if answer.is_success else f"Invalid HTTP Response: {answer.status_code}"
        delivery.response_headers, delivery.response_body = dict(answer.headers), answer.text[:10_000]
    delivery.duration_s = time.monotonic() - begun
