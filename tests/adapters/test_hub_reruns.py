"""Failed jobs run once more, whatever becomes of the answer, and never a third time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from github_app.core.errors import AccessDenied, Transient
from github_app.localhub.actions import JobResult, WorkflowResult
from github_app.localhub.values import WorkflowRun
from tests.adapters.hub_stage import APP_PERMISSIONS, Stage

CI = ".github/workflows/ci.yml"
RED = WorkflowResult(
    (JobResult("test", "test", "failure", "FAILED test_duck\n"), JobResult("lint", "lint", "success", "fine\n"))
)
GREEN = WorkflowResult((JobResult("test", "test", "success", "fine\n"),))


def red(stage: Stage, *results: WorkflowResult) -> WorkflowRun:
    """A workflow run that failed; the next ones come out like this."""
    stage.runner.results += [RED, *results]
    stage.maintainer.push(stage.place, "main", {CI: "on: push\njobs: {test: {}, lint: {}}\n"}, "Add CI")
    stage.github.settle()
    return stage.place.runs[-1]


def rerun(stage: Stage, run: WorkflowRun) -> None:
    stage.hub.rerun_failed(stage.repo, run.id)
    stage.github.settle()


def test_only_what_failed_runs_again_and_counts_from_then_on(stage: Stage):
    run = red(stage, GREEN)
    sha = run.suite.head_sha
    (failed,) = stage.hub.checks(stage.repo, sha).failed
    assert (failed.run_id, failed.attempt) == (run.id, 1)
    rerun(stage, run)
    assert [(job.name, job.attempt, job.check.conclusion) for job in run.jobs] == [
        ("test", 1, "failure"),
        ("lint", 1, "success"),
        ("test", 2, "success"),
    ]
    checks = stage.hub.checks(stage.repo, sha)
    assert (checks.state, checks.passed) == ("passed", 2)


def test_what_fails_again_says_which_attempt_it_was(stage: Stage):
    run = red(stage, RED)
    rerun(stage, run)
    (failed,) = stage.hub.checks(stage.repo, run.suite.head_sha).failed
    assert (failed.name, failed.run_id, failed.attempt) == ("test", run.id, 2)


def test_a_second_call_finds_it_done(stage: Stage):
    run = red(stage, RED)
    rerun(stage, run)
    rerun(stage, run)
    assert run.attempt == 2


@pytest.mark.parametrize("lost", ["after", "hang"])
def test_a_lost_answer_runs_nothing_twice(stage: Stage, lost):
    run = red(stage, RED)
    stage.github.faults.add("POST .*/rerun-failed-jobs", lost)
    with pytest.raises(Transient):
        stage.hub.rerun_failed(stage.repo, run.id)
    stage.github.settle()
    rerun(stage, run)
    assert run.attempt == 2


def test_without_the_permission_it_is_refused_and_nothing_else_is(open_stage: Callable[..., Stage]):
    stage = open_stage(permissions=APP_PERMISSIONS | {"actions": "read"})
    run = red(stage)
    with pytest.raises(AccessDenied):
        stage.hub.rerun_failed(stage.repo, run.id)
    assert run.attempt == 1
    assert stage.hub.checks(stage.repo, run.suite.head_sha).state == "failed"


def test_a_log_that_was_cut_off_is_told_with_what_stands_beside_it(stage: Stage):
    stage.runner.results += [WorkflowResult((JobResult("test", "test", "failure", "collecting\n"),))]
    stage.maintainer.push(stage.place, "main", {CI: "on: push\njobs: {test: {}}\n"}, "Add CI")
    stage.github.settle()
    run = stage.place.runs[-1]
    told = {
        "path": ".github", "start_line": 1, "end_line": 1, "annotation_level": "failure",
        "message": "The hosted runner lost communication with the server.",
    }  # fmt: skip
    run.jobs[0].check.output = {"title": None, "summary": None, "annotations": [told]}
    (failed,) = stage.hub.checks(stage.repo, run.suite.head_sha, with_logs=True).failed
    assert failed.log.splitlines()[0] == "collecting"
    assert failed.log.endswith("lost communication with the server.")
