"""One bubblewrap process from start to a death that leaves nothing behind.

bubblewrap is killed through the first process of its PID namespace, never by its own id alone: in its first
milliseconds the one inside is not yet tied to the one outside, and killing the latter leaves the former
asleep for ever. So its status pipe is read before anything may be killed, and held open to the end (bwrap
dies of a closed one, with the same orphan).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from github_app.adapters.sandbox.limits import Output, Writable, read_process, watch
from github_app.core.errors import SandboxUnavailable, ToolFailed
from github_app.core.ports import ExecLimits, KilledBy

_START_S = 20.0
_DEATH_S = 30.0
_CHUNK = 65536


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to start: `flags` are bwrap's, kept out of the process table; `wrapper` is what starts it, if anything.

    `is_held`: the sandbox is made, but the command does not begin before `SandboxProcess.release`. `stdin` is what it
    can read.
    """

    binary: Path
    flags: Sequence[str]
    argv: Sequence[str]
    seccomp: bytes
    wrapper: Sequence[str] = ()
    is_held: bool = False
    stdin: bytes = b""


@dataclass(kw_only=True)
class SandboxProcess:
    """A started bwrap. Use it as an asynchronous context; when that ends, all its processes are gone."""

    output: Output
    _process: subprocess.Popen[bytes]
    _status: _Pipe
    _printed: _Pipe
    _first: int | None = None  # pidfd of the sandbox's first process
    _hold_fd: int | None = None  # what is written here lets the command begin
    _closers: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @classmethod
    def start(cls, command: Command, *, output: Output) -> SandboxProcess:
        """Start it. Raises `ToolFailed` if the command line is too long, `SandboxUnavailable` if bwrap does not start.

        From the event loop's own thread: the kernel ties the sandbox's life to the thread that started it.
        """
        with contextlib.ExitStack() as parents, contextlib.ExitStack() as childs:
            status_fd, status_in = _pipe(parents, childs)
            printed_fd, printed_in = _pipe(parents, childs)
            flags_fd = _memory_file(childs, b"".join(os.fsencode(flag) + b"\0" for flag in command.flags))
            seccomp_fd = _memory_file(childs, command.seccomp)
            inherited = [status_in, flags_fd, seccomp_fd]
            fds = ["--args", flags_fd, "--seccomp", seccomp_fd, "--json-status-fd", status_in]
            hold_fd: int | None = None
            if command.is_held:
                held_by, hold_fd = os.pipe2(os.O_CLOEXEC)
                childs.callback(os.close, held_by)
                parents.callback(os.close, hold_fd)
                inherited.append(held_by)
                fds += ["--block-fd", held_by]
            stdin_fd = _memory_file(childs, command.stdin) if command.stdin else subprocess.DEVNULL
            process = _spawn([*fds, "--", *command.argv], command, (stdin_fd, printed_in), tuple(inherited))
            closers = parents.pop_all()
        status, printed = _Pipe(fd=status_fd), _Pipe(fd=printed_fd, sink=output.add)
        started = cls(output=output, _process=process, _status=status, _printed=printed, _closers=closers)
        started._hold_fd = hold_fd
        closers.callback(status.stop)
        closers.callback(printed.stop)
        status.begin()
        printed.begin()
        return started

    async def __aenter__(self) -> SandboxProcess:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill whatever still lives, wait until it is gone. A second cancellation does not interrupt this."""
        try:
            await _uninterrupted(self._end())
        finally:
            self._closers.close()

    async def finish(self, writables: Sequence[Writable], limits: ExecLimits) -> KilledBy | None:
        """Wait until the command ends or a limit is passed; the limit's name, or None. Raises `SandboxUnavailable`."""
        first_pid = await self.first_pid()
        watching = asyncio.ensure_future(watch(first_pid, writables, limits))
        exited = asyncio.ensure_future(self._exited())
        flooded = asyncio.ensure_future(self._flooded())
        waits: list[asyncio.Future[Any]] = [watching, exited, flooded]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if exited.done():
                return None
            return "output" if flooded.done() else watching.result()
        finally:
            for wait in waits:
                wait.cancel()

    async def first_pid(self) -> int:
        """The number of the sandbox's first process; its namespaces are made. Raises `SandboxUnavailable`."""
        try:
            async with asyncio.timeout(_START_S):
                first_pid = await self._read_first_pid()
        except TimeoutError as error:
            raise SandboxUnavailable(f"bubblewrap made no sandbox within {_START_S:.0f} s.") from error
        if first_pid is None:
            await self._exited()
            raise SandboxUnavailable(f"bubblewrap did not start a sandbox: {self.output.text().strip()[:500]}")
        return first_pid

    def release(self) -> None:
        """Let a held command begin. Raises `SandboxUnavailable` if the sandbox is gone.

        That it is there now also says that `first_pid` has meant the same process all the while.
        """
        if self._hold_fd is None or self._first is None or _is_readable(self._first):
            raise SandboxUnavailable(f"the sandbox ended before its command: {self.output.text().strip()[:500]}")
        os.write(self._hold_fd, b"x")

    def exit_code(self) -> int:
        """The command's exit code, 128 + n for signal n. Raises `SandboxUnavailable` if it never came to run."""
        for document in self._documents():
            if "exit-code" in document:
                return int(document["exit-code"])
        raise SandboxUnavailable(f"bubblewrap failed: {self.output.text().strip()[:500]}")

    async def _read_first_pid(self) -> int | None:
        """The sandbox's first process, as the host numbers it; None if bwrap failed before it made one."""
        while not (documents := self._documents()) and not self._status.ended.is_set():
            await self._status.changed()
        if not documents:
            return None
        pid = int(documents[0]["child-pid"])
        if self._first is None:
            self._first = self._hold(pid)
        return pid

    def _hold(self, pid: int) -> int | None:
        """A pidfd, which cannot come to mean another process; None if the first process has ended already."""
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        process = read_process(str(pid))
        if process is None or process.parent_pid != self._process.pid:
            os.close(pidfd)
            return None
        self._closers.callback(os.close, pidfd)
        return pidfd

    def _documents(self) -> list[dict[str, Any]]:
        whole = self._status.data[: self._status.data.rfind(b"}") + 1]
        return [json.loads(line) for line in whole.splitlines() if line.strip()]

    async def _exited(self) -> None:
        """Until bwrap ended, and with it all it ran, and what they printed is read."""
        pidfd = os.pidfd_open(self._process.pid)
        try:
            await _readable(pidfd)
        finally:
            os.close(pidfd)
        self._process.wait()
        await self._printed.ended.wait()
        await self._status.ended.wait()

    async def _flooded(self) -> None:
        while not self.output.flooded:
            await self._printed.changed()

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(_DEATH_S):
                await self._kill()
        except TimeoutError as error:
            self._process.kill()
            raise SandboxUnavailable(f"A sandbox (process {self._process.pid}) did not die.") from error

    async def _kill(self) -> None:
        if self._process.returncode is None:
            await self._read_first_pid()
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            await _readable(self._first)  # the kernel signals it when the whole PID namespace is gone
        if self._process.returncode is None:
            await self._exited()


