"""A session as it happens: its records as server-sent events, each once and in order. Nothing is kept for a reader:
each event has its record's number, and who comes back says the last one that they have (`Last-Event-ID`).

https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from github_app.core.errors import Transient
from github_app.core.record.story import Story
from github_app.web.rendering import HEADERS

log = logging.getLogger(__name__)

MAX_READERS, MAX_READERS_EACH = 200, 12
"""How many may read at once, in all and each."""

BATCH = 40
"""So many records are read and sent before the next ones are: more is never held for one reader."""

LOOK_S, BEAT_S, ASK_AGAIN_S = 0.5, 15.0, 120.0
"""How often the database is asked for all readers, a silent line says that it lives, the permission is asked again."""

_RETRY_MS = 3_000


class Source(Protocol):
    """What is on record. Both may block, and raise `Transient`."""

    def story(self, session_id: str, *, after: int = 0, limit: int | None = None) -> Story | None:
        """A session and its records after a number."""

    def lengths(self, session_ids: Collection[str]) -> Mapping[str, int]:
        """How many records some sessions have."""


class Drawing(Protocol):
    """Makes HTML of it."""

    def lines(self, story: Story) -> tuple[tuple[int, str], ...]:
        """The rows, each with its number."""

    def head(self, story: Story) -> str:
        """What stands above them."""


@dataclass(kw_only=True)
class Watch:
    """Asks for all who wait, at once, whether there is something for them."""

    source: Source
    _waiting: dict[str, list[tuple[int, asyncio.Future[None]]]] = field(default_factory=dict)
    _looking: asyncio.Task[None] | None = None

    async def wait(self, session_id: str, after: int, timeout_s: float) -> None:
        """Return once a session has more records than so many, or after the time."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (after, told)
        self._waiting.setdefault(session_id, []).append(entry)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_asked())
        try:
            await asyncio.wait([told], timeout=timeout_s)
        finally:
            self._waiting[session_id].remove(entry)
            if not self._waiting[session_id]:
                del self._waiting[session_id]

    async def _look_while_asked(self) -> None:
        while self._waiting:
            try:
                lengths = await asyncio.to_thread(self.source.lengths, tuple(self._waiting))
            except Transient as error:
                log.warning("pages are not told what is new", extra={"why": str(error)})
                lengths = {}
            for session_id, length in lengths.items():
                for after, told in self._waiting.get(session_id, ()):
                    if length > after and not told.done():
                        told.set_result(None)
            await asyncio.sleep(LOOK_S)


@dataclass(kw_only=True)
class Streams:
    """Lets people follow sessions. One for a process."""

    source: Source
    drawing: Drawing
    _readers: Counter[str] = field(default_factory=Counter)
    _watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self._watch = Watch(source=self.source)

    def answer(self, request: Request, session_id: str, *, whose: str, may_go_on: Callable[[], bool]) -> Response:
        """The stream of a session, from what the browser has on. `may_go_on` says now and then whether the reader
        (`whose`) may still read it; it may block, and raise `Transient`."""
        if self._readers.total() >= MAX_READERS or self._readers[whose] >= MAX_READERS_EACH:
            text = "Too many pages follow sessions at this moment.\n"
            return PlainTextResponse(text, status_code=503, headers={**HEADERS, "Retry-After": "30"})
        said = request.headers.get("last-event-id", request.query_params.get("after", ""))
        after = int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else 0
        return StreamingResponse(
            self._counted(session_id, after, whose, may_go_on),
            media_type="text/event-stream",
            headers={**HEADERS, "X-Accel-Buffering": "no"},
        )

    async def _counted(
        self, session_id: str, after: int, whose: str, may_go_on: Callable[[], bool]
    ) -> AsyncIterator[str]:
        self._readers[whose] += 1
        try:
            async with aclosing(self._events(session_id, after, may_go_on)) as events:
                async for event in events:
                    yield event
        except Transient as error:
            # The browser asks again after a while, and is told then how things are.
            log.warning("a page is not told what is new", extra={"session": session_id, "why": str(error)})
        finally:
            self._readers[whose] -= 1
            self._readers += Counter()  # those at zero go

    async def _events(self, session_id: str, after: int, may_go_on: Callable[[], bool]) -> AsyncGenerator[str, None]:
        yield f"retry: {_RETRY_MS}\n\n"
        asked_at = monotonic()
        while True:
            if monotonic() - asked_at > ASK_AGAIN_S:
                if not await asyncio.to_thread(may_go_on):
                    yield _event("gone", "")
                    return
                asked_at = monotonic()
            story = await asyncio.to_thread(self.source.story, session_id, after=after, limit=BATCH)
            if story is None:
                yield _event("gone", "")
                return
            if story.links:
                for event in await asyncio.to_thread(self._drawn, story):
                    yield event
                after = story.links[-1].number
            elif story.session.status.is_terminal:
                yield _event("end", "")
                return
            else:
                yield ": so far\n\n"
                await self._watch.wait(session_id, after, BEAT_S)

    def _drawn(self, story: Story) -> list[str]:
        events = [_event("line", html, number) for number, html in self.drawing.lines(story)]
        return [*events, _event("head", self.drawing.head(story))]


def _event(name: str, html: str, number: int | None = None) -> str:
    """An event. Each line of what it says is a field of its own: a carriage return would end one, too."""
    lines = html.replace("\r", "").split("\n")
    number_line = f"id: {number}\n" if number is not None else ""
    return f"event: {name}\n{number_line}" + "".join(f"data: {line}\n" for line in lines) + "\n"
