"""A session as it happens: each record once and in order, whoever comes back, and nobody for ever."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from github_app.core.errors import Transient
from github_app.core.record.audit import Link, canonical
from github_app.core.record.story import Story
from github_app.core.session import Session, Status
from github_app.web import streams as module
from github_app.web.sessions import SessionPages
from github_app.web.streams import BATCH, Streams
from tests.engine.values import a_session


@dataclass
class Book:
    """What is on record, written by the test."""

    session: Session | None = field(default_factory=a_session)
    links: list[Link] = field(default_factory=list)
    is_away: bool = False
    looks: int = 0

    def write(self, count: int = 1) -> None:
        for number in range(len(self.links) + 1, len(self.links) + 1 + count):
            document = canonical({"kind": "Ticked", "why": f"w{number}\r\ndata: x"})
            self.links.append(Link(chain="c", number=number, at="2026", kind="decision", document=document, hash=""))

    def end(self) -> None:
        assert self.session is not None
        self.session = replace(self.session, status=Status.MERGED)

    def story(self, _: str, *, after: int = 0, limit: int | None = None) -> Story | None:
        links = [link for link in self.links if link.number > after][:limit]
        return Story(session=self.session, links=links) if self.session is not None else None

    def lengths(self, ids: object) -> dict[str, int]:
        self.looks += 1
        if self.is_away:
            raise Transient("away")
        assert ids == ("7-1-1",)
        return {"7-1-1": len(self.links)}


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def streams(book: Book, monkeypatch: pytest.MonkeyPatch) -> Streams:
    monkeypatch.setattr(module, "LOOK_S", 0.005)
    return Streams(source=book, drawing=SessionPages(clean=str, github_url="https://github.com"))


def ask(
    streams: Streams, last: str = "", after: str = "", whose: str = "ann", may: Callable[[], bool] = lambda: True
) -> Reader:
    headers = [(b"last-event-id", last.encode())] if last else []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": f"after={after}".encode(),
        "headers": headers,
    }
    answer = streams.answer(Request(scope), "7-1-1", whose=whose, may_go_on=may)
    if not isinstance(answer, StreamingResponse):
        raise PermissionError(answer.status_code)
    assert answer.media_type == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    return Reader(answer)


class Reader:
    """A browser that reads one stream: numbers of lines, and names of other events."""

    def __init__(self, answer: StreamingResponse) -> None:
        self._events = answer.body_iterator

    async def next(self) -> str | int:
        async for raw in self._events:
            event = str(raw)
            found = re.match(r"event: (\w+)\n(?:id: (\d+)\n)?((?:data: .*\n)+)\n$", event)
            if found is None:
                assert re.match(r"(retry: \d+|: .*)\n\n$", event)
                continue
            if found[1] != "head":
                return int(found[2]) if found[2] else found[1]
        return "cut"

    async def rest(self) -> list[str | int]:
        seen: list[str | int] = []
        while not seen or isinstance(seen[-1], int):
            seen.append(await self.next())
        return seen

    async def leave(self) -> None:
        await self._events.aclose()  # type: ignore[attr-defined]


async def test_what_was_and_what_comes_is_sent_once_in_order_until_it_ends(book: Book, streams: Streams):
    book.write(3)
    reader = ask(streams)
    assert [await reader.next() for _ in range(3)] == [1, 2, 3]
    book.write(2 * BATCH)
    assert [await reader.next() for _ in range(2 * BATCH)] == list(range(4, 4 + 2 * BATCH))
    waiting = asyncio.ensure_future(reader.next())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    book.end()
    book.write()
    assert await waiting == 4 + 2 * BATCH
    assert await reader.rest() == ["end"]


@pytest.mark.parametrize(("last", "after"), [("2", ""), ("", "2"), ("2", "1")])
async def test_who_comes_back_goes_on_where_they_were(book: Book, streams: Streams, last: str, after: str):
    book.write(4)
    book.end()
    assert await ask(streams, last, after).rest() == [3, 4, "end"]


@pytest.mark.parametrize("nonsense", ["-1", "x", "9" * 30, "٣"])
async def test_who_says_nonsense_gets_all(book: Book, streams: Streams, nonsense: str):
    book.write()
    book.end()
    assert await ask(streams, after=nonsense).rest() == [1, "end"]


async def test_a_reader_who_is_cut_off_at_any_place_misses_nothing_and_gets_nothing_twice(book: Book, streams: Streams):
    seen: list[int | str] = []
    for _ in range(60):
        book.write(3)
        reader = ask(streams, str(seen[-1]) if seen else "")
        seen += [await reader.next() for _ in range(2)]
        await reader.leave()
    book.end()
    seen += await ask(streams, str(seen[-1])).rest()
    assert seen == [*range(1, 181), "end"]


async def test_all_who_wait_share_one_question_and_when_nobody_waits_none_is_asked(book: Book, streams: Streams):
    readers = [ask(streams, whose=str(number)) for number in range(20)]
    waiting = [asyncio.ensure_future(reader.next()) for reader in readers]
    await asyncio.sleep(0.05)
    looks = book.looks
    assert 0 < looks < 20
    book.is_away = True
    await asyncio.sleep(0.02)
    book.is_away = False
    book.write()
    assert await asyncio.gather(*waiting) == [1] * 20
    for reader in readers:
        await reader.leave()
    await asyncio.sleep(0.02)
    looks = book.looks
    await asyncio.sleep(0.02)
    assert book.looks == looks


async def test_who_may_no_longer_read_is_told_and_sees_no_more(
    book: Book, streams: Streams, monkeypatch: pytest.MonkeyPatch
):
    may = True
    monkeypatch.setattr(module, "ASK_AGAIN_S", -1.0)
    book.write()
    reader = ask(streams, may=lambda: may)
    assert await reader.next() == 1
    may = False
    book.write()
    assert await reader.next() == "gone"
    assert await reader.next() == "cut"


async def test_where_github_does_not_say_whether_they_may_the_stream_is_cut(
    book: Book, streams: Streams, monkeypatch: pytest.MonkeyPatch
):
    def may() -> bool:
        raise Transient("GitHub is away")

    monkeypatch.setattr(module, "ASK_AGAIN_S", -1.0)
    book.write()
    assert await ask(streams, may=may).rest() == ["cut"]


async def test_a_session_that_is_gone_ends_the_stream(book: Book, streams: Streams):
    book.session = None
    assert await ask(streams).rest() == ["gone"]


async def test_a_silent_line_shows_that_it_lives(streams: Streams, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BEAT_S", 0.001)
    events = ask(streams)._events.__aiter__()
    assert [str(await anext(events))[:2] for _ in range(4)] == ["re", ": ", ": ", ": "]


async def test_only_so_many_may_read_at_once(book: Book, streams: Streams, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_READERS_EACH", 2)
    monkeypatch.setattr(module, "MAX_READERS", 3)
    book.write()
    readers = [ask(streams, whose=whose) for whose in ("ann", "ann", "rob")]
    for reader in readers[:2]:
        await reader.next()
    with pytest.raises(PermissionError, match="503"):
        ask(streams)
    await readers[2].next()
    with pytest.raises(PermissionError, match="503"):
        ask(streams, whose="cat")
    await readers[0].leave()
    assert await ask(streams).next() == 1
