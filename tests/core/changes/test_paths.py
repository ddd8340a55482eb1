"""Names that are not what they seem."""

from __future__ import annotations

import pytest

from github_app.core.changes.paths import flaw_of, is_dot_git, is_workflow


@pytest.mark.parametrize("name", [".git", ".GIT", ".Git ", ".git.", "GIT~1", ".git::$INDEX_ALLOCATION", ".g\u200cit"])
def test_names_that_some_file_system_takes_for_git(name: str) -> None:
    assert is_dot_git(name)


@pytest.mark.parametrize("name", [".gitignore", "git", ".github", "x.git", ".gitmodules", "git~2"])
def test_names_that_none_does(name: str) -> None:
    assert not is_dot_git(name)


@pytest.mark.parametrize(
    ("path", "flaw"),
    [
        ("a/.GIT/config", "`.git`"),
        (".git./config", "`.git`"),
        (".g\u0131t/config", "`.git`"),
        ("a//b", "no path"),
        ("", "no path"),
        ("/etc/passwd", "no path"),
        ("a/../b", "no path"),
        ("./a", "no path"),
        ("a\\..\\b", "Windows"),
        ("a./b", "Windows"),
        ("a ", "Windows"),
        ("a\x00b", "invisible"),
        ("a\nb", "invisible"),
        ("safe\u202egnp.exe", "invisible"),
        ("a\u200bb", "invisible"),
        ("a\udce9", "invisible"),
    ],
)
def test_paths_that_no_commit_should_bring(path: str, flaw: str):
    assert flaw in flaw_of(path)


@pytest.mark.parametrize(
    "path", ["src/app.py", ".gitignore", "a b/c d.txt", "docs/größe.md", "x/.github/y", "a.b.c", "…"]
)
def test_usual_paths_have_no_flaw(path: str):
    assert flaw_of(path) == ""


def test_workflows_are_what_github_runs():
    assert is_workflow(".github/workflows/ci.yml")
    assert is_workflow(".GitHub/Workflows/ci.yml")
    assert not is_workflow("docs/.github/workflows/ci.yml")
