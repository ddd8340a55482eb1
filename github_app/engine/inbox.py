"""The inbox's two ends: many deliveries are recorded in one commit, and a recorded row is read back as an event."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue

from github_app.core.errors import HonkError
from github_app.core.events import Event
from github_app.engine import codec
from github_app.engine.entries import Entries, Entry, Source
from github_app.webhook.delivery import Delivery, load_object
from github_app.webhook.parse import Ignored, parse

log = logging.getLogger(__name__)


def read(entry: Entry, *, trigger_label: str) -> Event | str:
    """The event in an inbox row, or, as text, why there is none. Raises `Rejected` for a payload of the wrong shape."""
    if entry.source == "self":
        event: Event = codec.load_named(entry.name, entry.body.decode())
        return event
    action = load_object(entry.body).get("action")
    delivery = Delivery(
        id=entry.id,
        event=entry.name,
        action=action if isinstance(action, str) else None,
        installation_id=None,
        repo_id=None,
        app_id=None,
        body=entry.body,
    )
    parsed = parse(delivery, trigger_label=trigger_label)
    return parsed.reason if isinstance(parsed, Ignored) else parsed


@dataclass(kw_only=True)
class GroupRecorder:
    """Records deliveries for the door. One thread writes; what comes in while it syncs the disk shares the next
    commit."""

    entries: Entries
    on_recorded: Callable[[], None]
    _queue: SimpleQueue[tuple[Delivery, Future[bool]] | None] = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._write_forever, name="recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting, then end."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    async def record(self, delivery: Delivery) -> bool:
        """Store a delivery; True if it was new. It is on disk when this returns. Raises `Transient`."""
        recorded: Future[bool] = Future()
        self._queue.put((delivery, recorded))
        return await asyncio.wrap_future(recorded)

    def _write_forever(self) -> None:
        while True:
            first = self._queue.get()
            batch = [first] if first is not None else []
            while first is not None and not self._queue.empty() and len(batch) < 200:
                item = self._queue.get()
                if item is None:
                    first = None
                    break
                batch.append(item)
            if batch:
                self._write([item for item in batch if item is not None])
            if first is None:
                return

    def _write(self, batch: list[tuple[Delivery, Future[bool]]]) -> None:
        rows: list[tuple[str, Source, str, bytes]] = [(d.id, "github", d.event, d.body) for d, _ in batch]
        # Whoever gave up waiting is not told; the delivery is stored all the same.
        waiting = [recorded if recorded.set_running_or_notify_cancel() else None for _, recorded in batch]
        try:
            answers = self.entries.add(rows)
        except Exception as error:
            # Whatever it is, the door must hear of it, and the next delivery must find this thread alive.
            if not isinstance(error, HonkError):
                log.exception("deliveries could not be recorded")
            for disappointed in filter(None, waiting):
                disappointed.set_exception(error)
            return
        for recorded, is_new in zip(waiting, answers, strict=True):
            if recorded is not None:
                recorded.set_result(is_new)
        self.on_recorded()
