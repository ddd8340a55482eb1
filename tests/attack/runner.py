"""Attacks by whoever is the runner's user: all that a sandbox's code gets if it breaks out of everything else. Broker,
runner and a stranger are three users here, which takes root to set up."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from github_app.adapters.repository.bases import Base
from github_app.adapters.repository.git import Git
from github_app.adapters.runner.client import RemoteWorkspace, RemoteWorkspaces
from github_app.adapters.runner.line import Line
from github_app.adapters.runner.messages import Changed, Changes
from github_app.core.errors import HonkError
from tests.adapters.desks import REPO
from tests.adapters.origins import LOCAL_GIT, text
from tests.adapters.runners import framed
from tests.attack.arena import Arena
from tests.attack.cases import NOT_RUN, Run, attack
from tests.fakes.users import BROKER, RUNNER, STRANGER, own, run_as, runner_process, running_as, why_not

_SHA = "a" * 40
_MEMORY_BYTES = 100 * 2**20


def two_users(id: str, name: str, *, stopped_by: str) -> Callable[[Run], Run]:
    """Register an attack that needs other users."""
    if reason := why_not():
        NOT_RUN[id] = (name, reason)
        return lambda run: run
    return attack(id, name, stopped_by=stopped_by)


_LOOK = """
import os, sys
for path in sys.argv[1:]:
    for each in (path, os.path.dirname(path)):
        try:
            print("GOT", each, os.listdir(each) if os.path.isdir(each) else open(each, "rb").read(1_000_000))
        except OSError:
            pass
"""


def _as_runner(arena: Arena, script: str, *args: str) -> str:
    printed = run_as(RUNNER, script + "\nprint('TRIED')", *args)
    arena.spoils.append(printed)
    assert "TRIED" in printed, f"the attack itself broke: {printed}"
    return "\n".join(line for line in printed.splitlines() if "GOT" in line)


@two_users("H01", "a runner that was taken over reads key, database, mirrors", stopped_by="another user")
async def _files(arena: Arena) -> str:
    data = own(arena.key_file.parent, BROKER)
    for path in data.rglob("*"):
        os.lchown(path, BROKER, BROKER)
    return _as_runner(arena, _LOOK, str(arena.key_file), str(arena.database), str(arena.neighbour))


_BROKER = "print('ready'); import time; time.sleep(600)"
_PROCESS = """
import ctypes, os, sys
pid = int(sys.argv[1])
for name in ("environ", "mem", "maps", "cwd/x", "root/x", "fd", "task/%d/environ" % pid):
    path = f"/proc/{pid}/{name}"
    try:
        print("GOT", path, os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1_000_000))
    except OSError:
        pass
libc = ctypes.CDLL(None)
if libc.ptrace(16, pid, None, None) == 0:
    print("GOT a hold of the broker")
class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
room = ctypes.create_string_buffer(8)
ours, theirs = Piece(ctypes.addressof(room), 8), Piece(0x400000, 8)
if libc.process_vm_readv(pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0) > 0:
    print("GOT memory")
try:
    os.kill(pid, 0)
    print("GOT a signal through")
except OSError:
    pass
