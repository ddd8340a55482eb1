"""The door under load: signed 20 KB deliveries into `honk serve --no-worker`, recorded with full sync, against probot
and a bare FastAPI route, which check the same signature and store nothing.

`python -m bench.door [--write] [--seconds N]` installs probot with npm into a temporary folder, runs the servers as
processes of their own, takes turns between them, and then kills Honk's with SIGKILL: what it answered with 202 must be
in its database, row for row.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request, Response

from bench import report
from bench.load import Answers, Load, run
from bench.processes import free_port, started
from github_app.localhub.registration import new_private_key
from github_app.web.webhooks import PATH

SECRET = "of-the-benchmark"  # noqa: S105 — known to nobody but these processes
BODY_BYTES = 20_000
RATE = 500
CONNECTIONS = 32
ROUNDS = 2
TARGET_MS = 10.0
PROBOT = "probot@14.3.2"
HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "tests" / "webhook" / "payloads" / "issues.json.gz"


@dataclass(kw_only=True)
class Server:
    """A server under load and what it answered."""

    name: str
    port: int
    process: int
    status: str
    fixed: list[Answers] = field(default_factory=list)
    highest: list[Answers] = field(default_factory=list)
    recorded: int = 0

    def load(self, *, seconds: float, rate: float = 0.0) -> Answers:
        """Run a load; every answer must have the one status."""
        body = delivery()
        signature = hmac.digest(SECRET.encode(), body.encode(), hashlib.sha256).hex()
        head = (
            f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-github-event: issues\r\n"
            f"content-length: {len(body)}\r\nx-hub-signature-256: sha256={signature}\r\nx-github-delivery: "
        )
        answers = run(Load(port=self.port, head=head, body=body, connections=CONNECTIONS, seconds=seconds, rate=rate))
        assert set(answers.statuses) == {self.status}, answers.statuses
        self.recorded += answers.statuses[self.status]
        return answers

    def cpu_us(self) -> float:
        """Processor time for each delivery so far, in microseconds."""
        ticks = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") / self.recorded * 1e6

    def peak_memory_mb(self) -> float:
        """The most memory that was resident."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def delivery() -> str:
    """GitHub's own example of an opened issue, its text made longer."""
    examples = json.loads(gzip.decompress(EXAMPLES.read_bytes()))
    payload = min((each for each in examples if each["action"] == "opened"), key=lambda each: len(json.dumps(each)))
    payload["issue"]["body"] = ""
    payload["issue"]["body"] = "x" * (BODY_BYTES - len(json.dumps(payload)))
    return json.dumps(payload)


def create_peer() -> FastAPI:
    """The peer: what the framework and the signature cost, and nothing else."""
    app = FastAPI(openapi_url=None)

    @app.get("/readyz")
    async def ready() -> None:
        pass

    @app.post(PATH)
    async def hook(request: Request) -> Response:
        wanted = "sha256=" + hmac.digest(SECRET.encode(), await request.body(), hashlib.sha256).hex()
        is_signed = hmac.compare_digest(wanted, request.headers.get("x-hub-signature-256", ""))
        return Response(status_code=202 if is_signed else 401)

    return app


@contextmanager
def serving(
    name: str,
    *argv: str,
    room: Path,
    env: Mapping[str, str],
    status: str = "202",
    program: Sequence[str] = (sys.executable, "-m"),
) -> Iterator[Server]:
    """A server as a process of its own, ready; killed with SIGKILL at the end. `{port}` in `argv` is its port."""
    port = free_port()
    arguments = [part.format(port=port) for part in argv]
    ready, log = f"http://127.0.0.1:{port}/readyz", room / f"{len(list(room.iterdir()))}.log"
    ports = {"HONK_PORT": str(port), "PORT": str(port)}
    with started(*arguments, ready=ready, log=log, env={**env, **ports}, program=program) as process:
        yield Server(name=name, port=port, process=process, status=status)


def install_probot(room: Path) -> str:
    """Install the peer from npm, by the machine's own settings; why it is missing if it cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "probot is left out: there is no node here."
    (room / "package.json").write_text('{"private": true}')
    argv = ["npm", "install", "--no-audit", "--no-fund", "--silent", PROBOT]
    done = subprocess.run(argv, cwd=room, capture_output=True, text=True)
    return (
        "" if done.returncode == 0 else f"probot is left out: npm could not install it ({done.stderr[-200:].strip()})."
    )


def probot(room: Path) -> AbstractContextManager[Server]:
    """Probot with one empty handler."""
    return serving(
        "probot, stores nothing",
        str(HERE / "probot.mjs"),
        room=room,
        env={"PROBOT": str(room), "SECRET": SECRET, "HOOK": PATH},
        status="200",
        program=("node",),
    )


def honk_environment(room: Path) -> dict[str, str]:
    """The settings of a Honk that only records."""
    return {
        "HONK_APP_ID": "1",
        "HONK_PRIVATE_KEY": new_private_key(),
        "HONK_WEBHOOK_SECRET": SECRET,
        "HONK_DATA_DIR": str(room / "data"),
    }


def sync_times_ms(room: Path, count: int = 300) -> list[float]:
    """How long the disk takes to append a delivery's bytes and have them safe: the floor of recording one."""
    times: list[float] = []
    with (room / "probe").open("wb", buffering=0) as file:
        for _ in range(count):
            started = time.perf_counter()
            file.write(os.urandom(BODY_BYTES))
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return times


