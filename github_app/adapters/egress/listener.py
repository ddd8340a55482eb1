"""Makes listeners in sandboxes' networks, from outside."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

from github_app.core.errors import SandboxUnavailable

PORT = 3128
_START_S = 20.0
_PROGRAM = Path(__file__).with_name("inside.py")


async def listen_inside(pid: int, *, uid: int, gid: int, port: int = PORT) -> socket.socket:
    """A socket that listens at 127.0.0.1:`port` of the network that process `pid` lives in, which user `uid` made.

    The caller sees to it that the process stays what it is meanwhile. Raises `SandboxUnavailable`.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        process = subprocess.Popen(
            # Isolated, without site-packages, and without an environment: it needs nothing but a few builtins.
            [sys.executable, "-I", "-S", str(_PROGRAM), *map(str, (pid, port, uid, gid))],
            env={},
            cwd="/",
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        try:
            async with asyncio.timeout(_START_S):
                await _readable(ours)
            data, fds, _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
        except TimeoutError:
            data, fds = b"", []
        finally:
            process.kill()
            _, said = process.communicate()
    if not data or len(fds) != 1:
        why = said.decode(errors="replace").strip().rpartition("\n")[2][:200]
        raise SandboxUnavailable(f"no listener could be made in the sandbox's network: {why or 'no answer'}")
    listener = socket.socket(fileno=fds[0])
    listener.setblocking(False)
    return listener


async def _readable(end: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(end, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(end)
