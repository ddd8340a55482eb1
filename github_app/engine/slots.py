"""Worker slots: a worker's name belongs to one living process. The lock is let go of by the kernel (SQLite) when its
holder dies; by the server (PostgreSQL) when the holder's connection ends or says nothing for a while, so that a process
that stands still cannot keep it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from github_app.core.errors import Misconfigured
from github_app.engine.database import DatabaseAway

SILENCE_S = 15
"""A server lets go of the lock of a process that says nothing for so long."""

_WAIT_S = SILENCE_S + 5.0
"""A process that is being replaced, or hangs, has so long to lose its name."""


@dataclass(frozen=True)
class Slot:
    """A name that is ours until `release`; on a server only as long as `connection` lives and is used."""

    release: Callable[[], None]
    connection: sa.Connection | None = None


def take_slot(engine: sa.Engine, name: str, *, wait_s: float = _WAIT_S) -> Slot:
    """Take a worker's name; waits a little for the process that has it. Raises `Misconfigured` if that goes on,
    `DatabaseAway`."""
    deadline = time.monotonic() + wait_s
    while (slot := try_slot(engine, name)) is None:
        if time.monotonic() > deadline:
            raise Misconfigured(f"another process works as `{name}`: give each worker its own HONK_WORKER_ID")
        time.sleep(0.1)
    return slot


def try_slot(engine: sa.Engine, name: str) -> Slot | None:
    """Take a worker's name; None if a process has it. Raises `DatabaseAway`."""
    if engine.dialect.name == "sqlite":
        return _file_slot(Path(f"{engine.url.database}.workers"), name)
    try:
        return _server_slot(engine, name)
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        raise DatabaseAway(f"the database does not answer ({type(error).__name__}): see HONK_DATABASE_URL") from error


def add_name(slot: Slot, name: str) -> None:
    """Have a slot on a server hold another name, too; if somebody else has it, it is theirs. Raises `sqlalchemy`'s."""
    if slot.connection is not None:
        slot.connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": _number(name)})


def _file_slot(folder: Path, name: str) -> Slot | None:
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / _digest(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return Slot(release=lambda: os.close(descriptor))


def _server_slot(engine: sa.Engine, name: str) -> Slot | None:
    # The lock lasts as long as its connection, which therefore never goes back to the pool.
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": _number(name)}).scalar_one():
        connection.close()
        return None
    try:
        connection.execute(sa.text(f"SET idle_session_timeout = '{SILENCE_S}s'"))
    except sa.exc.ProgrammingError as error:
        connection.close()
        raise Misconfigured("HONK_DATABASE_URL is a PostgreSQL older than 14, the oldest that Honk works on") from error
    return Slot(release=connection.close, connection=connection)


def _number(name: str) -> int:
    return int(_digest(name)[:15], 16)


def _digest(name: str) -> str:
    return hashlib.sha256(f"honk:{name}".encode()).hexdigest()[:32]
