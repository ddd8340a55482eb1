"""Connections: SQLite in WAL mode with full sync, or PostgreSQL by URL; the same SQL for both."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from github_app.core.errors import Misconfigured, Transient
from github_app.engine.files import flows_file

_CONNECTIONS = 20
_READS = "honk_reads"

IDLE_TRANSACTION_S = 15
"""A server ends the transaction of a process that stands still in the middle of it, and keeps rows locked."""

_NETWORK = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 15_000}
"""libpq's: a server that says nothing any more, not even that it ended, is noticed within seconds."""


_READ_ONLY = "25006"
"""What a server says that has become another's copy."""


class DatabaseAway(Transient):
    """The database does not answer. Whether the last transaction counts is not known: all that we write may be
    written again."""


def connect(url: str) -> sa.Engine:
    """An engine for `sqlite:///…` or `postgresql://…`. Raises `Misconfigured` for any other URL."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Misconfigured("HONK_DATABASE_URL is not a database URL (sqlite:///PATH or postgresql://…)") from error
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database:
                _make_private(Path(parsed.database))
            return _sqlite(parsed)
        case "postgresql":
            return _postgresql(parsed.set(drivername="postgresql+psycopg"))
        case other:
            raise Misconfigured(f"HONK_DATABASE_URL names `{other}`; SQLite and PostgreSQL are supported")


def text_of(at: datetime) -> str:
    """A time as the tables hold it: in UTC, so that times sort as texts do."""
    return at.astimezone(UTC).isoformat()


@contextmanager
def transaction(engine: sa.Engine, *, reads: bool = False) -> Iterator[sa.Connection]:
    """One transaction, committed at the end of the block; one that only `reads` waits for no writer. Raises
    `DatabaseAway`."""
    try:
        with engine.connect() as connection:
            connection.execution_options(**{_READS: reads})
            with connection.begin():
                yield connection
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        raise DatabaseAway(_explain(engine, error)) from error
    except sa.exc.InternalError as error:
        if getattr(error.orig, "sqlstate", "") != _READ_ONLY:
            raise
        raise DatabaseAway("the database is read-only: HONK_DATABASE_URL must name the primary server") from error


def _explain(engine: sa.Engine, error: sa.exc.SQLAlchemyError) -> str:
    """What the operator must know. The disk of a server is its own operator's."""
    name = getattr(getattr(error, "orig", None), "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return f"no room is left for {engine.url.database}: make room on its disk, and work goes on by itself"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR")):
        return f"{engine.url.database} cannot be read or written ({name}): see to its folder and its disk"
    return f"the database does not answer ({type(error).__name__}): see HONK_DATABASE_URL"


def try_write(engine: sa.Engine) -> None:
    """Write a little, as little as there is. Raises `DatabaseAway` where a delivery could not be stored either."""
    is_file = engine.dialect.name == "sqlite"
    with transaction(engine) as connection:
        # Nothing looks at this number in a file. A server gives a transaction that writes a number of its own.
        connection.execute(sa.text("PRAGMA user_version = 1" if is_file else "SELECT txid_current()"))


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": 30.0}, pool_size=_CONNECTIONS)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not begin transactions by itself, or two readers that go on to write dead-lock at once.
        connection.isolation_level = None
        # What somebody put there that is no text is read all the same: `honk audit verify` must say where it is.
        connection.text_factory = lambda value: value.decode("utf-8", "replace")
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            # It means something only before the first table, and later it would wait for whoever writes.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A writer takes its lock first: one that began by reading could be refused it half-way.
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READS) else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    usual = {name: value for name, value in _NETWORK.items() if name not in url.query}
    engine = sa.create_engine(url, pool_pre_ping=True, pool_size=_CONNECTIONS // 2, connect_args=usual)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_S}s'")
        connection.commit()

    return engine


def _make_private(path: Path) -> None:
    """Make a SQLite file that only we can read, before SQLite does; the files that it puts beside get the same mode.

    Transcripts lie in it, in a folder that others may pass through. Raises `Misconfigured`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Misconfigured(f"HONK_DATABASE_URL: {path} cannot be written: {error.strerror}") from error


def flows_url(url: str) -> str:
    """Where DBOS keeps its tables: a SQLite file beside ours (neither waits for the other), or the same PostgreSQL."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        flows = flows_file(Path(parsed.database or "honk.sqlite"))
        _make_private(flows)
        with sqlite3.connect(flows) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            # DBOS leaves the journal mode alone, and a rollback journal makes each of its steps four times slower.
            connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        return f"sqlite:///{flows}"
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
