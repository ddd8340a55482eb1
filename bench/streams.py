"""Pages that follow sessions: fifty sessions are written to, each followed by a reader that is cut off now and then and
comes back by `Last-Event-ID`. Counts what was written against what came, and how long it took.

python -m bench.streams [SECONDS]            prints a table"""

from __future__ import annotations

import http.client
import random
import socket
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette

from bench import report
from github_app.adapters.clock import SystemClock
from github_app.adapters.vault import Vault
from github_app.core.decisions import Decision
from github_app.core.events import Ticked
from github_app.core.facts import Facts
from github_app.core.links import PageLinks
from github_app.core.model import Actor, Repo
from github_app.core.record.audit import Record
from github_app.core.session import Session, Status
from github_app.engine.audit import Audit
from github_app.engine.browsing import Browsing
from github_app.engine.database import connect
from github_app.engine.migrations import migrate
from github_app.engine.store import Store
from github_app.web.sessions import SessionPages, page_routes
from github_app.web.streams import Streams

SESSIONS = 50
PER_S = 2.0  # records a second for each session: an agent's step has about three, and takes longer
CUT_EVERY = 15  # lines, on average
ANN = Actor(id=1, login="ann")


@dataclass
class Reader:
    """One page, as a browser follows it."""

    address: str
    seen: list[int] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    cuts: int = 0
    is_over: bool = False

    def follow(self, written: dict[tuple[str, int], float], session_id: str, dice: random.Random) -> None:
        """Read until the session ends."""
        while not self.is_over:
            parts = urlsplit(self.address)
            connection = http.client.HTTPConnection(parts.netloc, timeout=60)
            last = {"Last-Event-ID": str(self.seen[-1])} if self.seen else {}
            connection.request("GET", f"{parts.path}/stream", headers=last)
            self._read(connection.getresponse(), written, session_id, dice.randint(1, 2 * CUT_EVERY))
            connection.close()
            self.cuts += not self.is_over

    def _read(
        self, answer: http.client.HTTPResponse, written: dict[tuple[str, int], float], session_id: str, lines: int
    ) -> None:
        while lines and (line := answer.readline().decode().rstrip()) is not None:
            if line.startswith("id: "):
                number, lines = int(line[4:]), lines - 1
                self.seen.append(number)
                if (session_id, number) in written:
                    self.late_s.append(time.monotonic() - written[session_id, number])
            elif line == "event: end":
                self.is_over = True
                return


def measure(seconds: float) -> str:
    """The table, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        database = connect(f"sqlite:///{Path(folder) / 'honk.sqlite'}")
        migrate(database)
        clock = SystemClock()
        audit = Audit(database, clock, key=b"bench")
        store = Store(database, clock, audit)
        sessions = [_begin(store, number) for number in range(1, SESSIONS + 1)]
        listener = socket.create_server(("127.0.0.1", 0))
        links = PageLinks(public_url=f"http://127.0.0.1:{listener.getsockname()[1]}", key=b"bench")
        records, pages = Browsing(store), SessionPages(clean=Vault(["a-secret-value-1"]).clean, github_url="http://x")
        routes = page_routes(links, records.story, pages, Streams(source=records, drawing=pages))
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off"))
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        serving.start()
        written: dict[tuple[str, int], float] = {}
        readers = {session.id: Reader(links.of(session.id)) for session in sessions}
        threads = [
            threading.Thread(target=reader.follow, args=(written, key, random.Random(place)))  # noqa: S311 - no secret
            for place, (key, reader) in enumerate(readers.items())
        ]
        for thread in threads:
            thread.start()
        _write(store, sessions, written, seconds)
        for thread in threads:
            thread.join()
        server.should_exit = True
        serving.join()
        counts = audit.lengths([session.id for session in sessions])
    lost = sum(len(set(range(1, counts[key] + 1)) - set(reader.seen)) for key, reader in readers.items())
    doubled = sum(len(reader.seen) - len(set(reader.seen)) for reader in readers.values())
    late_ms = [1_000 * each for reader in readers.values() for each in reader.late_s]
    row = [
        SESSIONS, f"{sum(counts.values()):,}", f"{sum(len(reader.seen) for reader in readers.values()):,}",
        lost, doubled, sum(reader.cuts for reader in readers.values()),
        f"{report.percentile(late_ms, 0.5):.0f} ms", f"{report.percentile(late_ms, 0.99):.0f} ms",
    ]  # fmt: skip
    head = (
        "sessions followed",
        "records written",
        "received",
        "lost",
        "doubled",
        "cut off",
        "half within",
        "99 % within",
    )
    return report.table(head, [row])


def _begin(store: Store, number: int) -> Session:
    repo = Repo(id=7, full_name="acme/thing", installation_id=3, default_branch="main")
    session = Session(
        id=f"7-{number}-1", repo=repo, issue_number=number, generation=1, branch=f"honk/{number}", base_branch="main",
        status=Status.WORKING, requested_by=ANN, issue_title="Make it two", turn_id=f"7-{number}-1/turn-1", turns=1,
    )  # fmt: skip
    return _commit(store, None, session, "begin")


def _commit(store: Store, before: Session | None, session: Session, why: str) -> Session:
    event = Ticked(id=f"{why}-{session.id}", session_id=session.id)
    facts = Facts(now=datetime.now(UTC), me=Actor(id=99, login="honk[bot]", is_bot=True))
    store.commit(event, before, Decision(session=session, why=why), session.repo, facts)
    found = store.session(session.id)
    assert found is not None
    return found


def _write(store: Store, sessions: list[Session], written: dict[tuple[str, int], float], seconds: float) -> None:
    """Write to all sessions in turn for so long, then end each."""
    began, count, numbers = time.monotonic(), 0, dict.fromkeys((each.id for each in sessions), 1)
    while time.monotonic() - began < seconds:
        session = sessions[count % len(sessions)]
        numbers[session.id] += 1
        document = {"argv": ["sh", "-c", f"make {count}"], "exit_code": count % 2, "duration_ms": 5}
        store.audit.note(session.id, [Record(kind="command", document=document)])
        written[session.id, numbers[session.id]] = time.monotonic()
        count += 1
        time.sleep(max(0.0, began + count / (PER_S * len(sessions)) - time.monotonic()))
    for session in sessions:
        _commit(store, session, Session(**{**vars(session), "status": Status.MERGED}), "end")


if __name__ == "__main__":
    print(report.machine())
    print(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
