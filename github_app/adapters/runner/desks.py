"""How a command in the runner's sandbox reaches a desk of the broker's, though the runner never asks for anything: the
broker keeps one more connection waiting there, on which the runner answers when the command has called; from then on it
carries what the two say, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from github_app.adapters.egress.relay import Ends, join
from github_app.adapters.runner.line import Line
from github_app.adapters.runner.messages import Attend, Done
from github_app.core.errors import HonkError

_WAIT_S = 86_400.0
_AGAIN_S = 1.0


@dataclass(kw_only=True)
class Calls:
    """The runner's side: who has called from a sandbox and is not attended to yet."""

    _waiting: asyncio.Queue[Ends] = field(default_factory=asyncio.Queue)

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[Path]:
        """Take calls at the socket whose path is given; whoever is left at the end is hung up on."""
        with tempfile.TemporaryDirectory(prefix="honk-desk-") as folder:
            path = Path(folder) / "socket"
            server = await asyncio.start_unix_server(self._take, path)
            try:
                yield path
            finally:
                server.close()
                while not self._waiting.empty():
                    self._waiting.get_nowait()[1].transport.abort()

    async def next(self) -> Ends:
        """The next one to attend to."""
        return await self._waiting.get()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._waiting.put_nowait((reader, writer))


@contextlib.asynccontextmanager
async def attending(runner: Path, key: str, desk: Path | None) -> AsyncIterator[None]:
    """The broker's side: lead those who call from a session's sandbox to a desk, as long as the context lasts."""
    if desk is None:
        yield
        return
    work = asyncio.ensure_future(_attend(runner, key, desk))
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _attend(runner: Path, key: str, desk: Path) -> None:
    joined: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                line = await Line.connect(runner)
            except HonkError:  # what runs there will say so, too
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                await line.ask(Attend(key=key), answer=Done, timeout_s=_WAIT_S)
                ends = await asyncio.open_unix_connection(desk)
            except (HonkError, OSError):
                line.drop()
                await asyncio.sleep(_AGAIN_S)
                continue
            except BaseException:
                line.drop()
                raise
            task = asyncio.ensure_future(join(line.wire.ends, ends))
            joined.add(task)
            task.add_done_callback(joined.discard)
    finally:
        for task in joined:
            task.cancel()
        await asyncio.gather(*joined, return_exceptions=True)
