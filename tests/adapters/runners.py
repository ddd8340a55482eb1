"""A runner and its broker in one process, with a real socket between them, and a runner that says what a test wants."""

from __future__ import annotations

import asyncio
import itertools
import os
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from github_app.adapters.repository.bases import Base
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.packs import Imports
from github_app.adapters.repository.workspaces import LocalWorkspaces
from github_app.adapters.runner import line, server
from github_app.adapters.runner.client import RemoteWorkspace, RemoteWorkspaces
from github_app.adapters.runner.line import Line
from github_app.adapters.runner.messages import Examined
from github_app.adapters.runner.server import Runner
from github_app.adapters.runner.wire import Peer, Wire
from github_app.core.ports import GitAuth
from tests.adapters.desks import REPO
from tests.adapters.origins import LOCAL_GIT, Origin

Listener = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@dataclass(kw_only=True)
class Pair:
    """A broker's workspaces, and the runner behind them."""

    origin: Origin
    broker: RemoteWorkspaces
    runner: Runner
    fetches: int = 0
    opened: list[RemoteWorkspace] = field(default_factory=list)
    keys: itertools.count[int] = field(default_factory=itertools.count)

    def auth(self) -> GitAuth:
        """How to fetch; counted."""
        self.fetches += 1
        return self.origin.auth

    async def open(self, sha: str, *, key: str | None = None) -> RemoteWorkspace:
        """Open a workspace; without a key, one that nobody had."""
        opened = await self.broker.open(REPO, sha, key or f"fresh-{next(self.keys)}", auth=self.auth)
        self.opened.append(opened)
        return opened


def pretend_two_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both ends of a socket take the other for another user: all but the kernel's word for it is real."""
    real = Wire.over.__func__  # type: ignore[attr-defined]

    def over(cls: type[Wire], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Wire:
        wire: Wire = real(cls, reader, writer)
        return replace(wire, peer=Peer(pid=wire.peer.pid, uid=os.geteuid() + 1, gid=os.getegid() + 1))

    monkeypatch.setattr(line, "owner_of", lambda _: os.geteuid() + 1)
    for module in (line, server):
        monkeypatch.setattr(module.Wire, "over", classmethod(over))


@asynccontextmanager
async def running(path: Path, *, has_overlay: bool = True) -> AsyncIterator[Pair]:
    """A pair below a path that a sandbox can reach."""
    from github_app.adapters.sandbox.bubblewrap import Bubblewrap

    sandbox = replace(Bubblewrap.probe(state_dir=path), has_overlay=has_overlay)
    workspaces = LocalWorkspaces(root=path / "runner", git=LOCAL_GIT, sandbox=sandbox)

    async def examine() -> Examined:
        return Examined(about="a sandbox", walls=())

    runner = Runner(
        workspaces=workspaces,
        imports=Imports(mirrors=Mirrors(root=path / "runner/mirrors", git=LOCAL_GIT)),
        examine=examine,
    )
    socket = path / "runner.sock"
    ready = asyncio.Event()
    serving = asyncio.ensure_future(runner.serve(socket, ready=ready.set))
    await ready.wait()
    broker = RemoteWorkspaces(socket=socket, root=path / "broker", git=LOCAL_GIT)
    pair = Pair(origin=Origin.create(path / "origin.git"), broker=broker, runner=runner)
    try:
        yield pair
    finally:
        serving.cancel()  # it ends though brokers are connected
        await asyncio.gather(serving, return_exceptions=True)
        for workspace in pair.opened:
            workspace.line.drop()


@asynccontextmanager
async def listening(path: Path, listener: Listener) -> AsyncIterator[Path]:
    """A socket behind which something else than a runner listens."""
    socket = path / "hostile.sock"
    tasks: set[asyncio.Future[None]] = set()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(listener(reader, writer))
        tasks.add(task)
        await asyncio.wait({task})
        writer.close()

    async with await asyncio.start_unix_server(listen, socket):
        yield socket
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)


def saying(*pieces: bytes, hang_up: bool = False) -> Listener:
    """A listener that answers each request that it can read with the next of these bytes, whatever was asked."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = list(pieces)
        while lengths := await reader.read(8):
            header, body = struct.unpack(">II", lengths)
            await reader.readexactly(header + body)
            if left:
                writer.write(left.pop(0))
            elif hang_up:
                break

    return listen


def framed(header: bytes, body: bytes = b"") -> bytes:
    """A frame."""
    return struct.pack(">II", len(header), len(body)) + header + body


async def workspace_at(socket: Path, *, sha: str = "a" * 40, mirror: Path = Path("/nowhere")) -> RemoteWorkspace:
    """A workspace that is taken for open at a socket."""
    base = Base(git=LOCAL_GIT, mirror=lambda: mirror, sha=sha)
    return RemoteWorkspace(sha=sha, line=await Line.connect(socket), base=base)
