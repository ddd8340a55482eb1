"""What changed is what git would commit, found without running git on the tree."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from github_app.adapters.repository import changes as changes_module
from github_app.adapters.repository.pushes import Signature, make_commit
from github_app.core.errors import ToolFailed
from github_app.core.model import ChangeSet
from tests.adapters.desks import Desk, sh, told
from tests.adapters.origins import LOCAL_GIT, File, link, program, submodule, text
from tests.edge.cases import shows

WHEN = Signature(name="a", email="a@example.org", at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(params=["overlay", "copy"])
def desk(request: pytest.FixtureRequest, open_tmp_path: Path) -> Desk:
    return Desk.create(open_tmp_path, has_overlay=request.param == "overlay")


async def test_new_ignored_files_are_left_out_and_tracked_ones_never(desk: Desk) -> None:
    files = {
        ".gitignore": text("*.log\nbuild/\n!important.log\n"),
        "kept.log": text("1\n"),
        "build/tracked": text("1\n"),
        "sub/.gitignore": text("!*.log\n/local\nsecret*\n"),
        "sub/x": text("1\n"),
    }
    workspace = await desk.over(files)
    await sh(
        workspace,
        "echo 2 | tee kept.log build/tracked new.log important.log build/new sub/shown.log sub/local sub/secret1; "
        "mkdir -p node_modules/a sub/deep/local; echo node_modules >> .gitignore; echo x > node_modules/a/b; "
        "echo x > sub/deep/local/file; rm sub/x; mkdir new; echo '*' > new/.gitignore; echo x > new/hidden; "
        "echo excluded > .git/info/exclude; touch excluded",
    )
    assert list(told(await workspace.changes())) == [
        ".gitignore",
        "build/tracked",
        "excluded",
        "important.log",
        "kept.log",
        "sub/deep/local/file",
        "sub/shown.log",
        "sub/x",
    ]


async def test_rules_that_the_agent_removed_do_not_hold(desk: Desk) -> None:
    workspace = await desk.over({".gitignore": text("*.log\n"), "d/.gitignore": text("*\n"), "d/x": text("")})
    await sh(workspace, "rm .gitignore; rm -r d; mkdir d; touch a.log d/y; ln -s d/y d/.gitignore")
    assert list(told(await workspace.changes())) == [".gitignore", "a.log", "d/.gitignore", "d/x", "d/y"]


async def test_git_folders_in_any_spelling_and_nested_repositories_are_passed_over(desk: Desk) -> None:
    workspace = await desk.over({"src/a": text("1")})
    await sh(
        workspace,
        "git init -q nested; touch nested/x; mkdir .GIT src/.git 'git~1' '.git '; "
        "echo x > .GIT/config; echo x > 'git~1/y'; "
        "echo x > src/.git/config; echo gitdir: /etc > new; mkdir w; echo gitdir: /etc > w/.git; "
        "touch w/x src/b '.git /z'; "
        "printf x > \"$(printf '.g\\342\\200\\214it')\"",
    )
    assert list(told(await workspace.changes())) == ["new", "src/b"]


@shows("W68")
async def test_submodules_stay_as_the_commit_has_them(desk: Desk) -> None:
    workspace = await desk.over({"sub": submodule("ab" * 20), "lib/sub": submodule("cd" * 20), "lib/a": text("1")})
    await sh(workspace, "touch sub/x; rm -r lib; mkdir lib; echo file > lib/sub; rmdir sub 2>/dev/null || rm -r sub")
    assert told(await workspace.changes()) == {"lib/a": ("gone", None)}


async def test_what_git_does_not_keep_is_no_change_or_a_deletion(desk: Desk) -> None:
    workspace = await desk.over({"a": text("1"), "b/c": text("1")})
    await sh(workspace, "rm a; mkfifo a pipe; mkdir -p empty/empty; rm b/c; mkdir b/c")
    assert told(await workspace.changes()) == {"a": ("gone", None), "b/c": ("gone", None)}


async def test_an_edit_that_hides_behind_old_times_is_seen(desk: Desk) -> None:
    workspace = await desk.over({"a": text("1")})
    await sh(workspace, "touch -r a ref; printf 2 > a; touch -r ref a; rm ref")
    assert told(await workspace.changes()) == {"a": ("100644", b"2")}


async def test_folders_that_change_places_take_their_files_along(desk: Desk) -> None:
    workspace = await desk.over({"a/x": text("1"), "b/x": text("2")})
    await sh(workspace, "mv a t; mv b a; mv t b")
    assert told(await workspace.changes()) == {"a/x": ("100644", b"2"), "b/x": ("100644", b"1")}


async def test_nothing_is_looked_up_through_a_link_of_the_commit(desk: Desk, open_tmp_path: Path) -> None:
    (open_tmp_path / "outside").mkdir()
    (open_tmp_path / "outside/x").write_text("host")
    workspace = await desk.over({"d": link(str(open_tmp_path / "outside")), "e": link("..")})
    await sh(workspace, "rm d e; mkdir d e; printf host > d/x; printf mine > e/y")
    assert told(await workspace.changes()) == {
        "d": ("gone", None),
        "d/x": ("100644", b"host"),
        "e": ("gone", None),
        "e/y": ("100644", b"mine"),
    }


async def test_names_that_are_no_text_are_put_to_the_agent(desk: Desk) -> None:
    workspace = await desk.over({"a": text("1")})
    await sh(workspace, "touch \"$(printf 'x\\377')\"")
    with pytest.raises(ToolFailed, match="UTF-8"):
        await workspace.changes()


async def test_more_than_fits_into_a_commit_is_put_to_the_agent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = await desk.over({"a": text("1")})
    await sh(workspace, "for i in 1 2 3; do echo 12345 > f$i; done")
    monkeypatch.setattr(changes_module, "MAX_FILES", 2)
    with pytest.raises(ToolFailed, match="more than 2 files"):
        await workspace.changes()
    monkeypatch.setattr(changes_module, "MAX_FILES", 3)
    assert len((await workspace.changes()).changes) == 3
    monkeypatch.setattr(changes_module, "MAX_TOTAL_BYTES", 17)
    with pytest.raises(ToolFailed, match="17 bytes in all"):
        await workspace.changes()


async def test_ignore_rules_made_to_take_for_ever_do_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("github_app.adapters.repository.ignores.DEADLINE_S", 0.5)
    workspace = await desk.over({"a": text("1")})
    await workspace.write(".gitignore", b"**/" + b"*a*/**/" * 12 + b"b\n")
    await workspace.write("aa/" * 80 + "c", b"x")
    with pytest.raises(ToolFailed, match="longer than"):
        await workspace.changes()
    # One that only Python's matcher falls for; git has all the time that it wants, on a busy machine, too.
    monkeypatch.setattr("github_app.adapters.repository.ignores.DEADLINE_S", 60.0)
    await workspace.write(".gitignore", b"*a" * 12 + b"b\n")
    await workspace.delete("aa/" * 80 + "c")
    await workspace.write("a" * 200, b"x")
    assert list(told(await workspace.changes())) == [".gitignore", "a" * 200]


async def test_a_tree_too_deep_to_list_is_put_to_the_agent(desk: Desk) -> None:
    workspace = await desk.over({"a": text("1")})
    script = "import os\nfor _ in range(60): os.mkdir('d' * 100); os.chdir('d' * 100)\nopen('x', 'w')"
    # The sandbox may stop it as soon as it sees such a path: that is as good.
    await workspace.exec(["python3", "-c", script])
    with pytest.raises(ToolFailed, match="listed"):
        await workspace.changes()
    await workspace.close(discard=True)


# Whatever an agent does, what we collect is what `git add -A` in the sandbox would commit, and putting it on a fresh
# workspace gives the same files.

BASE: dict[str, File] = {
    ".gitignore": text("*.log\nbuild/\n"),
    "a": text("a\n"),
    "run": program("#!/bin/sh\n"),
    "d/e/f": text("f\n"),
    "d/e/g.log": text("tracked\n"),
    "d/h": text("h\n"),
    "build/kept": text("k\n"),
    "link": link("d"),
    "d/.gitignore": text("!x.log\n/z\n"),
    "é/:x": text("odd\n"),
}
PATHS = sorted({*BASE, "d", "d/e", "build", "é", "new", "new/x", "d/x.log", "y.log", "build/n", "d/z", "a/b", "d/h/i"})
paths = st.sampled_from(PATHS)


def _quiet(path: str) -> str:
    return f"./{shlex.quote(path)}"


edits = st.one_of(
    st.tuples(paths, st.sampled_from(["1", "a", "*.log", "!*.log", "/d"])).map(
        lambda t: f"mkdir -p {_quiet(str(Path(t[0]).parent))}; echo {shlex.quote(t[1])} > {_quiet(t[0])}"
    ),
    paths.map(lambda p: f"rm -rf {_quiet(p)}"),
    paths.map(lambda p: f"rm -rf {_quiet(p)}; mkdir -p {_quiet(p)}; echo in > {_quiet(p)}/in"),
    paths.map(lambda p: f"echo more >> {_quiet(p)}"),
    paths.map(lambda p: f"cp {_quiet(p)} copy && cat copy > {_quiet(p)}; rm -f copy"),
    st.tuples(paths, paths).map(lambda t: f"mv {_quiet(t[0])} {_quiet(t[1])}"),
    st.tuples(paths, paths).map(lambda t: f"mv -T {_quiet(t[0])} {_quiet(t[1])}"),
    st.tuples(paths, paths).map(lambda t: f"cp -r {_quiet(t[0])} {_quiet(t[1])}"),
    st.tuples(paths, paths).map(lambda t: f"ln -f {_quiet(t[0])} {_quiet(t[1])}"),
    st.tuples(paths, paths).map(lambda t: f"rm -rf {_quiet(t[1])}; ln -s {_quiet(t[0])} {_quiet(t[1])}"),
    st.tuples(st.sampled_from(["+x", "-x", "u+x", "g+w"]), paths).map(
        lambda t: f"test -f {_quiet(t[1])} -a ! -L {_quiet(t[1])} && chmod {t[0]} {_quiet(t[1])}"
    ),
    st.just("git commit -qam wip"),
    st.just("git stash -q -u && git stash pop -q"),
    st.just("git checkout -q -- . ; git clean -fdq"),
)
RESTORE = "git symbolic-ref HEAD refs/heads/work; git read-tree -q BASE; git add -A; git write-tree"


@pytest.fixture(scope="module", params=["overlay", "copy"])
def lasting_desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="honk-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Desk.create(Path(name), has_overlay=request.param == "overlay")


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(edits, min_size=1, max_size=12))
async def test_whatever_an_agent_does_is_collected_as_git_would(lasting_desk: Desk, script: list[str]) -> None:
    desk = lasting_desk
    sha = desk.origin.tip() or desk.origin.commit(BASE)
    restore = RESTORE.replace("BASE", sha)
    workspace = await desk.open(sha)
    await workspace.exec(["sh", "-c", "\n".join(script)])
    collected = await workspace.changes()
    listed = await workspace.list()
    wanted = (await sh(workspace, restore)).split()[-1]
    assert _tree_of(desk, sha, collected) == wanted

    fresh = await desk.open(sha)
    await fresh.apply(collected)
    assert await fresh.changes() == collected
    assert (await sh(fresh, restore)).split()[-1] == wanted
    assert (
        listed
        == await fresh.list()
        == sorted((await sh(fresh, "git ls-files -z")).rstrip("\0").split("\0") if listed else [])
    )
    await workspace.close(discard=True)
    await fresh.close(discard=True)


def _tree_of(desk: Desk, sha: str, collected: ChangeSet) -> str:
    mirror = desk.workspaces.mirrors.path(1)
    commit = make_commit(LOCAL_GIT, mirror, collected, parent_sha=sha, message="m", author=WHEN)
    return LOCAL_GIT.run(mirror, ["rev-parse", f"{commit}^{{tree}}"]).decode().strip()
