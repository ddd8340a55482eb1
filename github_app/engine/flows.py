"""The engine: what comes in is decided on and done, durably. DBOS runs the flows and takes them up again after a
crash; our own tables make each of them safe to run twice.

    dispatch   inbox row → flow `intake`, one at a time for each session
    intake     event → facts → decide → commit → effects; what fails for now is postponed, no thread waits
    turn       one run of the agent, limited for each repository and in all; its end is an event in the inbox

A flow's body journals nothing in DBOS: it is run again from its start, and finds in our tables how far it had
come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

from github_app.core.effects import BEST_EFFORT, DiscardWorkspace, RunTurn
from github_app.core.errors import HeadMoved, HonkError, RateLimited, Rejected, Stopped, Transient
from github_app.core.events import EffectFailed, Event, InstallationChanged, OwnEvent, Ticked, subject_of
from github_app.core.machine import decide
from github_app.core.model import Repo, Session, Status
from github_app.core.names import issue_of_branch
from github_app.core.ports import Clock
from github_app.engine import codec
from github_app.engine.inbox import read
from github_app.engine.lookup import Lookup
from github_app.engine.performance import Performance, explain
from github_app.engine.store import Conflict, Entry, Pending, Store
from github_app.engine.turns import TurnRunner

log = logging.getLogger(__name__)

APPLICATION_VERSION = "honk-1"
"""Constant: DBOS strands what another version left in flight, and our flows journal nothing that could differ."""

_POLL_S = 0.05
_DISPATCH_S = 0.5
_TICK_S = 5.0
_BATCH = 200
_MAX_ATTEMPTS = 10
_TICK_EVERY = {
    Status.WORKING: timedelta(minutes=10),
    Status.AWAITING_CHECKS: timedelta(minutes=1),
    Status.AWAITING_REVIEW: timedelta(minutes=15),
    Status.NEEDS_HUMAN: timedelta(hours=1),
}


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much runs at once: turns for each repository, and in all; decisions in each process."""

    turns_per_repo: int = 2
    turns: int = 4
    intakes: int = 16


@dataclass(frozen=True)
class _Flows:
    """The flows as DBOS knows them."""

    intake: Callable[[str], None]
    turn: Callable[[str, str], Awaitable[None]]
    discard: Callable[[str], Awaitable[None]]


