"""What runs the flows: DBOS, with what it leaves to its users. A worker's name is its own, flows that a dead worker
had begun are taken over, finished ones are deleted, and its log is ours."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ParamSpec, Protocol

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

from github_app.engine.slots import Slot, take_slot, try_slot

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

    async def turn(self, session_id: str, turn_id: str) -> None:
        """Run one turn."""

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

    `worker_id` must be this process's own and stay its own over restarts: what it had begun comes back to it. Where
    another process can see that it died, that one takes its work over.
    """

    database: sa.Engine
    flows_url: str
    worker_id: str
    capacity: Capacity = field(default_factory=Capacity)
    _known: _Known | None = None
    _slot: Slot | None = None

    def launch(self, flows: Flows) -> None:
        """Take up what was left and run flows until `shut_down`. Raises `Misconfigured` if the name is taken."""
        self._slot = take_slot(self.database, self.worker_id)
        _use_our_log()
        DBOS(
            config=DBOSConfig(
                name="honk",
                system_database_url=self.flows_url,
                executor_id=self.worker_id,
                application_version=APPLICATION_VERSION,
                enable_otlp=False,
                log_level="WARNING",
            )
        )
        self._known = _register(flows)
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

    def shut_down(self) -> None:
        """Cancel what waits in this process's event loop, and let go. Flows that did not end stay begun."""
        DBOS.destroy(destroy_registry=True)
        if self._slot is not None:
            self._slot.release()

    def intake(self, lane: str, *, key: str) -> None:
        """Have what waits in a lane taken in, once for each key; one flow at a time in a lane, on any worker."""
        _apart(_enqueue, f"intake:{lane}:{key}", "intake", lane, self._flows.intake, lane)

    def turn(self, session_id: str, turn_id: str, *, repo_id: int) -> None:
        """Have a turn run, once, as soon as its repository's share and the whole leave room."""
        _apart(_enqueue, turn_id, "turns", str(repo_id), self._flows.turn, session_id, turn_id)

    def discard(self, session_id: str, *, key: str) -> None:
        """Have a session's workspace deleted, once for each key."""
        _apart(_start, f"discard:{key}", self._flows.discard, session_id)

    def take_over(self) -> None:
        """Take over what workers had begun that are dead: those whose name can be had."""
        if self._slot is not None and not self._slot.is_held():
            log.error("the lock on this worker's name was lost", extra={"worker": self.worker_id})
            self._slot = try_slot(self.database, self.worker_id) or self._slot
        begun = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        for worker_id in {flow.executor_id for flow in begun} - {self.worker_id, None}:
            slot = try_slot(self.database, str(worker_id))
            if slot is None:
                continue
            theirs = [flow for flow in begun if flow.executor_id == worker_id]
            log.warning("taking over", extra={"worker": worker_id, "flows": len(theirs)})
            for flow in theirs:
                DBOS.resume_workflow(flow.workflow_id, queue_name=flow.queue_name)
            slot.release()

    def forget(self, before: datetime) -> None:
        """Delete flows that ended before a time."""
        until = before.astimezone(UTC).isoformat()
        while ended := DBOS.list_workflows(
            status=_ENDED, completed_before=until, limit=500, load_input=False, load_output=False
        ):
            DBOS.delete_workflows([flow.workflow_id for flow in ended])

    @property
    def _flows(self) -> _Known:
        if self._known is None:
            raise RuntimeError("the runtime is not launched")
        return self._known


def _register(flows: Flows) -> _Known:
    """Tell DBOS about the flows, by names that stay; it must know them before it launches."""

    @DBOS.workflow(name="intake", max_recovery_attempts=1000)
    def intake(lane: str) -> None:
        flows.intake(lane)

    @DBOS.workflow(name="turn", max_recovery_attempts=1000)
    async def turn(session_id: str, turn_id: str) -> None:
        await flows.turn(session_id, turn_id)

    @DBOS.workflow(name="discard", max_recovery_attempts=1000)
    async def discard(session_id: str) -> None:
        await flows.discard(session_id)

    return _Known(intake=intake, turn=turn, discard=discard)


def _apart(act: Callable[P, None], *args: P.args, **options: P.kwargs) -> None:
    """Do it outside of the flow that we are in: inside, DBOS would take it for one that it knows by its place, and when
    a flow is run again, fewer come before."""
    contextvars.Context().run(act, *args, **options)


def _enqueue(flow_id: str, queue: str, lane: str, flow: Callable[..., Any], *args: str) -> None:
    with SetWorkflowID(flow_id), SetEnqueueOptions(queue_partition_key=lane):
        DBOS.enqueue_workflow(queue, flow, *args)


def _start(flow_id: str, flow: Callable[..., Any], *args: str) -> None:
    with SetWorkflowID(flow_id):
        DBOS.start_workflow(flow, *args)


def _use_our_log() -> None:
    """DBOS prints to a console of its own, and warns of each flow that we stop on purpose."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True
    logger.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Asyncio task cancelled")
