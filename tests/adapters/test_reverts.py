"""A commit is taken back as `git revert` does it: later changes stay, and where they are in the way nothing happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.pushes import Signature, make_commit
from github_app.adapters.repository.reverts import MirrorReverts, revert
from github_app.core.errors import Refused
from github_app.core.model import ChangeSet, FileChange, Repo
from github_app.core.ports import GitAuth
from tests.adapters.origins import LOCAL_GIT, File, Origin, link, program, submodule, text
from tests.adapters.test_pushes import AUTHOR

LINES = [f"line {number}\n" for number in range(30)]
BEFORE = {"long": text("".join(LINES)), "gone": program("#!/bin/sh\n"), "was": link("long"), "kept": text("kept\n")}
OURS = {
    "long": text("ours\n" + "".join(LINES[1:])),
    "was": text("a file now\n"),
    "new/file": text("ours\n"),
    "kept": BEFORE["kept"],
}


class Hub:
    def __init__(self, auth: GitAuth) -> None:
        self.auth = auth

    def git_auth(self, repo: Repo) -> GitAuth:
        assert repo.id == 1
        return self.auth


class Branch:
    """A branch with a commit of ours on it, and what others put on top."""

    def __init__(self, folder: Path, before: dict[str, File] = BEFORE, ours: dict[str, File] = OURS) -> None:
        self.origin = Origin.create(folder / "origin.git")
        self.mirrors = Mirrors(root=folder / "mirrors", git=LOCAL_GIT)
        self.before = self.origin.commit(before)
        self.ours = self.origin.commit(ours)

    def taken_back(self, *later: dict[str, File], commit: str = "") -> ChangeSet:
        """What takes our commit back when these were committed on top, made in a mirror that has none of it yet."""
        for files in later:
            self.origin.commit(files)
        reverts = MirrorReverts(git=LOCAL_GIT, mirrors=self.mirrors, hub=Hub(self.origin.auth))  # type: ignore[arg-type]
        repo = Repo(id=1, full_name="a/b", installation_id=2, default_branch="main")
        return reverts.revert(repo, commit_sha=commit or self.ours, head_sha=self.origin.tip())

    def tree_of(self, changes: ChangeSet) -> str:
        """The tree of a commit with these changes on the head."""
        mirror, who = self.mirrors.path(1), Signature(name="n", email="e", at=AUTHOR.at)
        sha = make_commit(LOCAL_GIT, mirror, changes, parent_sha=changes.base_sha, message="m", author=who)
        return LOCAL_GIT.run(mirror, ["rev-parse", f"{sha}^{{tree}}"]).decode().strip()


def test_the_newest_commit_is_taken_back_whole(tmp_path: Path) -> None:
    branch = Branch(tmp_path)
    changes = branch.taken_back()
    assert changes.base_sha == branch.ours
    assert branch.tree_of(changes) == branch.origin.git("rev-parse", f"{branch.before}^{{tree}}")
    assert [(each.path, each.mode, each.base_mode) for each in changes.changes] == [
        ("gone", "100755", None),
        ("long", "100644", "100644"),
        ("new/file", "100644", "100644"),
        ("was", "120000", "100644"),
    ]
    assert branch.taken_back() == changes, "made again after a crash, it is the same"


def test_what_others_changed_later_stays_in_the_same_file_too(tmp_path: Path) -> None:
    branch = Branch(tmp_path)
    theirs = {**OURS, "long": text("ours\n" + "".join([*LINES[1:-1], "theirs\n"])), "more": text("theirs\n")}
    changes = {each.path: each.content for each in branch.taken_back(theirs).changes}
    assert changes["long"] == "".join([*LINES[:-1], "theirs\n"]).encode()
    assert "more" not in changes


@pytest.mark.parametrize(
    ("later", "path"),
    [
        ({**OURS, "long": text("theirs\n" + "".join(LINES[1:]))}, "long"),
        ({**OURS, "new/file": text("ours and theirs\n")}, "new/file"),
        ({path: file for path, file in OURS.items() if path != "long"}, "long"),
    ],
    ids=["the same line", "a file of ours", "deleted by others"],
)
def test_later_changes_in_the_way_are_named_and_nothing_is_done(tmp_path: Path, later: dict[str, File], path: str):
    with pytest.raises(Refused, match=f"later changes stand on it in `{path}`"):
        Branch(tmp_path).taken_back(later)


def test_what_is_gone_already_cannot_be_taken_back(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing of it is left"):
        Branch(tmp_path).taken_back(BEFORE)


def test_a_commit_that_is_not_on_the_branch_any_more_is_not_taken_back(tmp_path: Path) -> None:
    branch = Branch(tmp_path)
    branch.origin.git("update-ref", "refs/heads/main", branch.before)
    with pytest.raises(Refused, match="not on the branch any more"):
        branch.taken_back({**BEFORE, "more": text("theirs\n")})


def test_submodules_are_left_to_people(tmp_path: Path) -> None:
    branch = Branch(tmp_path, before={"sub": submodule("1" * 40)}, ours={"kept": text("kept\n")})
    with pytest.raises(Refused, match="submodule"):
        branch.taken_back()


def test_what_is_too_much_is_left_to_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("github_app.adapters.repository.trees.MAX_TOTAL_BYTES", 100)
    with pytest.raises(Refused, match="more than 100 bytes"):
        Branch(tmp_path).taken_back()


def test_nothing_of_the_repository_decides_how_it_is_merged(tmp_path: Path) -> None:
    """`merge=` in its own attributes names drivers that only a configuration could have."""
    attributes = {".gitattributes": text("* merge=evil -diff\n[attr]x merge=union\n")}
    branch = Branch(tmp_path, before={**BEFORE, **attributes}, ours={**OURS, **attributes})
    [long] = [each for each in branch.taken_back().changes if each.path == "long"]
    assert long == FileChange(path="long", mode="100644", content="".join(LINES).encode(), base_mode="100644")


def test_a_name_that_is_no_sha_never_reaches_git(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="full commit SHA"):
        revert(LOCAL_GIT, tmp_path, commit_sha="--output=x", head_sha="1" * 40)
