"""The broker's end of one connection to the runner: ask, and believe nothing of the answer before it is checked."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from github_app.adapters.runner.claims import printable
from github_app.adapters.runner.messages import Answer, Cancel, Done, Failed, Request, Take
from github_app.adapters.runner.wire import Frame, ProtocolBroken, Wire, to_header
from github_app.core.errors import HonkError, PathRefused, SandboxUnavailable, ToolFailed, Transient

A = TypeVar("A", bound=Answer)

USUAL_S = 600.0
_DEATH_S = 60.0
_TEXT_CHARACTERS = 2_000


@dataclass(kw_only=True)
class Line:
    """A connection to a runner that is another, unprivileged user. One question at a time; others wait for it.

    Raises `Transient` where the runner is away, slow or ends, `SandboxUnavailable` where it breaks the protocol or is
    nobody to be trusted; the connection is over then.
    """

    wire: Wire
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_over: bool = False

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Connect to the socket at `path`."""
        try:
            wire = Wire.over(*await asyncio.open_unix_connection(path))
        except PermissionError as error:
            why = f"uid {os.geteuid()} may not open {path}: put it into the group that the socket's folder belongs to"
            raise SandboxUnavailable(why) from error
        except OSError as error:
            raise Transient(f"the runner does not answer at {path} ({error.strerror}); is `honk runner` up?") from error
        uid = wire.peer.uid
        if uid in (0, os.geteuid()):
            wire.drop()
            whose = "root" if uid == 0 else "the broker's own user"
            raise SandboxUnavailable(f"the runner at {path} runs as {whose}; it must be another, unprivileged one")
        if uid != owner_of(path):
            wire.drop()
            why = f"uid {uid} listens at {path}, maybe in the runner's place: the socket must be the listener's own"
            raise SandboxUnavailable(f"{why}, in a folder of its own, of ours or of root where others may not write")
        return cls(wire=wire)

    async def ask(
        self,
        request: Request,
        body: bytes = b"",
        *,
        answer: type[A],
        body_bytes: int = 0,
        timeout_s: float = USUAL_S,
    ) -> tuple[A, bytes]:
        """The answer, of this kind and with a body of at most so many bytes. Cancelling stops the work first."""
        header = to_header(request)
        async with self._turn:
            exchange = asyncio.ensure_future(self._exchange(header, body, body_bytes=body_bytes, timeout_s=timeout_s))
            try:
                frame = await asyncio.shield(exchange)
            except asyncio.CancelledError:
                await self._withdraw(exchange)
                raise
            told = self._checked(frame, answer)
            return told, frame.body

    async def bring(self, request: Take, pack: Iterator[bytes]) -> None:
        """Bring a commit. `pack` is read in a thread; if it or the connection fails, the connection is over."""
        header = to_header(request)
        async with self._turn:
            try:
                self._begin(header)
                while chunk := await asyncio.to_thread(next, pack, b""):
                    self._begin(b"", chunk)
                    async with asyncio.timeout(USUAL_S):
                        await self.wire.flush()
                frame = await self._exchange(b"", b"", body_bytes=0, timeout_s=USUAL_S)
            except (TimeoutError, ConnectionError) as error:
                self.drop()
                raise Transient(f"the runner did not take the commit ({type(error).__name__})") from error
            except BaseException:
                self.drop()
                raise
            self._checked(frame, Done)

    def broken(self, error: ProtocolBroken) -> SandboxUnavailable:
        """Hang up on a runner that said what it must not; the error to raise."""
        self.drop()
        return SandboxUnavailable(f"the runner broke the protocol: {error}; look whether it was taken over")

    def drop(self) -> None:
        """Hang up."""
        self._is_over = True
        self.wire.drop()

    async def _exchange(self, header: bytes, body: bytes, *, body_bytes: int, timeout_s: float) -> Frame:
        try:
            async with asyncio.timeout(timeout_s):
                self._begin(header, body)
                await self.wire.flush()
                frame = await self.wire.read(body_bytes=body_bytes)
        except ProtocolBroken as error:
            raise self.broken(error) from None
        except (TimeoutError, ConnectionError) as error:
            self.drop()
            raise Transient(f"the runner did not answer ({type(error).__name__})") from error
        if frame is None:
            self.drop()
            raise Transient("the runner went away")
        return frame

    def _begin(self, header: bytes, body: bytes = b"") -> None:
        if self._is_over:
            raise Transient("the connection to the runner is over")
        self.wire.begin(header, body)

    async def _withdraw(self, exchange: asyncio.Future[Frame]) -> None:
        """Have the runner stop, and wait until it has; if it does not, hanging up stops it too."""
        try:
            if not exchange.done() and not self._is_over:
                self.wire.begin(to_header(Cancel()))
                await asyncio.wait([exchange], timeout=_DEATH_S)
        finally:
            if not exchange.done():
                exchange.cancel()
                self.drop()
            elif not exchange.cancelled():
                exchange.exception()  # looked at, so that nobody misses it

    def _checked(self, frame: Frame, kind: type[A]) -> A:
        try:
            told = frame.answer()
        except ProtocolBroken as error:
            raise self.broken(error) from None
        if isinstance(told, kind):
            return told
        if isinstance(told, Failed) and not frame.body:
            raise _error_of(told)
        raise self.broken(ProtocolBroken(f"`{told.answer}` is no answer to this"))


def owner_of(path: Path) -> int | None:
    """Whose the socket at `path` is; None if it is none, or if somebody else could have put it there."""
    try:
        found, folder = path.lstat(), path.parent.stat()
    except OSError:
        return None
    is_closed = folder.st_uid in (0, os.geteuid(), found.st_uid) and not folder.st_mode & stat.S_IWOTH
    return found.st_uid if is_closed and stat.S_ISSOCK(found.st_mode) else None


def _error_of(told: Failed) -> HonkError:
    """The error that the runner tells of; its words are cut to a length and to what can be printed."""
    text = "\n".join(map(printable, told.text[:_TEXT_CHARACTERS].split("\n")))
    match told.kind:
        case "path":
            return PathRefused(text)
        case "tool":
            return ToolFailed(text)
        case "transient":
            return Transient(text)
        case "sandbox":
            return SandboxUnavailable(text)
