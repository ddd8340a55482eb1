"""The engine: what comes in is decided on and done, durably.

    dispatch   new inbox rows → lanes, one for each issue, and a flow `intake` for each lane
    intake     row after row: event → facts → decide → commit → effects; what fails for now is postponed
    turn       one run of the agent, limited for each repository and in all; its end is an event in the inbox

What time brings is in `upkeep`, and comes in by the inbox like all else. The runtime (DBOS) takes flows up again after
a crash. A flow journals nothing there: it is run again from its start, and finds in our own tables how far it had
come."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from github_app.core.chat.model import ChatEvent
from github_app.core.effects import BEST_EFFORT, DiscardWorkspace, RunTurn
from github_app.core.errors import HonkError, RateLimited, Rejected, Stopped, Transient
from github_app.core.events import (
    ChangeSetHeld,
    EffectFailed,
    Event,
    InstallationChanged,
    OwnEvent,
    Published,
    Ticked,
    TurnEnded,
)
from github_app.core.machine import decide
from github_app.core.messages import answers
from github_app.core.model import Repo
from github_app.core.ports import Clock
from github_app.core.session import Session
from github_app.core.subjects import subject_of
from github_app.core.trail import on_trail
from github_app.core.waits import TOLD_S
from github_app.engine.codec import FromNewer
from github_app.engine.database import DatabaseAway
from github_app.engine.entries import Entry
from github_app.engine.inbox import read
from github_app.engine.journal import HandedOver
from github_app.engine.lanes import lane_of
from github_app.engine.lookup import Lookup
from github_app.engine.outcomes import failure_of
from github_app.engine.patience import Later, delay_s, is_given_up, is_over, sort_out
from github_app.engine.performance import Performance, explain
from github_app.engine.retention import Retention
from github_app.engine.runtime import Runtime
from github_app.engine.store import Conflict, Pending, Store
from github_app.engine.tracing import Traces, of_session, of_turn
from github_app.engine.turns import PutOff, TurnRunner
from github_app.engine.upkeep import Upkeep

log = logging.getLogger(__name__)

_DISPATCH_S, _AWAY_S, _BATCH = 0.5, 1.0, 200
_TOLD_AT = 6  # Tried so often, somebody has waited for two minutes.


@dataclass(kw_only=True)
class Engine:
    """The worker in this process. All that its methods find out is in the store."""

    store: Store
    lookup: Lookup
    performance: Performance
    traces: Traces
    runner: TurnRunner
    runtime: Runtime
    upkeep: Upkeep
    retention: Retention
    discard_workspace: Callable[[str], Awaitable[None]]
    clock: Clock
    trigger_label: str
    take_in_chat: Callable[[ChatEvent], None]
    _wake: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _running: int = 0
    _idle: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        """Take up what was left, then work in the background until `stop`."""
        self.runtime.launch(self)
        for lane in self.store.entries.queued_lanes():
            self.runtime.intake(lane, key=f"start:{self.clock.now().timestamp()}")
        # The runtime knows them, but for one whose tables are not those of its last life.
        for session in self.store.turns_in_force():
            self.runtime.turn(session.id, session.turn_id or "", repo_id=session.repo.id)
        works = (self.upkeep.tick_forever, self.upkeep.reconcile_forever, self.retention.sweep_forever)
        for work in (self._dispatch_forever, *works):
            thread = threading.Thread(target=work, args=(self._stopping,), name=work.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, *, timeout_s: float = 6.0) -> None:
        """Take no more work, give what runs so long to come to a good place, and let go; the next start goes on."""
        until = time.monotonic() + timeout_s
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout=1.0)
        with self._idle:
            self._idle.wait_for(lambda: self._running == 0, timeout=until - time.monotonic())
        self.runtime.shut_down()

    def wake(self) -> None:
        """Say that the inbox has something new."""
        self._wake.set()

    # Dispatch

    def _dispatch_forever(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._wake.clear()
            try:
                is_busy = self.dispatch()
            except Exception:  # the root of this thread: without it nothing would ever come in again
                log.exception("dispatch failed; trying again")
                is_busy = False
            if not is_busy:
                self._wake.wait(_DISPATCH_S)

    def dispatch(self) -> bool:
        """Hand what is new in the inbox to flows; whether there was anything. What means nothing ends here."""
        entries = self.store.entries.new(_BATCH)
        queued: list[tuple[Entry, str]] = []
        for entry in entries:
            try:
                event = read(entry, trigger_label=self.trigger_label)
            except FromNewer as error:
                self._wait_for(entry, None, error)
            except Rejected as error:
                log.warning("unreadable delivery", extra={"delivery": entry.id, "why": str(error)})
                self.store.entries.end(entry.id, "unreadable", str(error))
            except Exception as error:  # one row that breaks us must not hold up all others
                self._give_up(entry, None, error)
            else:
                if isinstance(event, str):
                    self.store.entries.end(entry.id, "ignored", event)
                    continue
                queued.append((entry, lane_of(event, self.store)))
        self.store.entries.queue(queued)
        for lane, newest in {lane: entry for entry, lane in queued}.items():
            self.runtime.intake(lane, key=f"{newest.id}:{newest.attempts}")
        return bool(entries)

    # Intake

    def intake(self, lane: str) -> None:
        """Take in what waits in a lane, in the order of its arrival. Whatever happens, each row says how it went."""
        with self._counted():
            last = ""
            while not self._stopping.is_set():
                try:
                    entry = self.store.entries.next_in_lane(lane)
                    if entry is None or entry.id == last:
                        return  # The same again: another worker took it back as lost. It will come again.
                    with self.traces.intake(entry.id):
                        self._take_in(entry)
                    last = entry.id
                except DatabaseAway as error:
                    log.warning("intake waits", extra={"lane": lane, "why": str(error)})
                    self._stopping.wait(_AWAY_S)

    def _take_in(self, entry: Entry) -> None:
        event: Event | str | None = None
        try:
            found = read(entry, trigger_label=self.trigger_label)
            if isinstance(found, ChatEvent):
                self.take_in_chat(found)
            else:
                event = found
            for one in self._spread(event):
                self._settle(one)
            self._show_what_was_waited(entry, event)
            self.store.entries.end(entry.id, "done")
        except DatabaseAway:
            raise
        except Later as later:
            self._postpone(entry, event, later.error, tries=later.tries)
        except Transient as error:
            self._wait_for(entry, event, error)
        except Exception as error:  # the root of this flow: a bug gets a number, and somebody is told
            self._give_up(entry, event, error)
        self.wake()

    def _spread(self, event: Event | str | None) -> Iterator[Event]:
        """An event of an installation is one for each open session that it touches; all others are about one."""
        if isinstance(event, InstallationChanged):
            for session in self.store.open_sessions(installation_id=event.installation_id):
                if not event.repo_ids or session.repo.id in event.repo_ids:
                    yield replace(event, id=f"{event.id}@{session.id}")
        elif not isinstance(event, str | None):
            yield event

    def _settle(self, event: Event) -> None:
        """Decide, unless that was done before, and perform what is left to perform. What is done on a best-effort basis
        holds nothing up."""
        later: Later | None = None
        for pending in self._decide(event):
            try:
                with self.traces.effect(pending) as span:
                    span.end(error=self._perform(pending))
            except Later as error:
                if not isinstance(pending.effect, BEST_EFFORT):
                    raise
                later = error
        if later is not None:
            raise later

    def _decide(self, event: Event) -> list[Pending]:
        with self.traces.decision(event) as span:
            while True:
                pending = self.store.decision_of(event.id)
                if pending is not None:
                    return pending
                session = self._session_of(event)
                repo: Repo | None = getattr(event, "repo", None) or (session.repo if session is not None else None)
                if session is not None and repo is not None and repo != session.repo:
                    session = replace(session, repo=repo)  # Names and installations change; the event knows the newest.
                facts = self.lookup.facts_for(session, event, repo)
                decision = decide(session, event, facts)
                try:
                    pending = self.store.commit(event, session, decision, repo, facts)
                except Conflict:
                    continue
                span.end(of_session(decision.session))
                with on_trail(session=decision.session.id if decision.session else None):
                    log.info("decided", extra={"kind": type(event).__name__, "why": decision.why})
                return pending

    def _session_of(self, event: Event) -> Session | None:
        if isinstance(event, InstallationChanged):
            return self.store.session(event.id.rpartition("@")[2])
        return self.store.find_session(subject_of(event))

    # Effects

    def _perform(self, pending: Pending) -> str:
        """Do it, or say by `Later` that it is to be tried again: each effect has tries of its own. The kind of what
        went wrong, if it failed for good."""
        try:
            result = self._act(pending)
        except DatabaseAway:
            raise
        except Stopped as error:
            self.store.finish_effect(pending.id, note=str(error))
        except Transient as error:
            if not is_over(pending, error, self.clock.now()):
                self.store.count_try(pending.id)
                raise Later(error, tries=pending.tries) from error
            return self._effect_failed(pending, error)
        except Exception as error:  # a bug in one effect is that effect's failure
            return self._effect_failed(pending, error)
        else:
            self.store.finish_effect(pending.id, result=result)
            log.info("performed", extra={"effect": pending.id, "kind": type(pending.effect).__name__})
        return ""

    def _act(self, pending: Pending) -> OwnEvent | None:
        match pending.effect:
            case RunTurn() as effect:
                self.runtime.turn(pending.session_id or "", effect.turn_id, repo_id=pending.repo.id)
            case DiscardWorkspace():
                self.runtime.discard(pending.session_id or "", key=pending.id)
            case _:
                return self.performance.perform(pending)
        return None

    def _effect_failed(self, pending: Pending, error: Exception) -> str:
        why = sort_out("effect failed", error, effect=pending.id)
        self.store.finish_effect(pending.id, note=why, failed=True, result=failure_of(pending, error, why))
        return type(error).__name__

    def _wait_for(self, entry: Entry, event: Event | str | None, error: Transient) -> None:
        """Have a row that could not be decided now be decided later, unless it has waited for long enough."""
        if is_given_up(error, entry.attempts):
            self._give_up(entry, event, error)
        elif isinstance(error, RateLimited) and isinstance(event, Ticked):
            self.store.entries.end(entry.id, "ignored", f"{explain(error)}; the next look comes by itself")
        else:
            self._postpone(entry, event, error, tries=entry.attempts)

    def _postpone(self, entry: Entry, event: Event | str | None, error: Transient, *, tries: int) -> None:
        wait_s = delay_s(error, tries)
        log.warning("postponed", extra={"delivery": entry.id, "why": str(error), "delay_s": wait_s})
        if tries == _TOLD_AT and not isinstance(event, str | None):
            self._answer(event, answers.request_waits(explain(error)))
        told: list[str] = []
        if isinstance(error, RateLimited) and wait_s > TOLD_S:
            told = self._sessions_of(event)
            for session_id in told:
                self.store.waits.begin(session_id, whose=error.whose, seconds=wait_s)
        self.store.entries.postpone(entry, delay_s=wait_s, note=explain(error))
        for session_id in told:
            with suppress(Transient):  # It is on the session's page, too, and told afterwards.
                self._show(session_id)

    def _sessions_of(self, event: Event | str | None) -> list[str]:
        found = [self._session_of(one) for one in self._spread(event)]
        return [session.id for session in found if session is not None]

    def _show(self, session_id: str) -> None:
        try:
            self.performance.show(session_id)
        except Transient:
            raise
        except HonkError as error:
            log.warning("a wait was not shown", extra={"session": session_id, "why": str(error)})

    def _show_what_was_waited(self, entry: Entry, event: Event | str | None) -> None:
        """After a wait the tracking comment must not say any more that it lasts."""
        for session_id in self._sessions_of(event) if entry.attempts else ():
            if self.store.waits.of(session_id) is not None:
                self._show(session_id)

    def _give_up(self, entry: Entry, event: Event | str | None, error: Exception) -> None:
        """Not to be mended by trying again: a lost permission, a vanished repository, or a bug of ours."""
        why = sort_out("event failed", error, delivery=entry.id)
        if isinstance(event, TurnEnded | Published | ChangeSetHeld):
            # The session waits for this very event: without a word it would wait for ever.
            self.store.entries.add_event(
                EffectFailed(
                    id=f"{entry.id}/failed",
                    session_id=event.session_id,
                    effect_id=entry.id,
                    effect_kind="RunTurn",
                    reason=why,
                    turn_id=event.turn_id,
                )
            )
        elif not isinstance(event, str | None):
            self._answer(event, answers.request_failed(why))
        self.store.entries.end(entry.id, "failed", why)

    def _answer(self, event: Event, body: str) -> None:
        try:
            self.performance.answer(event, body)
        except HonkError as error:
            log.warning("nobody was told", extra={"why": str(error)})

    # Turns

    async def turn(self, session_id: str, turn_id: str, times: int = 0) -> None:
        """Run one turn; how it ended is an event like any other. `times` counts how often it was put off."""
        if await asyncio.to_thread(self.runtime.is_put_off, turn_id, times):
            return  # This process's predecessor died just after that.
        try:
            with self._counted(), on_trail(session=session_id, turn=turn_id):
                await self._run_turn(session_id, turn_id)
        except PutOff as later:
            again = partial(self.runtime.turn, repo_id=later.repo_id, times=times + 1, delay_s=later.wait_s)
            await asyncio.to_thread(again, session_id, turn_id)
        except HandedOver:
            log.info("turn handed over", extra={"turn": turn_id})
            await asyncio.Event().wait()  # until `stop` cancels it: a flow that returned would count as done

    async def _run_turn(self, session_id: str, turn_id: str) -> None:
        while True:
            try:
                place = await asyncio.to_thread(self.traces.place_of, turn_id)
                with self.traces.turn(session_id, place) as span:
                    event = await self.runner.run(session_id, turn_id, is_stopping=self._stopping.is_set)
                    if event is not None:
                        await asyncio.to_thread(self.store.entries.add_event, event)
                    span.end(of_turn(event))
                break
            except DatabaseAway as error:
                log.warning("turn waits", extra={"turn": turn_id, "why": str(error)})
                await asyncio.sleep(_AWAY_S)
        self.wake()

    async def discard(self, session_id: str) -> None:
        """Delete a session's workspace."""
        await self.discard_workspace(session_id)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._idle:
            self._running += 1
        try:
            yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()
