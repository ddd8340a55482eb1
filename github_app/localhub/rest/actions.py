"""https://docs.github.com/rest/actions : workflow runs, their jobs and logs."""

from __future__ import annotations

from typing import Any

from github_app.localhub import shapes_ci
from github_app.localhub.exchange import ApiError, Call, Reply, not_found, route
from github_app.localhub.values import Job, WorkflowRun

_READ = "actions:read"


@route("GET", "/repos/{owner}/{repo}/actions/runs", _READ)
def list_runs(call: Call) -> Any:
    """Workflow runs, newest first."""
    query = call.query
    status = query.get("status")
    found = [
        r for r in reversed(call.repo.runs)
        if query.get("head_sha") in (None, r.suite.head_sha)
        and query.get("branch") in (None, r.suite.head_branch)
        and query.get("event") in (None, r.event)
        and query.get("check_suite_id") in (None, str(r.suite.id))
        and status in (None, r.status, r.conclusion)
    ]  # fmt: skip
    return call.page(found, lambda r: shapes_ci.workflow_run(call.world, r), "workflow_runs")


def _run(call: Call) -> WorkflowRun:
    found = next((r for r in call.repo.runs if r.id == call.number("run_id")), None)
    if found is None:
        raise not_found()
    return found


@route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}", _READ)
def get_run(call: Call) -> Any:
    """One workflow run."""
    return shapes_ci.workflow_run(call.world, _run(call))


@route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs", _READ)
def list_jobs(call: Call) -> Any:
    """The jobs of the newest attempt, or of all."""
    run = _run(call)
    jobs = run.jobs
    if call.query.get("filter", "latest") == "latest":
        jobs = list({j.name: j for j in jobs}.values())
    return call.page(jobs, lambda j: shapes_ci.job(call.world, run, j), "jobs")


def _job(call: Call) -> tuple[WorkflowRun, Job]:
    wanted = call.number("job_id")
    for run in call.repo.runs:
        for job in run.jobs:
            if job.id == wanted:
                return run, job
    raise not_found()


@route("GET", "/repos/{owner}/{repo}/actions/jobs/{job_id}", _READ)
def get_job(call: Call) -> Any:
    """One job."""
    return shapes_ci.job(call.world, *_job(call))


@route("GET", "/repos/{owner}/{repo}/actions/jobs/{job_id}/logs", _READ)
def job_logs(call: Call) -> Any:
    """302 to a short-lived address with the text; 404 while the job runs."""
    _, job = _job(call)
    if job.log is None:
        raise not_found()
    return Reply(None, 302, {"Location": call.world.lend_log(job)})


@route("POST", "/repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs", "actions:write")
def rerun_failed(call: Call) -> Any:
    """Run the failed jobs again, as a new attempt of the same run."""
    return _rerun(call, failed_only=True)


@route("POST", "/repos/{owner}/{repo}/actions/runs/{run_id}/rerun", "actions:write")
def rerun(call: Call) -> Any:
    """Run all jobs again."""
    return _rerun(call, failed_only=False)


def _rerun(call: Call, *, failed_only: bool) -> Reply:
    run = _run(call)
    if run.status != "completed":
        raise ApiError(403, "The workflow run is not completed; it cannot be rerun.")
    if failed_only and run.conclusion == "success":
        raise ApiError(403, "This workflow run cannot be retried: it has no failed jobs.")
    call.world.rerun_workflow(run, failed_only)
    return Reply({}, 201)
