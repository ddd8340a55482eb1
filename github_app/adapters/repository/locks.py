"""Locks between processes on one machine: `flock` on a file, released by the kernel when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def acquire(path: Path, *, shared: bool = False, wait: bool = True) -> int:
    """Lock a file (made if absent) and return its descriptor; closing it unlocks. Blocks.

    Raises `BlockingIOError` with `wait=False` if somebody holds it.
    """
    kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            # Whoever held it before may have deleted the file: then this lock guards nothing.
            if os.fstat(descriptor).st_nlink > 0:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a file's lock alone for a block; yields its descriptor."""
    descriptor = acquire(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
