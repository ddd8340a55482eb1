"""What runs the flows: DBOS, with what it leaves to its users. A worker's name is its own, flows that a dead worker
had begun are taken over, finished ones are deleted, and its log is ours."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ParamSpec, Protocol

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

from github_app.core.errors import Transient
from github_app.engine import leases
from github_app.engine.database import IDLE_TRANSACTION_S, DatabaseAway, text_of
from github_app.engine.leases import Lease

P = ParamSpec("P")

log = logging.getLogger(__name__)

APPLICATION_VERSION = "honk-1"
"""Constant: DBOS strands what another version left in flight, and our flows journal nothing that could differ."""

_POLL_S = 0.2
"""How long a flow waits at most to be noticed. There are two queues, and each look costs some 3 ms of a core."""

_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Flows(Protocol):
    """The flows as functions. Each may be run again from its start at any time, on this worker or another."""

    def intake(self, lane: str) -> None:
        """Take in what waits in one lane of the inbox."""

    async def turn(self, session_id: str, turn_id: str, times: int = 0) -> None:
        """Run one turn, which was put off so many times."""

    async def discard(self, session_id: str) -> None:
        """Delete a session's workspace."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much runs at once: turns for each repository, and in all; intakes in each process."""

    turns_per_repo: int = 2
    turns: int = 4
    intakes: int = 16


@dataclass(frozen=True)
class _Known:
    """The flows as DBOS knows them."""

    intake: Callable[[str], None]
    turn: Callable[[str, str], Coroutine[Any, Any, None]]
    discard: Callable[[str], Coroutine[Any, Any, None]]


@dataclass(kw_only=True)
class Runtime:
    """DBOS, launched. There is one in a process, because DBOS is.

    What a former life of this worker had begun comes back to it; what others had begun that are dead or stand still is
    taken over.
    """

    lease: Lease
    flows_url: str
    capacity: Capacity = field(default_factory=Capacity)
    _known: _Known | None = None
    _is_over: bool = False
    _running: set[str] = field(default_factory=set)
    _missing: set[str] = field(default_factory=set)

    def launch(self, flows: Flows) -> None:
        """Take up what was left and run flows until `shut_down`. Raises `Misconfigured` if the name is taken."""
        self.lease.take()
        self._is_over = False
        _use_our_log()
        DBOS(
            config=DBOSConfig(
                name="honk",
                system_database_url=self.flows_url,
                executor_id=self.lease.holder,
                application_version=APPLICATION_VERSION,
                enable_otlp=False,
                sys_db_idle_transaction_timeout_sec=IDLE_TRANSACTION_S,
                log_level="WARNING",
            )
        )
        self._known = _register(flows, self._running)
        DBOS.launch()
        DBOS.register_queue(
            "intake",
            partition_concurrency=1,
            worker_concurrency=self.capacity.intakes,
            polling_interval_sec=_POLL_S,
        )
        DBOS.register_queue(
            "turns",
            partition_concurrency=min(self.capacity.turns_per_repo, self.capacity.turns),
            global_concurrency=self.capacity.turns,
            polling_interval_sec=_POLL_S,
        )
        self.take_over()

    def shut_down(self) -> None:
        """Cancel what waits in this process's event loop, and let go. Flows that did not end stay begun."""
        # What it says of flows that it is taken away from is no news: they are taken up again.
        logging.getLogger("dbos").disabled = True
        self._is_over = True
        DBOS.destroy(destroy_registry=True)
        self.lease.release()

    def intake(self, lane: str, *, key: str) -> None:
        """Have what waits in a lane taken in, once for each key; one flow at a time in a lane, on any worker."""
        self._apart(_enqueue, f"intake:{lane}:{key}", "intake", lane, self._flows.intake, lane)

    def turn(
        self, session_id: str, turn_id: str, *, repo_id: int, times: int = 0, delay_s: float | None = None
    ) -> None:
        """Have a turn run, once for each of the `times` that it was put off, as soon as its repository's share and the
        whole leave room, and not before `delay_s`."""
        known = (_flow_of(turn_id, times), "turns", str(repo_id), self._flows.turn, session_id, turn_id)
        self._apart(_enqueue, *known, delay_s=delay_s)

    def is_put_off(self, turn_id: str, times: int) -> bool:
        """Whether a turn was put off more than so many times: then it goes on as another flow."""
        later = _flow_of(turn_id, times + 1)
        return bool(contextvars.Context().run(DBOS.list_workflows, workflow_ids=[later], load_input=False))

    def discard(self, session_id: str, *, key: str) -> None:
        """Have a session's workspace deleted, once for each key."""
        self._apart(_start, f"discard:{key}", self._flows.discard, session_id)

    def take_over(self) -> None:
        """Have flows run again whose worker is dead or has stood still for too long. Several may do so at once."""
        begun = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        for holder in sorted({str(flow.executor_id) for flow in begun} - {self.lease.holder}):
            if self.lease.supersede(holder):
                # Not `resume_workflow`: it would also restart what another worker has taken over at this moment.
                flows = DBOS._recover_pending_workflows([holder])
                log.warning("taken over", extra={"holder": holder, "flows": len(flows)})
        self._take_back({flow.workflow_id: flow.queue_name for flow in begun if flow.executor_id == self.lease.holder})

    def _take_back(self, begun: dict[str, str | None]) -> None:
        """Have flows run again that count as begun by us and are not under way, now as the last time: their end could
        not be written, as the disk was full, and they would hold up all that comes after them."""
        missing = begun.keys() - self._running
        for flow_id in sorted(missing & self._missing):
            log.warning("taken back", extra={"flow": flow_id})
            DBOS.resume_workflow(flow_id, queue_name=begun[flow_id])
        self._missing = missing - self._missing

    def forget(self, before: datetime) -> None:
        """Delete flows that ended before a time, and workers that are long gone."""
        leases.forget(self.lease.database, but=self.lease.name)
        until = text_of(before)
        while ended := DBOS.list_workflows(
            status=_ENDED, completed_before=until, limit=500, load_input=False, load_output=False
        ):
            DBOS.delete_workflows([flow.workflow_id for flow in ended])

    def _apart(self, act: Callable[P, None], *args: P.args, **options: P.kwargs) -> None:
        """Do it outside of the flow that we are in: inside, DBOS would take it for one that it knows by its place, and
        when a flow is run again, fewer come before. Raises `DatabaseAway`, `Transient` once this process has let go of
        DBOS."""
        try:
            contextvars.Context().run(act, *args, **options)
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
            raise DatabaseAway(f"the flows' database cannot be written ({type(error).__name__})") from error
        except Exception as error:
            if self._is_over:
                raise Transient("this process ends; the next one goes on") from error
            raise

    @property
    def _flows(self) -> _Known:
        if self._known is None:
            raise RuntimeError("the runtime is not launched")
        return self._known


