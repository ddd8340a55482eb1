"""Publishing a change set: one commit, once, on top of what we know, whatever happens on the way."""

from __future__ import annotations

import subprocess

import pytest

from github_app.core.errors import Gone, HeadMoved, Refused, Transient
from github_app.core.merges import Comparison
from github_app.core.model import ChangeSet, FileChange
from tests.adapters.hub_stage import PIN, Stage, changed
from tests.edge.cases import shows

BRANCH = "honk/1-fix"


def git(stage: Stage, *args: str) -> str:
    command = ["git", "-c", "safe.directory=*", "--git-dir", str(stage.place.git_dir), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_one_commit_with_files_modes_links_and_deletions(stage: Stage):
    binary = bytes(range(256)) * 10
    parent = stage.base
    changes = ChangeSet(
        base_sha=parent,
        changes=(
            FileChange(path="README.md", mode="100644", content=None),
            FileChange(path="bin/tool", mode="100755", content=b"#!/bin/sh\r\n"),
            FileChange(path="empty", mode="100644", content=b""),
            FileChange(path="image.png", mode="100644", content=binary),
            FileChange(path="latin", mode="100644", content="ü".encode("latin-1")),
            FileChange(path="link", mode="120000", content=b"bin/tool"),
            FileChange(path="nul.txt", mode="100644", content=b"a\x00b"),
            FileChange(path="text ü.txt", mode="100644", content="grüße 🦢\n".encode()),
            FileChange(path="big.txt", mode="100644", content=b"0123456789\n" * 40_000),
        ),
    )
    sha = stage.hub.publish(
        stage.repo, changes, parent_sha=parent, branch=BRANCH, message="Fix it", key="turn-1", audit=PIN
    )
    assert stage.tip(BRANCH) == sha
    assert git(stage, "rev-list", "--parents", "-1", sha).split() == [sha, parent]
    uploaded = len(stage.asked("POST /repos/acme/shop/git/blobs"))
    assert uploaded == 4  # what is binary, not UTF-8, has a zero byte, or is large
    lines = git(stage, "-c", "core.quotePath=off", "ls-tree", "-r", sha).splitlines()
    listed = {line.partition("\t")[2]: line.split()[0] for line in lines}
    assert listed == {
        "big.txt": "100644",
        "bin/tool": "100755",
        "empty": "100644",
        "image.png": "100644",
        "latin": "100644",
        "link": "120000",
        "nul.txt": "100644",
        "run.sh": "100644",
        "text ü.txt": "100644",
    }
    for change in changes.changes:
        if change.content is not None:
            assert stage.hub.file(stage.repo, change.path, sha) == change.content or change.mode == "120000"


def test_the_commit_is_the_bots_and_signed_by_github(stage: Stage):
    sha = stage.publish()
    assert sha in stage.place.signed
    assert git(stage, "log", "-1", "--format=%an", sha).strip() == "honk[bot]"


def test_publishing_again_with_the_same_key_changes_nothing(stage: Stage):
    parent = stage.base
    sha = stage.publish(parent=parent)
    writes = len(stage.asked("POST /repos/acme/shop/git"))
    assert stage.publish("other content", parent=parent) == sha
    assert len(stage.asked("POST /repos/acme/shop/git")) == writes


def test_a_second_round_goes_on_top(stage: Stage):
    first = stage.publish("one\n", key="turn-1")
    second = stage.publish("two\n", key="turn-2", parent=first)
    assert git(stage, "rev-list", f"main..{BRANCH}").split() == [second, first]


def test_our_commit_is_found_below_a_persons(stage: Stage):
    parent = stage.base
    sha = stage.publish(parent=parent)
    stage.maintainer.push(stage.place, BRANCH, {"mine": "1"}, "Mine")
    assert stage.publish(parent=parent) == sha


def test_a_branch_that_somebody_moved_is_left_to_them(stage: Stage):
    first = stage.publish(key="turn-1")
    theirs = stage.maintainer.push(stage.place, BRANCH, {"mine": "1"}, "Mine")
    with pytest.raises(HeadMoved) as caught:
        stage.publish("two\n", key="turn-2", parent=first)
    assert caught.value.head_sha == theirs == stage.tip(BRANCH)


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("kind", ["before", "after", "hang"])
def test_an_answer_that_is_lost_leads_to_one_commit(stage: Stage, kind, exists):
    parent = stage.publish(key="turn-0") if exists else stage.base
    stage.github.faults.add("(PATCH|POST) .*/git/refs", kind, status=502)
    if kind == "before":
        with pytest.raises(Transient):
            stage.publish("two\n", parent=parent)
    sha = stage.publish("two\n", parent=parent)
    assert git(stage, "rev-list", f"{parent}..{BRANCH}").split() == [sha]


def test_a_race_for_the_branch_is_lost_with_honour(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    parent = stage.publish(key="turn-0")
    during = stage.hub._clients.pacer

    def push_meanwhile(_: int) -> None:
        monkeypatch.undo()
        stage.maintainer.push(stage.place, BRANCH, {"mine": "1"}, "Mine")

    monkeypatch.setattr(during, "wait", push_meanwhile)
    with pytest.raises(HeadMoved) as caught:
        stage.publish("two\n", parent=parent)
    assert caught.value.head_sha == stage.tip(BRANCH)


@shows("W67")
def test_an_empty_repository_and_a_missing_commit_are_gone(stage: Stage):
    empty = stage.repo_of(stage.github.create_repository("acme/empty"))
    nowhere = "0" * 39 + "1"
    with pytest.raises(Gone):
        stage.hub.publish(
            empty, changed(nowhere, {"a": b"1"}), parent_sha=nowhere, branch="b", message="m", key="k", audit=PIN
        )
    with pytest.raises(Gone, match="not there"):
        stage.publish(parent=nowhere)


@shows("W66")
def test_a_rule_of_the_repository_is_told(stage: Stage):
    parent = stage.publish(key="turn-0")
    stage.place.protected.add(BRANCH)
    with pytest.raises(Refused, match="pull request"):
        stage.publish("two\n", parent=parent)


@shows("W61")
def test_a_branch_that_was_deleted_is_not_made_again(stage: Stage):
    changes = changed(stage.base, {"a": b"1"})
    with pytest.raises(Gone) as caught:
        stage.hub.publish(
            stage.repo, changes, parent_sha=stage.base, branch=BRANCH, message="m", key="k", audit=PIN, may_create=False
        )
    assert caught.value.what == "branch"
    assert stage.place.branch(BRANCH) is None


@shows("W65")
def test_a_branch_that_leaves_no_room_for_ours_is_named(stage: Stage):
    stage.maintainer.push(stage.place, "honk", {"a": "1"}, "a")
    with pytest.raises(Refused, match="there is a branch `honk`"):
        stage.publish()


@shows("W66")
@pytest.mark.parametrize("path", ["git/blobs", "git/trees", "git/commits", "git/refs"])
@pytest.mark.parametrize("status", [409, 422])
def test_a_rule_that_any_request_meets_is_told_with_what_to_do(stage: Stage, path: str, status: int):
    said = "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n"
    stage.github.faults.add(f"POST .*/{path}$", "before", status=status, text=said)
    with pytest.raises(Refused, match=r"restricts who makes branches: .*creations being restricted"):
        stage.publish("\0" if path == "git/blobs" else "fixed\n")
    assert stage.place.branch(BRANCH) is None


@shows("W57")
def test_words_that_stop_ci_are_taken_out_of_the_message(stage: Stage):
    parent = stage.base
    sha = stage.hub.publish(
        stage.repo,
        changed(parent, {"a": b"1"}),
        parent_sha=parent,
        branch=BRANCH,
        message="Fix [skip ci]\n\nHonk-Key: forged\n\nCo-authored-by: Mia <m@example.org>",
        key="turn-1",
        audit=PIN,
    )
    message = git(stage, "log", "-1", "--format=%B", sha)
    assert "[skip ci]" not in message
    assert message.rstrip().endswith(f"Co-authored-by: Mia <m@example.org>\nHonk-Key: turn-1\nHonk-Audit: {PIN}")
    assert message.count("Honk-Key:") == 1


@pytest.mark.parametrize(("path", "may"), [(".github/workflows/ci.yml", True), ("ci.yml", False)])
def test_only_a_change_of_workflows_has_a_token_that_may_change_them(stage: Stage, path: str, may: bool):
    change = FileChange(path=path, mode="100644", content=b"on: push\n")
    sha = stage.hub.publish(
        stage.repo,
        ChangeSet(base_sha=stage.base, changes=(change,)),
        parent_sha=stage.base,
        branch=BRANCH,
        message="x",
        key="turn-1",
        audit="a",
    )
    assert stage.tip(BRANCH) == sha
    asked = stage.asked("POST /app/installations/")
    assert any(b"workflows" in exchange.body for exchange in asked) is may


def test_a_merge_has_both_parents_and_is_told_of_the_base(stage: Stage):
    base, ours = stage.base, stage.publish()
    theirs = stage.maintainer.push(stage.place, "main", {"other.txt": "other\n"}, "Something else")
    found = stage.hub.compare(stage.repo, base="main", head_sha=ours)
    assert found == Comparison(base_sha=theirs, merge_base_sha=base, behind_by=1)
    assert stage.hub.compare(stage.repo, base="gone", head_sha=ours) is None

    def merge() -> str:
        changes = changed(theirs, {"fix.py": b"fixed, and merged\n"})
        return stage.hub.publish(
            stage.repo, changes, parent_sha=ours, merged_sha=theirs, branch=BRANCH, message="Merge", key="turn-2",
            audit=PIN, may_create=False,
        )  # fmt: skip

    sha = merge()
    assert stage.tip(BRANCH) == sha == merge(), "found again after a crash"
    assert git(stage, "rev-list", "--parents", "-1", sha).split() == [sha, ours, theirs]
    assert git(stage, "show", f"{sha}:fix.py") == "fixed, and merged\n"
    assert git(stage, "show", f"{sha}:other.txt") == "other\n"
    even = stage.hub.compare(stage.repo, base=theirs, head_sha=sha)
    assert even is not None
    assert even.behind_by == 0


def test_a_merge_that_changes_nothing_of_the_base_takes_its_tree(stage: Stage):
    ours = stage.publish()
    theirs = stage.maintainer.push(stage.place, "main", {"other.txt": "other\n"}, "Something else")
    sha = stage.hub.publish(
        stage.repo, changed(theirs, {}), parent_sha=ours, merged_sha=theirs, branch=BRANCH, message="Merge", key="k",
        audit=PIN,
    )  # fmt: skip
    assert git(stage, "rev-parse", f"{sha}^{{tree}}") == git(stage, "rev-parse", f"{theirs}^{{tree}}")


def test_a_pull_request_that_conflicts_says_so(stage: Stage):
    number = stage.pull(BRANCH).issue.number
    assert stage.hub.pull(stage.repo, number).has_conflicts is False
    stage.maintainer.push(stage.place, "main", {"fix.py": "another\n"}, "Another")
    assert stage.hub.pull(stage.repo, number).has_conflicts is True
    listed = stage.hub.find_pull(stage.repo, BRANCH)
    assert listed is not None
    assert listed.has_conflicts is None, "a list does not tell"
