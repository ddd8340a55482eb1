"""Files of an untrusted tree, read and written from the host: never through a link, never out of the tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing below a root: its path relative to it ('/'-separated, as the file system has it) and its `st_mode`."""

    path: str
    mode: int
    size: int


def read_file(root: Path | int, path: str, *, max_bytes: int) -> bytes:
    """A regular file's content. Raises `PathRefused`; `ToolFailed` if it is missing or larger than `max_bytes`."""
    raise NotImplementedError


def write_file(
    root: Path | int,
    path: str,
    content: bytes,
    *,
    executable: bool | None = None,
    owner: tuple[int, int] | None = None,
) -> None:
    """Create or replace a file atomically, making folders. `executable=None` keeps the mode. `owner` is (uid, gid)."""
    raise NotImplementedError


def delete_file(root: Path | int, path: str) -> None:
    """Delete a file or a link (not what it points to). Raises `PathRefused`; `ToolFailed` if it is missing."""
    raise NotImplementedError


def walk(root: Path | int, *, limit: int) -> Iterator[Entry]:
    """Everything below a root but folders, by lstat, sorted within each folder, following nothing.

    Raises `ToolFailed` beyond `limit` entries (folders count).
    """
    raise NotImplementedError