"""


@two_users("H02", "a runner that was taken over looks into the broker's process", stopped_by="another user")
async def _process(arena: Arena) -> str:
    with running_as(BROKER, _BROKER, env={"HONK_PRIVATE_KEY": arena.canary}) as pid:
        return _as_runner(arena, _PROCESS, str(pid))


@two_users("H03", "code in the runner's sandbox looks for secrets, sockets, neighbours", stopped_by="the same walls")
async def _inside(arena: Arena) -> str:
    before = arena.workspace
    with runner_process(_top(arena)) as runner:
        workspaces = RemoteWorkspaces(socket=runner.socket, root=arena.database.parent, git=LOCAL_GIT)
        sha = arena.desk.origin.tip()
        other = await workspaces.open(REPO, sha, "1-2-1", auth=arena.desk.auth)
        await other.write("secret.txt", arena.canary.encode())
        arena.workspace = await workspaces.open(REPO, sha, "1-1-1", auth=arena.desk.auth)  # type: ignore[assignment]
        try:
            return await arena.shell(
                f"for f in \"$@\" {runner.socket} {runner.data_dir}; do ls -d $f $f/* 2>/dev/null | sed 's/^/GOT /'; "
                f"cat $f 2>/dev/null | sed 's/^/GOT /'; done; "
                "tr '\\0' '\\n' </proc/1/environ | sed 's/^/GOT /'; env | grep HONK_ | sed 's/^/GOT /'; "
                f"find / -name secret.txt -not -path '/proc/*' 2>/dev/null | sed 's/^/GOT /'; "
                f"curl -s --unix-socket {runner.socket} x://x 2>/dev/null && echo GOT the runner; true"
            )
        finally:
            for each in (other, arena.workspace):
                await each.close(discard=True)
            arena.workspace = before


# A program that the runner's user runs in the runner's place. It answers each request with the next of its arguments,
# then with nothing, and keeps all that it was told. `flood` in an answer is followed by bytes without end.
_HOSTILE = """
import os, socket, struct, sys
path, record, *answers = sys.argv[1:]
def exactly(it, size):
    data = b""
    while len(data) < size:
        piece = it.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data
os.umask(0)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
print("ready")
while True:
    it, _ = server.accept()
    left = list(answers)
    try:
        while lengths := exactly(it, 8):
            header, body = (exactly(it, size) for size in struct.unpack(">II", lengths))
            open(record, "ab").write(header + body)
            if b'"take"' in header or (body and not header) or not left:
                continue
            answer = left.pop(0)
            it.sendall(bytes.fromhex(answer.removesuffix("flood")))
            while answer.endswith("flood"):
                it.sendall(bytes(65536))
    except (OSError, TypeError):
        pass
    it.close()
