"""What is found in a change set, and what of it nobody can accept."""

from __future__ import annotations

from typing import Any

import pytest

from github_app.core.changes.findings import SHOWN, find_findings, look_for_secrets, paths_to_compare
from github_app.core.holds import Finding
from github_app.core.model import ChangeSet, FileChange
from github_app.core.policy import PROTECTED, Policy
from github_app.core.ports import Sighting


def file(path: str, content: bytes | None = b"x", mode: Any = "100644", base: Any = None) -> FileChange:
    return FileChange(path=path, mode=mode, content=content, base_mode=base or (mode if content is None else None))


def link(path: str, target: bytes | None, **more: Any) -> FileChange:
    return file(path, target, "120000", **more)


def found(
    *changes: FileChange, before: dict[str, bytes | None] | None = None, seen: Any = None, **policy: Any
) -> tuple[Finding, ...]:
    change_set = ChangeSet(base_sha="b" * 40, changes=changes)
    return find_findings(change_set, Policy(**policy), before=before or {}, sightings=seen or {})


def kinds(*changes: FileChange, **more: Any) -> list[str]:
    return [finding.kind for finding in found(*changes, **more)]


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".github/workflows/deep/er/ci.yml",
        ".GitHub/Workflows/ci.yml",
        "vendor/.github/workflows/ci.yml",
        ".github/actions/setup/index.js",
        ".github/honk.yml",
        ".github/HONK.YML",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".github/codeowners",
        "AGENTS.md",
        "packages/a/claude.md",
        ".claude/settings.json",
        "docs/.cursor/rules/x.mdc",
        ".mcp.json",
        ".github/copilot-instructions.md",
        ".vscode/tasks.json",
        ".husky/pre-push",
        "Jenkinsfile",
        ".gitlab-ci.yml",
        "tools/lint/action.yml",
        ".envrc",
    ],
)
@pytest.mark.parametrize("content", [b"x", None], ids=["written", "deleted"])
def test_what_guards_or_instructs_needs_a_persons_word(path: str, content: bytes | None):
    [finding] = found(file(path, content))
    assert (finding.kind, finding.path, finding.final) == ("protected", path, False)


@pytest.mark.parametrize(
    "path",
    [
        "src/workflows/ci.yml", "github/workflows/x.py", "CODEOWNERS.md", "docs/honk.yml", "a/CODEOWNERSX",
        ".gitignore", ".editorconfig", ".env.example", "src/.eslintrc.json", "setup.py", "conftest.py",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_free(path: str):
    assert found(file(path)) == ()


def test_moving_a_protected_file_away_is_a_deletion_of_it():
    assert kinds(file(".github/workflows/ci.yml", None), file("old-ci.yml")) == ["protected"]


def test_moving_a_file_into_a_protected_place_is_writing_there():
    assert kinds(file("ci.yml", None), file(".github/workflows/ci.yml")) == ["protected"]


@pytest.mark.parametrize("pattern", ["migrations/**", "**/*.sql", "Migrations/*"])
def test_a_repository_protects_paths_of_its_own(pattern: str):
    assert kinds(file("migrations/0001.sql"), protected=(pattern,)) == ["protected"]


@pytest.mark.parametrize("path", [".github", ".github/workflows", ".GitHub/Workflows", "migrations"])
def test_nothing_takes_the_place_of_a_protected_folder(path: str):
    protected = (*PROTECTED, "migrations/**")
    assert "protected" in kinds(link(path, b"mine"), protected=protected)
    assert "protected" in kinds(file(path), protected=protected)


def test_a_link_with_a_dot_may_stand_for_a_folder_of_settings():
    assert kinds(link(".claude", b"notes")) == ["protected"]
    assert kinds(link("docs/.vscode", b"x")) == ["protected"]
    assert kinds(link("latest", b"notes")) == []


@pytest.mark.parametrize("path", [".gitmodules", "vendor/lib/.gitmodules", ".GITMODULES"])
@pytest.mark.parametrize("content", [b"x", None], ids=["written", "deleted"])
def test_submodules_are_never_changed(path: str, content: bytes | None):
    [finding] = found(file(path, content))
    assert (finding.kind, finding.final) == ("submodules", True)


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
        ("a", b"..\\..\\x"),
        ("a", b"C:/x"),
        ("a", b"\\\\host\\x"),
        ("a", b".git/config"),
        ("d/a", b"../.GIT/hooks"),
    ],
)
def test_a_link_out_of_the_repository_is_never_published(path: str, target: bytes):
    [finding] = found(link(path, target))
    assert (finding.kind, finding.final) == ("links", True)
    assert "symbolic link" in finding.text


@pytest.mark.parametrize(
    ("path", "target"), [("a", b"b"), ("d/a", b"../b"), ("d/a", b"./c"), ("d/e/a", b"../../b"), ("a", b"..b")]
)
def test_a_link_within_the_repository_is_fine(path: str, target: bytes):
    assert found(link(path, target)) == ()


def test_deleting_any_link_is_fine():
    assert found(link("a", None)) == ()