def _register(flows: Flows, running: set[str]) -> _Known:
    """Tell DBOS about the flows, by names and arguments that stay: workers of other versions run what we enqueue. It
    must know them before it launches. Those under way are in `running`."""

    @contextmanager
    def under_way() -> Iterator[str]:
        flow_id = DBOS.workflow_id or ""
        running.add(flow_id)
        try:
            yield flow_id
        finally:
            running.discard(flow_id)

    @DBOS.workflow(name="intake", max_recovery_attempts=1000)
    def intake(lane: str) -> None:
        with under_way():
            flows.intake(lane)

    @DBOS.workflow(name="turn", max_recovery_attempts=1000)
    async def turn(session_id: str, turn_id: str) -> None:
        with under_way() as flow_id:
            await flows.turn(session_id, turn_id, _times_of(flow_id))

    @DBOS.workflow(name="discard", max_recovery_attempts=1000)
    async def discard(session_id: str) -> None:
        with under_way():
            await flows.discard(session_id)

    return _Known(intake=intake, turn=turn, discard=discard)


def _flow_of(turn_id: str, times: int) -> str:
    return f"{turn_id}@{times}" if times else turn_id


def _times_of(flow_id: str) -> int:
    times = flow_id.rpartition("@")[2]
    return int(times) if times.isdecimal() else 0


def _enqueue(
    flow_id: str, queue: str, lane: str, flow: Callable[..., Any], *args: str, delay_s: float | None = None
) -> None:
    with SetWorkflowID(flow_id), SetEnqueueOptions(queue_partition_key=lane, delay_seconds=delay_s):
        DBOS.enqueue_workflow(queue, flow, *args)


def _start(flow_id: str, flow: Callable[..., Any], *args: str) -> None:
    with SetWorkflowID(flow_id):
        DBOS.start_workflow(flow, *args)


def _use_our_log() -> None:
    """DBOS prints to a console of its own, and speaks of each flow that we stop on purpose."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True
    logger.disabled = False
    logger.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    said = record.getMessage()
    # The second: a flow that was claimed while we stopped. It is begun, and goes on elsewhere or after the next start.
    return not said.startswith("Asyncio task cancelled") and "before DBOS was launched" not in said
