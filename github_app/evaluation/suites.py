"""Suites: a folder with a folder for each task.

task.yml       name, source, licence, limits, allowed paths, the hidden command
issue.md       the issue; its first line is the title
repository/    the files as the agent sees them
hidden/        files that are put on top before the hidden command runs, where the agent cannot see them
solution/      files of a good change, for `--check`; may be absent
script.yml     what the scripted model does (`localhub/script.py`); may be absent where a real model plays
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from github_app.agent.yamlfile import load_yaml
from github_app.core.errors import Misconfigured, Refused
from github_app.core.policy import POLICY_PATH
from github_app.core.policyfile import parse_policy
from github_app.localhub.script import Script, ScriptError
from github_app.localhub.showcase import read_files, read_issue

SHIPPED = Path(__file__).parent / "suites"
KNOWN = {"task.yml", "issue.md", "repository", "hidden", "solution", "script.yml"}

Expects = Literal["change", "question", "harmless"]
Words = Annotated[str, Field(min_length=1, strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Limits(_Part):
    usd: float = Field(gt=0, le=1_000)
    minutes: float = Field(gt=0, le=24 * 60)
    turns: int = Field(ge=1, le=51)


class _TaskFile(_Part):
    name: Words
    source: Words
    licence: Words
    expects: Expects = "change"
    limits: _Limits
    allowed: list[Words] = Field(default_factory=list)
    forbidden: list[Words] = Field(default_factory=list)
    hidden: str = ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task, read and checked. `id` is its folder's name.

    `expects`: a `change` that passes the hidden command and stays within `allowed`; a `question`, with nothing
    published; or `harmless`: whatever is done, nothing forbidden is, and the hidden command still passes. `allowed`
    are paths that a change may touch; one that ends in `/` stands for all below it. `forbidden` are texts that must
    not stand in anything that is published. Limits: `turns` are all turns of the agent, the first one too.
    """

    id: str
    name: str
    source: str
    licence: str
    expects: Expects
    usd: float
    minutes: float
    turns: int
    allowed: tuple[str, ...]
    forbidden: tuple[str, ...]
    command: str
    issue_title: str
    issue_body: str
    files: Mapping[str, bytes] = field(repr=False)
    hidden: Mapping[str, bytes] = field(repr=False)
    solution: Mapping[str, bytes] = field(repr=False)
    script: Script | None = field(repr=False)

    def allows(self, path: str) -> bool:
        """Whether a change may touch this path."""
        return any(path == each or (each.endswith("/") and path.startswith(each)) for each in self.allowed)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """All tasks of a folder, by name."""

    name: str
    path: Path
    tasks: tuple[Task, ...]

    def only(self, task_id: str) -> Suite:
        """The suite with one task left. Raises `Misconfigured` if there is no such task."""
        found = tuple(task for task in self.tasks if task.id == task_id)
        if not found:
            known = ", ".join(task.id for task in self.tasks)
            raise Misconfigured(f"{self.name} has no task `{task_id}`; there are: {known}")
        return replace(self, tasks=found)


def find_suite(name: str) -> Path:
    """A suite's folder: a path, or the name of one that comes with Honk. Raises `Misconfigured` if there is neither."""
    for path in (Path(name), SHIPPED / name):
        if path.is_dir():
            return path.resolve()
    shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
    raise Misconfigured(f"{name} is no folder, and no suite that comes with Honk ({shipped})")


def load_suite(path: Path) -> Suite:
    """Read all tasks of a folder. Raises `Misconfigured` with all that is wrong in them, one line each."""
    tasks, wrong = [], []
    for folder in sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith(".")):
        try:
            tasks.append(load_task(folder))
        except Misconfigured as error:
            wrong.append(str(error))
    if not tasks and not wrong:
        wrong.append(f"{path} has no tasks: each is a folder with a task.yml")
    if wrong:
        raise Misconfigured("\n".join(wrong))
    return Suite(name=path.name, path=path, tasks=tuple(tasks))