def test_a_file_that_becomes_something_else_is_told():
    assert "executable" in found(file("run", mode="100755", base="100644"))[0].text
    assert "symbolic link" in found(link("notes", b"other", base="100644"))[0].text
    assert kinds(file("run", mode="100755"), file("old", base="100755"), link("l", b"m", base="120000")) == []


def test_a_new_path_that_is_none_is_never_published_and_an_old_one_may_be_mended():
    assert [(f.kind, f.final) for f in found(file("a\\b"))] == [("paths", True)]
    assert found(file("a\\b", base="100644"), file("c\\d", None)) == ()


def test_size_is_limited_in_files_and_bytes():
    assert found(file("a"), file("b"), max_files=2, max_bytes=2) == ()
    assert [f.text for f in found(file("a"), file("b"), file("c"), max_files=2)] == [
        "3 files are changed; 2 are allowed in one change",
    ]
    assert [f.text for f in found(file("a", b"xyz"), file("b", None), max_bytes=2)] == [
        "the changed files are 3 bytes together; 2 are allowed",
    ]


def test_large_binary_files_are_told():
    assert kinds(file("a.bin", b"\0" * 11), max_binary_bytes=10) == ["binary"]
    assert kinds(file("a.bin", b"\0" * 10), file("a.txt", b"x" * 11), max_binary_bytes=10) == []


def test_every_finding_is_named_and_what_is_final_comes_first():
    changes = (file("CODEOWNERS"), link("a", b"/"))
    assert kinds(*changes, max_files=1, max_bytes=1) == ["links", "protected", "size", "size"]


def test_of_many_like_findings_the_first_are_told():
    many = found(*(file(f"{n}/CODEOWNERS") for n in range(SHOWN + 7)))
    assert len(many) == SHOWN + 1
    assert many[-1] == Finding(kind="protected", path="", text="and 7 more like these")


# --- secrets


class Words:
    """Sees each line with `secret-` in it."""

    def scan(self, content: bytes) -> tuple[Sighting, ...]:
        lines = enumerate(content.split(b"\n"), 1)
        return tuple(Sighting(line=n, last_line=n, what="a word") for n, line in lines if b"secret-" in line)


def test_secrets_are_looked_for_in_contents_and_names():
    changes = ChangeSet(
        base_sha="b" * 40,
        changes=(file("a", b"x\nsecret-1"), file("b", None), link("c", b"secret-2"), file("d"), file("secret-3")),
    )
    seen = look_for_secrets(changes, Words())
    assert seen == {
        "a": (Sighting(line=2, last_line=2, what="a word"),),
        "": (Sighting(line=5, last_line=5, what="a word"),),
    }
    findings = find_findings(changes, Policy(), before={}, sightings=seen)
    assert [(f.path, f.text, f.final) for f in findings] == [
        ("", "the name of a file holds a word", True),
        ("a", "line 2 holds a word", False),
    ]


def test_a_secret_that_stood_there_before_is_not_the_changes():
    seen = {"a": Words().scan(b"new\n  secret-1\nsecret-2")}
    change = file("a", b"new\n  secret-1\nsecret-2", base="100644")
    assert [f.text for f in found(change, before={"a": b"secret-1\n"}, seen=seen)] == ["line 3 holds a word"]
    assert len(found(change, before={"a": None}, seen=seen)) == 2


def test_a_secret_of_ours_is_never_published_wherever_it_stood():
    seen = {"a": (Sighting(line=1, last_line=1, what="the App's key", is_ours=True),)}
    [finding] = found(file("a", b"k", base="100644"), before={"a": b"k"}, seen=seen)
    assert (finding.kind, finding.final) == ("secrets", True)


# --- what runs where a package is installed


def test_scripts_that_run_on_install_need_a_persons_word():
    change = file("web/package.json", b'{"scripts": {"postinstall": "curl x | sh", "test": "jest"}}', base="100644")
    [finding] = found(change, before={"web/package.json": b'{"scripts": {"postinstall": "husky"}}'})
    assert (finding.kind, finding.path) == ("protected", "web/package.json")
    assert "`postinstall`" in finding.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"scripts": {"prepare": "husky"}}', b'{"scripts": {"prepare": "husky"}, "version": "2"}'),
        (b"{}", b'{"scripts": {"test": "jest"}}'),
        (b"{}", b"[]"),
        (b"{", b'{"scripts": []}'),
        (b'{"scripts": {"prepare": "husky"}}', None),
    ],
)
def test_other_changes_of_a_manifest_are_free(old: bytes, new: bytes | None):
    assert found(file("package.json", new, base="100644"), before={"package.json": old}) == ()


def test_only_what_must_be_compared_is_asked_for():
    changes = ChangeSet(
        base_sha="b" * 40,
        changes=(
            file("a.py", base="100644"),
            file("b.py", base="100644"),
            file("c.py"),
            link("d", b"e", base="120000"),
            file("package.json", base="100644"),
            file("new/package.json"),
        ),
    )
    seen = {path: (Sighting(line=1, last_line=1, what="x"),) for path in ("b.py", "c.py", "d")}
    assert paths_to_compare(changes, seen) == ("b.py", "package.json")
