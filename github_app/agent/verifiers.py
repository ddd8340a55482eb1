"""Which commands tell whether a repository still works, found from what lies in it. Pure: a listing and some contents
in, commands out. What a repository's policy names under `verify` comes before all of this."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from shlex import quote

MANIFESTS = (
    "pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", "package.json", "go.mod", "Cargo.toml", "pom.xml",
    "build.gradle", "build.gradle.kts", "Makefile", "makefile", "GNUmakefile",
)  # fmt: skip
"""Names of files that say how a project is tested; they mark the folders that are looked at."""

_MAX_FOLDERS = 4
_PYTEST = {"pyproject.toml": "[tool.pytest", "setup.cfg": "[tool:pytest]", "tox.ini": "[pytest]"}
_PYTHON_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|tests)\.py$")
_MAKE_TEST = re.compile(r"^test\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class Verifier:
    """One thing to check: the first of `commands` (for `sh -c`) whose tool is there; the others stand in for it."""

    commands: tuple[str, ...]


def manifests_in(files: Sequence[str]) -> tuple[str, ...]:
    """The files whose contents `find_verifiers` wants: those of the top folder, or else of the folders below it."""
    found = [path for path in files if basename(path) in MANIFESTS]
    top = [path for path in found if "/" not in path]
    return tuple(top or [path for path in found if path.count("/") == 1])


def find_verifiers(files: Sequence[str], contents: Mapping[str, str]) -> tuple[Verifier, ...]:
    """The verifiers of a tree with these files (paths from its top); none if nothing in it tells."""
    folders = sorted({dirname(path) for path in contents} or {""})[:_MAX_FOLDERS]
    found: list[Verifier] = []
    for folder in folders:
        prefix = f"{folder}/" if folder else ""
        inside = [path.removeprefix(prefix) for path in files if path.startswith(prefix)]
        texts = {path.removeprefix(prefix): text for path, text in contents.items() if dirname(path) == folder}
        found += [_inside(folder, verifier) for verifier in _of_folder(inside, texts)]
    return tuple(found)


def _of_folder(files: Sequence[str], texts: Mapping[str, str]) -> list[Verifier]:
    names = {path for path in files if "/" not in path}
    candidates = (
        _python(files, texts),
        _node(names, texts),
        ("go build ./... && go test ./...",) if "go.mod" in names else (),
        ("cargo test --color never",) if "Cargo.toml" in names else (),
        _maven(names),
        _gradle(names),
    )
    found = [Verifier(commands) for commands in candidates if commands]
    makefiles = [text for name, text in texts.items() if name.lower().endswith("makefile")]
    if not found and any(_MAKE_TEST.search(text) for text in makefiles):
        found = [Verifier(("make test",))]
    return found


def _python(files: Sequence[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    tests = [path for path in files if _PYTHON_TEST.search(path)]
    if not tests:
        return ()
    pytest = "python3 -m pytest -q --tb=short"
    wants_pytest = any(basename(path) in ("conftest.py", "pytest.ini") for path in files)
    if wants_pytest or any(mark in texts.get(name, "") for name, mark in _PYTEST.items()):
        return (pytest,)
    # Not said: pytest runs unittest's tests too, so it comes first where it is installed.
    has_src = any(path.startswith("src/") and path.endswith(".py") for path in files)
    source = "PYTHONPATH=src " if has_src else ""
    top = tests[0].partition("/")[0]
    is_plain_folder = all(path.startswith(f"{top}/") for path in tests) and f"{top}/__init__.py" not in files
    start = f" -s {quote(top)}" if is_plain_folder else ""
    return (source + pytest, f"{source}python3 -m unittest discover{start}")


def _node(names: set[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    try:
        package = json.loads(texts.get("package.json", "{}"))
    except (ValueError, RecursionError):
        return ()
    scripts = package.get("scripts") if isinstance(package, dict) else None
    script = scripts.get("test") if isinstance(scripts, dict) else None
    if not isinstance(script, str) or "no test specified" in script:
        return ()
    if "pnpm-lock.yaml" in names:
        return ("pnpm test",)
    return ("yarn test",) if "yarn.lock" in names else ("npm test --silent",)


def _maven(names: set[str]) -> tuple[str, ...]:
    if "pom.xml" not in names:
        return ()
    return ("sh ./mvnw -B -ntp test",) if "mvnw" in names else ("mvn -B -ntp test",)


def _gradle(names: set[str]) -> tuple[str, ...]:
    if not names & {"build.gradle", "build.gradle.kts"}:
        return ()
    command = "sh ./gradlew" if "gradlew" in names else "gradle"
    return (f"{command} test --console=plain",)


def _inside(folder: str, verifier: Verifier) -> Verifier:
    return Verifier(tuple(f"cd {quote(folder)} && {each}" for each in verifier.commands)) if folder else verifier
