"""Messages on a unix socket: frames whose lengths are checked before they are read, and who is at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Annotated, Self, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from github_app.adapters.repository.changes import MAX_TOTAL_BYTES
from github_app.adapters.runner.messages import Answer, Request
from github_app.core.errors import ToolFailed

T = TypeVar("T")

HEADER_BYTES = 4 * 2**20
BODY_BYTES = MAX_TOTAL_BYTES
"""The longest body of all: the contents of the largest change set."""

_LENGTHS = struct.Struct(">II")
_PEER = struct.Struct("3i")
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="ask")])
_ANSWER: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="answer")])


class ProtocolBroken(Exception):
    """The other side said what it must not say. The connection is of no use any more."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Who is at the other end, as the kernel says; `pid` is 0 for one that we cannot see."""

    pid: int
    uid: int
    gid: int


def ask_peer(connection: socket.socket) -> Peer:
    """Who made the other end of a unix socket."""
    pid, uid, gid = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return Peer(pid=pid, uid=uid, gid=gid)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A message as it travels: JSON, and raw bytes beside it."""

    header: bytes
    body: bytes

    def request(self) -> Request:
        """What the broker asks. Raises `ProtocolBroken`."""
        return _parse(_REQUEST, self.header)

    def answer(self) -> Answer:
        """What the runner answers. Raises `ProtocolBroken`."""
        return _parse(_ANSWER, self.header)


def to_header(message: Request | Answer) -> bytes:
    """The JSON of a message. Raises `ToolFailed` for words that are not text, or more of them than a header holds."""
    try:
        is_request = hasattr(message, "ask")
        header = _REQUEST.dump_json(message) if is_request else _ANSWER.dump_json(message)  # type: ignore[arg-type]
    except ValueError:
        raise ToolFailed("Refused: it holds half of a character, which is not text.") from None
    if len(header) > HEADER_BYTES:
        raise ToolFailed("Refused: that is too long to be told.")
    return header


def _parse(adapter: TypeAdapter[T], header: bytes) -> T:
    try:
        return adapter.validate_json(header, strict=True)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        raise ProtocolBroken(f"a message that makes no sense ({wrong['msg'][:200]})") from None


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One connection, and who made its other end: the process that connected, or that listens."""

    peer: Peer
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    @classmethod
    def over(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Self:
        """A wire over an asyncio connection."""
        return cls(peer=ask_peer(writer.get_extra_info("socket")), _reader=reader, _writer=writer)

    @property
    def ends(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection itself, for what is no message any more."""
        return self._reader, self._writer

    def begin(self, header: bytes, body: bytes = b"") -> None:
        """Hand a frame to the kernel, or keep what it does not take yet; `flush` waits for it."""
        self._writer.write(_LENGTHS.pack(len(header), len(body)) + header)
        if body:
            self._writer.write(body)

    async def flush(self) -> None:
        """Wait until the other side has taken most of it. Raises `ConnectionError` if it is gone."""
        await self._writer.drain()

    async def read(self, *, body_bytes: int) -> Frame | None:
        """The next frame; None if the other side hung up. Raises `ProtocolBroken` before it reads what is too long."""
        try:
            lengths = await self._reader.readexactly(_LENGTHS.size)
            header_length, body_length = _LENGTHS.unpack(lengths)
            if header_length > HEADER_BYTES or body_length > body_bytes:
                raise ProtocolBroken(f"a message of {header_length} and {body_length} bytes is too long")
            header = await self._reader.readexactly(header_length)
            return Frame(header=header, body=await self._reader.readexactly(body_length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def drop(self) -> None:
        """Hang up at once."""
        with contextlib.suppress(RuntimeError):  # the event loop that it belongs to is gone, and so is the connection
            self._writer.transport.abort()
