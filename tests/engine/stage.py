"""A whole engine on a stage: real DBOS, a real database, the real agent loop and commands that really run; GitHub in
memory, the model scripted, and the time the test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import sqlalchemy as sa

from github_app.core.backing import NO_BACKING, Backing
from github_app.core.links import PageLinks
from github_app.core.model import ChangeSet, Pull, Repo
from github_app.core.policy import Floor
from github_app.core.ports import ExecLimits, ExecResult, GitAuth
from github_app.core.session import Session, Status
from github_app.core.tracing import NoSpans, Spans
from github_app.engine.admission import Admission
from github_app.engine.audit import Audit
from github_app.engine.database import connect
from github_app.engine.delivering import Delivery
from github_app.engine.flows import Engine
from github_app.engine.leases import Lease
from github_app.engine.looks import Looks
from github_app.engine.lookup import Lookup
from github_app.engine.migrations import migrate
from github_app.engine.pauses import Pauses
from github_app.engine.performance import Performance
from github_app.engine.policies import Policies
from github_app.engine.quotas import Quotas
from github_app.engine.reconciliation import Reconciliation
from github_app.engine.retention import Retention
from github_app.engine.runtime import Capacity, Runtime
from github_app.engine.shipping import Shipper
from github_app.engine.store import Store
from github_app.engine.tracing import Traces
from github_app.engine.transcripts import Transcripts
from github_app.engine.turns import TurnRunner
from github_app.engine.upkeep import Upkeep
from tests.agent.parts import NO_LIMITS, LocalWorkspace, ScriptedModel, WordScanner, call, reply, submit
from tests.engine.values import AUDIT_KEY, ISSUE, REPO, MovingClock, delivery
from tests.fakes.builds import PreparedBuilds
from tests.fakes.contexts import PreparedContexts
from tests.fakes.hub import RecordingHub, StillListing
from tests.fakes.merges import PreparedMerges
from tests.fakes.reverts import PreparedReverts
from tests.webhook import deliveries

T = TypeVar("T")

FILES = {"a.py": "x = 1\n"}
PATIENCE_S = 60.0


def work(text: str = "2") -> list[Any]:
    """What the model says in a turn that changes a file and submits."""
    return [
        reply(call("edit", path=f"{text}.py", old_text="", new_text=f"x = {text}\n")),
        submit(unverified_reason="there is nothing to verify it with"),
    ]


def eventually(look: Callable[[], T | None], what: str = "") -> T:
    """Look until there is something. The time is for the test to fail, never a measure."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited for {what or look}"
        time.sleep(0.01)
    return found


@dataclass
class Room(LocalWorkspace):
    """A folder as the workspace of one session at one commit. With `holds`, a command runs until it is cancelled."""

    at: str = ""
    rooms: Rooms | None = None

    @property
    def sha(self) -> str:
        return self.at

    async def changes(self) -> ChangeSet:
        return replace(await super().changes(), base_sha=self.at)

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str = ".",
        env: Mapping[str, str] = {},
        limits: ExecLimits = NO_LIMITS,
        network: tuple[str, ...] = (),
        backing: Backing = NO_BACKING,
    ) -> ExecResult:
        assert self.rooms is not None
        self.rooms.entered.append(" ".join(argv))
        if self.rooms.holds:
            try:
                await asyncio.Event().wait()
            finally:
                self.rooms.left.append(" ".join(argv))
        return await super().exec(argv, cwd=cwd, env=env, limits=limits, network=network, backing=backing)

    async def close(self, *, discard: bool) -> None:  # noqa: ARG002 - the port's
        assert self.rooms is not None
        self.rooms.closed += 1


@dataclass
class Rooms:
    """Workspaces in plain folders."""

    root: Path
    holds: bool = False
    entered: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    closed: int = 0
    discarded: list[str] = field(default_factory=list)
    tidied: int = 0

    async def open(self, repo: Repo, sha: str, key: str, *, auth: Callable[[], GitAuth]) -> Room:  # noqa: ARG002 - the port's
        folder = self.root / key / sha
        if not folder.exists():
            LocalWorkspace.of(folder, FILES)
        before = LocalWorkspace.of(self.root / "pristine", FILES).before
        return Room(folder, before=before, at=sha, rooms=self)

    async def discard(self, key: str) -> None:
        self.discarded.append(key)

    def tidy(self, idle_s: float) -> None:  # noqa: ARG002 - the port's
        self.tidied += 1


