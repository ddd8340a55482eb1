"""The runner: workspaces and sandboxes for a broker that is another user. Here are no key, no token, no remote.

One connection is one workspace, so that whatever ends the connection (the broker's death, too) ends the command in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from github_app.adapters.egress.relay import join
from github_app.adapters.repository.packs import Imports
from github_app.adapters.repository.workspaces import LocalWorkspace, LocalWorkspaces
from github_app.adapters.runner.claims import pack_changes, unpack_changes
from github_app.adapters.runner.desks import Calls
from github_app.adapters.runner.messages import (
    Answer,
    Apply,
    Attend,
    Cancel,
    Changed,
    Changes,
    Close,
    Delete,
    Discard,
    Done,
    Examine,
    Examined,
    Exec,
    Failed,
    List,
    Open,
    Opened,
    Ran,
    Reach,
    Reached,
    Read,
    Recall,
    Remember,
    Request,
    Take,
    Tidy,
    Write,
)
from github_app.adapters.runner.wire import BODY_BYTES, Frame, ProtocolBroken, Wire, to_header
from github_app.core.backing import Backing
from github_app.core.errors import HonkError, Misconfigured, PathRefused, SandboxUnavailable, ToolFailed, Transient
from github_app.core.ports import ExecResult

log = logging.getLogger(__name__)

_TEXT_CHARACTERS = 2_000


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Serves `workspaces` to whoever may open the socket, except its own user: sandboxes run as that, for the host."""

    workspaces: LocalWorkspaces
    imports: Imports
    examine: Callable[[], Awaitable[Examined]]
    _talks: set[Talk] = field(default_factory=set)

    async def serve(self, socket: Path, *, ready: Callable[[], None]) -> None:
        """Listen until cancelled. The socket's folder decides who may connect: its group may, others may not.

        Raises `Misconfigured` if there cannot be a socket.
        """
        before = os.umask(0o117)
        try:
            if socket.is_socket():  # of one that was killed
                socket.unlink()
            server = await asyncio.start_unix_server(self.talk, socket)
        except OSError as error:
            raise Misconfigured(f"HONK_RUNNER_SOCKET {socket} cannot be made: {error}") from error
        finally:
            os.umask(before)
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            # Not `serve_forever`, which waits for connections to end by themselves.
            server.close()
            await asyncio.gather(*(talk.end() for talk in self._talks))

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        wire = Wire.over(reader, writer)
        if wire.peer.uid == os.geteuid():
            log.warning("refused a connection of our own user", extra={"pid": wire.peer.pid})
            wire.drop()
            return
        talk = Talk(runner=self, wire=wire)
        self._talks.add(talk)
        try:
            await talk.run()
        except ProtocolBroken as error:
            log.warning("the broker broke the protocol", extra={"why": str(error)})
        except ConnectionError:
            pass  # it hung up
        except Exception:  # the root of this connection
            log.exception("a connection failed")
        finally:
            wire.drop()
            self._talks.discard(talk)
            talk.ended.set()

    def find(self, key: str) -> Talk:
        """The connection that has a session open. Raises `ToolFailed`."""
        found = next((each for each in self._talks if each.key == key), None)
        if found is None:
            raise ToolFailed("That session is not open.")
        return found

    async def end_others(self, talk: Talk, key: str) -> None:
        """End whoever else has a session open: two commands at once in one workspace would break it."""
        while other := next((each for each in self._talks if each.key == key and each is not talk), None):
            await other.end()


