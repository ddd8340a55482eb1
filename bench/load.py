"""A load generator in a process of its own: POSTs one signed body over keep-alive connections, each time with another
delivery id, and says what came back and when. Reads a `Load` as JSON on stdin, writes `Answers` as JSON to stdout.

Open loop (`rate` > 0): request number i is due at i / rate, whatever became of the ones before, and its latency counts
from then; so a server that stalls is charged for all that it kept waiting (no "coordinated omission").
Closed loop (`rate` 0): each connection sends its next request when the last one is answered: the highest rate.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import cast
from uuid import uuid4

import uvloop


@dataclass(frozen=True, kw_only=True)
class Load:
    """What to send, and how. `head` is an HTTP/1.1 request up to where the delivery id goes."""

    port: int
    head: str
    body: str
    connections: int
    seconds: float
    rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Answers:
    """`statuses` counts HTTP statuses, `latencies_ms` has one each, `lateness_ms` how late the generator itself was."""

    statuses: dict[str, int]
    latencies_ms: list[float]
    lateness_ms: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        """Answered requests each second."""
        return len(self.latencies_ms) / self.seconds


def run(load: Load) -> Answers:
    """Run a load in another process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Answers(**json.loads(done.stdout))


@dataclass
class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    transport: asyncio.Transport | None = None
    received: bytes = b""
    waiting: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports say so, and do not inherit

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length and self.waiting is not None:
            self.received = body[length:]
            self.waiting.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def ask(self, request: bytes) -> int:
        """Send a request; the status of its answer."""
        assert self.transport is not None
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting


@dataclass
class Generator:
    """Sends and notes."""

    load: Load
    statuses: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    lateness_ms: list[float] = field(default_factory=list)
    run_id: str = field(default_factory=lambda: uuid4().hex)
    sent: int = 0

    async def work(self) -> Answers:
        """Open the connections, run the load, let the last answers come."""
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(Connection, "127.0.0.1", self.load.port) for _ in range(self.load.connections)
        ]
        connections = [connection for _, connection in made]
        started = time.perf_counter()
        await (self._open_loop(connections, started) if self.load.rate else self._closed_loop(connections, started))
        seconds = time.perf_counter() - started
        for transport, _ in made:
            transport.close()
        return Answers(
            statuses=dict(self.statuses), latencies_ms=self.latencies_ms, lateness_ms=self.lateness_ms, seconds=seconds
        )

    async def _closed_loop(self, connections: list[Connection], started: float) -> None:
        async def repeat(connection: Connection) -> None:
            while (now := time.perf_counter()) - started < self.load.seconds:
                await self._send(connection, due=now)

        await asyncio.gather(*map(repeat, connections))

    async def _open_loop(self, connections: list[Connection], started: float) -> None:
        count = int(self.load.seconds * self.load.rate)
        due: deque[float] = deque()
        arrived = asyncio.Semaphore(0)

        async def serve(connection: Connection) -> None:
            while True:
                await arrived.acquire()
                if not due:
                    return
                await self._send(connection, due=due.popleft())

        workers = [asyncio.create_task(serve(connection)) for connection in connections]
        for number in range(count):
            at = started + number / self.load.rate
            if (wait_s := at - time.perf_counter()) > 0:
                await asyncio.sleep(wait_s)
            self.lateness_ms.append(max(0.0, time.perf_counter() - at) * 1000)
            due.append(at)
            arrived.release()
        while due:
            await asyncio.sleep(0.001)
        for _ in workers:
            arrived.release()
        await asyncio.gather(*workers)

    async def _send(self, connection: Connection, *, due: float) -> None:
        self.sent += 1
        key = f"{self.run_id}-{self.sent}"
        status = await connection.ask(f"{self.load.head}{key}\r\n\r\n{self.load.body}".encode())
        self.latencies_ms.append((time.perf_counter() - due) * 1000)
        self.statuses[str(status)] += 1


if __name__ == "__main__":
    answers = uvloop.run(Generator(Load(**json.load(sys.stdin))).work())
    json.dump(asdict(answers), sys.stdout)
