"""What a running Honk holds: memory, handles, threads, files on disk and rows in its tables."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MB = 1024 * 1024
KEPT = ("audit", "audit_heads", "sessions")
CACHES = ("mirrors", "checkouts", "workspaces")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look. Sizes are in MB; a database's is its file and, beside it, its write-ahead log. `kept_mb` is what of the
    database is there to stay: the audit and the sessions, with their indexes. `rows` is by table."""

    sessions: int
    seconds: float
    resident_mb: float
    proportional_mb: float
    handles: int
    threads: int
    store_mb: float
    store_wal_mb: float
    kept_mb: float
    flows_mb: float
    flows_wal_mb: float
    caches_mb: dict[str, float]
    caches: dict[str, int]
    rows: dict[str, int]
    cpu_s: float


def take_sample(process: int, data: Path, *, sessions: int, seconds: float) -> Sample:
    """Look at a Honk by its process and its data directory."""
    resident, proportional = _memory_mb(process)
    store, flows = data / "honk.sqlite", data / "honk-flows.sqlite"
    return Sample(
        sessions=sessions,
        seconds=seconds,
        resident_mb=resident,
        proportional_mb=proportional,
        handles=_entries(Path(f"/proc/{process}/fd"), "*"),
        threads=_entries(Path(f"/proc/{process}/task"), "*"),
        store_mb=_size_mb(store),
        store_wal_mb=_size_mb(store.with_name(f"{store.name}-wal")),
        kept_mb=_kept_mb(store),
        flows_mb=_size_mb(flows),
        flows_wal_mb=_size_mb(flows.with_name(f"{flows.name}-wal")),
        caches_mb={name: _tree_mb(data / name) for name in CACHES},
        caches={name: _entries(data / name, "*/*.lock" if name == "checkouts" else "*") for name in CACHES},
        rows=_rows(store) | _rows(flows),
        cpu_s=_cpu_s(process),
    )


def _memory_mb(process: int) -> tuple[float, float]:
    """Resident and proportional memory of one process, without what it has started."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    resident, proportional = (int(text.partition(f"\n{name}:")[2].split()[0]) / 1024 for name in ("Rss", "Pss"))
    return resident, proportional


def _cpu_s(process: int) -> float:
    """What a process and its ended children have used of the processors."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _size_mb(path: Path) -> float:
    return path.stat().st_size / MB if path.exists() else 0.0


def _entries(folder: Path, pattern: str) -> int:
    return sum(1 for _ in folder.glob(pattern))


def _tree_mb(folder: Path) -> float:
    """What a tree takes on the disk; what is deleted while we look does not count."""
    total, todo = 0, [str(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
        except FileNotFoundError:
            continue
    return total / MB


def _kept_mb(database: Path) -> float:
    with _reading(database) as connection:
        query = (
            "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = TRUE AND name IN "
            "(SELECT name FROM sqlite_master WHERE tbl_name IN (?, ?, ?))"
        )
        return float(connection.execute(query, KEPT).fetchone()[0]) / MB


@contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def _rows(database: Path) -> dict[str, int]:
    with _reading(database) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        query = 'SELECT count(*) FROM "{}"'
        counted = {name: connection.execute(query.format(name)).fetchone()[0] for (name,) in tables}
    return {name: count for name, count in counted.items() if count}
