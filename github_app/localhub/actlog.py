"""Turns the JSON lines of `act` into jobs, steps and logs as GitHub shows them; pure.

`act` says nothing about steps and jobs that it skipped, so the workflow file is read beside its lines.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml

from github_app.localhub.actions import Conclusion, JobResult, StepResult, WorkflowResult

# Where a step of `act` works; a runner of GitHub works in /home/runner/work/<name>/<name>.
WORKSPACE = re.compile(r"/\S*?/[0-9a-f]{16}/hostexecutor\b")
RESULTS: dict[str, Conclusion] = {"success": "success", "failure": "failure", "skipped": "skipped"}
ECHOED = {"error": "error", "warning": "warning", "notice": "notice", "debug": "debug", "group": "group"}


@dataclass(frozen=True)
class Line:
    """One line of output, with the Unix time at which it came."""

    time_s: float
    text: str


@dataclass
class _Job:
    """What is known of a job while its lines are read."""

    key: str
    name: str
    steps: list[dict[str, Any]]
    first_s: float = 0.0
    last_s: float = 0.0
    log: list[str] = field(default_factory=list)
    results: dict[int, Conclusion] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    conclusion: Conclusion | None = None


def read_result(source: str, lines: list[Line], *, repository: str, code: int, ended: str) -> WorkflowResult:
    """The outcome of a run: `source` is the workflow file, `code` act's exit code, `ended` why it was stopped or ""."""
    name = repository.rpartition("/")[2]
    home = f"/home/runner/work/{name}/{name}"
    try:
        declared = yaml.safe_load(source)["jobs"]
        specs = {str(key): dict(spec) for key, spec in declared.items()}
    except (yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError) as error:
        return WorkflowResult((), f"not a workflow file: {type(error).__name__}: {error}")
    jobs: dict[str, _Job] = {}
    loose: list[str] = []
    for line in lines:
        record = _record(line.text)
        if "jobID" not in record:
            loose.append(str(record.get("msg", "")).strip())
            continue
        key = str(record["jobID"])
        job = jobs.setdefault(str(record["job"]), _Job(key, _shown(key, specs, record), _steps(specs, key)))
        _take(job, record, line.time_s, home)
    stopped: Conclusion = "timed_out" if ended == "timed_out" else "cancelled"
    done = [_finish(job, stopped if ended else "failure") for job in jobs.values()]
    seen = {job.key for job in jobs.values()}
    missing = [key for key in specs if key not in seen]
    if not done and not ended and code != 0:
        return WorkflowResult((), "\n".join(filter(None, loose)) or f"act ended with code {code}")
    absent: Conclusion = stopped if ended else "skipped"
    done += [JobResult(key, str(specs[key].get("name", key)), absent, "") for key in missing]
    order = list(specs)
    return WorkflowResult(tuple(sorted(done, key=lambda job: (order.index(job.key), job.name))))


def _record(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError:
        return {"msg": text}
    return record if isinstance(record, dict) else {"msg": text}


def _steps(specs: dict[str, dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [step for step in specs.get(key, {}).get("steps") or [] if isinstance(step, dict)]


def _shown(key: str, specs: dict[str, dict[str, Any]], record: dict[str, Any]) -> str:
    """A job's name at GitHub: matrix values in brackets, unless the name has an expression (which act resolved)."""
    name = str(specs.get(key, {}).get("name", key))
    values = ", ".join(str(value) for value in (record.get("matrix") or {}).values())
    if "${{" in name:
        return str(record["job"]).partition("/")[2]
    return f"{name} ({values})" if values else name


def _title(step: dict[str, Any]) -> str:
    """A step's name at GitHub."""
    if step.get("name"):
        return str(step["name"])
    command = str(step.get("run") or step.get("uses") or "").strip()
    return f"Run {command.splitlines()[0]}" if command else "Run"


def _take(job: _Job, record: dict[str, Any], time_s: float, home: str) -> None:
    job.first_s, job.last_s = job.first_s or time_s, time_s
    message = WORKSPACE.sub(home, str(record.get("msg", "")))
    index = _index(job, record)
    if "jobResult" in record:
        job.conclusion = RESULTS.get(record["jobResult"], "failure")
    elif record.get("raw_output"):
        _write(job, time_s, message)
    elif "command" in record:
        argument = WORKSPACE.sub(home, str(record.get("arg", "")))
        if record["command"] in ECHOED:
            _write(job, time_s, f"##[{ECHOED[record['command']]}]{argument}")
        elif record["command"] == "endgroup":
            _write(job, time_s, "##[endgroup]")
    elif index is not None and "stepResult" in record:
        job.results[index] = RESULTS.get(record["stepResult"], "failure")
    elif index is not None and index not in job.begun and "⭐ Run" in message:
        job.begun.add(index)
        _announce(job, time_s, job.steps[index])
    elif record.get("level") == "error":
        code = re.fullmatch(r"exit status (\d+)", message.strip())
        ended = f"Process completed with exit code {code[1]}." if code else message.strip()
        _write(job, time_s, f"##[error]{ended}")


def _index(job: _Job, record: dict[str, Any]) -> int | None:
    """Which step of the file a line belongs to; act names a step by its `id`, or by its place."""
    if record.get("stage") != "Main":
        return None
    marks = record.get("stepID") or []
    mark = str(marks[0]) if marks else ""
    ids = [str(step.get("id", place)) for place, step in enumerate(job.steps)]
    return ids.index(mark) if mark in ids else None


def _announce(job: _Job, time_s: float, step: dict[str, Any]) -> None:
    command = str(step.get("run") or step.get("uses") or "").rstrip()
    _write(job, time_s, f"##[group]Run {command.partition(chr(10))[0]}")
    if step.get("run"):
        _write(job, time_s, command)
        _write(job, time_s, f"shell: /usr/bin/{step.get('shell', 'bash')} -e {{0}}")
    _write(job, time_s, "##[endgroup]")


def _write(job: _Job, time_s: float, text: str) -> None:
    stamp = datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    job.log += [f"{stamp} {line}" for line in text.removesuffix("\n").split("\n")]


def _finish(job: _Job, unfinished: Conclusion) -> JobResult:
    """The job as it ended; `unfinished` stands for what has no result of its own."""
    conclusion = job.conclusion or unfinished
    if job.conclusion is None and unfinished in ("cancelled", "timed_out"):
        _write(job, job.last_s, "##[error]The operation was canceled.")
    steps = [StepResult("Set up job", 1, "success" if job.begun else conclusion)]
    for place, step in enumerate(job.steps):
        absent: Conclusion = unfinished if place in job.begun else "skipped"
        steps.append(StepResult(_title(step), place + 2, job.results.get(place, absent)))
    steps.append(StepResult("Complete job", len(steps) + 1, "success" if job.conclusion else "skipped"))
    log = "".join(f"{line}\n" for line in job.log)
    return JobResult(job.key, job.name, conclusion, log, tuple(steps), round(job.last_s - job.first_s, 3))