def rows_in(database: Path) -> int:
    """How many deliveries the database of a killed Honk has."""
    with sqlite3.connect(database) as connection:
        count: int = connection.execute("SELECT count(*) FROM inbox").fetchone()[0]
    connection.close()
    return count


def measure(seconds: float, room: Path, fast_room: Path) -> str:
    """Everything, as Markdown. What lies in `fast_room` needs no disk."""
    where, missing = report.machine(), install_probot(fast_room)
    uvicorn = ("uvicorn", "--factory", "bench.door:create_peer", "--port", "{port}", "--no-access-log")
    serve = ("github_app", "serve", "--no-worker")
    disk: list[float] = []
    with ExitStack() as stack:
        peers = [] if missing else [stack.enter_context(probot(fast_room))]
        bare = serving("bare FastAPI route, stores nothing", *uvicorn, "--log-level", "error", room=room, env={})
        peers.append(stack.enter_context(bare))
        fast = stack.enter_context(
            serving("Honk, but on a file system in memory", *serve, room=fast_room, env=honk_environment(fast_room))
        )
        honk = stack.enter_context(
            serving("Honk, recorded with full sync", *serve, room=room, env=honk_environment(room))
        )
        servers = (*peers, fast, honk)
        for server in servers:
            server.load(seconds=1.0)
        for _ in range(ROUNDS):  # in turns, so that whatever else this machine does meets all
            disk += sync_times_ms(room)
            for server in servers:
                server.fixed.append(server.load(seconds=seconds, rate=RATE))
            for server in (*peers, honk):
                server.highest.append(server.load(seconds=seconds))
        costs = {server.name: (server.cpu_us(), server.peak_memory_mb()) for server in servers}
    for server, place in ((honk, room), (fast, fast_room)):
        rows = rows_in(place / "data" / "honk.sqlite")
        assert rows == server.recorded, f"{server.recorded} deliveries were answered 202, {rows} are in the database"
    tables = (fixed_table(servers, costs), highest_table((*peers, honk)))
    return "\n\n".join((where, *tables, verdict(peers[0], honk), *filter(None, (missing,)), checks(honk, disk=disk)))


def fixed_table(servers: Sequence[Server], costs: Mapping[str, tuple[float, float]]) -> str:
    """The fixed rate."""
    head = (f"{RATE} deliveries a second", "p50 ms", "p99 ms", "p99.9 ms", "worst ms", "CPU µs each", "peak MB")
    rows = []
    for server in servers:
        times = [report.percentile(pooled(server.fixed), share) for share in (0.5, 0.99, 0.999, 1.0)]
        rows.append((server.name, *(f"{ms:.1f}" for ms in times), *(f"{cost:.0f}" for cost in costs[server.name])))
    return report.table(head, rows)


def highest_table(servers: Sequence[Server]) -> str:
    """The highest rate."""
    head = (f"as fast as they are answered, {CONNECTIONS} connections", "per second", "× first", "p50 ms", "p99 ms")
    base = best(servers[0])
    rows = []
    for server in servers:
        tail = (f"{report.percentile(pooled(server.highest), share):.1f}" for share in (0.5, 0.99))
        rows.append((server.name, f"{best(server):,.0f}", f"{best(server) / base:.2f}", *tail))
    return report.table(head, rows)


def best(server: Server) -> float:
    """The highest rate of all runs, each second."""
    return max(each.per_second for each in server.highest)


def verdict(peer: Server, honk: Server) -> str:
    """The targets: at least the peer's rate, and a tail that is short and no longer than its."""
    theirs, ours = (report.percentile(pooled(each.fixed), 0.99) for each in (peer, honk))
    name = peer.name.partition(",")[0]

    def word(is_met: bool) -> str:
        return "met" if is_met else "**missed**"

    return (
        f"Target at least the rate of {name}: {word(best(honk) >= best(peer))} "
        f"({best(honk):,.0f} against {best(peer):,.0f}). "
        f"Target p99 < {TARGET_MS:.0f} ms at {RATE}/s: {word(ours < TARGET_MS)} ({ours:.1f} ms); "
        f"no longer than that of {name}: {word(ours <= theirs)} ({theirs:.1f} ms)."
    )


def checks(honk: Server, *, disk: list[float]) -> str:
    """What was checked, and what part the machine has in the numbers."""
    late = [each for answers in honk.fixed for each in answers.lateness_ms]
    return (
        f"Honk was killed with SIGKILL at the end: {honk.recorded:,} answered 202, as many rows in its database. "
        f"The disk itself: {BODY_BYTES // 1000} KB appended and synced in {report.percentile(disk, 0.5):.2f} ms (p50), "
        f"{report.percentile(disk, 0.99):.1f} ms (p99). The load generator was "
        f"{report.percentile(late, 0.5):.1f} ms (p50), {report.percentile(late, 0.99):.1f} ms (p99) late, "
        "which counts as latency here."
    )


def pooled(runs: list[Answers]) -> list[float]:
    """The latencies of all runs."""
    return [each for answers in runs for each in answers.latencies_ms]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.door", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into docs/performance.md")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each load lasts")
    options = parser.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 — Linux's file system in memory
    with (
        tempfile.TemporaryDirectory(prefix="honk-bench-") as name,
        tempfile.TemporaryDirectory(prefix="honk-bench-", dir=memory) as fast,
    ):
        report.publish("door", measure(options.seconds, Path(name), Path(fast)), write=options.write)
