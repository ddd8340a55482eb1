"""The workflow runner of the stories: tests say what CI says, but for repositories that really run theirs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

from github_app.localhub.actions import Conclusion, JobResult, Runner, Uploaded, WorkflowRequest, WorkflowResult

WORKFLOW_PATH = ".github/workflows/ci.yml"
WORKFLOW = (
    "name: CI\non: [pull_request]\njobs:\n  test:\n    name: Tests\n    runs-on: ubuntu-latest\n"
    "    steps: [{run: 'true'}]\n"
)


CHANCE = "tests/test_duck.py:3: AssertionError: no quack within a second"
"""What a test says that has nothing to do with what is changed in the stories."""


@dataclass
class Ci:
    """What CI of one repository says, one outcome for each run; the last one repeats. Closed, it lets runs wait.

    `chance` is a failure that has nothing to do with the change. `uploads` is what green runs leave.
    """

    outcomes: list[Conclusion | Literal["chance"]] = field(default_factory=lambda: ["success"])
    log: str = "tests/test_hello.py:7: AssertionError: nobody said hello"
    uploads: tuple[Uploaded, ...] = ()
    runs: int = 0
    is_open: threading.Event = field(default_factory=threading.Event)

    def will_say(self, *outcomes: Conclusion | Literal["chance"]) -> None:
        """Say this in the next runs."""
        self.outcomes = list(outcomes)

    def hold(self) -> None:
        """Let runs begin and not end."""
        self.is_open.clear()

    def let_go(self) -> None:
        """Let all runs end."""
        self.is_open.set()

    def run(self, cancelled: threading.Event) -> WorkflowResult:
        """One run."""
        while not self.is_open.wait(0.05):
            if cancelled.is_set():
                return WorkflowResult((JobResult("test", "Tests", "cancelled", "cancelled\n"),))
        self.runs += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome == "success":
            return WorkflowResult((JobResult("test", "Tests", "success", "all is well\n"),), artifacts=self.uploads)
        conclusion: Conclusion = "failure" if outcome == "chance" else outcome
        log = f"{CHANCE if outcome == 'chance' else self.log}\n##[error]Process completed with exit code 1.\n"
        return WorkflowResult((JobResult("test", "Tests", conclusion, log),))


@dataclass
class StoryRunner:
    """A `Runner` that asks each repository's `Ci`; repositories without one run for real, where that can be."""

    real: Runner | None
    of: dict[str, Ci] = field(default_factory=dict)

    def run(self, request: WorkflowRequest, *, cancelled: threading.Event) -> WorkflowResult:
        """Execute the workflow; see `Runner.run`."""
        if request.repository in self.of:
            return self.of[request.repository].run(cancelled)
        assert self.real is not None
        return self.real.run(request, cancelled=cancelled)