@dataclass(kw_only=True)
class _Pipe:
    """The reading end of a pipe, emptied by the event loop as it fills."""

    fd: int
    sink: Callable[[bytes], None] | None = None
    data: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        os.set_blocking(self.fd, False)
        asyncio.get_running_loop().add_reader(self.fd, self._take)

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self.fd)

    async def changed(self) -> None:
        """Until something comes or the writers are gone. For one waiter at a time."""
        self._came.clear()
        await self._came.wait()

    def _take(self) -> None:
        try:
            data = os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.stop()
            self.ended.set()
        elif self.sink is not None:
            self.sink(data)
        else:
            self.data += data
        self._came.set()


def _spawn(
    arguments: list[Any], command: Command, standard: tuple[int, int], inherited: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    stdin_fd, output_fd = standard
    # Without `user=` and the like: with them Python forks, which costs more the larger we are, instead of vfork.
    try:
        return subprocess.Popen(
            [*command.wrapper, *map(str, (command.binary, *arguments))],
            env={},  # bwrap's first process keeps what it gets, for all to read in /proc/1/environ
            cwd="/",
            stdin=stdin_fd,
            stdout=output_fd,
            stderr=output_fd,
            pass_fds=inherited,
        )
    except ValueError as error:
        raise ToolFailed(f"Not a command: {error}.") from error
    except OSError as error:
        if error.errno == errno.E2BIG:
            raise ToolFailed("The command is too long for one call: write it to a file first.") from error
        raise SandboxUnavailable(f"{command.binary} does not start: {error.strerror}.") from error


def _pipe(parents: contextlib.ExitStack, childs: contextlib.ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    parents.callback(os.close, reading)
    childs.callback(os.close, writing)
    return reading, writing


def _memory_file(closers: contextlib.ExitStack, content: bytes) -> int:
    fd = os.memfd_create("honk", os.MFD_CLOEXEC)
    closers.callback(os.close, fd)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _is_readable(fd: int) -> bool:
    poll = select.poll()  # which knows descriptors above 1023, too
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
