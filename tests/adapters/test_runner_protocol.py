"""A runner that was taken over says what it likes: the broker believes nothing that it has not checked."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from github_app.adapters.runner import line, wire
from github_app.adapters.runner.claims import pack_changes, unpack_changes
from github_app.adapters.runner.client import RemoteWorkspaces
from github_app.adapters.runner.line import Line
from github_app.adapters.runner.messages import Changes, Close, Exec, File, Open, Read, Take
from github_app.adapters.runner.wire import ProtocolBroken, to_header
from github_app.core.errors import HonkError, PathRefused, SandboxUnavailable, ToolFailed, Transient
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import ExecLimits
from tests.adapters.origins import LOCAL_GIT, Origin
from tests.adapters.origins import text as text_file
from tests.adapters.runners import framed, listening, pretend_two_users, running, saying, workspace_at

SHA = "a" * 40
OWNER_OF = line.owner_of
DONE = framed(b'{"answer":"done"}')


@pytest.fixture(autouse=True)
def _two_users(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_two_users(monkeypatch)


def changed(*files: dict[str, Any], body: bytes = b"", base_sha: str = SHA) -> bytes:
    """An answer to `Changes`."""
    return framed(json.dumps({"answer": "changed", "base_sha": base_sha, "files": files}).encode(), body)


def file(path: str, size: int | None = 0, mode: str = "100644") -> dict[str, Any]:
    """A file in it."""
    return {"path": path, "mode": mode, "size": size}


HOSTILE_CHANGES = {
    "out of the tree": changed(file("../x")),
    "out of the tree, later": changed(file("a/../../x")),
    "absolute": changed(file("/etc/cron.d/x")),
    "git's own folder": changed(file(".git/config")),
    "git's own folder in disguise": changed(file("sub/.GIT./hooks/post-checkout")),
    "an empty path": changed(file("")),
    "a path in another spelling": changed(file("a//b")),
    "a NUL": changed(file("a\0b")),
    "half of a character": changed(file("a\ud800")),
    "a path without end": changed(file("a/" * 3_000 + "a")),
    "named twice": changed(file("a"), file("a")),
    "not in order": changed(file("b"), file("a")),
    "a file below a file": changed(file("a"), file("a/b")),
    "a submodule": changed(file("a", mode="160000")),
    "a size below zero": changed(file("a", size=-1)),
    "more said than sent": changed(file("a", size=9), body=b"x"),
    "more sent than said": changed(file("a", size=1), body=b"xy"),
    "over another commit": changed(base_sha="b" * 40),
    "too many": changed(*[file(f"{n:06}") for n in range(20_001)]),
    "wrong types": changed({"path": 1, "mode": [], "size": {}}),
    "numbers as words": changed({"path": "a", "mode": "100644", "size": "1"}, body=b"x"),
    "not a list": framed(b'{"answer":"changed","base_sha":"' + SHA.encode() + b'","files":7}'),
    "another answer": DONE,
    "an answer that does not exist": framed(b'{"answer":"token"}'),
    "a question": framed(b'{"ask":"discard","key":"1-1-1"}'),
    "no JSON": framed(b"\xff\xfe"),
    "nothing": framed(b""),
    "deep": framed(b"[" * 100_000),
    "a number without end": framed(b'{"answer":"changed","base_sha":' + b"9" * 100_000 + b"}"),
    "a header of 4 GB": struct.pack(">II", 2**32 - 1, 0),
    "a body of 1 GB": struct.pack(">II", 2, 2**30) + b"{}",
    "an error of a kind that is not a runner's": framed(b'{"answer":"failed","kind":"stopped","text":"x"}'),
    "an error that brings more": framed(b'{"answer":"failed","kind":"tool","text":"x"}', b"more"),
}


@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in HOSTILE_CHANGES.items()])
async def test_a_hostile_change_set_is_refused(answer: bytes, open_tmp_path: Path) -> None:
    async with listening(open_tmp_path, saying(answer)) as socket:
        workspace = await workspace_at(socket)

        with pytest.raises(SandboxUnavailable, match="broke the protocol"):
            await workspace.changes()

        with pytest.raises(Transient):  # and nothing is believed any more
            await workspace.changes()


async def test_what_is_allowed_passes(open_tmp_path: Path) -> None:
    origin = Origin.create(open_tmp_path / "origin.git")
    sha = origin.commit({"b/c": text_file("old")})
    answer = changed(file("a", 1), file("b/c", None), file("d", 2, "120000"), body=b"xyz", base_sha=sha)
    async with listening(open_tmp_path, saying(answer, DONE, DONE)) as socket:
        workspace = await workspace_at(socket, sha=sha, mirror=origin.path)
        changes = await workspace.changes()
        await workspace.close(discard=False)
    assert [(each.path, each.content) for each in changes.changes] == [("a", b"x"), ("b/c", None), ("d", b"yz")]


@pytest.mark.parametrize(
    ("names", "limit"), [(b"../x\0", 9), (b"/etc\0", 9), (b".git/config\0", 9), (b"a\0b\0", 1), (b"\0", 9)]
)
async def test_hostile_listings_are_refused(names: bytes, limit: int, open_tmp_path: Path) -> None:
    async with listening(open_tmp_path, saying(framed(b'{"answer":"done"}', names))) as socket:
        with pytest.raises(SandboxUnavailable, match="broke the protocol"):
            await (await workspace_at(socket)).list(limit=limit)


RESULT = {"exit_code": 0, "output": "", "output_bytes": 1, "truncated": False, "killed_by": None, "duration_s": 1}
DECISION = {"host": "a.example", "port": 443, "is_allowed": False, "reason": "", "times": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"exit_code": -1}, {"exit_code": 2**70}, {"duration_s": float("nan")}, {"duration_s": -1}, {"output_bytes": -1},
        {"killed_by": "magic"}, {"network": [DECISION | {"port": 65_536}]}, {"network": [DECISION] * 10_000},
        {"network": [DECISION | {"times": -1}]}, {"network": "all"},
    ],
)  # fmt: skip
async def test_a_command_that_cannot_have_ended_so_is_refused(wrong: dict[str, Any], open_tmp_path: Path) -> None:
    answer = framed(json.dumps({"answer": "ran", "result": RESULT | wrong}).encode())
    async with listening(open_tmp_path, saying(answer)) as socket:
        with pytest.raises(SandboxUnavailable, match="broke the protocol"):
            await (await workspace_at(socket)).exec(["true"])


async def test_what_people_will_read_of_the_network_holds_no_marks(open_tmp_path: Path) -> None:
    told = DECISION | {"host": "x](http://evil)\n" + "h" * 200, "reason": "@all see [this](http://evil) " + "r" * 300}
    answer = framed(json.dumps({"answer": "ran", "result": RESULT | {"network": [told]}}).encode(), b"\xff")
    async with listening(open_tmp_path, saying(answer)) as socket:
        workspace = await workspace_at(socket)
        result = await workspace.exec(["true"], network=("a.example",))
        workspace.line.drop()
    assert result.output == "\ufffd"
    [shown] = result.network
    assert not set("@/\n") & set(shown.host + shown.reason)
    assert "](" not in shown.host + shown.reason
    assert (len(shown.host), len(shown.reason)) == (100, 200)


async def test_no_more_is_read_than_was_asked_for(open_tmp_path: Path) -> None:
    limits = ExecLimits(output_bytes=10)
    ran = json.dumps({"answer": "ran", "result": RESULT}).encode()
    for ask, answer in (
        (lambda it: it.read("a", max_bytes=10), framed(b'{"answer":"done"}', b"x" * 11)),
        (lambda it: it.exec(["true"], limits=limits), framed(ran, b"x" * 5_000)),
        (lambda it: it.write("a", b"x"), framed(b'{"answer":"done"}', b"x")),
    ):
        async with listening(open_tmp_path, saying(answer)) as socket:
            with pytest.raises(SandboxUnavailable, match="too long"):
                await ask(await workspace_at(socket))


async def test_silence_and_drops_without_end_come_to_an_end(open_tmp_path: Path) -> None:
    async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(struct.pack(">II", 4_000_000, 0))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.005)

    for listener in (saying(), dripping):
        async with listening(open_tmp_path, listener) as socket:
            it = await Line.connect(socket)
            with pytest.raises(Transient, match="did not answer"):
                await it.ask(Changes(), answer=wire.Answer.__args__[0], timeout_s=0.1)  # type: ignore[attr-defined]


async def test_a_runner_that_hangs_up_is_tried_again_later(open_tmp_path: Path) -> None:
    async with listening(open_tmp_path, saying(hang_up=True)) as socket:
        workspace = await workspace_at(socket)
        with pytest.raises(Transient, match="went away"):
            await workspace.read("a")
        await workspace.close(discard=False)  # holds nothing any more
        with pytest.raises(Transient):
            await workspace.close(discard=True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("path", PathRefused), ("tool", ToolFailed), ("transient", Transient), ("sandbox", SandboxUnavailable)],
)
async def test_errors_come_back_as_what_they_are_with_words_that_can_be_shown(
    kind: str, expected: type[HonkError], open_tmp_path: Path
) -> None:
    text = json.dumps("no\x1b[2J\u202e" + "x" * 5_000)
    answer = framed(f'{{"answer":"failed","kind":"{kind}","text":{text}}}'.encode())
    async with listening(open_tmp_path, saying(answer, DONE, DONE)) as socket:
        workspace = await workspace_at(socket)
        with pytest.raises(expected) as caught:
            await workspace.read("a")
        assert type(caught.value) is expected
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) == 2_000
        await workspace.delete("a")  # the connection is as good as before
        await workspace.close(discard=False)


async def test_what_doctor_prints_of_a_runner_does_nothing_to_a_terminal(open_tmp_path: Path) -> None:
    words = json.dumps("\x1b]0;mine\x07\x1b[2K\nok    all is well\u202e\x9b1m")
    examined = f'{{"answer":"examined","about":{words},"walls":[{{"name":{words},"ok":false,"detail":{words}}}]}}'
    reached = f'{{"answer":"reached","paths":[{words}]}}'
    async with listening(open_tmp_path, saying(framed(examined.encode()), framed(reached.encode()))) as socket:
        broker = RemoteWorkspaces(socket=socket, root=open_tmp_path, git=LOCAL_GIT)
        _, told, paths = await broker.inspect([])
    (wall,) = told.walls
    for text in (told.about, wall.name, wall.detail, *paths):
        assert text.isprintable(), text


def test_a_socket_that_others_could_have_put_there_is_nobodys(open_tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(open_tmp_path / "sock"))
    (open_tmp_path / "link").symlink_to("sock")
    (open_tmp_path / "file").touch()
    assert OWNER_OF(open_tmp_path / "sock") == os.geteuid()
    assert {OWNER_OF(open_tmp_path / name) for name in ("link", "file", "nothing")} == {None}
    open_tmp_path.chmod(0o777)
    assert OWNER_OF(open_tmp_path / "sock") is None


async def test_a_runner_that_does_not_stop_is_hung_up_on(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "_DEATH_S", 0.05)
    async with listening(open_tmp_path, saying()) as socket:
        workspace = await workspace_at(socket)
        asking = asyncio.ensure_future(workspace.read("a"))
        await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        with pytest.raises(Transient, match="is over"):
            await workspace.read("a")


async def test_a_commit_that_is_brought_and_not_there_is_a_lie(open_tmp_path: Path) -> None:
    async with running(open_tmp_path) as pair:
        sha = pair.origin.commit({"a": ("100644", b"x")})
        lie = framed(json.dumps({"answer": "opened", "is_open": False, "known": "c" * 40}).encode())

        async def lying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(lie + DONE + lie)
            await reader.read()

        async with listening(open_tmp_path, lying) as socket:
            broker = type(pair.broker)(socket=socket, root=pair.broker.root, git=pair.broker.git)
            with pytest.raises((SandboxUnavailable, Transient)):
                await broker.open(_repo(), sha, "k", auth=pair.auth)


def _repo() -> Any:
    from tests.adapters.desks import REPO

    return REPO


@pytest.mark.parametrize(
    "said",
    [
        framed(b"nonsense"),
        framed(b'{"ask":"open","repo_id":1,"sha":"HEAD","key":"k"}'),
        framed(b'{"ask":"open","repo_id":"1","sha":"' + SHA.encode() + b'","key":"k"}'),
        framed(to_header(Open(repo_id=1, sha=SHA, key="k"))[:-1]),
        struct.pack(">II", 2**31, 0),
    ],
)
async def test_a_runner_hangs_up_on_nonsense(said: bytes, open_tmp_path: Path) -> None:
    async with running(open_tmp_path) as pair:
        reader, writer = await asyncio.open_unix_connection(pair.broker.socket)
        writer.write(said)
        assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        Read(path="a", max_bytes=1),
        Changes(),
        Close(discard=True),
        Exec(argv=(), cwd=".", env={}, limits=ExecLimits(), network=()),
    ],
)
async def test_nothing_is_done_without_an_open_workspace(request_: Any, open_tmp_path: Path) -> None:
    async with running(open_tmp_path) as pair:
        it = await Line.connect(pair.broker.socket)
        with pytest.raises(ToolFailed, match="No workspace"):
            await it.ask(request_, answer=wire.Answer.__args__[0])  # type: ignore[attr-defined]
        it.drop()


async def test_half_a_pack_is_no_commit(open_tmp_path: Path) -> None:
    async with running(open_tmp_path) as pair:
        sha = pair.origin.commit({"a": ("100644", b"x")})
        it = await Line.connect(pair.broker.socket)
        for pack in ([b"PACK", b"nonsense"], []):
            with pytest.raises(HonkError, match="index-pack"):
                await it.bring(Take(repo_id=1, sha=sha, cut=()), iter(pack))
        it.drop()
        workspace = await pair.open(sha)
        assert await workspace.read("a") == b"x"


def test_a_change_set_is_the_same_after_the_journey() -> None:
    changes = ChangeSet(
        base_sha=SHA,
        changes=(
            FileChange(path="a", mode="100644", content=None),
            FileChange(path="b", mode="100755", content=b"\0\xff"),
            FileChange(path="é", mode="120000", content=b""),
        ),
    )
    files, contents = pack_changes(changes)
    assert unpack_changes(files, contents, base_sha=SHA) == changes


def test_a_file_in_the_place_of_a_deleted_folder_passes() -> None:
    files = (File(path="a", mode="100644", size=0), File(path="a/b", mode="100644", size=None))
    assert len(unpack_changes(files, b"", base_sha=SHA).changes) == 2
    with pytest.raises(ProtocolBroken):
        unpack_changes((files[0], File(path="a/b", mode="100644", size=0)), b"", base_sha=SHA)
