"""The allow-list proxy: what a sandboxed command asks for leaves only if the policy names the host, the host is one of
the outside world, and the TLS inside is for that very host.

One proxy serves one command, at a listener in the command's own network (`listener`). It knows CONNECT, and the
registries' mirror; nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from github_app.adapters.egress.addresses import is_elsewhere, look_up
from github_app.adapters.egress.clienthello import read_server_name
from github_app.adapters.egress.listener import PORT
from github_app.adapters.egress.mirror import Mirror, Visit
from github_app.adapters.egress.registries import find_registries
from github_app.adapters.egress.rules import Denied, EgressLimits, Ledger, Meter, Rules, split_authority
from github_app.adapters.egress.upstream import Upstream
from github_app.core.hosts import plain_name
from github_app.core.policy import REGISTRIES

_CHUNK = 65_536
_HEAD_BYTES = 16_384
_CONNECT_S = 20.0
_URL = f"http://127.0.0.1:{PORT}"


class _Failed(Exception):
    """Allowed, and did not work; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Egress:
    """The way out for sandboxed commands. `look_up` and `is_elsewhere` are changed by tests only."""

    mirror: Mirror | None = None
    limits: EgressLimits = field(default_factory=EgressLimits)
    look_up: Callable[[str, int], Awaitable[list[str]]] = look_up
    is_elsewhere: Callable[[str], bool] = is_elsewhere

    @classmethod
    def of_machine(cls, environment: Mapping[str, str], *, folder: Path) -> Egress:
        """With a mirror of the registries that this machine's pip and npm use in this environment, kept in a folder."""
        return cls(mirror=Mirror(find=lambda: Upstream(registries=find_registries(environment), folder=folder)))

    def about(self) -> str:
        """Where packages come from, in a line. Blocks for a second."""
        return self.mirror.about() if self.mirror is not None else "no registries"

    def environment(self, allowed: tuple[str, ...]) -> dict[str, str]:
        """What tells the programs of a command where the proxy is, and pip and npm where packages are."""
        if not allowed:
            return {}
        direct = "localhost,127.0.0.1,::1"
        told = {"NO_PROXY": direct, "no_proxy": direct, "npm_config_noproxy": direct}
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            told[name] = _URL
        told |= {"npm_config_proxy": _URL, "npm_config_https_proxy": _URL}
        return told | (Mirror.environment(_URL) if REGISTRIES in allowed else {})

    @contextlib.asynccontextmanager
    async def serve(self, listener: socket.socket, allowed: tuple[str, ...]) -> AsyncIterator[Ledger]:
        """Serve a command at this listener as long as the context lasts; what it tried is in the ledger."""
        proxy = _Proxy(egress=self, rules=Rules.parse(allowed), ledger=Ledger(limits=self.limits))
        with listener:
            server = await asyncio.start_server(proxy.accept, sock=listener, limit=_HEAD_BYTES)
            try:
                yield proxy.ledger
            finally:
                server.close()
                await proxy.end()


