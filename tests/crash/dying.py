"""Honk as a program that dies on order: `python -m tests.crash.dying DESCRIPTOR`. It imports everything once, then
forks for each start that it is asked for by the socket of that number: each is a process of its own, and starts in a
fraction of the time. Whoever it starts is Honk, started in the usual way, with the probes of `probes` in place."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.crash.probes import Probes


def _import_everything() -> None:
    """Import what Honk would while it runs, and compile what it compiles once. No thread begins by that."""
    import uvicorn.lifespan.on
    import uvicorn.loops.auto
    import uvicorn.protocols.http.auto
    import uvicorn.protocols.websockets.auto  # noqa: F401

    from github_app import process  # noqa: F401
    from github_app.adapters.model.claude import ClaudeModel
    from github_app.adapters.secrets import PatternScanner
    from github_app.core.access import ModelAccess
    from github_app.engine import flows, runtime  # noqa: F401
    from github_app.web import server, sessions  # noqa: F401

    ClaudeModel(ModelAccess(api_key="none")).warm_up()
    scanner = PatternScanner()
    scanner.warm_up()
    ready = scanner._scanner
    # The rules are the same for each; what a scanner knows beside them is in its vault.
    PatternScanner._ready = lambda _: ready  # type: ignore[method-assign,assignment,return-value]


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Do as asked until nobody asks any more. In a process that was forked: how it is to be Honk."""
    children: set[int] = set()
    lines = control.makefile("r")
    try:
        for line in lines:
            asked = json.loads(line)
            if "start" in asked:
                pid = os.fork()
                if pid == 0:
                    children.clear()
                    lines.close()
                    control.close()
                    return dict(asked["start"])
                children.add(pid)
                control.sendall(f"{pid}\n".encode())
            else:
                found, status = os.waitpid(asked["wait"], os.WNOHANG)
                children.discard(found)
                control.sendall(f"{os.waitstatus_to_exitcode(status) if found else 'null'}\n".encode())
    finally:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return None


def _be_honk(how: dict[str, Any]) -> int:
    os.setsid()
    if how["disk_bytes"]:
        mount_small_disk(Path(how["environment"]["HONK_DATA_DIR"]), how["disk_bytes"])
    os.environ.clear()
    os.environ.update(how["environment"])
    os.chdir(how["folder"])
    log = os.open(how["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, target)
    data_dir = Path(how["environment"]["HONK_DATA_DIR"])
    Probes(order=Path(how["order"]), trace=Path(how["trace"]), data_dir=data_dir).install()
    from github_app.__main__ import main

    return main(how["arguments"])


_NEWNS, _NEWUSER, _REC, _PRIVATE = 0x20000, 0x10000000, 0x4000, 0x40000  # <sched.h>, <sys/mount.h>


def mount_small_disk(folder: Path, size_bytes: int) -> None:
    """Give this process alone a disk of its own at a folder. Raises `OSError` where that may not be."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *given: Any) -> None:
        if getattr(libc, name)(*given) != 0:
            raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")

    uid, gid = os.geteuid(), os.getegid()
    call("unshare", _NEWNS if uid == 0 else _NEWNS | _NEWUSER)
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    folder.mkdir(exist_ok=True)
    call("mount", None, b"/", None, _REC | _PRIVATE, None)
    options = f"size={size_bytes},mode=711".encode()
    call("mount", b"none", os.fsencode(folder), b"tmpfs", 0, options)


if __name__ == "__main__":
    _import_everything()
    gc.freeze()
    how = _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(_be_honk(how) if how is not None else 0)
