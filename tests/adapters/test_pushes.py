"""A change set becomes one commit on a branch of the remote, once, and never over somebody else's work."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.pushes import Signature, make_commit, push
from github_app.core.errors import Gone, HeadMoved, HonkError, Refused
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import GitAuth
from tests.adapters.origins import LOCAL_GIT, Origin, link, program, text
from tests.edge.cases import shows

AUTHOR = Signature(name="honk[bot]", email="1+honk[bot]@example.org", at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
CHANGES = (
    FileChange(path="d", mode="100644", content=b"a file now\n"),
    FileChange(path="d/x", mode="100644", content=None),
    FileChange(path="gone", mode="100644", content=None),
    FileChange(path="l", mode="120000", content=b"d"),
    FileChange(path="run", mode="100755", content=b"#!/bin/sh\r\n\0"),
    FileChange(path="was", mode="100644", content=None),
    FileChange(path="was/x", mode="100644", content=b""),
)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.create(tmp_path / "origin.git")


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(root=tmp_path / "mirrors", git=LOCAL_GIT)


@pytest.fixture
def base(origin: Origin, mirrors: Mirrors) -> str:
    files = {"d/x": text("1"), "gone": text("2"), "run": text("3"), "was": link("run"), "kept": program("4")}
    sha = origin.commit(files)
    mirrors.ensure(1, sha, lambda: origin.auth)
    return sha


def publish(
    mirrors: Mirrors, auth: GitAuth, parent: str, *changes: FileChange, branch: str = "honk/1", message: str = "Fix it"
) -> str:
    wanted = ChangeSet(base_sha=parent, changes=changes or CHANGES)
    sha = make_commit(LOCAL_GIT, mirrors.path(1), wanted, parent_sha=parent, message=message, author=AUTHOR)
    push(LOCAL_GIT, mirrors.path(1), sha, branch=branch, auth=auth)
    return sha


def test_commit_has_just_the_changes_on_top_of_its_parent(origin: Origin, mirrors: Mirrors, base: str) -> None:
    sha = publish(mirrors, origin.auth, base, message="Fix it\n\nCloses #1\n")
    assert origin.tip("honk/1") == sha
    assert origin.git("rev-parse", f"{sha}^") == base
    listed = origin.git("ls-tree", "-r", "--format=%(objectmode) %(path)", sha).splitlines()
    assert listed == ["100644 d", "100755 kept", "120000 l", "100755 run", "100644 was/x"]
    assert origin.git("log", "-1", "--format=%an <%ae> %cI %B", sha) == (
        "honk[bot] <1+honk[bot]@example.org> 2026-01-02T03:04:05+00:00 Fix it\n\nCloses #1"
    )
    origin.git("fsck", "--strict")


def test_publishing_again_after_a_crash_changes_nothing(origin: Origin, mirrors: Mirrors, base: str) -> None:
    assert publish(mirrors, origin.auth, base) == publish(mirrors, origin.auth, base)
    assert origin.git("rev-list", "--count", "honk/1") == "2"


def test_next_commit_goes_on_top(origin: Origin, mirrors: Mirrors, base: str) -> None:
    first = publish(mirrors, origin.auth, base)
    second = publish(mirrors, origin.auth, first, FileChange(path="d", mode="100644", content=b"2"))
    assert origin.git("rev-list", "honk/1").split() == [second, first, base]


@shows("W58", "W59")
def test_work_of_others_is_never_overwritten(origin: Origin, mirrors: Mirrors, base: str) -> None:
    first = publish(mirrors, origin.auth, base)
    theirs = origin.commit({"theirs": text("1")}, branch="honk/1")
    with pytest.raises(HeadMoved) as raised:
        publish(mirrors, origin.auth, first, FileChange(path="d", mode="100644", content=b"2"))
    assert raised.value.head_sha == theirs == origin.tip("honk/1")


@shows("W66")
def test_a_remote_that_refuses_is_quoted(origin: Origin, mirrors: Mirrors, base: str) -> None:
    hook = origin.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2; exit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match=r"leave `honk/\*\*` out of that rule .*GH006"):
        publish(mirrors, origin.auth, base)


@shows("W61")
def test_a_branch_that_was_deleted_is_not_made_again(origin: Origin, mirrors: Mirrors, base: str) -> None:
    first = publish(mirrors, origin.auth, base)
    origin.git("update-ref", "-d", "refs/heads/honk/1")
    with pytest.raises(Gone, match="deleted"):
        push(LOCAL_GIT, mirrors.path(1), first, branch="honk/1", auth=origin.auth, may_create=False)
    assert origin.tip("honk/1") == ""


@shows("W65")
def test_a_branch_that_leaves_no_room_for_ours_is_named(origin: Origin, mirrors: Mirrors, base: str) -> None:
    origin.commit({"theirs": text("1")}, branch="honk")
    with pytest.raises(Refused, match="there is a branch `honk`"):
        publish(mirrors, origin.auth, base)


def test_missing_remote_is_gone(mirrors: Mirrors, base: str, tmp_path: Path) -> None:
    with pytest.raises(Gone):
        publish(mirrors, GitAuth(url=str(tmp_path / "nowhere")), base)


@pytest.mark.parametrize("path", [".git/config", "a/../b", "/etc/passwd", "a/.GIT/x", "", "a//b"])
def test_paths_that_no_commit_may_have_are_refused(origin: Origin, mirrors: Mirrors, base: str, path: str) -> None:
    with pytest.raises(Refused):
        publish(mirrors, origin.auth, base, FileChange(path=path, mode="100644", content=b"x"))
    assert origin.tip("honk/1") == ""


def test_a_file_is_not_replaced_in_passing(origin: Origin, mirrors: Mirrors, base: str) -> None:
    with pytest.raises(Refused, match="kept"):
        publish(mirrors, origin.auth, base, FileChange(path="kept/x", mode="100644", content=b"x"))


@pytest.mark.parametrize("branch", ["-x", "a..b", "a b", "x.lock", "a:refs/heads/main", ""])
def test_strange_branches_are_not_pushed(origin: Origin, mirrors: Mirrors, base: str, branch: str) -> None:
    before = origin.git("for-each-ref")
    if branch == "-x":
        publish(mirrors, origin.auth, base, branch=branch)
        assert origin.tip("-x")
        return
    with pytest.raises(HonkError):
        publish(mirrors, origin.auth, base, branch=branch)
    assert origin.git("for-each-ref") == before


def test_the_mirror_keeps_what_was_fetched_and_no_more(origin: Origin, mirrors: Mirrors, base: str) -> None:
    publish(mirrors, origin.auth, base)
    assert LOCAL_GIT.run(mirrors.path(1), ["for-each-ref", "--format=%(refname)"]) == f"refs/honk/{base}\n".encode()