"""


@contextmanager
def _hostile(arena: Arena, *answers: bytes, flood: bool = False, uid: int = RUNNER) -> Iterator[Path]:
    """The socket of a hostile runner; beside it, in `told`, all that it was told."""
    folder = own(_top(arena) / f"hostile-{uid}-{len(list(_top(arena).iterdir()))}", uid, mode=0o755)
    words = [answer.hex() + "flood" * flood for answer in answers]
    with running_as(uid, _HOSTILE, str(folder / "sock"), str(folder / "told"), *words):
        yield folder / "sock"


def _top(arena: Arena) -> Path:
    return arena.key_file.parent.parent


async def _open(socket: Path) -> RemoteWorkspace:
    # A mirror that knows the commit, and has nothing in it: what the broker believes must not hang on a missing one.
    base = Base(git=cast(Git, _EmptyGit()), mirror=lambda: socket.parent, sha=_SHA)
    return RemoteWorkspace(sha=_SHA, line=await Line.connect(socket), base=base)


class _EmptyGit:
    def run(self, *_: object, **__: object) -> bytes:
        return b""


def _changed(*files: dict[str, Any], base_sha: str = _SHA, body: bytes = b"") -> bytes:
    return framed(json.dumps({"answer": "changed", "base_sha": base_sha, "files": files}).encode(), body)


def _file(path: Any, size: Any = 0, mode: Any = "100644") -> dict[str, Any]:
    return {"path": path, "mode": mode, "size": size}


async def _believed(arena: Arena, answers: dict[str, bytes], ask: Callable[[RemoteWorkspace], Awaitable[Any]]) -> str:
    """Which of the hostile answers the broker took for good."""
    got = []
    for name, answer in answers.items():
        with _hostile(arena, answer) as socket:
            workspace = await _open(socket)
            try:
                got.append(f"GOT {name}: {await ask(workspace)}")
            except HonkError:
                pass
            finally:
                workspace.line.drop()
    return "\n".join(got)


@two_users("H04", "a runner's change set that leaves the tree, or is none", stopped_by="each answer is checked again")
async def _change_sets(arena: Arena) -> str:
    paths = (
        "../x",
        "a/../../x",
        "/etc/passwd",
        ".git/config",
        "sub/.GIT/hooks/x",
        "a//b",
        "",
        ".",
        "a\0b",
        "x/" * 5_000,
    )
    answers = {f"the path {path[:20]!r}": _changed(_file(path)) for path in paths}
    answers |= {
        "a path twice": _changed(_file("a"), _file("a")),
        "a file below a file": _changed(_file("a"), _file("a/b")),
        "a submodule": _changed(_file("a", mode="160000")),
        "bytes of nobody": _changed(body=b"x"),
        "changes of another commit": _changed(base_sha="b" * 40),
    }
    return await _believed(arena, answers, lambda it: it.changes())


@two_users(
    "H05", "answers of 1 GB, and without end, to fill the broker's memory", stopped_by="lengths are capped, time is"
)
async def _floods(arena: Arena) -> str:
    before = _memory_bytes()
    got = []
    for lengths in ((2, 2**30), (2**32 - 1, 0), (4 * 2**20, 0)):
        with _hostile(arena, struct.pack(">II", *lengths), flood=True) as socket:
            line = await Line.connect(socket)
            try:
                await line.ask(Changes(), answer=Changed, body_bytes=200_000_000, timeout_s=5)
                got.append(f"GOT {lengths} believed")
            except HonkError:
                pass
            finally:
                line.drop()
    grown = _memory_bytes() - before
    return "\n".join([*got, *([f"GOT {grown >> 20} MiB of the broker's memory"] if grown > _MEMORY_BYTES else [])])


def _memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@two_users(
    "H06", "answers of other types, depths and kinds than were asked for", stopped_by="strict types, one answer each"
)
async def _types(arena: Arena) -> str:
    answers = {
        "numbers for words": _changed(_file(1, "1", [])),
        "a number in quotes": _changed(_file("a", "1"), body=b"x"),
        "no list": framed(b'{"answer":"changed","base_sha":"' + _SHA.encode() + b'","files":{}}'),
        "depth": framed(b"[" * 50_000),
        "digits": framed(b"9" * 50_000),
        "no text": framed(b"\xff" * 100),
        "nothing": framed(b""),
        "another answer": framed(b'{"answer":"done"}'),
        "an unknown error": framed(b'{"answer":"failed","kind":"stopped","text":""}'),
        "the end of the session": framed(b'{"answer":"failed","kind":"gone","text":""}'),
    }
    return await _believed(arena, answers, lambda it: it.changes())


_SPEAK = """
import json, socket, struct, sys
it = socket.socket(socket.AF_UNIX)
it.settimeout(5)
try:
    it.connect(sys.argv[1])
    for ask in ({"ask": "open", "repo_id": 1, "sha": sys.argv[2], "key": "1-2-1"},
                {"ask": "read", "path": "secret.txt", "max_bytes": 1000}):
        header = json.dumps(ask).encode()
        it.sendall(struct.pack(">II", len(header), 0) + header)
        if answer := it.recv(1000):
            print("GOT", answer)
except OSError:
    pass
