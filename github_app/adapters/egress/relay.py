"""Passes what a sandboxed command says to its desk on to a unix socket of ours, byte by byte, and the answers back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

_CHUNK = 65_536
_CONNECTIONS = 64


@contextlib.asynccontextmanager
async def relaying(listener: socket.socket, desk: Path) -> AsyncIterator[None]:
    """Relay each connection at this listener to the socket at `desk`, as long as the context lasts."""
    relay = _Relay(desk=desk)
    with listener:
        server = await asyncio.start_server(relay.accept, sock=listener)
        try:
            yield
        finally:
            server.close()
            await relay.end()


@dataclass(kw_only=True)
class _Relay:
    desk: Path
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _is_over: bool = False

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection, if there is room for it."""
        if self._is_over or len(self._serving) >= _CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def end(self) -> None:
        """Drop all connections."""
        self._is_over = True
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What the other side does to its connection is its own affair.
        with contextlib.suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_unix_connection(self.desk)
            await join((reader, writer), (inner_reader, inner_writer))


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def join(one: Ends, other: Ends) -> None:
    """Pass bytes on in both ways until both sides have said all; then, or on any failure, hang up on both."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pass_on(one[0], other[1]))
            group.create_task(_pass_on(other[0], one[1]))
    except* OSError:
        pass
    finally:
        for _, writer in (one, other):
            writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
