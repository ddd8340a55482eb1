"""Whether what lies on the disk was made since the machine was started. Caches are not synced while they are written: a
power loss leaves files in them torn or empty, and nothing tells. But then the machine was started anew, too."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

# https://docs.kernel.org/admin-guide/sysctl/kernel.html#random
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LONGEST_BYTES = 64


@cache
def _this_boot() -> bytes:
    return _BOOT_ID.read_bytes().strip()


def is_of_this_boot(lock: int) -> bool:
    """Whether what a lock's file guards was noted since the machine was started."""
    return os.pread(lock, _LONGEST_BYTES, 0) == _this_boot()


def note_boot(lock: int) -> None:
    """Note in a lock's file that what it guards is whole, as of now."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, _this_boot(), 0)
