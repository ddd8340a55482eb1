"""Where hosts are, and which of these places are somebody else's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor

from github_app.core.hosts import is_outside

_DISCARD = 9
# Threads of their own: a name whose servers do not answer holds one for a while.
_LOOKING = ThreadPoolExecutor(8, "look-up")


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host, as this machine finds them. Blocks. Raises `OSError`."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def look_up(host: str, port: int) -> list[str]:
    """See `addresses_of`."""
    return await asyncio.get_running_loop().run_in_executor(_LOOKING, addresses_of, host, port)


def is_elsewhere(address: str) -> bool:
    """Whether an address belongs to the public internet, and not to this machine: its public ones lead to itself."""
    return is_outside(address) and not _is_ours(address)


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as to:
        to.connect((address, _DISCARD))  # sends nothing; the kernel chooses where from
        return str(to.getsockname()[0]) == address
    return False
