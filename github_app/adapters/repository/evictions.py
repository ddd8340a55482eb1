"""What lies on the disk and can be made anew: how long it has not been used, how large it is, and what of it goes when
it is too old or there is too much of it. Whatever is in use stays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from github_app.adapters.repository.locks import acquire

GOING = ".going"
"""What has this behind its name is being removed; or was to be, by somebody who was killed meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One thing below `path`, guarded by `lock`: a file that its users lock, and that was touched when they did."""

    path: Path
    lock: Path
    remove: Callable[[Path], None]

    @property
    def used_at(self) -> float:
        """When it was used last, in seconds since 1970; 0 for what nobody ever locked."""
        try:
            return self.lock.stat().st_mtime
        except OSError:
            return 0.0

    def try_remove(self) -> bool:
        """Remove it, unless somebody uses it. Blocks."""
        try:
            lock = acquire(self.lock, wait=False)
        except (BlockingIOError, FileNotFoundError):
            return False
        try:
            if self.path.exists():
                # Renamed first, so that a half-deleted one is never taken for a whole one.
                self.remove(self.path.rename(self.path.with_name(f"{self.path.name}{GOING}")))
            self.lock.unlink(missing_ok=True)
        finally:
            os.close(lock)
        return True


def evict(all_kept: Iterable[Kept], *, idle_s: float, max_bytes: int | None) -> list[Path]:
    """Remove what nobody used for `idle_s` seconds, and, longest unused first, what is above `max_bytes` in all (None:
    any size is right); which. Blocks."""
    ordered = sorted(all_kept, key=lambda kept: kept.used_at)
    sizes = {kept.path: size_of(kept.path) if max_bytes is not None else 0 for kept in ordered}
    total, gone = sum(sizes.values()), []
    for kept in ordered:
        is_idle = time.time() - kept.used_at >= idle_s
        if (is_idle or (max_bytes is not None and total > max_bytes)) and kept.try_remove():
            total -= sizes[kept.path]
            gone.append(kept.path)
    return gone


def size_of(tree: Path) -> int:
    """What a tree takes on the disk, in bytes, as far as we may look. What goes meanwhile does not count."""
    total, todo = 0, [os.fspath(tree)]
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
