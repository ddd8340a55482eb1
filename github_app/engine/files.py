"""The files of the embedded database: ours, and beside it the runtime's. What is free in them goes back to the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

_PAGES = 500
"""So many pages are moved in one go: writers wait for none longer than a moment."""

_FREE_SHARE = 0.2
"""So much of a file may be free: what comes next will want it."""

_WHOLE_BYTES = 1 << 29
"""A file of before pages could be given back is written anew, once, up to this size."""


def flows_file(path: Path) -> Path:
    """Where the runtime keeps its tables, beside ours."""
    return path.with_name(f"{path.stem}-flows{path.suffix}")


def files_of(url: sa.URL) -> list[Path]:
    """The files of an embedded database that are there; none for a server's."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return []
    path = Path(url.database)
    return [each for each in (path, flows_file(path)) if each.exists()]


def give_back(path: Path) -> None:
    """Return free pages of a SQLite file to the disk, and empty its log. Others may read and write meanwhile."""
    with _opened(path) as connection:
        [mode], [size] = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("auto_vacuum", "page_size"))
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        if mode == 0 and size * pages <= _WHOLE_BYTES:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")
        while _is_roomy(connection):
            connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _is_roomy(connection: sqlite3.Connection) -> bool:
    [mode], [pages], [free] = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("auto_vacuum", "page_count", "freelist_count")
    )
    return bool(mode and free > _PAGES and free > pages * _FREE_SHARE)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
