"""Points at which Honk can be killed, found by the code: each commit of a database, each request to GitHub and to the
model, each program that is started, each change of a file below the data directory. They are looked for at the seams
that everything passes (SQLAlchemy, requests, httpx, `subprocess`, Python's audit hooks), so a new place in the code is
a new point by itself. A point is called by what happens there and by whose code it is."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

ORDER_BYTES = 1024
"""The file with the order to die is always so long: the stage, then the point, then how often it is spared before."""

_WRITES = re.compile(r"\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM|CREATE|ALTER|DROP|TRUNCATE|REPLACE|MERGE)\b", re.I)
_TABLE = re.compile(
    r"\b(?:INTO|UPDATE|FROM|TABLE|INDEX|TRIGGER|FUNCTION|SCHEMA)\s+(?:IF NOT EXISTS\s+)?(?:[\"\w]+\.)?\"?(\w+)", re.I
)
PASSED_THROUGH = ("database.transaction", "hub.clients", "hub.line", "hub.patience", "repository.git.Git", "hub.tokens")
_FILE_EVENTS = (
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.symlink",
    "os.link",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "shutil.rmtree",
)
_SPOKEN_OF = ("event", "effect", "pending", "step")


@dataclass
class Probes:
    """The points of this process. Each that is passed is noted in the file `trace`; at the one that the file `order`
    names, the process is killed as by `kill -9`."""

    order: Path
    trace: Path
    data_dir: Path
    _counts: Counter[str] = field(default_factory=Counter)
    _stage: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _here: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        self._order = os.open(self.order, os.O_RDONLY | os.O_CLOEXEC)
        self._trace = os.open(self.trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def install(self) -> None:
        """Begin to look."""
        _watch_commits(self.passed)
        _watch_requests(self.passed)
        _watch_model(self.passed)
        _watch_programs(self.passed)
        _watch_files(self.passed, str(self.data_dir))

    def passed(self, what: str) -> None:
        """Note a point, and die if it is the one."""
        if getattr(self._here, "is_busy", False):
            return
        self._here.is_busy = True
        try:
            name = f"{what} · {_whose(sys._getframe(2))}"
            with self._lock:
                stage, point, number = read_order(os.pread(self._order, ORDER_BYTES, 0))
                if stage != self._stage:
                    self._stage = stage
                    self._counts.clear()
                self._counts[name] += 1
                os.write(self._trace, f"{stage}\t{name}\t{self._counts[name]}\n".encode())
                if (name, self._counts[name]) == (point, number):
                    os.kill(os.getpid(), signal.SIGKILL)
        finally:
            self._here.is_busy = False


def write_order(path: Path, stage: str, point: str = "", number: int = 0) -> None:
    """Say at which point to die in a stage; at none, without one."""
    with path.open("r+b" if path.exists() else "wb") as order:
        order.write(f"{stage}\t{point}\t{number}\n".encode().ljust(ORDER_BYTES))


def read_order(content: bytes) -> tuple[str, str, int]:
    """What `write_order` wrote."""
    stage, point, number = content.decode().split("\n")[0].split("\t")
    return stage, point, int(number)


# Whose code it is


def _whose(frame: FrameType | None) -> str:
    """The two nearest functions of Honk's, and what they are about; of DBOS's, where none of ours is below."""
    frames = list(_frames(frame))
    ours = [each for each in frames if each.f_globals.get("__name__", "").startswith("github_app")]
    telling = [each for each in ours if not _name_of(each).startswith(PASSED_THROUGH)] or ours
    theirs = [each for each in frames if each.f_globals.get("__name__", "").startswith("dbos")]
    names = list(dict.fromkeys(_name_of(each) for each in (telling or theirs)))[:2]
    about = next(filter(None, map(_about, ours)), "")
    return " < ".join(names or ["nobody"]) + (f" ({about})" if about else "")


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _name_of(frame: FrameType) -> str:
    module = frame.f_globals["__name__"].removeprefix("github_app.").removeprefix("adapters.").removeprefix("engine.")
    return f"{module}.{frame.f_code.co_qualname.replace('.<locals>', '')}"


def _about(frame: FrameType) -> str:
    """The kind of event, effect or step that a function has in hand."""
    for name in _SPOKEN_OF:
        value = frame.f_locals.get(name)
        kind = type(getattr(value, "effect", value))
        if kind.__module__.startswith("github_app.core"):
            return f"{kind.__name__} {getattr(value, 'role', '')}".strip()
    return ""


# Seams


def _watch_commits(passed: Callable[[str], None]) -> None:
    from sqlalchemy.engine.default import DefaultDialect

    execute, commit = DefaultDialect.do_execute, DefaultDialect.do_commit
    written: dict[int, set[str]] = {}

    def do_execute(self: Any, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        table = _written_by(statement)
        connection = cursor.connection
        if table is None:
            execute(self, cursor, statement, parameters, context)
        elif _is_outside(connection):
            passed(f"statement on {table}: before")
            execute(self, cursor, statement, parameters, context)
            passed(f"statement on {table}: after")
        else:
            written.setdefault(id(connection), set()).add(table)
            execute(self, cursor, statement, parameters, context)

    def do_commit(self: Any, dbapi_connection: Any) -> None:
        real = getattr(dbapi_connection, "dbapi_connection", dbapi_connection)
        real = getattr(real, "driver_connection", real)
        tables = written.pop(id(real), None)
        what = f"commit of {_several(tables)}" if tables else ""
        if tables:
            passed(f"{what}: before")
        commit(self, dbapi_connection)
        if tables:
            passed(f"{what}: after")

    DefaultDialect.do_execute = do_execute  # type: ignore[method-assign]
    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
    rollback = DefaultDialect.do_rollback

    def do_rollback(self: Any, dbapi_connection: Any) -> None:
        real = getattr(dbapi_connection, "dbapi_connection", dbapi_connection)
        written.pop(id(real), None)
        rollback(self, dbapi_connection)

    DefaultDialect.do_rollback = do_rollback  # type: ignore[method-assign]


def _written_by(statement: str) -> str | None:
    if not _WRITES.match(statement):
        # A common table expression may end in a write; DBOS has such.
        inner = re.search(r"\)\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\b", statement, re.I)
        if not statement.lstrip().upper().startswith("WITH") or inner is None:
            return None
        statement = statement[inner.start(1) :]
    found = _TABLE.search(statement)
    return found[1].lower() if found else "something"


def _is_outside(connection: Any) -> bool:
    """Whether a statement is a transaction of its own."""
    if hasattr(connection, "autocommit") and connection.autocommit is True:
        return True
    return (
        hasattr(connection, "in_transaction") and connection.isolation_level is None and not connection.in_transaction
    )


def _several(names: set[str]) -> str:
    ordered = sorted(names)
    return "+".join(ordered[:6]) + (f"+{len(ordered) - 6} more" if len(ordered) > 6 else "")


def _watch_requests(passed: Callable[[str], None]) -> None:
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def sent(self: Any, request: Any, *given: Any, **named: Any) -> Any:
        what, changes = _of_request(request)
        passed(f"{what}: before")
        answer = send(self, request, *given, **named)
        if changes:
            passed(f"{what}: after")
        return answer

    HTTPAdapter.send = sent  # type: ignore[method-assign]


def _of_request(request: Any) -> tuple[str, bool]:
    path = f"/{request.url.split('/', 3)[3].partition('?')[0]}"
    if path.endswith("/graphql"):
        operation = re.search(r"(query|mutation)\b.*?\{\s*(\w+)", json.loads(request.body)["query"], re.S)
        kind = f"{operation[1]} {operation[2]}" if operation else "?"
        return f"GraphQL {kind}", kind.startswith("mutation")
    return f"{request.method} {_template(path)}", request.method != "GET"


def _template(path: str) -> str:
    path = re.sub(r"^(?:/api/v3)?/repos/[^/]+/[^/]+", "/repos/…", path)
    path = re.sub(r"(heads/|heads%2F)honk.*", r"\1BRANCH", path)
    path = re.sub(r"/contents/.+", "/contents/PATH", path)
    path = re.sub(r"(probe|honk-index|tmp)[-_.]?[a-z0-9_]{8}\b", r"\1-*", path)
    return re.sub(r"\d+", "N", re.sub(r"[0-9a-f]{16,}", "HEX", path))


def _watch_model(passed: Callable[[str], None]) -> None:
    from httpx2 import AsyncHTTPTransport

    handle = AsyncHTTPTransport.handle_async_request

    async def handled(self: Any, request: Any) -> Any:
        what = f"{request.method} {request.url.path} of the model"
        passed(f"{what}: before")
        answer = await handle(self, request)
        passed(f"{what}: after")
        return answer

    AsyncHTTPTransport.handle_async_request = handled  # type: ignore[method-assign]


def _watch_programs(passed: Callable[[str], None]) -> None:
    begin, ended = subprocess.Popen.__init__, subprocess.Popen._handle_exitstatus  # type: ignore[attr-defined]

    def begun(self: Any, args: Any, *given: Any, **named: Any) -> None:
        what = _of_program(args)
        passed(f"{what}: before")
        begin(self, args, *given, **named)
        passed(f"{what}: begun")

    def handle_exitstatus(self: Any, *given: Any, **named: Any) -> Any:
        result = ended(self, *given, **named)
        passed(f"{_of_program(self.args)}: ended")
        return result

    subprocess.Popen.__init__ = begun  # type: ignore[method-assign]
    subprocess.Popen._handle_exitstatus = handle_exitstatus  # type: ignore[attr-defined]


def _of_program(args: Any) -> str:
    words = [str(args)] if isinstance(args, str | os.PathLike) else [str(word) for word in args]
    name = Path(words[0]).name
    if name == "setpriv" and "--" in words:
        return _of_program(words[words.index("--") + 1 :])
    if name != "git":
        return name
    rest = iter(words[1:])
    for word in rest:
        if word in ("--git-dir", "-c", "-C"):
            next(rest)
        elif not word.startswith("-"):
            return f"git {word}"
    return "git"


def _watch_files(passed: Callable[[str], None], data_dir: str) -> None:
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def heard(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, _mode, flags = given
            if not isinstance(flags, int) or not flags & writing:
                return
        elif event in _FILE_EVENTS:
            path = given[1] if event == "os.rename" else given[0]
        else:
            return
        if isinstance(path, int):
            return
        text = os.fsdecode(path)
        if text.startswith(data_dir):
            passed(f"{event.removeprefix('os.')} {_template(text[len(data_dir) :])}")
        elif not text.startswith("/"):  # below an open folder, as `sandbox.files` does it
            passed(f"{event.removeprefix('os.')} of a file in a workspace")

    sys.addaudithook(heard)