print("TRIED")
"""


@two_users(
    "H07",
    "somebody else speaks to the runner: a stranger, its own sandboxes",
    stopped_by="the socket's mode, peer's uid",
)
async def _strangers(arena: Arena) -> str:
    with runner_process(_top(arena)) as runner:
        workspaces = RemoteWorkspaces(socket=runner.socket, root=arena.database.parent, git=LOCAL_GIT)
        sha = arena.desk.origin.tip()
        other = await workspaces.open(REPO, sha, "1-2-1", auth=arena.desk.auth)
        await other.write("secret.txt", arena.canary.encode())
        await other.close(discard=False)
        said = [run_as(uid, _SPEAK, str(runner.socket), sha) for uid in (STRANGER, RUNNER)]
        assert "GOT" in run_as(BROKER, _SPEAK, str(runner.socket), sha), "the attack itself does not work"
    arena.spoils += said
    assert all("TRIED" in printed for printed in said), said
    return "\n".join(line for printed in said for line in printed.splitlines() if "GOT" in line)


@two_users(
    "H08",
    "an impostor listens in the runner's place to get private code",
    stopped_by="the listener's uid, the socket's owner",
)
async def _impostor(arena: Arena) -> str:
    got = [await _given(arena, _top(arena) / "root", uid=0, folder_of=0, mode=0o755)]
    open_to_all = _top(arena) / "open"
    got.append(await _given(arena, open_to_all, uid=STRANGER, folder_of=RUNNER, mode=0o777))
    led_away = own(_top(arena) / "led", RUNNER, mode=0o755) / "sock"
    led_away.symlink_to(_top(arena) / "own/sock")
    got.append(await _given(arena, _top(arena) / "own", uid=STRANGER, folder_of=STRANGER, mode=0o755, at=led_away))
    return "; ".join(filter(None, got))


async def _given(arena: Arena, folder: Path, *, uid: int, folder_of: int, mode: int, at: Path | None = None) -> str:
    """What an impostor is told who listens in a folder of somebody; `at` is where the broker looks for the runner."""
    lie = framed(b'{"answer":"opened","is_open":false}')
    words = [answer.hex() for answer in (lie, framed(b'{"answer":"done"}'), lie)]
    own(folder, folder_of, mode=mode)
    with running_as(uid, _HOSTILE, str(folder / "sock"), str(folder / "told"), *words):
        workspaces = RemoteWorkspaces(socket=at or folder / "sock", root=arena.database.parent, git=LOCAL_GIT)
        with suppress(HonkError):
            await workspaces.open(REPO, arena.desk.origin.tip(), "1-1-1", auth=arena.desk.auth)
        told = folder / "told"
        return f"GOT the code, as uid {uid}" if told.exists() and told.stat().st_size > 0 else ""


@two_users("H09", "the runner asks for more: tokens, files, other branches", stopped_by="the broker answers nothing")
async def _wishes(arena: Arena) -> str:
    wishes = {
        "a token": framed(b'{"ask":"token","repo_id":1}'),
        "a file": framed(json.dumps({"ask": "read", "path": str(arena.key_file), "max_bytes": 9_000}).encode()),
        "another's session": framed(b'{"ask":"open","repo_id":99,"sha":"' + _SHA.encode() + b'","key":"1-2-1"}'),
    }
    got = await _believed(arena, wishes, lambda it: it.read("README.md"))
    secret = arena.desk.origin.commit({"private": text(arena.canary)}, branch="private")
    return got + await _brought_besides(arena, known=secret)


async def _brought_besides(arena: Arena, *, known: str) -> str:
    """What a hostile runner gets when it is brought a commit, and says that it has one that is none of its business."""
    sha = arena.desk.origin.commit({"README.md": text("# App 2\n")})
    lie = framed(json.dumps({"answer": "opened", "is_open": False, "known": known}).encode())
    with _hostile(arena, lie, framed(b'{"answer":"done"}'), lie) as socket:
        workspaces = RemoteWorkspaces(socket=socket, root=arena.database.parent, git=LOCAL_GIT)
        with suppress(HonkError):
            await workspaces.open(REPO, sha, "1-1-1", auth=arena.desk.auth)
        told = socket.with_name("told").read_bytes()
    assert b"PACK" in told, "the attack itself does not work"
    store = _top(arena) / "store.git"
    Git().run(store, ["init", "--quiet", "--bare"])
    subprocess.run(["git", "-C", store, "unpack-objects", "-q"], input=told[told.index(b"PACK") :], check=False)
    everything = Git().run(store, ["cat-file", "--batch-all-objects", "--batch"])
    arena.spoils += [told.decode("latin-1"), everything.decode("latin-1")]
    assert b"App 2" in everything
    return "GOT another branch" if arena.canary.encode() in everything else ""
