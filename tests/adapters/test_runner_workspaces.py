"""Workspaces behind a socket do all that local ones do; the runner gets commits without a token, and dies well."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from github_app.adapters.repository.workspaces import LocalWorkspace, LocalWorkspaces
from github_app.adapters.runner.line import Line
from github_app.adapters.runner.messages import Reach, Reached
from github_app.core.errors import (
    AccessDenied,
    Misconfigured,
    PathRefused,
    SandboxUnavailable,
    ToolFailed,
    Transient,
)
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import ExecLimits, GitAuth
from tests.adapters.desks import REPO, told
from tests.adapters.origins import link, program, text
from tests.adapters.runners import Pair, pretend_two_users, running

FILES = {
    ".gitattributes": text("secret.txt export-ignore\nversion.txt export-subst\n*.txt text eol=crlf\n"),
    "README.md": text("# App\n"),
    "bin/go": program("#!/bin/sh\necho gone\n"),
    "secret.txt": text("kept\n"),
    "version.txt": text("$Format:%H$\n"),
    "to": link("README.md"),
}
LIMITS = ExecLimits(timeout_s=60)


@pytest.fixture(params=[True, False], ids=["overlay", "copy"])
async def pair(
    request: pytest.FixtureRequest, open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    pretend_two_users(monkeypatch)
    async with running(open_tmp_path, has_overlay=request.param) as it:
        yield it


@pytest.fixture
async def overlay_pair(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    pretend_two_users(monkeypatch)
    async with running(open_tmp_path) as it:
        yield it


async def test_it_does_all_that_a_local_one_does(pair: Pair) -> None:
    workspace = await pair.open(pair.origin.commit(FILES))

    ran = await workspace.exec(["sh", "-c", "bin/go; echo new > new.txt; exit 3"], limits=LIMITS)
    assert (ran.exit_code, ran.output, ran.killed_by) == (3, "gone\n", None)
    await workspace.write("src/more.py", b"1\n", executable=True)
    assert await workspace.read("src/more.py") == b"1\n"
    await workspace.delete("bin/go")
    assert await workspace.list() == sorted({*FILES, "new.txt", "src/more.py"} - {"bin/go"})
    assert await workspace.list("src") == ["src/more.py"]

    changes = await workspace.changes()
    assert told(changes) == {
        "bin/go": ("gone", None),
        "new.txt": ("100644", b"new\n"),
        "src/more.py": ("100755", b"1\n"),
    }
    other = await pair.open(workspace.sha)
    await other.apply(changes)
    assert await other.changes() == changes
    await other.close(discard=True)
    await workspace.close(discard=False)


async def test_files_are_the_bytes_of_the_commit_whatever_its_attributes_say(pair: Pair) -> None:
    workspace = await pair.open(pair.origin.commit(FILES))

    shown = await workspace.exec(["sh", "-c", "cat secret.txt version.txt; git status --short"], limits=LIMITS)

    assert shown.output == "kept\n$Format:%H$\n"
    assert (await workspace.changes()).changes == ()


async def test_a_note_lives_as_long_as_the_workspace(overlay_pair: Pair) -> None:
    sha = overlay_pair.origin.commit(FILES)
    workspace = await overlay_pair.open(sha, key="1-1-1")
    assert await workspace.recall() == ""
    await workspace.remember("set up")
    await workspace.close(discard=False)
    workspace = await overlay_pair.open(sha, key="1-1-1")
    assert await workspace.recall() == "set up"
    await workspace.close(discard=True)
    await workspace.close(discard=False)
    workspace = await overlay_pair.open(sha, key="1-1-1")
    assert await workspace.recall() == ""
    await workspace.remember("set up")
    await workspace.close(discard=False)
    workspace = await overlay_pair.open(overlay_pair.origin.commit({"a": text("b\n")}), key="1-1-1")
    assert await workspace.recall() == ""
    await workspace.close(discard=False)


async def test_what_a_session_wrote_is_there_when_it_is_opened_again(overlay_pair: Pair) -> None:
    sha = overlay_pair.origin.commit(FILES)
    workspace = await overlay_pair.open(sha, key="1-1-1")
    await workspace.write("new.txt", b"x")
    await workspace.close(discard=False)

    again = await overlay_pair.open(sha, key="1-1-1")
    assert await again.read("new.txt") == b"x"
    await again.close(discard=False)
    await overlay_pair.broker.discard("1-1-1")
    assert (await (await overlay_pair.open(sha, key="1-1-1")).changes()).changes == ()


async def test_refusals_are_the_same(overlay_pair: Pair) -> None:
    workspace = await overlay_pair.open(overlay_pair.origin.commit(FILES))

    for path in ("../x", "/etc/passwd", ".git/config"):
        with pytest.raises(PathRefused):
            await workspace.read(path)
    with pytest.raises(ToolFailed):
        await workspace.read("nothing.txt")
    with pytest.raises(ToolFailed, match="not text"):
        await workspace.exec(["echo", "\ud800"])
    with pytest.raises(ToolFailed):
        await workspace.write("big", bytes(100_000_001))
    assert await workspace.read("README.md") == b"# App\n"  # the connection is as good as before


async def test_names_that_are_no_text_are_listed(overlay_pair: Pair) -> None:
    workspace = await overlay_pair.open(overlay_pair.origin.commit(FILES))
    await workspace.exec(["sh", "-c", r"touch $(printf 'bad\377')"], limits=LIMITS)

    assert "bad\udcff" in await workspace.list()
    with pytest.raises(ToolFailed, match="not valid UTF-8"):
        await workspace.changes()


async def test_only_what_is_missing_is_fetched_and_brought(overlay_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[int] = []
    real = Line.bring

    async def counted(self: Line, request: object, pack: object) -> None:
        pieces = list(pack)  # type: ignore[call-overload]
        brought.append(sum(map(len, pieces)))
        await real(self, request, iter(pieces))  # type: ignore[arg-type]

    monkeypatch.setattr(Line, "bring", counted)
    noise = os.urandom(300_000).hex().encode()
    first = overlay_pair.origin.commit(FILES | {"noise": ("100644", noise)})
    for _ in range(2):
        await (await overlay_pair.open(first)).close(discard=True)
    assert overlay_pair.fetches == 1
    assert len(brought) == 1

    second = overlay_pair.origin.commit(FILES | {"noise": ("100644", noise), "more": text("more\n")})
    workspace = await overlay_pair.open(second)

    assert await workspace.read("more") == b"more\n"
    assert brought[0] > 300_000
    assert brought[1] < 2_000


async def test_an_agent_sees_the_same_piece_of_history_though_the_runner_has_no_more(overlay_pair: Pair) -> None:
    shas = [overlay_pair.origin.commit({"n": text(f"{n}\n")}, message=f"change {n}") for n in range(60)]
    for sha, newest in ((shas[54], 54), (shas[59], 59), (shas[2], 2)):
        workspace = await overlay_pair.open(sha)
        log = await workspace.exec(["git", "log", "--format=%s"], limits=LIMITS)
        assert log.exit_code == 0, log.output
        shown = log.output.splitlines()
        assert shown[0] == f"change {newest}"
        assert len(shown) == min(newest + 1, 50)
        fsck = await workspace.exec(["git", "fsck"], limits=LIMITS)
        assert fsck.exit_code == 0, fsck.output


async def test_the_runner_never_has_a_remote_a_token_or_another_branch(overlay_pair: Pair, open_tmp_path: Path) -> None:
    token = "ghs_0123456789"
    private = overlay_pair.origin.commit({"private": text("of another branch\n")}, branch="other")
    sha = overlay_pair.origin.commit(FILES)
    auth = GitAuth(url=str(overlay_pair.origin.path), token=None)
    workspace = await overlay_pair.broker.open(REPO, sha, "k", auth=lambda: auth)
    overlay_pair.opened.append(workspace)

    store = open_tmp_path / "runner/mirrors/1.git"
    assert store.is_dir()
    config = (store / "config").read_text()
    assert token not in config
    assert "remote" not in config
    shown = await workspace.exec(["git", "cat-file", "-e", private], limits=LIMITS)
    assert shown.exit_code != 0
    assert not any(private in path.read_text("latin-1") for path in store.rglob("*") if path.is_file())


async def test_errors_of_fetching_are_the_brokers_own(overlay_pair: Pair) -> None:
    def denied() -> GitAuth:
        raise AccessDenied("no")

    with pytest.raises(AccessDenied):
        await overlay_pair.broker.open(REPO, "b" * 40, "k", auth=denied)


async def test_cancelling_a_call_kills_the_command_and_leaves_the_workspace_open(overlay_pair: Pair) -> None:
    workspace = await overlay_pair.open(overlay_pair.origin.commit(FILES))
    running = asyncio.ensure_future(
        workspace.exec(["sh", "-c", "echo begun > begun; sleep 60; echo late > late"], limits=LIMITS)
    )
    upper = next((overlay_pair.runner.workspaces.root / "workspaces").glob("*/*/upper"))
    while not (upper / "begun").exists():
        await asyncio.sleep(0.01)

    began = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert time.monotonic() - began < 30
    assert told(await workspace.changes()) == {"begun": ("100644", b"begun\n")}


async def test_a_command_dies_with_its_connection(overlay_pair: Pair) -> None:
    workspace = await overlay_pair.open(overlay_pair.origin.commit(FILES), key="k")
    running = asyncio.ensure_future(workspace.exec(["sh", "-c", "echo begun > begun; sleep 60"], limits=LIMITS))
    upper = next((overlay_pair.runner.workspaces.root / "workspaces").glob("*/*/upper"))
    while not (upper / "begun").exists():
        await asyncio.sleep(0.01)

    workspace.line.wire.drop()

    with pytest.raises(Transient):
        await running
    again = await overlay_pair.open(workspace.sha, key="k")  # waits for the end of whoever had it
    assert await again.read("begun") == b"begun\n"
    await workspace.close(discard=False)


async def test_who_opens_a_session_last_has_it_alone(overlay_pair: Pair) -> None:
    sha = overlay_pair.origin.commit(FILES)
    old = await overlay_pair.open(sha, key="k")
    running = asyncio.ensure_future(old.exec(["sleep", "60"], limits=LIMITS))
    await asyncio.sleep(0)

    new = await overlay_pair.open(sha, key="k")

    with pytest.raises(Transient):
        await running
    assert (await new.exec(["true"], limits=LIMITS)).exit_code == 0
    with pytest.raises(Transient):
        await old.read("README.md")


async def test_who_opens_a_session_while_another_is_opening_it_waits_for_the_end_of_that(
    overlay_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (overlay_pair.origin.commit({"README.md": text(word)}) for word in ("one", "two"))
    real, begun, go_on, done = LocalWorkspaces._open, threading.Event(), threading.Event(), []

    def slowly(self: LocalWorkspaces, repo_id: int, sha: str, *more: Any) -> LocalWorkspace:
        if sha == first:
            begun.set()
            go_on.wait(10)
        opened = real(self, repo_id, sha, *more)
        done.append(sha)
        return opened

    monkeypatch.setattr(LocalWorkspaces, "_open", slowly)
    opening = asyncio.ensure_future(overlay_pair.open(first, key="s"))
    await asyncio.to_thread(begun.wait, 10)
    taking_over = asyncio.ensure_future(overlay_pair.open(second, key="s"))
    with pytest.raises(Transient):
        await opening
    go_on.set()
    workspace = await taking_over
    assert done == [first, second]
    assert await workspace.read("README.md") == b"two"


async def test_a_runner_that_is_away_may_come_back(overlay_pair: Pair, open_tmp_path: Path) -> None:
    sha = overlay_pair.origin.commit(FILES)
    socket = overlay_pair.broker.socket
    socket.rename(open_tmp_path / "away.sock")

    with pytest.raises(Transient, match="honk runner"):
        await overlay_pair.open(sha)

    (open_tmp_path / "away.sock").rename(socket)
    await overlay_pair.open(sha)


async def test_tidying_packs_both_sides_and_deletes_what_lies_idle(overlay_pair: Pair, open_tmp_path: Path) -> None:
    workspace = await overlay_pair.open(overlay_pair.origin.commit(FILES))
    await workspace.close(discard=True)
    checkouts = open_tmp_path / "runner/checkouts"
    assert list(checkouts.glob("*/" + workspace.sha))

    await asyncio.to_thread(overlay_pair.broker.tidy, idle_s=-1.0)

    assert not list(checkouts.glob("*/" + workspace.sha))
    again = await overlay_pair.open(workspace.sha)

    await asyncio.to_thread(overlay_pair.broker.tidy, idle_s=3_600.0, max_bytes=0)

    assert list(checkouts.glob("*/" + workspace.sha)), "it is open"
    await again.close(discard=False)
    await asyncio.to_thread(overlay_pair.broker.tidy, idle_s=3_600.0, max_bytes=0)
    assert not list(open_tmp_path.glob("runner/*/*.git"))
    assert not list(overlay_pair.broker.mirrors.kept())
    assert not list(checkouts.glob("*/" + workspace.sha))


async def test_the_runner_says_what_it_could_read(overlay_pair: Pair, open_tmp_path: Path) -> None:
    open_file = open_tmp_path / "key.pem"
    open_file.write_text("x")
    it = await Line.connect(overlay_pair.broker.socket)
    asked = Reach(paths=(str(open_file), str(open_tmp_path / "nothing")))

    reached, _ = await it.ask(asked, answer=Reached)
    it.drop()

    assert str(open_file) in reached.paths
    assert str(open_tmp_path / "nothing") not in reached.paths
    with pytest.raises(SandboxUnavailable, match=r"key\.pem"):
        await asyncio.to_thread(overlay_pair.broker.require_apart, [open_file])


async def test_a_broker_waits_for_a_runner_that_starts_and_not_for_ever(
    open_tmp_path: Path, overlay_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from github_app.adapters.runner import client

    monkeypatch.setattr(client, "_START_S", 0.0)
    overlay_pair.broker.socket.rename(open_tmp_path / "away.sock")
    with pytest.raises(SandboxUnavailable, match="honk runner"):
        await asyncio.to_thread(overlay_pair.broker.require_apart, [])


async def test_a_socket_that_cannot_be_made_is_the_operators(overlay_pair: Pair, open_tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="HONK_RUNNER_SOCKET"):
        await overlay_pair.runner.serve(open_tmp_path / "no/such/folder.sock", ready=lambda: None)


async def test_the_same_user_is_refused_on_both_sides(open_tmp_path: Path) -> None:
    async with running(open_tmp_path) as pair:
        with pytest.raises(SandboxUnavailable, match=r"another, unprivileged one"):
            await pair.open(pair.origin.commit(FILES))

        reader, writer = await asyncio.open_unix_connection(pair.broker.socket)
        assert await reader.read() == b""  # hung up before a word
        writer.close()


async def test_the_socket_is_closed_to_others(overlay_pair: Pair) -> None:
    assert overlay_pair.broker.socket.stat().st_mode & 0o777 == 0o660


async def test_a_change_set_that_cannot_be_is_refused_by_the_runner_too(overlay_pair: Pair) -> None:
    workspace = await overlay_pair.open(overlay_pair.origin.commit(FILES))
    bad = ChangeSet(base_sha=workspace.sha, changes=(FileChange(path="../x", mode="100644", content=b""),))

    with pytest.raises(ToolFailed):
        await workspace.apply(bad)


async def test_what_a_command_may_reach_and_what_it_was_refused_travel_too(overlay_pair: Pair) -> None:
    workspace = await overlay_pair.open(overlay_pair.origin.commit(FILES))
    ask = "import os, urllib.request as r; print(os.environ['HTTPS_PROXY']); r.urlopen('https://other.example/')"

    alone = await workspace.exec(["python3", "-c", ask], limits=LIMITS)
    allowed = await workspace.exec(["python3", "-c", ask], limits=LIMITS, network=("named.example",))

    assert alone.network == ()
    assert "KeyError" in alone.output
    [decision] = allowed.network
    assert (decision.host, decision.port, decision.is_allowed) == ("other.example", 443, False)
    assert decision.reason == "not in the policy"


async def test_names_that_git_could_take_for_patterns_are_names(pair: Pair) -> None:
    odd = (":(exclude)x", ":/top", "*", "[a]", "-r", ":(attr:x)y")
    workspace = await pair.open(pair.origin.commit({**FILES, **{path: program("old") for path in odd}}))
    for path in odd:
        await workspace.write(path, b"new")

    assert {change.path: change.base_mode for change in (await workspace.changes()).changes} == dict.fromkeys(
        odd, "100755"
    )