@dataclass(kw_only=True)
class Engine:
    """One worker process. `worker_id` must be its own and stay its own: DBOS gives a worker back what it had begun."""

    store: Store
    lookup: Lookup
    performance: Performance
    runner: TurnRunner
    discard_workspace: Callable[[str], Awaitable[None]]
    clock: Clock
    flows_url: str
    worker_id: str
    trigger_label: str
    capacity: Capacity = field(default_factory=Capacity)
    _wake: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _flows: _Flows | None = None

    def start(self) -> None:
        """Take up what was left, then work in the background until `stop`."""
        config = DBOSConfig(
            name="honk",
            system_database_url=self.flows_url,
            executor_id=self.worker_id,
            application_version=APPLICATION_VERSION,
            notification_listener_polling_interval_sec=1.0,
            enable_otlp=False,
            log_level="WARNING",
        )
        DBOS(config=config)
        self._flows = _register(self)
        DBOS.launch()
        DBOS.register_queue(
            "intake",
            partition_concurrency=1,
            worker_concurrency=self.capacity.intakes,
            polling_interval_sec=_POLL_S,
        )
        DBOS.register_queue(
            "turns",
            partition_concurrency=self.capacity.turns_per_repo,
            global_concurrency=self.capacity.turns,
            polling_interval_sec=_POLL_S,
        )
        for work in (self._dispatch_forever, self._tick_forever):
            thread = threading.Thread(target=work, name=work.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, *, timeout_s: int = 10) -> None:
        """Stop taking work, give what runs a moment, and let go of it; the next start takes it up."""
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout=timeout_s)
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)

    def wake(self) -> None:
        """Say that the inbox has something new."""
        self._wake.set()

    @property
    def _registered(self) -> _Flows:
        if self._flows is None:
            raise RuntimeError("the engine is not started")
        return self._flows

    # Dispatch

    def _dispatch_forever(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                busy = self._dispatch()
            except Exception:
                log.exception("dispatch failed; trying again")
                busy = False
            if not busy:
                self._wake.wait(_DISPATCH_S)

    def _dispatch(self) -> bool:
        entries = self.store.new_entries(_BATCH)
        for entry in entries:
            if self._stopping.is_set():
                return False
            with (
                SetWorkflowID(f"intake:{entry.id}:{entry.attempts}"),
                SetEnqueueOptions(queue_partition_key=self._partition_of(entry)),
            ):
                DBOS.enqueue_workflow("intake", self._registered.intake, entry.id)
            self.store.mark_entry(entry.id, "queued")
        return bool(entries)

    def _partition_of(self, entry: Entry) -> str:
        """The session an entry is about, as far as it can be told from the entry: what is serial with it."""
        try:
            event = read(entry, trigger_label=self.trigger_label)
        except Rejected:
            return "unreadable"
        if isinstance(event, str):
            return "ignored"
        subject = subject_of(event)
        if subject.session_id is not None:
            return subject.session_id.rpartition("-")[0]
        issue = subject.issue_number or (issue_of_branch(subject.branch) if subject.branch else None)
        if issue is None and subject.pull_number is not None:
            session = self.store.find_session(subject)
            issue = session.issue_number if session is not None else None
        return f"{subject.repo_id or 0}-{issue or 0}"

    # Intake

    def intake(self, entry_id: str) -> None:
        """Decide on one inbox row and do what follows. Whatever happens, the row says how it went."""
        entry = self.store.entry(entry_id)
        try:
            event = read(entry, trigger_label=self.trigger_label)
            if isinstance(event, str):
                self.store.mark_entry(entry_id, "ignored", event)
                return
            for one in self._spread(event):
                self._settle(one, attempts=entry.attempts)
            self.store.finish_entry(entry_id)
        except Rejected as error:
            log.warning("unreadable delivery", extra={"delivery": entry_id, "why": str(error)})
            self.store.mark_entry(entry_id, "unreadable", str(error))
        except Transient as error:
            self._postpone(entry, error)
        except Exception as error:
            self._give_up(entry, error)
        self.wake()

    def _spread(self, event: Event) -> Iterator[Event]:
        """An event of an installation is one for each open session that it touches; all others are about one."""
        if not isinstance(event, InstallationChanged):
            yield event
            return
        for session in self.store.open_sessions(installation_id=event.installation_id):
            if not event.repo_ids or session.repo.id in event.repo_ids:
                yield replace(event, id=f"{event.id}@{session.id}")

    def _settle(self, event: Event, *, attempts: int) -> None:
        """Decide, unless that was done before a crash, and perform what is left to perform."""
        pending = self.store.decision_of(event.id)
        if pending is None:
            pending = self._decide(event)
        for effect in pending:
            self._perform(effect, attempts=attempts)

    def _decide(self, event: Event) -> list[Pending]:
        while True:
            session = self._session_of(event)
            repo: Repo | None = getattr(event, "repo", None) or (session.repo if session is not None else None)
            if session is not None and repo is not None and repo != session.repo:
                session = replace(session, repo=repo)  # Names and installations change; the event knows the newest.
            facts = self.lookup.facts_for(session, event, repo)
            decision = decide(session, event, facts)
            try:
                pending = self.store.commit(event, session, decision, repo)
            except Conflict:
                continue
            log.info(
                "decided",
                extra={"kind": type(event).__name__, "event_id": event.id, "why": decision.why}
                | ({"session": decision.session.id} if decision.session else {}),
            )
            return pending

    def _session_of(self, event: Event) -> Session | None:
        if isinstance(event, InstallationChanged):
            return self.store.session(event.id.rpartition("@")[2])
        return self.store.find_session(subject_of(event))

    def _perform(self, pending: Pending, *, attempts: int) -> None:
        effect = pending.effect
        match effect:
            case RunTurn():
                with (
                    SetWorkflowID(effect.turn_id),
                    SetEnqueueOptions(queue_partition_key=str(pending.repo.id)),
                ):
                    DBOS.enqueue_workflow("turns", self._registered.turn, pending.session_id or "", effect.turn_id)
                self.store.finish_effect(pending.id)
                return
            case DiscardWorkspace():
                with SetWorkflowID(f"discard:{pending.id}"):
                    DBOS.start_workflow(self._registered.discard, pending.session_id or "")
                self.store.finish_effect(pending.id)
                return
            case _:
                pass
        try:
            result = self.performance.perform(pending)
            self.store.finish_effect(pending.id, result=result)
        except Stopped as error:
            self.store.finish_effect(pending.id, note=str(error))
        except Transient as error:
            if attempts < (2 if isinstance(effect, BEST_EFFORT) else _MAX_ATTEMPTS):
                raise
            self._effect_failed(pending, error)
        except HonkError as error:
            self._effect_failed(pending, error)

    def _effect_failed(self, pending: Pending, error: HonkError) -> None:
        log.warning("effect failed", extra={"effect": pending.id, "why": str(error)})
        result: OwnEvent | None = None
        if pending.session_id is not None and not isinstance(pending.effect, BEST_EFFORT):
            result = EffectFailed(
                id=f"{pending.id}/failed",
                session_id=pending.session_id,
                effect_id=pending.id,
                effect_kind=type(pending.effect).__name__,
                reason=explain(error),
                head_sha=error.head_sha if isinstance(error, HeadMoved) else None,
            )
        self.store.finish_effect(pending.id, note=explain(error), failed=True, result=result)

    def _postpone(self, entry: Entry, error: Transient) -> None:
        delay_s = error.retry_after_s if isinstance(error, RateLimited) else min(2.0**entry.attempts, 60.0)
        log.warning("postponed", extra={"delivery": entry.id, "why": str(error), "delay_s": delay_s})
        self.store.postpone_entry(entry.id, delay_s=delay_s, note=explain(error))

    def _give_up(self, entry: Entry, error: Exception) -> None:
        """Not to be mended by trying again: a lost permission, a vanished repository, or a bug of ours."""
        error_id = uuid4().hex[:8]
        log.exception("event failed", extra={"delivery": entry.id, "error_id": error_id})
        why = explain(error) if isinstance(error, HonkError) else f"an error of my own (id {error_id}, in the log)"
        self.store.mark_entry(entry.id, "failed", why)
        event = codec.load_named(entry.name, entry.body.decode()) if entry.source == "self" else None
        if event is not None and not isinstance(event, EffectFailed | Ticked):
            # The session waits for this very event: without a word it would wait for ever.
            failed = EffectFailed(
                id=f"{entry.id}/failed", session_id=event.session_id, effect_id=entry.id, effect_kind="RunTurn", reason=why
            )  # fmt: skip
            self.store.add_event(failed)

    # Turns

    async def turn(self, session_id: str, turn_id: str) -> None:
        """Run one turn; how it ended is an event like any other."""
        event = await self.runner.run(session_id, turn_id)
        if event is not None:
            self.store.add_event(event)
            self.wake()

    async def discard(self, session_id: str) -> None:
        """Delete a session's workspace."""
        await self.discard_workspace(session_id)

    # Time

    def _tick_forever(self) -> None:
        while not self._stopping.wait(_TICK_S):
            try:
                self.tick()
            except Exception:
                log.exception("tick failed; trying again")

    def tick(self) -> None:
        """Have a look at each open session whose time has come."""
        now = self.clock.now()
        due = self.store.due_sessions({status.value: now - every for status, every in _TICK_EVERY.items()})
        for session_id in due:
            self.store.add_event(Ticked(id=f"{session_id}/tick-{now:%Y%m%dT%H%M%S}", session_id=session_id))
        if due:
            self.wake()


def _register(engine: Engine) -> _Flows:
    """Tell DBOS about the flows, by names that stay; it must know them before it launches."""

    @DBOS.workflow(name="intake", max_recovery_attempts=1000)
    def intake(entry_id: str) -> None:
        engine.intake(entry_id)

    @DBOS.workflow(name="turn", max_recovery_attempts=1000)
    async def turn(session_id: str, turn_id: str) -> None:
        await engine.turn(session_id, turn_id)

    @DBOS.workflow(name="discard", max_recovery_attempts=1000)
    async def discard(session_id: str) -> None:
        await engine.discard(session_id)

    return _Flows(intake=intake, turn=turn, discard=discard)
