"""Leases: for how long a worker may act without asking. A worker has its name by a lock (`slots`) and, on a server,
shows by heartbeats that it lives. Who stood still for longer than its lease asks the database before it acts again;
whose work was taken over meanwhile finds a higher epoch there, and ends itself.

    name#epoch   what the runtime calls one life of a worker; flows are begun under it
    is over      when the epoch of its name is higher: by its own restart, or raised by who took over
    may be       when its name's lock can be had and its last heartbeat is older than any lease"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import sqlalchemy as sa

from github_app.core.errors import HonkError
from github_app.engine.database import DatabaseAway, transaction
from github_app.engine.slots import Slot, add_name, take_slot, try_slot

log = logging.getLogger(__name__)

SUPERSEDED = 3
"""The exit code of a process whose work another one has taken over. Whoever starts it again starts it clean."""

_BEAT_S, _LEASE_S, _OVER_S = 2.0, 6.0, 8.0
"""A lease counts from before the heartbeat was sent, by our clock; it is over, by the database's, well after that."""

_KEPT_S = 7 * 86_400.0

_CLOCK = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)",
}
"""The database's time in seconds since 1970: the only clock that all workers share."""


def end_process() -> NoReturn:
    """End at once, as if killed: threads that have lost their work are not worth untangling."""
    os._exit(SUPERSEDED)


@dataclass(kw_only=True)
class Lease:
    """A worker's right to act (`core.ports.Fence`). `end` is called when it is lost for good, from any thread."""

    database: sa.Engine
    name: str
    end: Callable[[], NoReturn] = end_process
    epoch: int = 0
    _slot: Slot | None = None
    _confirmed_at: float = -math.inf
    _steady_since: float = math.inf
    _renewing: threading.Lock = field(default_factory=threading.Lock)
    _released: threading.Event = field(default_factory=threading.Event)

    @property
    def holder(self) -> str:
        """This life of this worker, as flows know it."""
        return f"{self.name}#{self.epoch}"

    def take(self) -> None:
        """Take the name and hold it until `release`; whatever worked under it before is superseded.

        Raises `Misconfigured` if a living process has it, `DatabaseAway`.
        """
        slot = take_slot(self.database, self.name)
        begun, has_beats = _now_s(), slot.connection is not None
        clock = _CLOCK[self.database.dialect.name]
        with transaction(self.database) as connection:
            connection.execute(
                # The first epoch is the time, so that a name that was forgotten and comes back has none twice.
                sa.text(
                    "INSERT INTO workers (name, epoch, heartbeat_at) "  # noqa: S608
                    f"VALUES (:n, CAST({clock} AS BIGINT), {clock if has_beats else '0'}) "
                    "ON CONFLICT (name) DO UPDATE SET epoch = workers.epoch + 1, heartbeat_at = excluded.heartbeat_at"
                ),
                {"n": self.name},
            )
            self.epoch = self._epoch_of(connection) or 0
        self._slot = slot
        self._show_holder(slot)
        # A lock of the kernel's needs no heartbeat: it is held exactly as long as we live.
        self._confirmed_at, self._steady_since = (begun, begun) if has_beats else (math.inf, -math.inf)
        if has_beats:
            threading.Thread(target=self._beat_forever, name="lease", daemon=True).start()

    def require(self) -> None:
        """Return if the lease holds, renewed where it ran out. Raises `DatabaseAway`; does not return if it is lost."""
        if _now_s() - self._confirmed_at > _LEASE_S:
            self._renew()

    def release(self) -> None:
        """Let go of the name: nothing passes any more, and others may take over at once what is left."""
        self._released.set()
        with self._renewing:
            self._confirmed_at = -math.inf
            slot, self._slot = self._slot, None
            if slot is None:
                return
            try:
                if slot.connection is not None:
                    slot.connection.execute(
                        sa.text("UPDATE workers SET heartbeat_at = 0 WHERE name = :n AND epoch = :e"),
                        {"n": self.name, "e": self.epoch},
                    )
            except sa.exc.DBAPIError as error:
                log.warning("others take over later", extra={"worker": self.name, "why": type(error).__name__})
            slot.release()

    def supersede(self, holder: str) -> bool:
        """Whether what a holder had begun is there to be taken over; ends its right to it where it still has one.

        Raises `DatabaseAway`.
        """
        name, epoch = _parse(holder)
        if name == self.name:
            return epoch != self.epoch  # Any other life of ours is over; after a clock was put back, a later one too.
        if epoch is None:
            return self._is_free(name)
        clock = _CLOCK[self.database.dialect.name]
        with transaction(self.database, reads=True) as connection:
            known = connection.execute(
                sa.text(f"SELECT epoch, heartbeat_at < {clock} - :s AS is_over FROM workers WHERE name = :n"),  # noqa: S608
                {"n": name, "s": _OVER_S},
            ).first()
        if known is None:
            return self._is_free(name)
        if known.epoch != epoch:
            return bool(known.epoch > epoch)
        return bool(known.is_over) and self._is_steady() and self._raise_epoch(name, epoch)

    def _is_steady(self) -> bool:
        """Whether we could have seen heartbeats all along: right after the database was away, nobody's are new."""
        return _now_s() - self._steady_since > _OVER_S

    def _is_free(self, name: str) -> bool:
        slot = try_slot(self.database, name)
        if slot is not None:
            slot.release()
        return slot is not None

    def _raise_epoch(self, name: str, epoch: int) -> bool:
        slot = try_slot(self.database, name)
        if slot is None:
            return False  # It is only slow; or it stands still, and the server will let go of its lock.
        clock = _CLOCK[self.database.dialect.name]
        try:
            with transaction(self.database) as connection:
                raised = connection.execute(
                    sa.text(
                        "UPDATE workers SET epoch = epoch + 1, takeovers = takeovers + 1 "  # noqa: S608
                        f"WHERE name = :n AND epoch = :e AND heartbeat_at < {clock} - :s"
                    ),
                    {"n": name, "e": epoch, "s": _OVER_S},
                )
                return raised.rowcount == 1
        finally:
            slot.release()

    def _beat_forever(self) -> None:
        while not self._released.wait(_BEAT_S):
            try:
                self._renew()
            except HonkError as error:
                if self._released.is_set():
                    return  # It was let go while we began to renew it.
                log.warning("the lease was not renewed", extra={"worker": self.name, "why": str(error)})
            except Exception:  # the root of this thread: without it others would soon take our work for left behind
                log.exception("the lease was not renewed", extra={"worker": self.name})

    def _renew(self) -> None:
        with self._renewing:
            begun = _now_s()
            if self._released.is_set():
                raise DatabaseAway(f"`{self.name}` has let go of its work")
            if begun - self._confirmed_at < _BEAT_S / 2:
                return  # Another thread did, while we waited.
            if not self._confirm():
                log.error("another worker has taken over; ending", extra={"worker": self.name})
                self.end()
            if begun - self._confirmed_at > _LEASE_S:
                self._steady_since = begun
            self._confirmed_at = begun

    def _confirm(self) -> bool:
        """Have the database confirm that the name is still ours, by a new connection if the old one has ended."""
        if self._slot is not None:
            try:
                return self._beat(self._slot)
            except sa.exc.DBAPIError:
                self._slot.release()
                self._slot = None
        with transaction(self.database, reads=True) as connection:
            if self._epoch_of(connection) != self.epoch:
                return False
        self._slot = try_slot(self.database, self.name)
        if self._slot is None:
            raise DatabaseAway(f"somebody else has the lock on `{self.name}` just now")
        try:
            self._show_holder(self._slot)
            return self._beat(self._slot)
        except sa.exc.DBAPIError as error:
            raise DatabaseAway(f"the database does not answer ({type(error).__name__})") from error

    def _show_holder(self, slot: Slot) -> None:
        """Lock the name of this life as well: workers from before there were leases take whoever's lock can be had for
        dead, and know us only by what flows are begun under."""
        add_name(slot, self.holder)

    def _beat(self, slot: Slot) -> bool:
        if slot.connection is None:
            raise RuntimeError("a lock of the kernel's needs no heartbeat")
        clock = _CLOCK[self.database.dialect.name]
        beaten = slot.connection.execute(
            sa.text(f"UPDATE workers SET heartbeat_at = {clock} WHERE name = :n AND epoch = :e"),  # noqa: S608
            {"n": self.name, "e": self.epoch},
        )
        return beaten.rowcount == 1

    def _epoch_of(self, connection: sa.Connection) -> int | None:
        query = sa.text("SELECT epoch FROM workers WHERE name = :n")
        found: int | None = connection.execute(query, {"n": self.name}).scalar()
        return found


