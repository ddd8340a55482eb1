"""Worker slots: a worker's name belongs to one living process. The lock is let go of by the kernel (SQLite) or the
server (PostgreSQL) when its holder dies, so whoever gets it knows that nobody else works under that name."""

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

_WAIT_S = 15.0
"""A process that is being replaced has so long to end."""


@dataclass(frozen=True)
class Slot:
    """A name that is ours until `release`, or until `is_held` says that the connection to the server was lost."""

    release: Callable[[], None]
    is_held: Callable[[], bool]


def take_slot(engine: sa.Engine, worker_id: str, *, wait_s: float = _WAIT_S) -> Slot:
    """Take a worker's name; waits a little for the process that has it. Raises `Misconfigured` if that goes on."""
    deadline = time.monotonic() + wait_s
    while (slot := try_slot(engine, worker_id)) is None:
        if time.monotonic() > deadline:
            raise Misconfigured(f"another process works as `{worker_id}`: give each worker its own HONK_WORKER_ID")
        time.sleep(0.1)
    return slot


def try_slot(engine: sa.Engine, worker_id: str) -> Slot | None:
    """Take a worker's name; None if a living process has it."""
    if engine.dialect.name == "sqlite":
        return _file_slot(Path(f"{engine.url.database}.workers"), worker_id)
    return _server_slot(engine, worker_id)


def _file_slot(folder: Path, worker_id: str) -> Slot | None:
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / _digest(worker_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return Slot(release=lambda: os.close(descriptor), is_held=lambda: True)


def _server_slot(engine: sa.Engine, worker_id: str) -> Slot | None:
    # The lock lasts as long as its connection, which therefore never goes back to the pool.
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    number = int(_digest(worker_id)[:15], 16)
    if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": number}).scalar_one():
        connection.close()
        return None

    def is_held() -> bool:
        try:
            connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError:
            return False
        return True

    return Slot(release=connection.close, is_held=is_held)


def _digest(worker_id: str) -> str:
    return hashlib.sha256(f"honk:{worker_id}".encode()).hexdigest()[:32]
