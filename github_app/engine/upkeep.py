"""Upkeep: what time brings. Sessions are looked at when nobody has told us anything for a while, what nobody told us is
reconciled, and what a dead worker left is taken over."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from github_app.core.errors import HonkError
from github_app.core.events import Ticked
from github_app.core.ports import Clock
from github_app.core.session import Status
from github_app.engine.reconciliation import Reconciliation
from github_app.engine.runtime import Runtime
from github_app.engine.store import Store

log = logging.getLogger(__name__)

_TICK_S = 5.0
_LATE_S = 300.0
_RECONCILE_S = 300.0
_RECONCILE_AGAIN_S = 10.0
_TURN_S = 30.0
_FLOWLESS_AFTER = timedelta(seconds=20)
_LOST_AFTER = timedelta(minutes=15)
_LOOK_EVERY = {
    Status.WORKING: timedelta(minutes=10),
    Status.AWAITING_CHECKS: timedelta(minutes=1),
    Status.AWAITING_REVIEW: timedelta(minutes=15),
    Status.NEEDS_HUMAN: timedelta(hours=1),
}


@dataclass(kw_only=True)
class Upkeep:
    """What each worker does beside the flows; several may do it at once. Its findings come in by the inbox."""

    store: Store
    reconciliation: Reconciliation
    runtime: Runtime
    clock: Clock
    checks_grace_s: float
    _warned_at: datetime | None = None

    def tick_forever(self, stopping: threading.Event) -> None:
        """Tick every few seconds until told to stop."""
        while not stopping.wait(_TICK_S):
            try:
                self.tick()
            except Exception:  # the root of this thread
                log.exception("tick failed; trying again")

    def tick(self) -> None:
        """Look at each session whose time has come, open or merged a while ago, and at what was left lying."""
        now = self.clock.now()
        soon = min(_LOOK_EVERY[Status.AWAITING_CHECKS], timedelta(seconds=self.checks_grace_s))
        every = _LOOK_EVERY | {Status.AWAITING_CHECKS: soon}
        due = self.store.due_sessions({status.value: now - length for status, length in every.items()})
        due += self.store.due_watches(soon=timedelta(seconds=self.checks_grace_s))
        for session_id in due:
            self.store.entries.add_event(Ticked(id=f"{session_id}/tick-{now:%Y%m%dT%H%M%S}", session_id=session_id))
        for lane in self.store.entries.queued_lanes(queued_before=now - _FLOWLESS_AFTER):
            # Whoever put rows into this lane may have ended before it began their flow; one too many finds nothing.
            self.runtime.intake(lane, key=f"again:{now:%Y%m%dT%H%M}")
        self.store.entries.requeue(queued_before=now - _LOST_AFTER)
        self.runtime.take_over()
        self._warn_of_delay(now)

    def _warn_of_delay(self, now: datetime) -> None:
        """Tell the operator of a row that nothing comes of, every few minutes."""
        oldest_s = self.store.entries.oldest_s()
        if oldest_s >= _LATE_S and (self._warned_at is None or now - self._warned_at >= timedelta(seconds=_LATE_S)):
            self._warned_at = now
            log.warning("the inbox is behind", extra={"oldest_s": round(oldest_s)})

    def reconcile_forever(self, stopping: threading.Event) -> None:
        """Reconcile at once, again soon, then every few minutes until told to stop; sooner if others were at it."""
        # The first look may be over before the door is open, and what failed in between is not in it.
        pause_s = _RECONCILE_AGAIN_S
        while True:
            was_ours = True
            try:
                was_ours = self.reconciliation.run()
            except HonkError as error:
                log.warning("not reconciled", extra={"why": str(error)})
            except Exception:  # the root of this thread
                log.exception("reconcile failed; trying again")
            if stopping.wait(pause_s if was_ours else _TURN_S):
                return
            pause_s = _RECONCILE_S if was_ours else pause_s
