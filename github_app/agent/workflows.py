"""A repository's own workflow files, read for what its people run: tests and linters as a last resort for verifiers,
and what prepares a machine for agents. Pure; the files are untrusted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any

from github_app.agent.yamlfile import load_yaml
from github_app.core.errors import Refused

FOLDER = ".github/workflows/"
SETUP_STEPS = f"{FOLDER}copilot-setup-steps.yml"
"""What prepares a machine for agents, by the job of the same name:
https://docs.github.com/copilot/how-tos/use-copilot-agents/coding-agent/customize-the-agent-environment"""

_SETUP_JOB = "copilot-setup-steps"
_EVENTS = {"push", "pull_request"}
_MAX_STEPS = 6
_MAX_COMMAND_CHARS = 2_000

_CHECKS = re.compile(
    r"\b(?:pytest|unittest|tox|nox|ctest|rspec|minitest|phpunit|jest|vitest|mocha|shellcheck|yamllint|codespell|bats)\b"
    r"|\b(?:go|cargo|dotnet|mvn|mvnw|gradle|gradlew|sbt|mix|bazel|stack|cabal|swift|deno|bun|zig|rake|composer|just|task|make)"
    r"\b[^|;&\n]{0,200}\b(?:test|tests|check|verify|lint|vet|clippy)\b"
    r"|\b(?:npm|pnpm|yarn)\b[^|;&\n]{0,100}\b(?:test|lint|typecheck|check)\b"
    r"|\b(?:ruff|mypy|flake8|pylint|pyright|eslint|tsc|golangci-lint|staticcheck|rubocop|clippy|ktlint|hadolint)\b"
    r"|(?:^|[\s/])(?:run[-_])?(?:test|tests|check|lint)(?:\.sh|\.py|\.rb)?(?:\s|$)"
)
_NO_CHECKS = re.compile(
    r"\b(?:install|deploy|publish|release|upload|push|login|curl|wget|gh|aws|gcloud|docker|sudo|apt|apt-get|brew|codecov)\b"
)
_STRUCTURE = re.compile(
    r"^\s*(?:for|while|until|if|then|else|elif|fi|case|esac|do|done|function|[{}()]|.*<<)|\\$|[|&]$"
)


@dataclass(frozen=True)
class Check:
    """A command of a workflow that looks like tests or a linter, and the file that has it."""

    command: str
    source: str


def checks_in(files: Mapping[str, str]) -> tuple[Check, ...]:
    """What jobs that run on pushes or pull requests check, in order; `files` are workflow files by their paths.

    Left out is what we cannot do as they do: steps with expressions, for other systems, or in other shells.
    """
    found: dict[str, Check] = {}
    for path in sorted(files):
        document = _document(path, files[path])
        if not _events(document) & _EVENTS:
            continue
        for job in _mappings(document.get("jobs")):
            if not re.search(r"windows|macos", str(job.get("runs-on", "")), re.IGNORECASE):
                for command in _commands(job):
                    if checks := _only_checks(command):
                        found.setdefault(checks, Check(checks, path))
    return tuple(found.values())[:_MAX_STEPS]


def setup_commands(text: str) -> tuple[str, ...]:
    """The `run:` steps of the file `SETUP_STEPS`; actions (`uses:`) are not run."""
    jobs = _document(SETUP_STEPS, text).get("jobs")
    job = jobs.get(_SETUP_JOB) if isinstance(jobs, dict) else None
    return tuple(_commands(job)) if isinstance(job, dict) else ()


def _document(path: str, text: str) -> dict[str, Any]:
    try:
        document, _ = load_yaml(text.encode("utf-8", "replace"), path)
    except Refused:
        return {}  # not ours to judge: GitHub does
    return document if isinstance(document, dict) else {}


def _events(document: Mapping[str, Any]) -> set[str]:
    match document.get("on"):
        case str(event):
            return {event}
        case list(events) | dict(events):
            return {str(event) for event in events}
        case _:
            return set()


def _commands(job: Mapping[str, Any]) -> Iterator[str]:
    for step in _mappings(job.get("steps")):
        run, folder = step.get("run"), step.get("working-directory", "")
        if not isinstance(run, str) or not isinstance(folder, str) or step.get("shell", "bash") not in ("bash", "sh"):
            continue
        command = run.strip()
        if command and "${{" not in command + folder and len(command) <= _MAX_COMMAND_CHARS:
            yield f"cd {quote(folder)} && {command}" if folder.strip("./") else command


def _mappings(value: object) -> list[dict[str, Any]]:
    each = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [item for item in each if isinstance(item, dict)]


def _only_checks(command: str) -> str:
    """What of a step checks something; nothing if none of it does."""
    lines = [line for line in command.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    checking = [line.strip() for line in lines if _CHECKS.search(line) and not _NO_CHECKS.search(line)]
    if not checking:
        return ""
    if any(_STRUCTURE.search(line) for line in lines):
        return command
    return " && ".join(checking)
