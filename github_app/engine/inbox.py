"""The inbox's two ends: many deliveries are recorded in one commit, and a recorded row is read back as an event."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue

from github_app.core.chat.model import ChatEvent
from github_app.core.errors import HonkError
from github_app.core.events import Event
from github_app.core.tracing import NoSpans, Spans, of_delivery
from github_app.engine import codec
from github_app.engine.entries import Entries, Entry, Source
from github_app.webhook.delivery import Delivery, load_object
from github_app.webhook.parse import Ignored, parse

log = logging.getLogger(__name__)

_LARGEST_COMMIT = 200
_Row = tuple[str, Source, str, bytes]
_Waiting = tuple[_Row, asyncio.Future[bool]]


def read(entry: Entry, *, trigger_label: str) -> Event | ChatEvent | str:
    """The event in an inbox row, or, as text, why there is none. Raises `Rejected` for a payload of the wrong shape."""
    if entry.source != "github":
        event: Event | ChatEvent = codec.load_named(entry.name, entry.body.decode())
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


def _key(delivery: Delivery) -> str:
    """What a delivery is known by: GitHub gives the same GUID to all apps that it tells of an event."""
    return delivery.id if delivery.app_id is None else f"{delivery.app_id}:{delivery.id}"


@dataclass(kw_only=True)
class GroupRecorder:
    """Records deliveries for the door. One thread writes; what comes in while it syncs the disk shares the next
    commit, and all of one commit are answered by one call into the door's event loop."""

    entries: Entries
    on_recorded: Callable[[], None]
    spans: Spans = field(default_factory=NoSpans)
    _queue: SimpleQueue[_Waiting | None] = field(default_factory=SimpleQueue)
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
        return await self._record((_key(delivery), "github", delivery.event, delivery.body))

    async def record_said(self, event: ChatEvent) -> bool:
        """Store what came from a chat; True if it was new. It is on disk when this returns. Raises `Transient`."""
        return await self._record((event.id, "chat", type(event).__name__, codec.dump(event).encode()))

    async def _record(self, row: _Row) -> bool:
        key, source, name, _ = row
        told = {"honk.delivery": key, "honk.door": source, "http.request.method": "POST"}
        with self.spans.at(f"receive {name}", of_delivery(key), kind="server", attributes=told) as span:
            recorded: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._queue.put((row, recorded))
            if is_new := await recorded:
                span.end()
            return is_new

    def _write_forever(self) -> None:
        is_over = False
        while not is_over:
            batch = [self._queue.get()]
            while not self._queue.empty() and len(batch) < _LARGEST_COMMIT:
                batch.append(self._queue.get())
            is_over = None in batch
            if waiting := [item for item in batch if item is not None]:
                self._write(waiting)

    def _write(self, batch: list[_Waiting]) -> None:
        answers: list[bool] | Exception
        try:
            answers = self.entries.add([row for row, _ in batch])
        except Exception as error:
            # Whatever it is, the door must hear of it, and the next delivery must find this thread alive.
            if not isinstance(error, HonkError):
                log.exception("deliveries could not be recorded")
            answers = error
        futures = [recorded for _, recorded in batch]
        with suppress(RuntimeError):  # The door is closed, and nobody waits.
            futures[0].get_loop().call_soon_threadsafe(_tell, futures, answers)
        if not isinstance(answers, Exception):
            self.on_recorded()


def _tell(futures: list[asyncio.Future[bool]], answers: list[bool] | Exception) -> None:
    """Wake those who wait. Who gave up is not told; the delivery is stored all the same."""
    for number, recorded in enumerate(futures):
        if recorded.done():
            continue
        if isinstance(answers, Exception):
            recorded.set_exception(answers)
        else:
            recorded.set_result(answers[number])