def forget(database: sa.Engine, *, but: str) -> None:
    """Delete names that nobody has worked under for a week; never the one that we work under ourselves: without
    heartbeats it looks old, and our next life would not know which epoch was ours."""
    clock = _CLOCK[database.dialect.name]
    with transaction(database) as connection:
        connection.execute(
            sa.text(f"DELETE FROM workers WHERE name <> :n AND heartbeat_at < {clock} - :s"),  # noqa: S608
            {"n": but, "s": _KEPT_S},
        )


@dataclass(frozen=True, kw_only=True)
class Beat:
    """When a worker last gave a sign of life, as seconds ago, and how often its work was taken over."""

    name: str
    age_s: float
    takeovers: int


def beats(database: sa.Engine) -> list[Beat]:
    """All workers that gave a sign of life and did not let go. Raises `DatabaseAway`."""
    clock = _CLOCK[database.dialect.name]
    query = f"SELECT name, {clock} - heartbeat_at AS age_s, takeovers FROM workers WHERE heartbeat_at > 0 ORDER BY name"  # noqa: S608
    with transaction(database, reads=True) as connection:
        return [Beat(**row._mapping) for row in connection.execute(sa.text(query))]


def _parse(holder: str) -> tuple[str, int | None]:
    """A holder's name and epoch; no epoch in what was begun before there were any."""
    name, mark, digits = holder.rpartition("#")
    return (name, int(digits)) if mark and digits.isascii() and digits.isdigit() else (holder, None)


def _now_s() -> float:
    """Seconds by a clock that goes on while the process, or the whole machine, stands still."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