@dataclass(kw_only=True)
class Stage:
    """One engine. `restart` makes another one over the same tables and folders, as a new process would be."""

    folder: Path
    database_url: str
    flows_url: str
    script: list[Any] = field(default_factory=list)
    hub: RecordingHub = field(default_factory=lambda: RecordingHub(issues={1: ISSUE}))
    listing: StillListing = field(default_factory=StillListing)
    clock: MovingClock = field(default_factory=MovingClock)
    capacity: Capacity = field(default_factory=Capacity)
    floor: Floor = field(default_factory=Floor)
    merges: PreparedMerges = field(default_factory=PreparedMerges)
    spans: Spans = field(default_factory=NoSpans)
    builds: PreparedBuilds = field(default_factory=PreparedBuilds)
    comment_ids: Iterator[int] = field(default_factory=lambda: count(500))
    model: ScriptedModel = field(init=False)
    rooms: Rooms = field(init=False)
    engine: Engine = field(init=False)
    pauses: Pauses = field(init=False)
    store: Store = field(init=False)
    database: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        self.model = ScriptedModel(self.script)
        self.rooms = Rooms(self.folder / "rooms")
        self.database = connect(self.database_url)
        migrate(self.database)
        self.store = Store(self.database, self.clock, Audit(self.database, self.clock, key=AUDIT_KEY))

    def start(self) -> Stage:
        transcripts = Transcripts(self.database, self.clock, self.store.audit)
        policies = Policies(hub=self.hub, floor=self.floor)
        self.pauses = Pauses(database=self.database, clock=self.clock)
        quotas = Quotas(database=self.database, clock=self.clock, floor=self.floor)
        lease = Lease(database=self.database, name="one")
        runtime = Runtime(lease=lease, flows_url=self.flows_url, capacity=self.capacity)
        self.engine = Engine(
            store=self.store,
            lookup=Lookup(
                hub=self.hub,
                database=self.database,
                policies=policies,
                quotas=quotas,
                pauses=self.pauses,
                transcripts=transcripts,
                clock=self.clock,
                trigger_label="honk",
                checks_grace_s=90.0,
            ),
            performance=Performance(
                hub=self.hub,
                policies=policies,
                publisher=self.hub,
                reverts=PreparedReverts(),
                merges=self.merges,
                scanner=WordScanner(),
                store=self.store,
                transcripts=transcripts,
                pauses=self.pauses,
                shipper=Shipper(hub=self.hub, store=self.store, pauses=self.pauses, merger=self.hub),
                delivery=Delivery(builds=self.builds, policies=policies, links=PageLinks(), clock=self.clock),
            ),
            traces=Traces(database=self.database, spans=self.spans),
            runner=TurnRunner(
                hub=self.hub,
                policies=policies,
                store=self.store,
                transcripts=transcripts,
                admission=Admission(hub=self.hub, quotas=quotas, pauses=self.pauses),
                workspaces=self.rooms,
                merges=self.merges,
                contexts=PreparedContexts(),
                model=self.model,
                scanner=WordScanner(),
                model_name="scripted",
                spans=self.spans,
                clock=self.clock,
            ),
            runtime=runtime,
            upkeep=Upkeep(
                store=self.store,
                reconciliation=Reconciliation(
                    store=self.store,
                    hub=self.hub,
                    listing=self.listing,
                    looks=Looks(self.database, self.clock, lease),
                    clock=self.clock,
                    trigger_label="honk",
                ),
                runtime=runtime,
                clock=self.clock,
                checks_grace_s=90.0,
            ),
            retention=Retention(
                database=self.database, forget_flows=runtime.forget, tidy=self.rooms.tidy, clock=self.clock
            ),
            discard_workspace=self.rooms.discard,
            clock=self.clock,
            trigger_label="honk",
            take_in_chat=lambda _: None,
        )
        self.engine.start()
        return self

    def stop(self) -> None:
        self.engine.stop()

    def close(self) -> None:
        self.engine.stop()
        self.database.dispose()

    # What people do

    def deliver(self, event: str, action: str | None = None, /, *, by: str = "ann", **parts: Any) -> str:
        """A delivery of GitHub's, recorded and announced; its id."""
        who = {"id": {"ann": 1, "eve": 2}[by], "login": by, "type": "User"}
        repository = {"id": REPO.id, "full_name": REPO.full_name, "default_branch": "main"}
        usual = {"repository": repository, "installation": {"id": REPO.installation_id}, "sender": who}
        key = str(uuid4())
        found = delivery(key, event, deliveries.payload(action, **(usual | parts)))
        self.store.entries.add([(key, "github", event, found.body)])
        self.engine.wake()
        return key

    def label(self, number: int = 1, *, by: str = "ann") -> str:
        self.hub.issues.setdefault(number, replace(ISSUE, number=number))
        issue = deliveries.issue(number=number, title="Make it two", labels=[{"name": "honk"}])
        return self.deliver("issues", "labeled", by=by, issue=issue, label={"name": "honk"})

    def comment(self, body: str, number: int = 1, *, by: str = "ann") -> str:
        comment = {"id": next(self.comment_ids), "body": body, "user": {"id": 1, "login": by, "type": "User"}}
        return self.deliver("issue_comment", "created", by=by, issue=deliveries.issue(number=number), comment=comment)

    # What is to be seen

    def session(self, number: int = 1) -> Session | None:
        return self.store.session(f"7-{number}-1")

    def pull_of(self, session: Session) -> Pull:
        assert session.pull_number is not None
        return self.hub.pulls[session.pull_number]

    def wait_status(self, status: Status, number: int = 1) -> Session:
        def look() -> Session | None:
            session = self.session(number)
            return session if session is not None and session.status is status else None

        return eventually(look, f"status {status}; it is {self.session(number)}")

    def wait_entry(self, key: str, state: str) -> str:
        """Wait until an inbox row is in a state; its note."""
        return eventually(lambda: self._note(key, state), f"{key} to be {state}")[0]

    def wait_attempts(self, key: str, attempts: int) -> None:
        eventually(lambda: self.store.entries.get(key).attempts == attempts, f"{attempts} attempts of {key}")

    def wait_attempts_of_turn(self, attempts: int) -> None:
        """Wait until the end of the first turn was postponed so often."""
        end = "7-1-1/turn-1/finished"
        eventually(lambda: self._attempts(end) == attempts, f"{attempts} attempts of {end}")

    def whys(self) -> list[str]:
        """Why everything happened, in order."""
        with self.database.connect() as connection:
            return list(connection.execute(sa.text("SELECT why FROM decisions ORDER BY decided_at")).scalars())

    def inbox(self) -> list[str]:
        """Ids of all that came in, in order."""
        with self.database.connect() as connection:
            return list(connection.execute(sa.text("SELECT id FROM inbox ORDER BY seq")).scalars())

    def effects(self, state: str) -> dict[str, str]:
        """Kinds of effects in a state, each with its note."""
        with self.database.connect() as connection:
            rows = connection.execute(sa.text("SELECT kind, note FROM effects WHERE state = :s"), {"s": state})
            return {row.kind: row.note for row in rows}

    def _attempts(self, key: str) -> int | None:
        with self.database.connect() as connection:
            return connection.execute(sa.text("SELECT attempts FROM inbox WHERE id = :id"), {"id": key}).scalar()

    def _note(self, key: str, state: str) -> tuple[str] | None:
        with self.database.connect() as connection:
            row = connection.execute(sa.text("SELECT state, note FROM inbox WHERE id = :id"), {"id": key}).one()
        return (row.note,) if row.state == state else None


Open = Callable[..., Stage]
"""What the fixture `open_stage` gives: a stage that plays this script, and is closed when the test ends."""