@dataclass(kw_only=True, eq=False)
class Talk:
    """One connection, and the workspace that it opened."""

    runner: Runner
    wire: Wire
    key: str | None = None
    workspace: LocalWorkspace | None = None
    calls: Calls = field(default_factory=Calls)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def end(self) -> None:
        """Hang up, and wait until its command is dead and its workspace closed."""
        self.wire.drop()
        await self.ended.wait()

    async def run(self) -> None:
        """Answer each request once, until the broker hangs up. Raises `ProtocolBroken`, `ConnectionError`."""
        upcoming = asyncio.ensure_future(self.wire.read(body_bytes=BODY_BYTES))
        try:
            while (frame := await upcoming) is not None:
                request = frame.request()
                if isinstance(request, Attend):
                    await self._attend(request)
                    return
                if isinstance(request, Take):
                    await self._say(await self._tried(self._take(request)))
                    upcoming = asyncio.ensure_future(self.wire.read(body_bytes=BODY_BYTES))
                    continue
                upcoming = asyncio.ensure_future(self.wire.read(body_bytes=BODY_BYTES))
                if not isinstance(request, Cancel):  # a late one: its request is answered already
                    await self._say(await self._while_wanted(request, frame.body, upcoming))
        finally:
            upcoming.cancel()
            if self.workspace is not None:  # what was written stays, for the next one who opens it
                await self.workspace.close(discard=False)

    async def _while_wanted(
        self, request: Request, body: bytes, upcoming: asyncio.Future[Frame | None]
    ) -> tuple[Answer, bytes]:
        """The answer; if the broker says another word before it is there, or hangs up, the work is stopped."""
        work = asyncio.ensure_future(self._tried(self._answer(request, body)))
        try:
            either: list[asyncio.Future[Any]] = [work, upcoming]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        return (Failed(kind="transient", text="withdrawn"), b"") if work.cancelled() else work.result()

    async def _say(self, told: tuple[Answer, bytes]) -> None:
        answer, body = told
        self.wire.begin(to_header(answer), body)
        await self.wire.flush()

    async def _tried(self, work: Awaitable[tuple[Answer, bytes]]) -> tuple[Answer, bytes]:
        """What comes of it, an error as an answer too."""
        try:
            answer, body = await work
            to_header(answer)
        except (HonkError, ProtocolBroken) as error:
            return Failed(kind=_kind_of(error), text=str(error)[:_TEXT_CHARACTERS]), b""
        except ConnectionError:
            raise
        except Exception as error:  # a bug of ours: told there, explained here
            log.exception("a request failed")
            return Failed(kind="sandbox", text=f"the runner failed ({type(error).__name__}); its log says more"), b""
        return answer, body

    async def _answer(self, request: Request, body: bytes) -> tuple[Answer, bytes]:
        match request:
            case Open():
                return await self._open(request), b""
            case Discard(key=key):
                await self.runner.workspaces.discard(key)
            case Tidy(idle_s=idle_s, max_bytes=max_bytes):
                await asyncio.to_thread(self.runner.workspaces.tidy, idle_s=idle_s, max_bytes=max_bytes)
            case Reach(paths=paths):
                own = f"/proc/{self.wire.peer.pid}/environ"
                return Reached(paths=tuple(await asyncio.to_thread(_readable, (*paths, own)))), b""
            case Examine():
                return await self.runner.examine(), b""
            case _:
                return await self._work(request, body)
        return Done(), b""

    async def _work(  # noqa: C901 - a table, one row a request
        self, request: Request, body: bytes
    ) -> tuple[Answer, bytes]:
        """What needs an open workspace."""
        if self.workspace is None:
            raise ToolFailed("No workspace is open.")
        match request:
            case Exec():
                result = await self._exec(self.workspace, request, body)
                return Ran(result=replace(result, output="")), result.output.encode()
            case Read(path=path, max_bytes=max_bytes):
                return Done(), await self.workspace.read(path, max_bytes=max_bytes)
            case Write(path=path, executable=executable):
                await self.workspace.write(path, body, executable=executable)
            case Delete(path=path):
                await self.workspace.delete(path)
            case List(prefix=prefix, limit=limit):
                paths = await self.workspace.list(prefix, limit=limit)
                return Done(), b"".join(os.fsencode(path) + b"\0" for path in paths)
            case Changes():
                changes = await self.workspace.changes()
                files, contents = pack_changes(changes)
                return Changed(base_sha=changes.base_sha, files=files), contents
            case Apply(files=files):
                await self.workspace.apply(unpack_changes(files, body, base_sha=self.workspace.sha))
            case Recall():
                return Done(), (await self.workspace.recall()).encode()
            case Remember(note=note):
                await self.workspace.remember(note)
            case Close(discard=discard):
                await self.workspace.close(discard=discard)
                self.workspace = None
            case _:
                raise ToolFailed("Not asked of a workspace.")
        return Done(), b""

    async def _exec(self, workspace: LocalWorkspace, request: Exec, stdin: bytes) -> ExecResult:
        async with contextlib.AsyncExitStack() as stack:
            desk = await stack.enter_async_context(self.calls.taken()) if request.has_desk else None
            return await workspace.exec(
                request.argv,
                cwd=request.cwd,
                env=request.env,
                limits=request.limits,
                network=request.network,
                backing=Backing(stdin=stdin, desk=desk),
            )

    async def _attend(self, request: Attend) -> None:
        """Give this connection to the next one who calls at a desk."""
        try:
            calling = asyncio.ensure_future(self.runner.find(request.key).calls.next())
        except ToolFailed as error:
            await self._say((Failed(kind="tool", text=str(error)), b""))
            return
        hung_up = asyncio.ensure_future(self.wire.ends[0].read(1))  # the broker says nothing before it is answered
        try:
            await asyncio.wait({calling, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up.cancel()
            await asyncio.gather(hung_up, return_exceptions=True)
            if not calling.done():
                calling.cancel()
        if calling.done() and not calling.cancelled():
            await self._say((Done(), b""))
            await join(self.wire.ends, calling.result())

    async def _open(self, request: Open) -> Opened:
        if self.key is not None:
            raise ToolFailed("A connection has one workspace.")
        find = self.runner.imports.find
        store = await asyncio.to_thread(find, request.repo_id, request.sha)
        if store is None:
            return Opened(is_open=False, known=await asyncio.to_thread(self.runner.imports.newest, request.repo_id))
        await self.runner.end_others(self, request.key)
        self.key = request.key
        opening = asyncio.ensure_future(
            self.runner.workspaces.open_from(lambda: store, request.repo_id, request.sha, request.key)
        )
        try:
            await asyncio.shield(opening)
        finally:
            # Its thread goes on whoever hangs up, and would clear away what the next one to open this session has.
            await asyncio.wait([opening])
            if opening.exception() is None:
                self.workspace = opening.result()
        return Opened(is_open=True)

    async def _take(self, request: Take) -> tuple[Answer, bytes]:
        """Take in a commit. What comes is read to its end in any case, or it would be taken for requests."""
        pieces = self._pieces()
        try:
            await self._take_in(request, pieces)
        except HonkError:
            async for _ in pieces:
                pass
            raise
        return Done(), b""

    async def _take_in(self, request: Take, pieces: AsyncIterator[bytes]) -> None:
        intake = await asyncio.to_thread(self.runner.imports.begin, request.repo_id, request.sha, request.cut)
        try:
            async for piece in pieces:
                await asyncio.to_thread(intake.write, piece)
            await asyncio.to_thread(intake.finish)
        finally:
            await asyncio.to_thread(intake.abort)

    async def _pieces(self) -> AsyncIterator[bytes]:
        while frame := await self.wire.read(body_bytes=BODY_BYTES):
            if not frame.body:
                return
            yield frame.body
        raise ConnectionResetError


def _kind_of(error: HonkError | ProtocolBroken) -> Literal["path", "tool", "transient", "sandbox"]:
    match error:
        case PathRefused():
            return "path"
        case Transient():
            return "transient"
        case SandboxUnavailable():
            return "sandbox"
        case _:
            return "tool"


def _readable(paths: Iterable[str]) -> Iterable[str]:
    """Those of the paths that this user can read."""
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if not os.path.isdir(descriptor):  # noqa: PTH112 - a descriptor
                    os.read(descriptor, 1)
                yield path
            finally:
                os.close(descriptor)
