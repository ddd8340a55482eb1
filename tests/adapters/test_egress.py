"""The allow-list proxy, over real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from github_app.adapters.egress.addresses import look_up
from github_app.adapters.egress.proxy import Egress
from github_app.adapters.egress.rules import Ledger
from github_app.core.model import NetworkDecision
from tests.adapters.outside import GREETING, NAME, Outside, limits, open_outside
from tests.adapters.test_clienthello import extended, greeting

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def proxied(egress: Egress, *allowed: str) -> AsyncIterator[tuple[int, Ledger]]:
    """A proxy with these rules at a port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with egress.serve(listener, allowed) as ledger:
        yield listener.getsockname()[1], ledger


async def say(port: int, words: bytes) -> bytes:
    """All that comes back for these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def tunnel(port: int, target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An open tunnel."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@asynccontextmanager
async def world(path: Path) -> AsyncIterator[Outside]:
    async with open_outside(path, "other.example") as outside:
        yield outside


def told(ledger: Ledger) -> list[tuple[str, int, str]]:
    return [(each.host, each.port, each.reason) for each in ledger.decisions() if not each.is_allowed]


async def test_an_allowed_host_is_reached_by_tls(tmp_path: Path):
    async with world(tmp_path) as outside:
        async with proxied(outside.egress(), f"{NAME}:{outside.port}") as (port, ledger):
            reader, writer = await tunnel(port, f"{NAME.upper()}.:{outside.port}")
            await writer.start_tls(outside.trust(), server_hostname=NAME)
            assert await reader.readexactly(len(GREETING)) == GREETING
            writer.write(b"x" * 300_000)
            assert await reader.readexactly(300_000) == b"x" * 300_000
            writer.close()
            await asyncio.wait_for(_until(lambda: bool(ledger.decisions())), 10)
        (decision,) = ledger.decisions()
        assert (decision.host, decision.port, decision.is_allowed) == (NAME, outside.port, True)
        assert decision.bytes_up > 300_000
        assert decision.bytes_down > 300_000


async def _until(done: object) -> None:
    while not done():  # type: ignore[operator]
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("target", "host", "why"),
    [
        ("evil.example:443", "evil.example", "not in the policy"),
        (f"{NAME}.evil.example:443", f"{NAME}.evil.example", "not in the policy"),
        (f"evil{NAME}:443", f"evil{NAME}", "not in the policy"),
        (f"{NAME}:22", NAME, "not in the policy"),
        (f"{NAME}:0", NAME, "not in the policy"),
        (f"{NAME}:99999999999999999999", NAME, "not in the policy"),
        (f"{NAME}:000001{'7' * 3_000}", NAME, "not in the policy"),
        (f"{NAME}:000001{'7' * 5_000}", NAME, "not in the policy"),
        ("169.254.169.254:443", "169.254.169.254", "only names"),
        ("[::1]:443", "[::1]", "only names"),
        ("127.1:443", "127.1", "only names"),
        (f"user@{NAME}:443", f"user?{NAME}", "only names"),
        (f"{NAME}\x00.evil.example:443", f"{NAME}?.evil.example", "only names"),
        ("", "", "only names"),
    ],
)
async def test_what_is_not_named_is_refused_and_not_even_looked_up(tmp_path: Path, target: str, host: str, why: str):
    async with world(tmp_path) as outside, proxied(outside.egress(), NAME) as (port, ledger):
        answer = await say(port, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
        assert b" 403 " in answer
        assert f"allowed here: {NAME}".encode() in answer
        ((shown, shown_port, reason),) = told(ledger)
        assert shown == host
        assert shown_port in (0, 22, 443)
        assert why in reason
        assert outside.asked == []


@pytest.mark.parametrize(
    "request_line",
    [f"GET http://{NAME}/ HTTP/1.1", f"POST http://{NAME}:443/ HTTP/1.1", "OPTIONS * HTTP/1.1", "nonsense",
     f"connect {NAME}:443 HTTP/1.1", "GET http://[::1/ HTTP/1.1", "GET http://]/ HTTP/1.1",
     f"CONNECT  {NAME}:443 HTTP/1.1"],
)  # fmt: skip
async def test_nothing_but_tunnels_is_let_through(tmp_path: Path, request_line: str):
    async with world(tmp_path) as outside, proxied(outside.egress(), NAME) as (port, ledger):
        assert b" 403 " in await say(port, f"{request_line}\r\nHost: {NAME}\r\n\r\n".encode())
        assert len(told(ledger)) == 1
        assert outside.asked == []


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        (greeting("other.example"), "for another server"),
        (greeting(None), "names no server"),
        (extended(greeting(NAME), 0xFE0D, b"\x00" * 40), "encrypts the name"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "does not speak TLS"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "does not speak TLS"),
    ],
)
async def test_what_is_said_inside_must_be_tls_for_that_very_host(tmp_path: Path, hello: bytes, why: str):
    async with world(tmp_path) as outside:
        async with proxied(outside.egress(), f"{NAME}:{outside.port}") as (port, ledger):
            reader, writer = await tunnel(port, f"{NAME}:{outside.port}")
            writer.write(hello)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
        assert why in told(ledger)[0][2]
        assert outside.received == b""


async def test_who_says_nothing_is_not_waited_for(tmp_path: Path):
    async with world(tmp_path) as outside:
        egress = outside.egress(limits=limits(hello_s=0.1))
        async with proxied(egress, f"{NAME}:{outside.port}") as (port, ledger):
            reader, writer = await tunnel(port, f"{NAME}:{outside.port}")
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
            assert await say(port, b"") == b""
        assert told(ledger) == [(NAME, outside.port, "it does not speak TLS")]


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "fd00:ec2::254"])
async def test_a_name_that_leads_inside_is_refused(tmp_path: Path, address: str):
    async with world(tmp_path) as outside:
        outside.addresses[NAME] = [address]
        async with proxied(Egress(look_up=outside.look_up), NAME) as (port, ledger):
            assert b" 403 " in await say(port, f"CONNECT {NAME}:443 HTTP/1.1\r\n\r\n".encode())
        assert told(ledger) == [(NAME, 443, "its address is not one of the outside world")]


async def test_a_host_that_is_away_is_no_refusal(tmp_path: Path):
    async with world(tmp_path) as outside:
        outside.addresses[NAME] = []
        async with proxied(outside.egress(), NAME) as (port, ledger):
            assert b" 502 " in await say(port, f"CONNECT {NAME}:443 HTTP/1.1\r\n\r\n".encode())
        assert ledger.decisions() == (
            NetworkDecision(host=NAME, port=443, is_allowed=True, reason="it could not be reached"),
        )


async def test_a_flood_in_either_way_ends(tmp_path: Path):
    async with world(tmp_path) as outside:
        egress = outside.egress(limits=limits(up_bytes=1 << 20))
        async with proxied(egress, f"{NAME}:{outside.port}") as (port, ledger):
            reader, writer = await tunnel(port, f"{NAME}:{outside.port}")
            await writer.start_tls(outside.trust(), server_hostname=NAME)
            with pytest.raises((OSError, asyncio.IncompleteReadError)):  # noqa: PT012 - either may notice
                for _ in range(100):
                    writer.write(b"x" * 65_536)
                    await writer.drain()
                    await asyncio.wait_for(reader.readexactly(65_536), 10)
        assert told(ledger) == [(NAME, outside.port, "more than 1 MiB sent by one command")]
        assert len(outside.received) <= 1 << 20


async def test_what_does_not_move_ends(tmp_path: Path):
    async with world(tmp_path) as outside:
        egress = outside.egress(limits=limits(idle_s=0.2))
        async with proxied(egress, f"{NAME}:{outside.port}") as (port, ledger):
            reader, writer = await tunnel(port, f"{NAME}:{outside.port}")
            await writer.start_tls(outside.trust(), server_hostname=NAME)
            await reader.readexactly(len(GREETING))
            with pytest.raises((ssl.SSLError, OSError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 10)
        assert told(ledger) == []


async def test_connections_at_once_are_counted(tmp_path: Path):
    async with world(tmp_path) as outside:
        async with proxied(outside.egress(limits=limits(connections=2)), NAME) as (port, ledger):
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            await asyncio.sleep(0)
            assert await say(port, b"") == b""
            for _, writer in held:
                writer.close()
        assert told(ledger) == [("*", 0, "too many connections at once")]


async def test_the_record_is_bounded_and_harmless(tmp_path: Path):
    async with world(tmp_path) as outside:
        async with proxied(outside.egress(limits=limits(entries=3)), NAME) as (port, ledger):
            for number in range(6):
                await say(port, f"CONNECT <img>@{number}{'x' * 5_000}:443 HTTP/1.1\r\n\r\n".encode())
        assert [each.times for each in ledger.decisions()] == [1, 1, 1, 3]
        assert ledger.decisions()[0].host == "?img??0" + "x" * 93
        assert ledger.decisions()[3].host == "(others)"


async def test_a_request_without_end_is_dropped(tmp_path: Path):
    async with world(tmp_path) as outside, proxied(outside.egress(), NAME) as (port, ledger):
        assert b" 403 " in await say(port, b"CONNECT " + b"x" * 100_000)
        assert len(told(ledger)) == 1


async def test_who_does_not_read_holds_nothing_once_the_command_is_over(tmp_path: Path):
    async with world(tmp_path) as outside:
        deaf = socket.create_server(("127.0.0.1", 0))
        deaf.setblocking(False)
        with deaf:
            deaf_port = deaf.getsockname()[1]
            place = f"{NAME}:{deaf_port}"
            async with proxied(outside.egress(limits=limits(idle_s=0.2)), place) as (port, ledger):
                _, writer = await tunnel(port, place)
                taken, _ = await asyncio.get_running_loop().sock_accept(deaf)
                writer.write(greeting(NAME) + b"x" * 8_000_000)
                await asyncio.wait_for(_until(ledger.decisions), 10)
            with taken:
                writer.transport.abort()
                ours = {_inode(deaf), _inode(taken)}
                await asyncio.wait_for(_until(lambda: _held_sockets(port, deaf_port) == ours), 10)


def _held_sockets(*ports: int) -> set[int]:
    """The sockets with one of these ports at either end that a process still holds (0 is one nobody does)."""
    ends = {f"{port:04X}" for port in ports}
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return {int(row[9]) for row in rows if ends & {end.rpartition(":")[2] for end in row[1:3]}} - {0}


def _inode(end: socket.socket) -> int:
    return os.fstat(end.fileno()).st_ino


async def test_who_comes_when_the_command_is_over_is_not_served(tmp_path: Path):
    async with world(tmp_path) as outside:
        for turns in (3, 4):  # of the loop: it is accepted, and its task was not yet made, or has not yet begun
            async with proxied(outside.egress(), NAME) as (port, _):
                late = socket.create_connection(("127.0.0.1", port))
                late.setblocking(False)
                for _ in range(turns):
                    await asyncio.sleep(0)
            with late:
                for _ in range(10):
                    await asyncio.sleep(0)
                assert [task for task in asyncio.all_tasks() if "_Proxy" in repr(task)] == []
                assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(late, 1), 5) == b""


async def test_names_that_nobody_answers_for_hold_up_nothing_else(monkeypatch: pytest.MonkeyPatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(10) and [])
    waiting = [asyncio.ensure_future(look_up("slow.example", 443)) for _ in range(50)]
    try:
        await asyncio.sleep(0)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 5) == "done"
    finally:
        answered.set()
        await asyncio.gather(*waiting)


def test_a_public_address_of_this_machine_is_not_outside():
    public, other = "1.2.3.4", "1.2.3.5"
    look = f"from github_app.adapters.egress.addresses import is_elsewhere as it; print(it('{public}'), it('{other}'))"
    network = f'ip link set lo up && ip addr add {public}/32 dev lo && exec {sys.executable} -c "{look}"'
    command = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", network]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    if "ip: not found" in ran.stderr or "unshare failed" in ran.stderr:
        pytest.skip("no network namespace with an address of our own")
    assert ran.stdout.split() == ["False", "True"], ran.stderr
