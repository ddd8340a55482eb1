"""Backup and restore of the embedded database: one file, consistent, made while workers write.

The runtime's file is not in it. It holds nothing that ours does not tell: after a restore, the next start makes it
anew and has begun again what was under way. What happened on GitHub after the backup is found there by looking, as
after a crash: each act is looked up before it is repeated."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from github_app.core.errors import Misconfigured, Refused
from github_app.engine.files import flows_file
from github_app.engine.migrations import scripts

_BESIDE = ("", "-wal", "-shm")


def back_up(url: str, target: Path) -> int:
    """Write a copy of the database, as of one moment, that only we can read; how many sessions are in it.

    Raises `Refused` if `target` exists or the copy is not whole, `Misconfigured` for another kind of database.
    """
    source = _file_of(url, "pg_dump makes a backup")
    if not source.exists():
        raise Refused(f"there is no database at {source} yet")
    if target.exists():
        raise Refused(f"{target} exists: name a new file")
    making = target.with_name(f"{target.name}.making")
    making.unlink(missing_ok=True)
    try:
        os.close(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with _opened(source) as connection:
            # Not SQLite's backup of pages: that begins anew with each write of another process.
            connection.execute("VACUUM INTO ?", [str(making)])
        _, sessions = _examine(making)
        _settle(making, target)
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}") from error
    finally:
        making.unlink(missing_ok=True)
    return sessions


def restore(url: str, source: Path) -> tuple[int, list[Path]]:
    """Put a backup in the place of the database; how many sessions are in it, and where the files are that were there.

    Raises `Refused` while any process has the database open, and if the backup is not whole or of a newer Honk.
    """
    target = _file_of(url, "pg_restore brings one back")
    number, sessions = _examine(source)
    if number > scripts()[-1][0]:
        raise Refused(f"{source} was made by a newer Honk (schema {number}): install that first")
    making = target.with_name(f"{target.name}.making")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        making.unlink(missing_ok=True)
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as old, os.fdopen(descriptor, "wb") as new:
            shutil.copyfileobj(old, new)
        _examine(making)
        kept = _set_aside(target)
        _settle(making, target)
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}") from error
    finally:
        making.unlink(missing_ok=True)
    return sessions, kept


def _file_of(url: str, instead: str) -> Path:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise Misconfigured(f"this is for the embedded database; PostgreSQL has its own: {instead}")
    return Path(parsed.database)


def _examine(path: Path) -> tuple[int, int]:
    """A database's schema and how many sessions it has. Raises `Refused` if it is no database of ours, or not whole."""
    if not path.is_file():
        raise Refused(f"{path} is no file")
    try:
        with _opened(path, "?mode=ro&immutable=1") as connection:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if found != "ok":
                raise Refused(f"{path} is damaged: {found}")
            number = connection.execute("SELECT max(number) FROM migrations").fetchone()[0]
            sessions = connection.execute("SELECT count(*) FROM sessions").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise Refused(f"{path} is no backup of Honk's: {error}") from error
    return int(number), int(sessions)


def _set_aside(database: Path) -> list[Path]:
    """Move what is there out of the way; where to. Raises `Refused` while somebody has it open."""
    mark = f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    there = [path for path in (database, flows_file(database)) if path.exists()]
    for path in there:
        _require_closed(path)
    for path in there:
        for suffix in _BESIDE:
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(path.with_name(f"{path.name}.{mark}{suffix}"))
    return [path.with_name(f"{path.name}.{mark}") for path in there]


def _require_closed(path: Path) -> None:
    try:
        with _opened(path) as connection:
            # Leaving the write-ahead log needs the file for oneself; all that was in the log is then in the file.
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "locked"
    except sqlite3.DatabaseError:
        return  # Damaged: there is nobody who could work with it.
    if mode != "delete":
        raise Refused(f"a process has {path} open: stop Honk first, then restore")


def _settle(making: Path, target: Path) -> None:
    """Give a finished file its name, so that it is there wholly or not at all, whatever happens to the machine."""
    with making.open("rb") as file:
        os.fsync(file.fileno())
    making.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _opened(path: Path, query: str = "") -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}{query}", uri=True, timeout=5.0, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
