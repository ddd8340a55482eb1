"""The base is merged into a branch as `git merge` does it; what does not merge is handed out with both sides, and the
commit that comes of it has both parents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from github_app.adapters.repository.merges import MirrorMerges, merge
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.publisher import PushPublisher
from github_app.core.errors import Refused
from github_app.core.merges import Comparison, Merge, unresolved
from github_app.core.model import ChangeSet, FileChange, Repo
from github_app.core.ports import GitAuth
from tests.adapters.origins import LOCAL_GIT, File, Origin, link, program, submodule, text
from tests.fakes.hub import RecordingHub

REPO = Repo(id=1, full_name="a/b", installation_id=2, default_branch="main")
LINES = [f"line {number}\n" for number in range(30)]
BEFORE = {"long": text("".join(LINES)), "kept": text("kept\n"), "logo": text("\0one"), "at": link("kept")}


class Hub(RecordingHub):
    origin: Origin

    def git_auth(self, *_: object, **__: object) -> GitAuth:
        return self.origin.auth

    def compare(self, repo: Repo, *, base: str, head_sha: str) -> Comparison | None:
        assert repo == REPO
        common = self.origin.git("merge-base", base, head_sha)
        behind = int(self.origin.git("rev-list", "--count", f"{head_sha}..{base}"))
        return Comparison(base_sha=base, merge_base_sha=common, behind_by=behind)


class Forked:
    """A branch of ours and its base, which have gone apart. `steps`: so many commits of nothing on each side."""

    def __init__(
        self, folder: Path, ours: dict[str, File], theirs: dict[str, File], *, before: dict[str, File] = BEFORE,
        steps: int = 0,
    ) -> None:  # fmt: skip
        self.origin = Origin.create(folder / "origin.git")
        self.hub = Hub()
        self.hub.origin = self.origin
        self.mirrors = Mirrors(root=folder / "mirrors", git=LOCAL_GIT)
        self.merges = MirrorMerges(git=LOCAL_GIT, mirrors=self.mirrors, hub=self.hub)
        fork = self.origin.commit(before)
        self.origin.git("update-ref", "refs/heads/ours", fork)
        for _ in range(steps):
            self.origin.commit(before)
        self.head = self.origin.commit(ours, branch="ours")
        self.base = self.origin.commit(theirs)

    def merged(self) -> Merge:
        return self.merges.merge(REPO, head_sha=self.head, base_sha=self.base)

    def published(self, merge: Merge, *changes: FileChange) -> str:
        """The commit on the branch once these were changed on top of the merge."""
        whole = self.merges.complete(REPO, merge, ChangeSet(base_sha=merge.sha, changes=changes))
        publisher = PushPublisher(git=LOCAL_GIT, mirrors=self.mirrors, hub=self.hub)
        sha = publisher.publish(
            REPO, whole, parent_sha=merge.head_sha, merged_sha=merge.base_sha, branch="ours", message="Merge", key="k",
            audit="1", may_create=False,
        )  # fmt: skip
        assert self.origin.tip("ours") == sha
        assert self.origin.git("show", "-s", "--format=%P", sha).split() == [self.head, self.base]
        return sha

    def content(self, sha: str, path: str) -> str:
        return self.origin.git("cat-file", "blob", f"{sha}:{path}")

    def paths(self, sha: str) -> list[str]:
        return self.origin.git("ls-tree", "-r", "--name-only", sha).split("\n")


def told(merge: Merge) -> list[tuple[str, str, bool]]:
    return [(each.path, each.how, each.is_text) for each in merge.conflicts]


def write(path: str, content: str, base_mode: str | None = "100644") -> FileChange:
    return FileChange(path=path, mode="100644", content=content.encode(), base_mode=base_mode)  # type: ignore[arg-type]


def test_what_does_not_conflict_is_merged_and_the_commit_has_both_parents(tmp_path: Path) -> None:
    ours = {**BEFORE, "long": text("ours\n" + "".join(LINES[1:])), "new": program("#!/bin/sh\n")}
    theirs = {**BEFORE, "long": text("".join(LINES[:-1]) + "theirs\n"), ".github/workflows/ci.yml": text("on: push\n")}
    forked = Forked(tmp_path, ours, theirs)
    found = forked.merged()
    assert found.conflicts == ()
    assert found.start.changes == ()
    whole = forked.merges.complete(REPO, found, ChangeSet(base_sha=found.sha))
    assert [each.path for each in whole.changes] == ["long", "new"], "what the base changed is no change of ours"
    sha = forked.published(found)
    assert forked.content(sha, "long") == "".join(["ours\n", *LINES[1:-1], "theirs"])
    assert set(forked.paths(sha)) == {*BEFORE, "new", ".github/workflows/ci.yml"}
    assert forked.published(found) == sha, "published again after a crash, it is the same"
    assert forked.merged() == found, "made again after a crash, it is the same"


def test_histories_are_longer_than_what_we_fetch(tmp_path: Path) -> None:
    forked = Forked(tmp_path, {**BEFORE, "a": text("a\n")}, {**BEFORE, "b": text("b\n")}, steps=60)
    assert forked.merged().conflicts == ()
    assert set(forked.paths(forked.published(forked.merged()))) == {*BEFORE, "a", "b"}


def test_what_both_changed_is_handed_out_with_both_sides(tmp_path: Path) -> None:
    ours, theirs = {**BEFORE, "kept": text("ours\n")}, {**BEFORE, "kept": text("theirs\n")}
    forked = Forked(tmp_path, ours, theirs)
    found = forked.merged()
    assert told(found) == [("kept", "both changed it", True)]
    [start] = found.start.changes
    assert start.base_mode == "100644"
    lines = (start.content or b"").decode().split("\n")
    assert [line for line in lines if line[:7] not in ("<<<<<<<", ">>>>>>>")] == ["ours", "=======", "theirs", ""]
    assert forked.merges.read(REPO, found, "kept", max_bytes=99) == b"theirs\n", "what is measured by is the base's"
    assert forked.merges.read(REPO, found, "nowhere", max_bytes=99) == b""
    assert forked.merges.read(REPO, found, "long", max_bytes=9) is None
    assert unresolved(found.start, found.conflicts, {"kept": b"theirs\n"}) == ("kept",)
    sha = forked.published(found, write("kept", "ours and theirs\n"))
    assert forked.content(sha, "kept") == "ours and theirs"
    assert forked.content(forked.published(found, write("kept", "ours and theirs\n")), "kept") == "ours and theirs"


def test_what_is_resolved_as_the_base_has_it_is_no_change(tmp_path: Path) -> None:
    forked = Forked(tmp_path, {**BEFORE, "kept": text("ours\n")}, {**BEFORE, "kept": text("theirs\n")})
    found = forked.merged()
    assert forked.merges.complete(REPO, found, ChangeSet(base_sha=found.sha)).changes == ()
    assert forked.content(forked.published(found), "kept") == "theirs"


def without(path: str) -> dict[str, File]:
    return {each: file for each, file in BEFORE.items() if each != path}


@pytest.mark.parametrize(
    ("ours", "theirs", "conflicts", "start"),
    [
        ({**BEFORE, "kept": text("ours\n")}, without("kept"), [("kept", "deleted by the base", False)], b"ours\n"),
        (without("kept"), {**BEFORE, "kept": text("theirs\n")}, [("kept", "deleted by the branch", False)], None),
        ({**BEFORE, "logo": text("\0ours")}, {**BEFORE, "logo": text("\0theirs")},
         [("logo", "both changed it", False)], b"\0ours"),
        ({**BEFORE, "at": link("long")}, {**BEFORE, "at": link("logo")}, [("at", "both changed it", False)], b"long"),
        ({**without("long"), "far": BEFORE["long"]}, {**without("long"), "away": BEFORE["long"]},
         [("away", "renamed differently", False), ("far", "renamed differently", False)], "".join(LINES).encode()),
        ({**without("long"), "far": text("ours\n" + "".join(LINES[1:]))},
         {**BEFORE, "long": text("theirs\n" + "".join(LINES[1:]))}, [("far", "both changed it", True)], b"<<<<<<<"),
        ({**BEFORE, 'n\n"\\': text("ours\n")}, {**BEFORE, 'n\n"\\': text("theirs\n")},
         [('n\n"\\', "both changed it", True)], b"<<<<<<<"),
    ],
    ids=["deleted by the base", "deleted by us", "binary", "links", "two names", "renamed and changed", "hostile name"],
)  # fmt: skip
def test_each_kind_of_conflict_is_told_apart(
    tmp_path: Path,
    ours: dict[str, File],
    theirs: dict[str, File],
    conflicts: list[tuple[str, str, bool]],
    start: bytes | None,
) -> None:
    forked = Forked(tmp_path, ours, theirs)
    found = forked.merged()
    assert told(found) == conflicts
    contents = [each.content or b"" for each in found.start.changes]
    assert [each[: len(start or b"")] for each in contents] == ([start] if start else [])
    forked.published(found, *found.start.changes)


@pytest.mark.parametrize(
    ("ours", "theirs", "why"),
    [
        ({**BEFORE, "sub": submodule("2" * 40)}, {**BEFORE, "sub": submodule("3" * 40)}, "submodules conflict"),
        ({**BEFORE, "x": text("ours\n")}, {**BEFORE, "x/y": text("theirs\n")}, "`x` is a file on one side"),
        ({**BEFORE, "kept": link("long")}, {**BEFORE, "kept": text("theirs\n")}, "`kept` is a file on one side"),
        ({**BEFORE, **{f"f{n}": text("ours\n") for n in range(101)}},
         {**BEFORE, **{f"f{n}": text("theirs\n") for n in range(101)}}, "101 files conflict"),
    ],
    ids=["submodules", "file and folder", "file and link", "too many"],
)  # fmt: skip
def test_what_is_no_work_for_a_text_is_left_to_people(
    tmp_path: Path, ours: dict[str, File], theirs: dict[str, File], why: str
) -> None:
    with pytest.raises(Refused, match=f"{why}.*by hand"):
        Forked(tmp_path, ours, theirs, before={**BEFORE, "sub": submodule("1" * 40)}).merged()


def test_a_submodule_that_the_base_moved_comes_along(tmp_path: Path) -> None:
    before = {**BEFORE, "sub": submodule("1" * 40)}
    forked = Forked(tmp_path, {**before, "a": text("a\n")}, {**BEFORE, "sub": submodule("2" * 40)}, before=before)
    sha = forked.published(forked.merged())
    assert "2" * 40 in forked.origin.git("ls-tree", sha, "sub")


def test_a_submodule_that_somebody_moved_on_the_branch_is_left_to_people(tmp_path: Path) -> None:
    before = {**BEFORE, "sub": submodule("1" * 40)}
    forked = Forked(tmp_path, {**BEFORE, "sub": submodule("2" * 40)}, {**before, "b": text("b\n")}, before=before)
    with pytest.raises(Refused, match="the branch would change a submodule"):
        forked.merged()


def test_a_branch_that_has_all_of_its_base_is_not_merged(tmp_path: Path) -> None:
    forked = Forked(tmp_path, {**BEFORE, "a": text("a\n")}, {**BEFORE, "b": text("b\n")})
    forked.head = forked.published(forked.merged())
    with pytest.raises(Refused, match="has nothing that the branch does not have already"):
        forked.merged()


def test_nothing_of_the_repository_decides_how_it_is_merged(tmp_path: Path) -> None:
    before = {**BEFORE, ".gitattributes": text("* merge=union\n")}
    forked = Forked(tmp_path, {**before, "kept": text("ours\n")}, {**before, "kept": text("theirs\n")}, before=before)
    assert told(forked.merged()) == [("kept", "both changed it", True)]


def test_what_the_agent_puts_where_git_takes_nothing_is_refused(tmp_path: Path) -> None:
    forked = Forked(tmp_path, {**BEFORE, "a": text("a\n")}, {**BEFORE, "b": text("b\n")})
    with pytest.raises(Refused, match="does not accept"):
        forked.published(forked.merged(), write(".git/config", "x", None))


def test_a_name_that_is_no_sha_never_reaches_git(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="full commit SHA"):
        merge(LOCAL_GIT, tmp_path, head_sha="--output=x", base_sha="1" * 40, common_sha="2" * 40)


def test_markers_that_the_base_has_itself_are_no_conflict(tmp_path: Path) -> None:
    docs = "A conflict:\n\n<<<<<<< HEAD\n=======\n>>>>>>> x\n"
    forked = Forked(tmp_path, {**BEFORE, "kept": text("ours\n")}, {**BEFORE, "kept": text(docs)})
    found = forked.merged()
    resolved = replace(found.start, changes=(write("kept", "ours\n" + docs),))
    assert unresolved(found.start, found.conflicts, {"kept": docs.encode()}) == ("kept",)
    assert unresolved(resolved, found.conflicts, {"kept": docs.encode()}) == ()