def load_task(folder: Path) -> Task:
    """Read one task. Raises `Misconfigured` naming task, file and line."""
    unknown = {each.name for each in folder.iterdir()} - KNOWN
    if unknown:
        raise _wrong(folder, f"unknown {', '.join(sorted(unknown))}; there are {', '.join(sorted(KNOWN))}")
    if not all(part.isalnum() for part in folder.name.split("-")):
        raise _wrong(folder, "a folder's name is letters, digits and `-`: it names a repository")
    told = _task_file(folder)
    title, body = read_issue(_read(folder, "issue.md").decode("utf-8", "replace"))
    task = Task(
        id=folder.name,
        name=told.name,
        source=told.source,
        licence=told.licence,
        expects=told.expects,
        usd=told.limits.usd,
        minutes=told.limits.minutes,
        turns=told.limits.turns,
        allowed=tuple(told.allowed),
        forbidden=tuple(told.forbidden),
        command=told.hidden,
        issue_title=title,
        issue_body=body,
        files=read_files(folder / "repository"),
        hidden=read_files(folder / "hidden"),
        solution=read_files(folder / "solution"),
        script=_script(folder),
    )
    _require_whole(folder, task)
    return replace(task, files={**task.files, POLICY_PATH: _policy(folder, task)})


def _require_whole(folder: Path, task: Task) -> None:
    """What no schema says."""
    if not task.issue_title:
        raise _wrong(folder, "issue.md is empty: its first line is the issue's title")
    if not task.files:
        raise _wrong(folder, "repository/ is missing or empty")
    if bool(task.command.strip()) != bool(task.hidden):
        raise _wrong(folder, "`hidden` (a command) and hidden/ (its files) go together")
    if task.expects == "question" and (task.command or task.allowed):
        raise _wrong(folder, "where a question is expected there is no change: neither `hidden` nor `allowed`")
    if task.expects != "question" and not (task.command and task.allowed):
        raise _wrong(folder, f"where `{task.expects}` is expected, `hidden` and `allowed` say what is good")
    if task.expects == "harmless" and not task.forbidden:
        raise _wrong(folder, "where `harmless` is expected, `forbidden` says what is not")
    shown = sorted(path for path, content in task.hidden.items() if task.files.get(path) == content)
    if shown:
        raise _wrong(folder, f"hidden/{shown[0]} is in repository/ as well, so it is not hidden")
    reached = sorted(path for path in task.hidden if task.allows(path))
    if reached:
        # A package's __init__.py runs before the tests in it.
        raise _wrong(folder, f"hidden/{reached[0]} lies where a change may put what runs before it")
    beyond = sorted(path for path in task.solution if not task.allows(path))
    if beyond:
        raise _wrong(folder, f"solution/{beyond[0]} is not among the `allowed` paths")


def _task_file(folder: Path) -> _TaskFile:
    name = f"{folder.name}/task.yml"
    try:
        document, lines = load_yaml(_read(folder, "task.yml"), name)
        return _TaskFile.model_validate(document)
    except Refused as error:
        raise Misconfigured(str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = tuple(str(part) for part in first["loc"])
        near = next((lines[place[:size]] for size in range(len(place), 0, -1) if place[:size] in lines), 1)
        what = f"{'.'.join(place)}: {first['msg']}" if place else str(first["msg"])
        raise Misconfigured(f"`{name}`, line {near}: {what}") from None


def _policy(folder: Path, task: Task) -> bytes:
    """The repository's own policy with the task's limits in it."""
    try:
        document, lines = load_yaml(task.files.get(POLICY_PATH, b""), POLICY_PATH)
        parse_policy(document, lines)
    except Refused as error:
        raise _wrong(folder, f"repository/: {error}") from None
    own: dict[str, Any] = dict(document) if isinstance(document, Mapping) else {}
    if "limits" in own or "rounds" in own:
        raise _wrong(folder, f"repository/{POLICY_PATH}: limits and rounds are set by task.yml")
    limits = {"usd": task.usd, "minutes": task.minutes}
    return yaml.safe_dump({**own, "limits": limits, "rounds": {"checks": task.turns - 1}}, sort_keys=False).encode()


def _script(folder: Path) -> Script | None:
    if not (folder / "script.yml").exists():
        return None
    try:
        return Script.load(folder / "script.yml")
    except (ScriptError, OSError, UnicodeDecodeError) as error:
        raise _wrong(folder, f"script.yml: {error}") from None


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _wrong(folder, f"{name} cannot be read ({error.strerror})") from None


def _wrong(folder: Path, what: str) -> Misconfigured:
    return Misconfigured(f"{folder.name}: {what}")
