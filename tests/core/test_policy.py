"""The rules in force: a repository's on the operator's floor; and held against what a turn wants to publish."""

from __future__ import annotations

from typing import Any

import pytest

from github_app.core.errors import (
    Gone,
    HeadMoved,
    HonkError,
    LimitReached,
    PathRefused,
    RateLimited,
    Rejected,
    SandboxUnavailable,
    ToolFailed,
    Transient,
)
from github_app.core.model import ChangeSet, FileChange
from github_app.core.policy import PROTECTED, Policy, find_problems


def file(path: str, content: bytes | None = b"x", mode: Any = "100644") -> FileChange:
    return FileChange(path=path, mode=mode, content=content)


def problems(*changes: FileChange, **policy: Any) -> tuple[str, ...]:
    return find_problems(ChangeSet(base_sha="b" * 40, changes=changes), Policy(**policy))


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".github/workflows/deep/er/ci.yml",
        ".GitHub/Workflows/ci.yml",
        ".github/honk.yml",
        ".github/HONK.YML",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".github/codeowners",
        ".gitmodules",
        "vendor/lib/.gitmodules",
    ],
)
@pytest.mark.parametrize("content", [b"x", None], ids=["written", "deleted"])
def test_what_guards_the_repository_is_out_of_reach(path: str, content: bytes | None):
    found = problems(file(path, content))
    assert len(found) == 1
    assert path in found[0]
    assert "a human has to change it" in found[0]


@pytest.mark.parametrize(
    "path", ["src/workflows/ci.yml", "github/workflows/x.py", "CODEOWNERS.md", "docs/honk.yml", "a/CODEOWNERSX"]
)
def test_what_only_looks_like_it_is_free(path: str):
    assert problems(file(path)) == ()


def test_moving_a_protected_file_away_is_a_deletion_of_it():
    assert len(problems(file(".github/workflows/ci.yml", None), file("old-ci.yml"))) == 1


def test_moving_a_file_into_a_protected_place_is_writing_there():
    assert len(problems(file("ci.yml", None), file(".github/workflows/ci.yml"))) == 1


@pytest.mark.parametrize("pattern", ["migrations/**", "**/*.sql", "Migrations/*"])
def test_repository_protects_paths_of_its_own(pattern: str):
    assert problems(file("migrations/0001.sql"), protected=(pattern,))


def link(path: str, target: bytes) -> FileChange:
    return file(path, target, "120000")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a", b"/etc/passwd"),
        ("a", b".."),
        ("a", b"../x"),
        ("d/a", b"../../x"),
        ("a", b"x/../../y"),
        ("a", b"./../x"),
        ("a", b"d/link/../x"),  # d/link may lead to the top: its `..` is out of the tree
        ("a", b""),
    ],
)
def test_link_out_of_the_repository_is_refused(path: str, target: bytes):
    assert "symbolic link" in problems(link(path, target))[0]


@pytest.mark.parametrize(
    ("path", "target"), [("a", b"b"), ("d/a", b"../b"), ("d/a", b"./c"), ("d/e/a", b"../../b"), ("a", b"..b")]
)
def test_link_within_the_repository_is_fine(path: str, target: bytes):
    assert problems(link(path, target)) == ()


@pytest.mark.parametrize("path", [".github", ".github/workflows", ".GitHub/Workflows", "migrations"])
def test_nothing_takes_the_place_of_a_protected_folder(path: str):
    protected = (*PROTECTED, "migrations/**")
    assert "is protected" in problems(link(path, b"mine"), protected=protected)[0]
    assert "is protected" in problems(file(path), protected=protected)[0]
    assert problems(FileChange(path=path, mode="120000", content=None), protected=protected) == ()


def test_deleting_any_link_is_fine():
    assert problems(FileChange(path="a", mode="120000", content=None)) == ()


def test_size_is_limited_in_files_and_bytes():
    assert problems(file("a"), file("b"), max_files=2, max_bytes=2) == ()
    assert problems(file("a"), file("b"), file("c"), max_files=2) == (
        "3 files are changed; 2 are allowed in one pull request",
    )
    assert problems(file("a", b"xyz"), file("b", None), max_bytes=2) == (
        "the changed files are 3 bytes together; 2 are allowed",
    )


def test_every_problem_is_named():
    assert len(problems(file("CODEOWNERS"), link("a", b"/"), max_files=1, max_bytes=1)) == 4


def test_errors_say_who_must_act_and_what_they_need_to_know():
    assert Rejected("no", http_status=401).http_status == 401
    assert LimitReached("spent", limit="money").limit == "money"
    assert RateLimited("slowly", retry_after_s=5).retry_after_s == 5
    assert HeadMoved("moved", head_sha="1" * 40).head_sha == "1" * 40
    assert Gone("gone", what="branch").what == "branch"
    assert issubclass(RateLimited, Transient)
    assert issubclass(PathRefused, ToolFailed)
    assert issubclass(SandboxUnavailable, HonkError)
