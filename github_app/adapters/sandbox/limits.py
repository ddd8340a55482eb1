"""What a sandboxed command may use, and the watch that ends it beyond that.

Hard limits are the kernel's (resource limits, sized tmpfs); `rlimit_flags` names them. The rest is watched
from the host by looking every quarter of a second, so a fast program can overshoot for that long: memory by
what the processes below the sandbox's first one hold, disk by walking what it may write. Nothing here needs a
cgroup or a privilege.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from github_app.adapters.sandbox.files import disk_usage
from github_app.core.errors import ToolFailed
from github_app.core.ports import ExecLimits, KilledBy

_TICK_S = 0.25
_OUTPUT_FLOOD = 50  # times what is kept
_OPEN_FILES = 4096
_KEPT_FREE_BYTES = 2**30
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CUT = "\n[… {cut} bytes of output cut …]\n"


def rlimit_flags(limits: ExecLimits) -> list[str]:
    """Flags for util-linux `prlimit`: soft and hard alike, never above what this process itself may have.

    They are set inside the sandbox's own user namespace: since Linux 5.14 RLIMIT_NPROC counts there alone, so
    one sandbox that is full takes nothing from the next one of the same uid.
    """
    wanted = (
        # 1, not 0: only this value also keeps the kernel from starting a host's crash handler (core(5), "piping").
        ("core", resource.RLIMIT_CORE, 1),
        ("fsize", resource.RLIMIT_FSIZE, limits.file_bytes),
        ("nofile", resource.RLIMIT_NOFILE, _OPEN_FILES),
        ("nproc", resource.RLIMIT_NPROC, limits.processes),
    )
    return [f"--{name}={value}:{value}" for name, which, most in wanted for value in [_capped(which, most)]]


def _capped(which: int, most: int) -> int:
    hard = resource.getrlimit(which)[1]
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


@dataclass(kw_only=True)
class Output:
    """The head and tail of what a command prints, within `limit` bytes in all."""

    limit: int
    total: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    @property
    def flooded(self) -> bool:
        """Whether so much came that the command is ended for it."""
        return self.total > self.limit * _OUTPUT_FLOOD

    @property
    def truncated(self) -> bool:
        """Whether the middle is missing."""
        return self.total > self.limit

    def add(self, data: bytes) -> None:
        """Take in what came."""
        self.total += len(data)
        room = max(0, self.limit // 2 - len(self._head))
        self._head += data[:room]
        self._tail += data[room:]
        # Cut rarely: each cut moves the whole tail.
        if len(self._tail) > 2 * self.limit + 65536:
            del self._tail[: len(self._tail) - self._tail_limit]

    def text(self) -> str:
        """What is kept, as text; undecodable bytes are replaced, and a note stands where the middle was cut."""
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        tail = self._tail[len(self._tail) - self._tail_limit :]
        cut = _CUT.format(cut=self.total - len(self._head) - len(tail))
        return self._head.decode("utf-8", "replace") + cut + tail.decode("utf-8", "replace")

    @property
    def _tail_limit(self) -> int:
        return self.limit - self.limit // 2


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process of the host's table."""

    pid: int
    parent_pid: int
    rss_bytes: int


def processes_below(first_pid: int) -> list[Process]:
    """A process and all its descendants. In a PID namespace orphans fall to its first process, so none gets away."""
    children: dict[int, list[Process]] = {}
    found: list[Process] = []
    for folder in Path("/proc").iterdir():
        process = read_process(folder.name) if folder.name.isdecimal() else None
        if process is None:
            continue
        if process.pid == first_pid:
            found.append(process)
        children.setdefault(process.parent_pid, []).append(process)
    for process in found:  # grows while it is walked
        found.extend(children.get(process.pid, ()))
    return found


def read_process(name: str) -> Process | None:
    """A process by its number in /proc; None if it is gone."""
    try:
        stat = Path("/proc", name, "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # proc(5): the name before may hold anything
    return Process(pid=int(name), parent_pid=int(fields[1]), rss_bytes=int(fields[21]) * _PAGE_BYTES)


def memory_bytes(processes: Sequence[Process]) -> int:
    """What processes hold together, shared pages counted once; where the kernel refuses that, counted for each."""
    return sum(_read_pss(process) for process in processes)


def _read_pss(process: Process) -> int:
    try:
        rollup = Path("/proc", str(process.pid), "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except PermissionError:
        return process.rss_bytes
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)


@dataclass(frozen=True, kw_only=True)
class Writable:
    """A host directory that the command may write to; with `is_layer`, all in it is growth (an upper layer)."""

    path: Path
    is_layer: bool


async def watch(first_pid: int, writables: Sequence[Writable], limits: ExecLimits) -> KilledBy:
    """Return the name of the first limit that the sandbox passes; until then, run on. Kills nothing itself."""
    ends_at = time.monotonic() + limits.timeout_s
    disk = _Disk(writables=writables, limit=limits.disk_bytes)
    while True:
        left_s = ends_at - time.monotonic()
        if left_s <= 0:
            return "timeout"
        await asyncio.sleep(min(_TICK_S, left_s))
        processes = await asyncio.to_thread(processes_below, first_pid)
        # The kernel holds the count of each; the watch is for what got round it (a first process that was
        # taken over).
        if len(processes) > limits.processes + 8:
            return "processes"
        resident = sum(process.rss_bytes for process in processes)  # cheap, but counts shared pages for each
        if resident > limits.memory_bytes < await asyncio.to_thread(memory_bytes, processes):
            return "memory"
        if disk.is_due() and await asyncio.to_thread(disk.is_passed):
            return "disk"


@dataclass(kw_only=True)
class _Disk:
    """Looks at the size of what a command may write, for at most a twentieth of the time unless the disk fills fast."""

    writables: Sequence[Writable]
    limit: int
    _bases: dict[Path, int] = field(default_factory=dict)
    _grown: int = 0
    _free_first: int | None = None
    _free_then: int | None = None
    _due_at: float = 0.0

    def is_due(self) -> bool:
        """Whether enough time passed, or the file system lost more than what is left to write."""
        if time.monotonic() >= self._due_at or self._free_then is None:
            return True
        free = self._free()
        return self._is_full(free) or self._free_then - free > max(self.limit - self._grown, 0)

    def is_passed(self) -> bool:
        """Measure; true if it is beyond the limit and not shrinking (so that a command may clean up).

        Also if the file system gets full: files without a name cannot be found, and sessions fill it together.
        """
        started = time.monotonic()
        self._free_then = self._free()
        if self._is_full(self._free_then):
            return True
        grown = 0
        for writable in self.writables:
            try:
                used = disk_usage(writable.path)
            except ToolFailed:
                return True  # more entries than anyone would count
            grown += used - (0 if writable.is_layer else self._bases.setdefault(writable.path, used))
        before, self._grown = self._grown, grown
        ended = time.monotonic()
        self._due_at = ended + max(_TICK_S, 20 * (ended - started))
        return grown > self.limit and 0 < before <= grown

    def _is_full(self, free: int) -> bool:
        """Whether there is less left than Honk itself needs; where that was so before, whether half of it is gone."""
        if self._free_first is None:
            self._free_first = free
        return free < min(_KEPT_FREE_BYTES, self._free_first // 2)

    def _free(self) -> int:
        stats = [os.statvfs(writable.path) for writable in self.writables]
        return min((stat.f_bavail * stat.f_frsize for stat in stats), default=0)
