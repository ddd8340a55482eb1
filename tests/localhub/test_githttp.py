"""A real git clones and pushes; what it pushed is told like a push by REST."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import WORKFLOW, Story

WHO = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]


def git(*args: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(["git", *WHO, *map(str, args)], cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def clone(story: Story, tmp_path: Path) -> Path:
    where = tmp_path / "clone"
    done = git("clone", "-q", story.git_url(story.token(contents="write")), where)
    assert done.returncode == 0, done.stderr
    return where


def commit(clone: Path, name: str, text: str, branch: str = "honk/1") -> str:
    git("checkout", "-q", "-B", branch, cwd=clone)
    (clone / name).parent.mkdir(parents=True, exist_ok=True)
    (clone / name).write_text(text)
    git("add", "-A", cwd=clone)
    git("commit", "-q", "-m", "Change", cwd=clone)
    return git("rev-parse", "HEAD", cwd=clone).stdout.strip()


def test_a_push_arrives_and_is_told_once(story: Story, clone: Path):
    sha = commit(clone, "a.txt", "x\n")
    assert git("push", "-q", "origin", "honk/1", cwd=clone).returncode == 0
    assert story.repo.branch("honk/1") == sha
    assert [e for e in story.events() if e in ("create", "push")] == ["create", "push"]
    (push,) = [d.payload for d in story.hub.deliveries if d.event == "push"]
    assert (push["ref"], push["after"], push["sender"]["login"]) == ("refs/heads/honk/1", sha, "honk[bot]")
    assert [c["modified"] for c in push["commits"]] == [["a.txt"]]


def test_a_push_moves_the_pull_request(story: Story, clone: Path):
    commit(clone, "a.txt", "x\n")
    git("push", "-q", "origin", "honk/1", cwd=clone)
    pull = story.alice.open_pull(story.repo, "Fix", head="honk/1")
    sha = commit(clone, "a.txt", "y\n")
    git("push", "-q", "origin", "honk/1", cwd=clone)
    assert pull.head_sha == sha
    assert story.events().count("pull_request.synchronize") == 1


def test_a_large_push_and_a_shallow_clone_go_through(story: Story, clone: Path, tmp_path: Path):
    noise = os.urandom(3_000_000).hex()
    commit(clone, "big.bin", noise)
    assert git("push", "-q", "origin", "honk/1", cwd=clone).returncode == 0
    where = tmp_path / "shallow"
    assert git("clone", "-q", "--depth=1", "-b", "honk/1", story.git_url(story.token()), where).returncode == 0
    assert (where / "big.bin").read_text() == noise


@pytest.mark.parametrize(("token", "says"), [("ghs_wrong", "Authentication failed"), ("user:mallory", "not found")])
def test_strangers_are_refused(story: Story, tmp_path: Path, token: str, says: str):
    story.hub.person("mallory")
    done = git("clone", story.git_url(token), tmp_path / "x")
    assert done.returncode != 0
    assert says in done.stderr


def test_reading_does_not_allow_pushing(story: Story, clone: Path):
    commit(clone, "a.txt", "x\n")
    done = git("push", story.git_url(story.token(contents="read")), "honk/1", cwd=clone)
    assert done.returncode != 0
    assert "403" in done.stderr
    assert story.repo.branch("honk/1") is None


def test_workflow_files_are_refused_without_their_permission(story: Story, clone: Path):
    commit(clone, ".github/workflows/ci.yml", WORKFLOW)
    done = git("push", "origin", "honk/1", cwd=clone)
    assert "refusing to allow a GitHub App to create or update workflow" in done.stderr
    assert story.repo.branch("honk/1") is None
    assert git("push", story.git_url(story.alice.token), "honk/1", cwd=clone).returncode == 0


def test_a_protected_branch_takes_no_push(story: Story, clone: Path):
    story.repo.protected.add("main")
    commit(clone, "a.txt", "x\n", branch="main")
    done = git("push", "origin", "main", cwd=clone)
    assert "GH006: Protected branch" in done.stderr


def test_a_push_is_declined_by_a_fault(story: Story, clone: Path):
    story.hub.faults.add("git-receive-pack", "declined", text="GH013: Repository rule violations found")
    commit(clone, "a.txt", "x\n")
    assert "GH013" in git("push", "origin", "honk/1", cwd=clone).stderr
    assert git("push", "-q", "origin", "honk/1", cwd=clone).returncode == 0


def test_the_head_of_a_pull_request_can_be_fetched(story: Story, clone: Path):
    sha = story.alice.push(story.repo, "work", {"a.txt": "x\n"}, "X")
    pull = story.alice.open_pull(story.repo, "X", head="work")
    git("fetch", "-q", "origin", f"refs/pull/{pull.issue.number}/head", cwd=clone)
    assert git("rev-parse", "FETCH_HEAD", cwd=clone).stdout.strip() == sha
