"""Checks, statuses and workflow runs of the pushed commit."""

from __future__ import annotations

import pytest
import requests
from github import GithubException

from github_app.localhub.actions import JobResult, ScriptedRunner, StepResult, WorkflowResult
from github_app.localhub.ci import triggers

from .conftest import WORKFLOW, Story

RED = WorkflowResult((JobResult("test", "test", "failure", "expected 2\n", (StepResult("Run true", 1, "failure"),)),))
GREEN = WorkflowResult((JobResult("test", "test", "success", "fine\n"),))


def test_a_push_runs_its_workflow_on_exactly_that_commit(story: Story, runner: ScriptedRunner):
    sha = story.alice.push(story.repo, "work", {".github/workflows/ci.yml": WORKFLOW}, "CI")
    story.hub.settle()
    (request,) = runner.requests
    assert (request.sha, request.ref, request.event, request.workflow) == (
        sha, "refs/heads/work", "push", ".github/workflows/ci.yml",
    )  # fmt: skip
    assert request.payload["head_commit"]["id"] == sha
    (check,) = story.remote().get_commit(sha).get_check_runs()
    assert (check.name, check.status, check.conclusion, check.app.slug) == (
        "test", "completed", "success", "github-actions",
    )  # fmt: skip
    events = [e for e in story.events() if e.startswith(("check_", "workflow_run"))]
    assert events[-3:] == ["check_run.completed", "check_suite.completed", "workflow_run.completed"]


def test_a_red_job_has_a_log_at_a_short_lived_address(story: Story, runner: ScriptedRunner):
    runner.results = [RED, GREEN]
    sha = story.alice.push(story.repo, "work", {".github/workflows/ci.yml": WORKFLOW}, "CI")
    story.hub.settle()
    (run,) = story.remote().get_workflow_runs(head_sha=sha)
    (job,) = run.jobs()
    assert (run.conclusion, job.conclusion, [s.conclusion for s in job.steps]) == ("failure", "failure", ["failure"])
    assert requests.get(job.logs_url(), timeout=10).text == "expected 2\n"
    assert run.rerun_failed_jobs()
    story.hub.settle()
    run.update()
    assert (run.run_attempt, run.conclusion) == (2, "success")
    (check,) = story.remote().get_commit(sha).get_check_runs()
    assert check.conclusion == "success"


def test_a_runner_that_breaks_is_a_red_check_and_not_silence(story: Story, runner: ScriptedRunner):
    runner.results = [WorkflowResult((), "no such file")]
    sha = story.alice.push(story.repo, "work", {".github/workflows/ci.yml": WORKFLOW}, "CI")
    story.hub.settle()
    assert [c.conclusion for c in story.remote().get_commit(sha).get_check_runs()] == ["failure"]


def test_a_pull_request_runs_its_workflow_when_opened_and_when_pushed_to(story: Story, runner: ScriptedRunner):
    only = WORKFLOW.replace("[push, pull_request]", "pull_request")
    story.alice.push(story.repo, "work", {".github/workflows/ci.yml": only}, "CI")
    story.alice.open_pull(story.repo, "CI", head="work")
    story.hub.settle()
    sha = story.alice.push(story.repo, "work", {"a.txt": "x\n"}, "More")
    story.hub.settle()
    assert [(r.event, r.payload["action"]) for r in runner.requests] == [
        ("pull_request", "opened"), ("pull_request", "synchronize"),
    ]  # fmt: skip
    (check,) = story.remote().get_commit(sha).get_check_runs()
    assert [p.number for p in check.pull_requests] == [1]


@pytest.mark.parametrize(
    ("on", "starts"),
    [
        ("push", True),
        (["push"], True),
        ({"push": None}, True),
        ({"push": {"branches": ["main"]}}, False),
        ({"push": {"branches": ["honk/*"]}}, True),
        ({"push": {"branches": ["*"]}}, False),
        ({"push": {"branches": ["**", "!honk/1"]}}, False),
        ({"push": {"branches-ignore": ["honk/**"]}}, False),
        ({"push": {"tags": ["v*"]}}, False),
        ({"pull_request": None}, False),
        ("workflow_dispatch", False),
    ],
)
def test_on_decides_what_a_push_starts(on: object, starts: bool):
    assert triggers({"on": on}, "push", {"ref": "refs/heads/honk/1"}) is starts


def test_a_commit_can_ask_for_no_ci(story: Story, runner: ScriptedRunner):
    story.alice.push(story.repo, "work", {".github/workflows/ci.yml": WORKFLOW}, "CI [skip ci]")
    assert runner.requests == []


def test_an_app_reports_its_own_check(story: Story):
    sha = story.repo.branch("main")
    assert sha
    remote = story.remote()
    check = remote.create_check_run("honk", head_sha=sha, status="in_progress", output={"title": "t", "summary": "s"})
    assert check.raw_data["status"] == "in_progress"
    assert check.raw_data["conclusion"] is None
    check.edit(status="completed", conclusion="neutral", output={"title": "t", "summary": "done"})
    assert remote.get_check_run(check.id).output.summary == "done"
    with pytest.raises(GithubException) as refused:
        check.edit(status="completed", conclusion="great")
    assert refused.value.status == 422


def test_an_app_cannot_change_anothers_check(story: Story):
    sha = story.repo.branch("main")
    assert sha
    other = story.hub.add_check(story.repo, sha, "external")
    with pytest.raises(GithubException) as refused:
        story.remote().get_check_run(other.id).edit(status="completed", conclusion="success")
    assert refused.value.status == 403


def test_each_app_with_checks_gets_an_empty_suite_that_stays_queued(story: Story):
    sha = story.alice.push(story.repo, "work", {"a.txt": "x\n"}, "X")
    (suite,) = story.remote().get_commit(sha).get_check_suites()
    assert (suite.app.slug, suite.status, suite.latest_check_runs_count) == ("honk", "queued", 0)
    assert "check_suite.requested" in story.events()


def test_statuses_combine_the_newest_of_each_context(story: Story):
    sha = story.repo.branch("main")
    assert sha
    commit = story.remote().get_commit(sha)
    assert commit.get_combined_status().state == "pending"
    for context, state in (("a", "success"), ("b", "failure")):
        commit.create_status(state, context=context)
    assert commit.get_combined_status().state == "failure"
    story.hub.set_status(story.repo, sha, "success", "b")
    combined = commit.get_combined_status()
    assert (combined.state, combined.total_count) == ("success", 2)
    assert story.events()[-1] == "status"
