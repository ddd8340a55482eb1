"""A workspace is a writable view of one commit; only what its session wrote is its own."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from github_app.adapters.repository.evictions import size_of
from github_app.adapters.repository.mirrors import Mirrors
from github_app.core.errors import NotVisibleYet, PathRefused, ToolFailed
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import GitAuth
from github_app.engine.snapshots import restore
from tests.adapters.desks import REPO, Desk, sh, told
from tests.adapters.origins import File, link, program, submodule, text
from tests.edge.cases import shows

FILES: dict[str, File] = {
    "README.md": text("read me\n"),
    "run": program("#!/bin/sh\necho ran\n"),
    "src/a.py": text("a = 1\n"),
    "src/deep/b.py": text("b = 1\n"),
    "latest": link("src/a.py"),
    "folder": link("src"),
    "outside": link("/etc/passwd"),
}


@pytest.fixture(params=["overlay", "copy"])
def desk(request: pytest.FixtureRequest, open_tmp_path: Path) -> Desk:
    return Desk.create(open_tmp_path, has_overlay=request.param == "overlay")


async def test_commands_see_and_change_the_commit(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    assert (
        await sh(workspace, "./run; cat folder/deep/b.py; echo 2 >> src/a.py; cat latest") == "ran\nb = 1\na = 1\n2\n"
    )
    assert told(await workspace.changes()) == {"src/a.py": ("100644", b"a = 1\n2\n")}


async def test_a_note_lives_as_long_as_the_workspace(desk: Desk) -> None:
    sha = desk.origin.commit({"a": text("a\n")})
    workspace = await desk.open(sha, key="1-1-1")
    assert await workspace.recall() == ""
    await workspace.remember("set up")
    await workspace.close(discard=False)
    workspace = await desk.open(sha, key="1-1-1")
    assert await workspace.recall() == "set up"
    await workspace.close(discard=True)
    await workspace.close(discard=False)
    workspace = await desk.open(sha, key="1-1-1")
    assert await workspace.recall() == ""
    await workspace.remember("set up")
    await workspace.close(discard=False)
    workspace = await desk.open(desk.origin.commit({"a": text("b\n")}), key="1-1-1")
    assert await workspace.recall() == ""
    await workspace.close(discard=False)


async def test_nothing_done_is_no_change(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await sh(
        workspace, "git status --short; touch README.md; chmod 600 README.md; mkdir empty; cp -p run x && mv x run"
    )
    assert (await workspace.changes()).changes == ()


async def test_agent_has_git_with_history_and_no_remote(desk: Desk) -> None:
    desk.origin.commit({"a": text("1\n")}, message="first")
    desk.origin.commit({"secret": text("from another branch")}, branch="private")
    workspace = await desk.open(desk.origin.commit({"a": text("2\n")}, message="second"))
    assert await sh(workspace, "git log --format=%s; git remote; git status --short") == "second\nfirst\n"
    assert "-1\n+2" in await sh(workspace, "git diff HEAD~1")
    objects = await sh(workspace, "git cat-file --batch-all-objects --batch")
    assert "another branch" not in objects
    await sh(workspace, "echo 3 > a; git commit -qam third; git fsck --strict")
    assert told(await workspace.changes()) == {"a": ("100644", b"3\n")}


@shows("W69")
async def test_history_is_cut_and_says_so(desk: Desk) -> None:
    for number in range(60):
        sha = desk.origin.commit({"a": text(str(number))})
    workspace = await desk.open(sha)
    assert (
        await sh(workspace, "git log --oneline | wc -l; git fsck; git rev-parse --is-shallow-repository")
        == "50\ntrue\n"
    )


@shows("W68")
async def test_files_are_the_bytes_of_the_commit(desk: Desk) -> None:
    attributes = "*.bat text eol=crlf\n*.c ident\n*.bin filter=lfs\n*.txt text=auto\n*.u working-tree-encoding=UTF-16\n"
    files = {
        ".gitattributes": text(attributes),
        "x.bat": text("echo\n"),
        "x.c": text("$Id$\n"),
        "x.bin": text("version https://git-lfs.github.com/spec/v1\n"),
        "x.txt": text("a\r\nb\n"),
        "x.u": text("ü"),
    }
    workspace = await desk.over(files)
    for name, (_, content) in files.items():
        assert await workspace.read(name) == content
    assert await sh(workspace, "touch *; git status --short") == ""
    await sh(workspace, "printf 'c\r\n' > x.bat")
    assert told(await workspace.changes()) == {"x.bat": ("100644", b"c\r\n")}


async def test_read_sees_what_commands_wrote(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await sh(workspace, "echo new > src/c.py; rm src/a.py; rm -r src/deep; echo more >> README.md")
    assert await workspace.read("src/c.py") == b"new\n"
    assert await workspace.read("README.md") == b"read me\nmore\n"
    for path in ("src/a.py", "src/deep/b.py", "never"):
        with pytest.raises(ToolFailed):
            await workspace.read(path)


@pytest.mark.parametrize(
    "path",
    [
        "latest",
        "folder/a.py",
        "outside",
        "../../x",
        "/etc/passwd",
        "src/../../x",
        "",
        ".git/config",
        "src/.GIT/x",
        "made",
    ],
)
async def test_paths_that_leave_the_tree_are_refused(desk: Desk, path: str) -> None:
    workspace = await desk.over(FILES)
    await sh(workspace, "ln -s /etc/passwd made")
    if ".git/" not in path.lower():
        with pytest.raises(PathRefused):
            await workspace.read(path)
    with pytest.raises(PathRefused):
        await workspace.write(path, b"x")


@pytest.mark.parametrize("path", ["folder/a.py", "made/x", "../x", "/etc/x", ".git/config", "src/.Git/hooks/x"])
async def test_a_change_set_writes_nothing_out_of_the_tree(desk: Desk, path: str, open_tmp_path: Path) -> None:
    workspace = await desk.over(FILES)
    outside = open_tmp_path / "outside"
    outside.mkdir()
    await sh(workspace, f"ln -s {outside} made")
    for content in (b"x", None):
        change = FileChange(path=path, mode="100644", content=content)
        if content is not None or not path.startswith("made"):
            with pytest.raises(PathRefused):
                await workspace.apply(ChangeSet(base_sha=workspace.sha, changes=(change,)))
    assert list(outside.iterdir()) == []


async def test_large_files_are_not_read(desk: Desk) -> None:
    workspace = await desk.over({"a": text("12345")})
    assert await workspace.read("a", max_bytes=5) == b"12345"
    with pytest.raises(ToolFailed, match="5 bytes"):
        await workspace.read("a", max_bytes=4)


async def test_writes_are_seen_by_commands_which_can_go_on_with_them(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await workspace.write("run", b"#!/bin/sh\necho again\n")
    await workspace.write("src/a.py", b"a = 2\n")
    await workspace.write("new/deep/tool", b"#!/bin/sh\necho tool\n", executable=True)
    assert await sh(workspace, "./run; new/deep/tool; cat src/a.py; echo 3 >> src/a.py; touch new/deep/x src/y") == (
        "again\ntool\na = 2\n"
    )
    assert told(await workspace.changes()) == {
        "new/deep/tool": ("100755", b"#!/bin/sh\necho tool\n"),
        "new/deep/x": ("100644", b""),
        "run": ("100755", b"#!/bin/sh\necho again\n"),
        "src/a.py": ("100644", b"a = 2\n3\n"),
        "src/y": ("100644", b""),
    }


async def test_deleted_things_stay_deleted_when_something_takes_their_place(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await sh(workspace, "rm -r src README.md")
    await workspace.write("src/new.py", b"n")
    await workspace.write("README.md", b"r")
    await workspace.delete("run")
    await workspace.delete("latest")
    assert await sh(workspace, "ls src; cat README.md; ls") == "new.py\nrREADME.md\nfolder\noutside\nsrc\n"
    assert told(await workspace.changes()) == {
        "README.md": ("100644", b"r"),
        "latest": ("gone", None),
        "run": ("gone", None),
        "src/a.py": ("gone", None),
        "src/deep/b.py": ("gone", None),
        "src/new.py": ("100644", b"n"),
    }
    await workspace.delete("src/new.py")
    for path in ("src/new.py", "src/a.py", "src", "never"):
        with pytest.raises(ToolFailed):
            await workspace.delete(path)


@pytest.mark.parametrize("path", ["src", "README.md/x", "src/deep"])
async def test_files_and_folders_do_not_take_each_others_place_by_writing(desk: Desk, path: str) -> None:
    workspace = await desk.over(FILES)
    with pytest.raises(ToolFailed):
        await workspace.write(path, b"x")


async def test_list_names_what_a_commit_would_have(desk: Desk) -> None:
    files = {**FILES, ".gitignore": text("*.log\n/out/\n"), "out/kept": text("k"), "sub": submodule("ab" * 20)}
    workspace = await desk.over(files)
    await sh(workspace, "rm src/a.py; touch src/c.py x.log out/made; git add -A")
    everything = [
        ".gitignore",
        "README.md",
        "folder",
        "latest",
        "out/kept",
        "outside",
        "run",
        "src/c.py",
        "src/deep/b.py",
    ]
    assert await workspace.list() == everything
    assert await workspace.list("src") == ["src/c.py", "src/deep/b.py"]
    assert await workspace.list("./src/deep/") == ["src/deep/b.py"]
    assert await workspace.list("README.md") == ["README.md"]
    assert await workspace.list("sr") == []
    assert await workspace.list(limit=2) == everything[:2]


async def test_sessions_share_a_commit_and_nothing_else(desk: Desk) -> None:
    sha = desk.origin.commit(FILES)
    one, two = await desk.open(sha), await desk.open(sha)
    await asyncio.gather(sh(one, "echo 1 > mine; rm README.md; touch ~/home"), sh(two, "echo 2 > mine; touch src/x"))
    assert told(await one.changes()) == {"README.md": ("gone", None), "mine": ("100644", b"1\n")}
    assert told(await two.changes()) == {"mine": ("100644", b"2\n"), "src/x": ("100644", b"")}
    assert await sh(two, "cat README.md; ls ~") == "read me\n"


async def test_work_is_still_there_after_a_crash(desk: Desk) -> None:
    sha = desk.origin.commit(FILES)
    first = await desk.open(sha, key="o/r#1")
    await sh(first, "rm -r src; echo 1 > new; touch ~/cache")
    before = await first.changes()
    again = await desk.open(sha, key="o/r#1")
    assert await again.changes() == before
    assert await sh(again, "cat new; ls ~; ls src 2>/dev/null || true") == "1\ncache\n"


async def test_discarded_work_is_gone_and_kept_work_is_not(desk: Desk) -> None:
    sha = desk.origin.commit(FILES)
    kept = await desk.open(sha, key="k")
    await sh(kept, "echo 1 > new")
    await kept.close(discard=False)
    again = await desk.open(sha, key="k")
    assert told(await again.changes()) == {"new": ("100644", b"1\n")}
    await again.close(discard=True)
    fresh = await desk.open(sha, key="k")
    assert (await fresh.changes()).changes == ()
    await fresh.close(discard=True)
    await desk.workspaces.discard("k")
    assert list((desk.workspaces.root / "workspaces").iterdir()) == []
    await desk.workspaces.discard("k")


async def test_what_a_sandbox_made_hard_to_delete_is_deleted(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    script = "import os\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')"
    await sh(workspace, f'mkdir -p x/y; python3 -c "{script}" || test $? = 1; chmod 000 x/y; chmod 555 x')
    await workspace.close(discard=True)
    assert not list((desk.workspaces.root / "workspaces").glob("*/*/*"))


async def test_work_is_carried_to_a_moved_head(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await sh(workspace, "rm -r src; echo file > src; rm README.md; mkdir README.md; echo x > README.md/x; ln -s y z")
    changes = await workspace.changes()
    moved = await desk.open(desk.origin.commit({**FILES, "theirs": text("t")}))
    await moved.apply(changes)
    await moved.apply(changes)
    assert told(await moved.changes()) == told(changes)
    assert (
        await sh(moved, "cat theirs src README.md/x; readlink z; echo more >> src; rm -r README.md") == "tfile\nx\ny\n"
    )


async def test_work_is_brought_back_to_a_snapshot(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await sh(workspace, "echo new > new.txt; mkdir made; echo 1 > made/one; ln -s made/one z")
    snapshot = await workspace.changes()
    await sh(workspace, "rm -r made z; echo file > made; echo 2 > new.txt; mkdir z; echo 3 > z/x")
    await sh(workspace, "rm -r src latest; echo file > src; rm README.md; mkdir README.md; echo x > README.md/x")
    await sh(workspace, "chmod -x run; ln -sf nowhere outside")
    await restore(workspace, snapshot)
    assert await workspace.changes() == snapshot
    await restore(workspace, ChangeSet(base_sha=workspace.sha))
    assert (await workspace.changes()).changes == ()
    assert await sh(workspace, "./run; cat README.md latest src/deep/b.py; readlink outside") == (
        "ran\nread me\na = 1\nb = 1\n/etc/passwd\n"
    )


async def test_a_session_keeps_one_commit_and_its_home(desk: Desk) -> None:
    old = await desk.open(desk.origin.commit(FILES), key="k")
    await sh(old, "touch ~/cache; touch mine")
    await old.close(discard=False)
    await old.close(discard=False)
    new = await desk.open(desk.origin.commit({**FILES, "more": text("m")}), key="k")
    assert await sh(new, "ls ~ more") == "more\n\n/home/agent:\ncache\n"
    assert sorted(path.name for path in new.home.parent.iterdir()) == sorted([new.sha, "home", "lock", "opening"])


async def test_a_call_that_nobody_waits_for_ends_before_the_next_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = await desk.over(FILES)
    started, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(*_: object, **__: object) -> set[str]:
        started.set()
        may_end.wait(30)
        order.append("listed")
        return set()

    monkeypatch.setattr("github_app.adapters.repository.workspaces.list_paths", slow)
    listing = asyncio.create_task(workspace.list())
    await asyncio.to_thread(started.wait, 30)
    listing.cancel()
    command = asyncio.create_task(sh(workspace, "true"))
    command.add_done_callback(lambda _: order.append("ran"))
    may_end.set()
    await command
    assert order == ["listed", "ran"]
    assert listing.cancelled()


async def test_an_opening_that_was_given_up_ends_before_the_next_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (desk.origin.commit({"f": text(word)}) for word in ("one", "two", "three"))
    real, begun, go_on = Mirrors.ensure, threading.Event(), threading.Event()
    order: list[str] = []

    def slowly(self: Mirrors, repo_id: int, sha: str, auth: Callable[[], GitAuth]) -> Path:
        order.append(sha)
        if sha == first:
            begun.set()
            go_on.wait(30)
        return real(self, repo_id, sha, auth)

    monkeypatch.setattr(Mirrors, "ensure", slowly)
    openings = [asyncio.create_task(desk.open(first, key="k"))]
    await asyncio.to_thread(begun.wait, 30)
    openings.append(asyncio.create_task(desk.open(second, key="k")))
    await asyncio.sleep(0)
    for opening in openings:
        opening.cancel()
    await asyncio.wait(openings)
    last = asyncio.create_task(desk.open(third, key="k"))
    await asyncio.sleep(0)
    go_on.set()
    workspace = await last
    assert await sh(workspace, "cat f") == "three"
    assert set(order) == {first, third}
    assert order.index(first) < order.index(third)
    assert all(opening.cancelled() for opening in openings)


async def test_calls_wait_for_a_running_command(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    running = asyncio.create_task(sh(workspace, "echo 1 > f; sleep 0.3; echo 2 > f"))
    await asyncio.sleep(0)
    assert await workspace.read("f") == b"2\n"
    await running


async def test_paths_with_strange_names_come_through(desk: Desk) -> None:
    workspace = await desk.over({'a b\n"c': text("1"), "-x": text("2"), ":(glob)y": text("3"), "é": text("4")})
    await sh(workspace, "for f in *; do echo + >> \"./$f\"; done; touch -- '--new' ':new' '*'")
    assert list(told(await workspace.changes())) == ["*", "--new", "-x", ":(glob)y", ":new", 'a b\n"c', "é"]


async def test_late_commit_can_be_asked_for_again(desk: Desk) -> None:
    desk.origin.commit(FILES)
    with pytest.raises(NotVisibleYet):
        await desk.open("01" * 20, key="late")


async def test_token_is_not_asked_for_when_everything_is_here(desk: Desk) -> None:
    sha = desk.origin.commit(FILES)
    await desk.open(sha)

    def never() -> GitAuth:
        raise AssertionError("asked")

    await desk.workspaces.open(REPO, sha, "other", auth=never)


async def test_sandbox_cannot_reach_the_mirror_or_the_shared_checkout(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    root = desk.workspaces.root
    assert await sh(workspace, f"ls {root} 2>&1 || true; find / -name '*.git' -not -path '/proc/*' 2>/dev/null || true")
    assert (root / "mirrors").stat().st_mode & 0o077 == 0


async def test_what_is_open_stays_and_what_lay_idle_is_made_anew(desk: Desk) -> None:
    sha = desk.origin.commit(FILES)
    workspace = await desk.open(sha)
    desk.workspaces.tidy(idle_s=0)
    assert await sh(workspace, "cat README.md") == "read me\n"
    await workspace.close(discard=False)
    desk.workspaces.tidy(idle_s=3600)
    assert _caches(desk)
    desk.workspaces.tidy(idle_s=0)
    assert _caches(desk) == []
    again = await desk.open(sha)
    assert await sh(again, "cat README.md") == "read me\n"


async def test_above_the_ceiling_the_longest_unused_goes_first(desk: Desk) -> None:
    shas = [desk.origin.commit({"a.bin": text(str(number) * 300_000)}) for number in range(3)]
    for number, sha in enumerate(shas):
        workspace = await desk.open(sha, key=f"session-{number}")
        await workspace.write("mine", b"x" * 300_000)
        if number != 1:
            await workspace.close(discard=False)
    before = _caches(desk)
    desk.workspaces.tidy(idle_s=3600, max_bytes=10**9)
    assert _caches(desk) == before
    desk.workspaces.tidy(idle_s=3600, max_bytes=sum(map(size_of, map(Path, before))) - 1)
    assert [path for path in before if path not in _caches(desk)] == [before[0]]
    desk.workspaces.tidy(idle_s=3600, max_bytes=0)
    left = [Path(path).name for path in _caches(desk)]
    assert "session-1" in left
    assert not {"session-0", "session-2"} & set(left)


async def test_half_removed_things_are_removed_with_the_next_tidying(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await workspace.close(discard=False)
    (found,) = desk.workspaces.kept()
    left = found.path.rename(found.path.with_name(f"{found.path.name}.going"))
    desk.workspaces.tidy(idle_s=3600)
    assert not left.exists()


def _caches(desk: Desk) -> list[str]:
    """What can be made anew, longest unused first."""
    workspaces = desk.workspaces
    kept = (*workspaces.kept(), *workspaces.checkouts.kept(), *workspaces.mirrors.kept())
    return [str(each.path) for each in sorted(kept, key=lambda each: each.used_at) if each.path.exists()]


@pytest.mark.parametrize("path", ["a" * 300, "a/" * 1_900 + "b", "\ud800", "a/" * 3_000 + "b"])
async def test_paths_that_nothing_can_have_are_told_to_the_model(desk: Desk, path: str) -> None:
    workspace = await desk.over(FILES)
    for attempt in (workspace.read(path), workspace.write(path, b""), workspace.delete(path)):
        with pytest.raises(ToolFailed):
            await attempt
    assert (await workspace.changes()).changes == ()


async def test_a_tree_as_deep_as_it_may_be_is_changed_and_listed(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    path = "a/" * 150 + "b"
    await workspace.write(path, b"deep")
    assert path in await workspace.list()
    assert told(await workspace.changes()) == {path: ("100644", b"deep")}


async def test_other_users_of_the_machine_cannot_look_in(desk: Desk) -> None:
    workspace = await desk.over(FILES)
    await sh(workspace, "cp README.md copy; cp README.md ~/copy; chmod 4777 copy")
    closed = 0
    for folder in (desk.workspaces.root, *desk.workspaces.root.rglob("*")):
        mode = folder.lstat().st_mode
        if stat.S_ISDIR(mode) and not any(each.stat().st_mode & 0o077 == 0 for each in folder.parents):
            assert mode & 0o066 == 0, folder
            closed += mode & 0o077 == 0
    assert closed >= 3  # the mirrors, the home, the tree


async def test_a_workspace_that_was_half_made_when_honk_was_killed_is_finished(desk: Desk) -> None:
    sha = desk.origin.commit(FILES)
    room = desk.workspaces.root / "workspaces" / "half" / sha
    room.mkdir(parents=True)
    for folder in (room, room.parent):
        folder.chmod(0o700)  # before it was opened for passers-by, under a strict umask
    for folder in (room.parent / "home", *([room / "upper"] if desk.workspaces.sandbox.has_overlay else [])):
        folder.mkdir()  # before it was given to the sandbox's user
    workspace = await desk.open(sha, key="half")
    await sh(workspace, "echo 1 > ~/mine; echo 1 > new")
    assert told(await workspace.changes()) == {"new": ("100644", b"1\n")}