@dataclass(kw_only=True)
class _Proxy:
    egress: Egress
    rules: Rules
    ledger: Ledger
    visit: Visit = field(default_factory=Visit)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _is_over: bool = False

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        if self._is_over:  # it came while the last ones were dropped
            writer.transport.abort()
            return
        if len(self._serving) >= self.egress.limits.connections:
            self.ledger.note("*", 0, is_allowed=False, reason="too many connections at once")
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # also if it never began

    async def end(self) -> None:
        """Drop all connections, those too that are on their way in."""
        self._is_over = True
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What the other side does to its connection is its own affair.
        with _held(writer), contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(self.egress.limits.hello_s):
                head = await self._head(reader)
            method, target = _request_line(head)
            if method == "CONNECT":
                await self._tunnel(target, reader, writer)
            elif target.startswith("/"):
                await self._package(method, target, head, writer)
            else:
                await self._plain(target, writer)

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return b""

    async def _plain(self, target: str, writer: asyncio.StreamWriter) -> None:
        host, port = split_authority(target.partition("://")[2].partition("/")[0], usual_port=80)
        self.ledger.note(host or "-", port, is_allowed=False, reason="plain HTTP; only TLS is let through")
        await _say(writer, 403, f"refused by network policy: plain HTTP; allowed here, by TLS: {self.rules.words}")

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = split_authority(target)
        is_allowed, reason, meter = True, "", Meter(ledger=self.ledger)
        try:
            try:
                host, port = self.rules.check(target)
                outer_reader, outer_writer = await self._open(host, port)
            except (Denied, _Failed) as error:
                status, words = (403, "refused by network policy") if isinstance(error, Denied) else (502, "failed")
                await _say(writer, status, f"{words}: {target[:300]} ({error}); allowed here: {self.rules.words}")
                raise
            with _held(outer_writer):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                hello = await self._hello(host, reader)
                meter.count(up=len(hello))
                outer_writer.write(hello)
                await self._relay((reader, outer_writer), (outer_reader, writer), meter)
        except Denied as error:
            is_allowed, reason = False, str(error)
        except _Failed as error:
            reason = str(error)
        finally:
            moved = {"bytes_up": meter.up_bytes, "bytes_down": meter.down_bytes}
            self.ledger.note(host, port, is_allowed=is_allowed, reason=reason, **moved)

    async def _open(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to an address of the host, which was looked up once and is not looked up again."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                addresses = await self.egress.look_up(host, port)
                outside = [each for each in addresses if self.egress.is_elsewhere(each)]
                if addresses and not outside:
                    raise Denied("its address is not one of the outside world")
                for address in outside[:3]:
                    with contextlib.suppress(OSError):
                        return await asyncio.open_connection(address, port)
        except (OSError, TimeoutError, UnicodeError):
            pass
        raise _Failed("it could not be reached")

    async def _hello(self, host: str, reader: asyncio.StreamReader) -> bytes:
        """The client's TLS greeting, which must be for the host that it asked for. Raises `Denied`."""
        data = b""
        try:
            async with asyncio.timeout(self.egress.limits.hello_s):
                while (name := read_server_name(data)) is None:
                    chunk = await reader.read(_CHUNK)
                    if not chunk:
                        raise ValueError("it does not speak TLS")
                    data += chunk
        except ValueError as error:
            raise Denied(str(error)) from None
        except TimeoutError:
            raise Denied("it does not speak TLS") from None
        try:
            is_same = plain_name(name) == host
        except ValueError:
            is_same = False
        if not is_same:
            raise Denied("its TLS greeting is for another server")
        return data

    async def _relay(
        self,
        up: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        down: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        meter: Meter,
    ) -> None:
        """Pass bytes on in both ways until both are done, one breaks, nothing moves any more, or a limit is passed."""
        clock = asyncio.get_running_loop().time
        moved_at = clock()

        async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
            nonlocal moved_at
            while data := await reader.read(_CHUNK):
                moved_at = clock()
                meter.count(**{way: len(data)})
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

        async def doze() -> None:
            while (left := moved_at + self.egress.limits.idle_s - clock()) > 0:
                await asyncio.sleep(left)

        both: asyncio.Future[Any] = asyncio.gather(pipe(*up, "up"), pipe(*down, "down"))
        idle: asyncio.Future[Any] = asyncio.ensure_future(doze())
        try:
            await asyncio.wait([both, idle], return_when=asyncio.FIRST_COMPLETED)
            if both.done():
                await both
        finally:
            for each in (both, idle):
                each.cancel()
            await asyncio.gather(both, idle, return_exceptions=True)

    async def _package(self, method: str, target: str, head: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer from the registries' mirror. Nothing of the request but method and path is looked at, or passed on."""
        meter = Meter(ledger=self.ledger)
        try:
            if self.egress.mirror is None or not self.rules.has_registries:
                raise Denied("registries are not in the policy")
            if b"\r\ncontent-length:" in head.lower() or b"\r\ntransfer-encoding:" in head.lower():
                raise Denied("the registries are only read: no bodies")
            async with self.egress.mirror.answer(method, target, self.visit, url=_URL) as reply:
                self.ledger.note(REGISTRIES, 0, is_allowed=True, reason=reply.reason, bytes_down=reply.size)
                writer.write(_start(reply.status, reply.kind, reply.size))
                while method == "GET" and (data := await asyncio.to_thread(reply.body.read, _CHUNK * 4)):
                    meter.count(down=len(data))
                    writer.write(data)
                    await writer.drain()
        except Denied as error:
            self.ledger.note(REGISTRIES, 0, is_allowed=False, reason=str(error))
            await _say(writer, 403, f"refused by network policy: {error}")


@contextlib.contextmanager
def _held(writer: asyncio.StreamWriter) -> Iterator[None]:
    """Keep a connection meanwhile, and nothing of it after that. All that was drained is with the kernel: a closed
    connection whose other side does not read would stay open for ever for the rest."""
    writer.transport.set_write_buffer_limits(0)
    try:
        yield
    finally:
        writer.transport.abort()


def _request_line(head: bytes) -> tuple[str, str]:
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
    return (words[0], words[1]) if len(words) == 3 and words[2].startswith("HTTP/1.") else ("", "")


def _start(status: int, kind: str, size: int) -> bytes:
    fields = {"Content-Type": kind, "Content-Length": str(size), "Connection": "close"}
    lines = [f"HTTP/1.1 {status} {_WORDS.get(status, '-')}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


_WORDS = {200: "OK", 403: "Forbidden", 404: "Not Found", 502: "Bad Gateway"}


async def _say(writer: asyncio.StreamWriter, status: int, words: str) -> None:
    """Answer with a line of text, as far as somebody still listens (in a tunnel under way, it only breaks it off)."""
    with contextlib.suppress(OSError):
        body = f"{words}\n".encode()
        writer.write(_start(status, "text/plain; charset=utf-8", len(body)) + body)
        await writer.drain()
