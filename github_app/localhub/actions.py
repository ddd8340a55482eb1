"""What localhub asks of a workflow runner, and what it gets back.

localhub owns the records that GitHub shows (check suite, workflow run, jobs, check runs, logs) and every webhook about
them. A runner only executes one workflow file in a checkout and says what happened. `github_app.localhub.ci` calls it
from a worker thread of its own, one workflow file at a time per thread.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Conclusion = Literal["success", "failure", "cancelled", "skipped", "timed_out"]


@dataclass(frozen=True)
class WorkflowRequest:
    """One workflow file to execute.

    `checkout` is a clone with a work tree at exactly `sha`, made for this request: the runner may write in it.
    `workflow` is relative to it (`.github/workflows/test.yml`). `payload` is the webhook payload of `event`.
    """

    checkout: Path
    workflow: str
    event: Literal["push", "pull_request", "workflow_dispatch"]
    payload: dict[str, Any]
    repository: str  # owner/name
    sha: str
    ref: str  # refs/heads/x, or refs/pull/2/merge
    timeout_s: float = 600.0


@dataclass(frozen=True)
class StepResult:
    """One step of a job, in order; `number` starts at 1."""

    name: str
    number: int
    conclusion: Conclusion


@dataclass(frozen=True)
class JobResult:
    """One job that ended. `key` is its key under `jobs:`, `name` what GitHub shows; `log` is plain text."""

    key: str
    name: str
    conclusion: Conclusion
    log: str
    steps: tuple[StepResult, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True)
class Uploaded:
    """What a step uploaded as an artifact: files by their paths in it."""

    name: str
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class WorkflowResult:
    """All jobs of the workflow, and what they uploaded. Without jobs (the file could not be run) `error` says why: a
    startup failure."""

    jobs: tuple[JobResult, ...]
    error: str = ""
    artifacts: tuple[Uploaded, ...] = ()


class Runner(Protocol):
    """Executes workflow files."""

    def run(self, request: WorkflowRequest, *, cancelled: threading.Event) -> WorkflowResult:
        """Execute the workflow and return every job's outcome; blocking.

        A red step is a result, not an exception. When `cancelled` is set the runner ends its processes and returns
        soon, with `cancelled` jobs. Raises only for its own defects; localhub then reports a startup failure.
        """
        ...


@dataclass
class ScriptedRunner:
    """A runner that answers from a list, for tests that are not about running. It says so in its logs.

    Each request takes the next result; the last one repeats. Without results every workflow succeeds with one job.
    """

    results: list[WorkflowResult] = field(default_factory=list)
    requests: list[WorkflowRequest] = field(default_factory=list)

    def run(self, request: WorkflowRequest, *, cancelled: threading.Event) -> WorkflowResult:
        """Record the request and return the scripted result."""
        del cancelled  # nothing to cancel
        self.requests.append(request)
        if not self.results:
            return WorkflowResult((JobResult("test", "test", "success", "scripted: nothing was run\n"),))
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]
