"""Honk as a process: the door under uvicorn, a worker on its own, and logs as one JSON object a line. A signal stops it
in order, within ten seconds: no new work, then the flows, then what was recorded is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from github_app.app import Honk, build, make_vault, open_pauses, open_store
from github_app.core.errors import Refused
from github_app.core.trail import trail
from github_app.settings import read_runner_settings, read_settings
from github_app.workshop import build_runner

if TYPE_CHECKING:
    from github_app.engine.store import Store

log = logging.getLogger(__name__)

_M_ARENA_MAX = -8
"""The name by which `mallopt` of glibc knows it: https://man7.org/linux/man-pages/man3/mallopt.3.html"""

_LEAVE_S = 8.0
"""So long a stop may take, with a second for the door before it: whoever stops us kills us after ten or more."""

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: time, level, event, what the work at hand is about (`core.trail`), and
    whatever was given as `extra`.

    `clean` takes secrets out of a text, or of all texts in a value.
    """

    def __init__(self, clean: Callable[[Any], Any]) -> None:
        super().__init__()
        self._clean = clean

    def format(self, record: logging.LogRecord) -> str:
        """One line; nothing in it can break out of the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "from": record.name,
            **trail(),
            **{name: value for name, value in vars(record).items() if name not in _OWN_FIELDS},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # As text first: what is no text yet may hold some.
        return json.dumps(self._clean(json.loads(json.dumps(line, default=str))))


def set_up_logs(clean: Callable[[Any], Any], level: int = logging.INFO) -> None:
    """Send all logs to stderr as JSON lines, without secrets."""
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(JsonLines(clean))
    logging.basicConfig(level=level, handlers=[output], force=True)
    for noisy in ("httpx2", "httpcore2", "github", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _prepare() -> None:
    """Do what is better done before all else.

    No garbage is looked for until all is imported and built: that would cost a tenth of the start, and there is none.
    Threads share two arenas of memory: glibc gives each its own, and what is freed in one is of no use to others, so
    with forty threads resident memory would creep up over hundreds of sessions.
    """
    gc.disable()
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def serve(*, with_worker: bool) -> int:
    """Run the door, and a worker in the same process unless told not to, until a signal comes."""
    import uvicorn

    _prepare()
    settings = read_settings()
    vault = make_vault(settings)
    set_up_logs(vault.clean_log)
    honk = build(settings, vault, with_worker=with_worker)
    # uvicorn raises the signal again when it is done, and unhandled that would end us before the worker has stopped.
    signal.signal(signal.SIGTERM, lambda *_: None)
    honk.start()
    try:
        uvicorn.run(
            honk.make_door(),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    except BaseException:
        honk.stop()
        raise
    return _leave(honk)


def work() -> int:
    """Run a worker until a signal comes."""
    _prepare()
    settings = read_settings()
    vault = make_vault(settings)
    set_up_logs(vault.clean_log)
    honk = build(settings, vault)
    told, tell = os.pipe()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: os.write(tell, b"stop"))
    honk.start()
    os.read(told, 1)
    return _leave(honk)


def _leave(honk: Honk) -> NoReturn:
    """Stop, and end the process, whatever still runs in its threads: that is cut off as by a crash, and loses nothing.
    Python itself would wait for each, for as long as GitHub is slow."""
    threading.Timer(_LEAVE_S, os._exit, [0]).start()
    honk.stop()
    log.info("stopped")
    os._exit(0)


def run_sandboxes() -> int:
    """Be the runner of another user's Honk until a signal comes."""
    settings = read_runner_settings()
    set_up_logs(lambda line: line)  # a runner knows no secret
    runner = build_runner(settings)

    async def serve_until_told() -> None:
        serving = asyncio.ensure_future(runner.serve(settings.socket, ready=lambda: log.info("the runner is ready")))
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    asyncio.run(serve_until_told())
    return 0


def pause(full_name: str | None, *, reason: str) -> int:
    """Pause a repository, or everything; a worker that runs takes notice with its next step."""
    store = open_store(read_settings())
    open_pauses(store).pause(repo_id_of(store, full_name), reason=reason)
    print(f"Paused: {full_name or 'everything'}. `honk resume` goes on.")
    return 0


def resume(full_name: str | None) -> int:
    """Lift a pause of the operator's; in one repository also that of its people."""
    store = open_store(read_settings())
    pauses, repo_id = open_pauses(store), repo_id_of(store, full_name)
    lifted = [pauses.resume(repo_id, by_operator=by_operator) for by_operator in (True, False)]
    print(f"{'Going on' if any(lifted) else 'There was no pause'}: {full_name or 'everything'}.")
    return 0


def back_up(target: Path) -> int:
    """Write a copy of the embedded database to a new file, while workers run or not."""
    from github_app.engine.backup import back_up

    sessions = back_up(read_settings().database_url, target.absolute())
    print(f"{target}: {sessions} session{'s' * (sessions != 1)}, whole. Keep the App's private key, too, elsewhere.")
    return 0


def restore(source: Path) -> int:
    """Put a backup in the place of the embedded database, while nothing of Honk runs."""
    from github_app.engine.backup import restore

    sessions, kept = restore(read_settings().database_url, source.absolute())
    print(f"Restored: {sessions} session{'s' * (sessions != 1)}. The next start goes on from there.")
    for path in kept:
        print(f"What was there is kept: {path}")
    return 0


def repo_id_of(store: Store, full_name: str | None) -> int:
    """The number of a repository in which Honk has worked; 0 for none. Raises `Refused` for any other."""
    if full_name is None:
        return 0
    known = (session.repo for session in store.sessions(1_000_000))
    repo = next((repo for repo in known if repo.full_name.casefold() == full_name.casefold()), None)
    if repo is None:
        raise Refused(f"{full_name} is no repository in which Honk has worked; `honk sessions` lists them")
    return repo.id
