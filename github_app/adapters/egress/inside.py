"""A program of its own, run as a file: binds a port of 127.0.0.1 in the network namespace of a process and hands the
listening socket back over its standard input, a Unix socket. Arguments: process id, port, and the uid and gid that own
the sandbox.

Its few lines run on the host's side: nothing of ours ever is in the sandbox, and what is in there cannot take this
socket away or listen in its place.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import sys

_NS_GET_USERNS = 0xB701  # ioctl_ns(2)
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_IP_FREEBIND = 15  # the sandbox may not have brought its loopback up yet


def main() -> None:
    """Do it; any failure is an exception, and the exit code tells."""
    pid, port, uid, gid = map(int, sys.argv[1:])
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        # Who owns a user namespace may enter it; root of a container that lacks CAP_SYS_ADMIN may not.
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    # Not the process's own: bubblewrap goes on into another one, which does not own the network.
    owner = fcntl.ioctl(network, _NS_GET_USERNS)
    for namespace, kind in ((owner, _CLONE_NEWUSER), (network, _CLONE_NEWNET)):
        if libc.setns(namespace, kind):
            raise OSError(ctypes.get_errno(), "setns")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    with socket.socket(fileno=0) as asker:
        socket.send_fds(asker, [b"x"], [listener.fileno()])


if __name__ == "__main__":
    main()
