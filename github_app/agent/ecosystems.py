"""How projects of each kind are tested, told from one folder: its files, and the texts of its manifests. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename
from shlex import quote
from typing import Literal

Kind = Literal["test", "lint"]

GRADLE = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")

MANIFESTS = (
    "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "noxfile.py", ".flake8", "ruff.toml",
    ".ruff.toml", "mypy.ini", "package.json", "go.mod", "Cargo.toml", "pom.xml", *GRADLE, "Gemfile",
    "Rakefile", ".rubocop.yml", "Makefile", "makefile", "GNUmakefile",
)  # fmt: skip
"""Names of files that say how a project is tested; they mark the folders that are looked at."""

PROJECT_ENDS = (".sln", ".csproj", ".fsproj", ".vbproj", ".gemspec")
"""Ends of names of more such files."""

_PYTHON_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|tests)\.py$")
_MAKE_TARGET = re.compile(r"^(test|check)\s*:(?!=)", re.MULTILINE)
_LINT_SCRIPTS = ("lint", "typecheck", "type-check", "check-types", "check:types", "types")
_CHANGES_FILES = re.compile(r"--(?:fix|write|watch)\b")


@dataclass(frozen=True)
class Verifier:
    """One thing to check: the first of `commands` (for `sh -c`) whose tool is there; the others stand in for it.

    `source` is the file that says so, `reason` what in it. Linters (`lint`) may be missing; tests should not.
    """

    commands: tuple[str, ...]
    kind: Kind = "test"
    source: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Folder:
    """What lies in and below one folder, by paths from there; `above` are names of files in folders above it."""

    files: Sequence[str]
    texts: Mapping[str, str]
    above: frozenset[str] = frozenset()

    def has(self, *names: str) -> str:
        """The first of these files that is there, or nothing."""
        return next((name for name in names if name in self.texts or name in self.files), "")

    def says(self, marks: Mapping[str, str]) -> str:
        """The first file whose text has its mark, or nothing."""
        return next((name for name, mark in marks.items() if mark in self.texts.get(name, "")), "")


def verifiers_of(folder: Folder) -> tuple[Verifier, ...]:
    """All verifiers of a folder. Make has a say only where nothing else has tests."""
    found = [verifier for ecosystem in _ECOSYSTEMS for verifier in ecosystem(folder)]
    if not any(verifier.kind == "test" for verifier in found):
        found = [*_make(folder), *found]
    return tuple(found)


def _python(folder: Folder) -> Iterator[Verifier]:
    tests = [path for path in folder.files if _PYTHON_TEST.search(path)]
    if tests:
        yield _python_tests(folder, tests)
    elif source := folder.has("tox.ini"):
        yield Verifier(("python3 -m tox -q",), source=source, reason="tox is configured")
    elif source := folder.has("noxfile.py"):
        yield Verifier(("python3 -m nox",), source=source, reason="nox is configured")
    ruff = folder.has("ruff.toml", ".ruff.toml") or folder.says({"pyproject.toml": "[tool.ruff"})
    if ruff:
        yield _lint("ruff check .", "python3 -m ruff check .", source=ruff, reason="ruff is configured")
    if "[tool.ruff.format" in folder.texts.get("pyproject.toml", ""):
        yield _lint("ruff format --check .", source="pyproject.toml", reason="ruff's format is configured")
    if source := folder.has(".flake8") or folder.says({"setup.cfg": "[flake8]", "tox.ini": "[flake8]"}):
        yield _lint("python3 -m flake8", source=source, reason="flake8 is configured")
    mypy = folder.has("mypy.ini") or folder.says({"pyproject.toml": "[tool.mypy]", "setup.cfg": "[mypy]"})
    if mypy:
        knows_files = re.search(r"^\s*(?:files|packages|modules)\s*=", folder.texts.get(mypy, ""), re.MULTILINE)
        yield _lint(f"python3 -m mypy{'' if knows_files else ' .'}", source=mypy, reason="mypy is configured")


def _python_tests(folder: Folder, tests: Sequence[str]) -> Verifier:
    pytest = "python3 -m pytest -q --tb=short"
    said = next((path for path in folder.files if basename(path) in ("conftest.py", "pytest.ini")), "")
    marks = {"pyproject.toml": "[tool.pytest", "setup.cfg": "[tool:pytest]", "tox.ini": "[pytest]"}
    if source := said or folder.says(marks):
        return Verifier((pytest,), source=source, reason="pytest is configured")
    # Not said: pytest runs unittest's tests too, so it comes first where it is installed.
    has_src = any(path.startswith("src/") and path.endswith(".py") for path in folder.files)
    prefix = "PYTHONPATH=src " if has_src else ""
    top = tests[0].partition("/")[0]
    is_plain_folder = all(path.startswith(f"{top}/") for path in tests) and f"{top}/__init__.py" not in folder.files
    start = f" -s {quote(top)}" if is_plain_folder else ""
    commands = (prefix + pytest, f"{prefix}python3 -m unittest discover{start}")
    return Verifier(commands, source=tests[0], reason="tests of Python are there")


def _node(folder: Folder) -> Iterator[Verifier]:
    try:
        package = json.loads(folder.texts.get("package.json", "{}"))
    except (ValueError, RecursionError):
        return
    scripts = package.get("scripts") if isinstance(package, dict) else None
    if not isinstance(scripts, dict):
        return
    test = scripts.get("test")
    if isinstance(test, str) and "no test specified" not in test:
        yield Verifier((_npm(folder, "test"),), source="package.json", reason="it has a script `test`")
    for name in _LINT_SCRIPTS:
        script = scripts.get(name)
        # One that mends files would change what is handed in; one that watches would never end.
        if isinstance(script, str) and not _CHANGES_FILES.search(script):
            yield _lint(_npm(folder, name), source="package.json", reason=f"it has a script `{name}`")


def _npm(folder: Folder, script: str) -> str:
    locks = {*(path for path in folder.files if "/" not in path), *folder.above}
    short = script if script == "test" else f"run {script}"
    if "pnpm-lock.yaml" in locks:
        return f"pnpm {short}"
    return f"yarn {short}" if "yarn.lock" in locks else f"npm {short} --silent"


def _go(folder: Folder) -> Iterator[Verifier]:
    if "go.mod" in folder.texts:
        yield Verifier(("go build ./... && go test ./...",), source="go.mod", reason="it is a module of Go")
        if source := folder.has(".golangci.yml", ".golangci.yaml", ".golangci.toml"):
            yield _lint("golangci-lint run", source=source, reason="golangci-lint is configured")


def _rust(folder: Folder) -> Iterator[Verifier]:
    if "Cargo.toml" in folder.texts:
        yield Verifier(("cargo test --color never",), source="Cargo.toml", reason="it is a package of Rust")
        if source := folder.has("clippy.toml", ".clippy.toml"):
            yield _lint("cargo clippy --all-targets -- -D warnings", source=source, reason="clippy is configured")
        if source := folder.has("rustfmt.toml", ".rustfmt.toml"):
            yield _lint("cargo fmt --check", source=source, reason="rustfmt is configured")


def _jvm(folder: Folder) -> Iterator[Verifier]:
    if "pom.xml" in folder.texts:
        command = "sh ./mvnw" if "mvnw" in folder.files else "mvn"
        yield Verifier((f"{command} -B -ntp test",), source="pom.xml", reason="it is a project of Maven")
    if source := folder.has(*GRADLE):
        command = "sh ./gradlew" if "gradlew" in folder.files else "gradle"
        yield Verifier((f"{command} test --console=plain",), source=source, reason="it is a build of Gradle")


def _dotnet(folder: Folder) -> Iterator[Verifier]:
    here = sorted(path for path in folder.texts if path.endswith(PROJECT_ENDS[:4]))
    solutions = [path for path in here if path.endswith(".sln")]
    for path in solutions[:1] or here[:1]:
        yield Verifier((f"dotnet test {quote(path)} --nologo",), source=path, reason="it is a project of .NET")


def _ruby(folder: Folder) -> Iterator[Verifier]:
    source = folder.has("Gemfile", "Rakefile") or next((path for path in folder.texts if path.endswith(".gemspec")), "")
    if not source:
        return
    if any(path.startswith("spec/") and path.endswith("_spec.rb") for path in folder.files):
        yield Verifier(("bundle exec rspec", "rspec"), source=source, reason="specs are there")
    elif any(re.fullmatch(r"test/.*(?:_test|/test_[^/]*)\.rb|test/test_[^/]*\.rb", path) for path in folder.files):
        commands = ("bundle exec rake test", "rake test") if folder.has("Rakefile") else ()
        each = 'ruby -Ilib -Itest -e \'Dir["test/**/{test_*,*_test}.rb"].each { |file| require "./#{file}" }\''
        yield Verifier((*commands, each), source=source, reason="tests of Ruby are there")
    if rubocop := folder.has(".rubocop.yml"):
        yield _lint("bundle exec rubocop", "rubocop", source=rubocop, reason="rubocop is configured")


def _make(folder: Folder) -> Iterator[Verifier]:
    for name in ("Makefile", "makefile", "GNUmakefile"):
        targets = set(_MAKE_TARGET.findall(folder.texts.get(name, "")))
        if targets:
            target = "test" if "test" in targets else "check"
            yield Verifier((f"make {target}",), source=name, reason=f"it has a target `{target}`")
            return


def _lint(*commands: str, source: str, reason: str) -> Verifier:
    return Verifier(commands, kind="lint", source=source, reason=reason)


_ECOSYSTEMS: tuple[Callable[[Folder], Iterator[Verifier]], ...] = (_python, _node, _go, _rust, _jvm, _dotnet, _ruby)
