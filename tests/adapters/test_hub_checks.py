"""Is the commit green? All checks of a commit merged into one answer, and what the failed ones said."""

from __future__ import annotations

from typing import Any

import pytest

from github_app.adapters.hub import logs
from github_app.adapters.hub.checks import CommitStatus, Run, Workflow, judge, merge
from github_app.adapters.hub.logs import read_log
from github_app.core.errors import NotVisibleYet, RateLimited
from github_app.core.model import Checks
from github_app.localhub import shapes_ci
from github_app.localhub.actions import JobResult, WorkflowResult
from tests.adapters.hub_stage import Stage
from tests.edge.cases import shows

SHA = "a" * 40
CI = ".github/workflows/ci.yml"


def run(id: int, conclusion: str, *, name: str = "test", app: int = 1, suite: int = 1) -> Run:
    """A check run; the conclusion may be a status that is not `completed`."""
    open_states = ("queued", "in_progress", "waiting", "pending", "requested")
    is_open = conclusion in open_states
    return Run(
        id=id, app_id=app, is_actions=False, suite=suite, name=name,
        status=conclusion if is_open else "completed", conclusion="" if is_open else conclusion,
        url="", title="", summary="", text="", annotations=0,
    )  # fmt: skip


def status(id: int, state: str, context: str = "ci/other") -> CommitStatus:
    """A commit status."""
    return CommitStatus(id=id, context=context, state=state, description="", url="")


def workflow(id: int, conclusion: str, *, of: int = 1, event: str = "push", suite: int = 1) -> Workflow:
    """A workflow run; as for `run`."""
    is_open = conclusion in ("queued", "in_progress")
    return Workflow(
        id=id, workflow_id=of, event=event, name="CI", suite=suite, url="",
        status=conclusion if is_open else "completed", conclusion="" if is_open else conclusion,
    )  # fmt: skip


def merged(*checks: Run | CommitStatus | Workflow) -> Checks:
    """Merge checks of any kind."""
    return merge(
        SHA,
        judge(
            [each for each in checks if isinstance(each, Run)],
            [each for each in checks if isinstance(each, CommitStatus)],
            [each for each in checks if isinstance(each, Workflow)],
        ),
    )


@shows("W43")
@pytest.mark.parametrize(
    ("conclusion", "state"),
    [
        ("success", "passed"),
        ("neutral", "passed"),
        ("skipped", "passed"),
        ("failure", "failed"),
        ("timed_out", "failed"),
        ("startup_failure", "failed"),
        ("cancelled", "failed"),
        ("stale", "failed"),
        ("action_required", "blocked"),
        ("queued", "pending"),
        ("in_progress", "pending"),
        ("waiting", "pending"),
    ],
)
def test_what_each_conclusion_means(conclusion, state):
    assert merged(run(1, conclusion)).state == state


@pytest.mark.parametrize(
    ("state", "meaning"), [("success", "passed"), ("failure", "failed"), ("error", "failed"), ("pending", "pending")]
)
def test_what_each_status_means(state, meaning):
    assert merged(status(1, state)).state == meaning


@shows("W45")
@pytest.mark.parametrize(
    ("checks", "state"),
    [
        ((), "none"),
        ((run(1, "success"), status(1, "failure")), "failed"),
        ((run(1, "failure"), status(1, "success")), "failed"),
        ((run(1, "failure"), run(2, "queued", name="slow")), "pending"),
        ((run(1, "action_required"), run(2, "success", name="b")), "blocked"),
        ((run(1, "action_required"), run(2, "failure", name="b")), "failed"),
        ((run(1, "action_required"), run(2, "queued", name="b")), "pending"),
        # run again: the newest counts
        ((run(1, "failure"), run(2, "success")), "passed"),
        ((run(2, "failure"), run(1, "success")), "failed"),
        ((status(1, "failure"), status(2, "success")), "passed"),
        # the same name is not the same check
        ((run(1, "failure", app=1), run(2, "success", app=2)), "failed"),
        ((run(1, "failure", suite=1), run(2, "success", suite=2)), "failed"),
        # workflows: nothing has begun; a person must approve; run again for the same event
        ((workflow(1, "queued"),), "pending"),
        ((workflow(1, "action_required"),), "blocked"),
        ((workflow(1, "startup_failure"),), "failed"),
        ((workflow(1, "in_progress"), run(1, "success")), "pending"),
        (
            (workflow(1, "failure"), run(1, "failure"), workflow(2, "success", suite=2), run(2, "success", suite=2)),
            "passed",
        ),
        (
            (
                workflow(1, "failure"), run(1, "failure"),
                workflow(2, "success", suite=2, event="pull_request"), run(2, "success", suite=2),
            ),
            "failed",
        ),
    ],
)  # fmt: skip
def test_all_checks_make_one_answer(checks, state):
    assert merged(*checks).state == state


def test_real_failures_come_before_those_that_were_only_cancelled():
    checks = merged(run(1, "cancelled", name="a"), run(2, "failure", name="z"), run(3, "success", name="m"))
    assert [failed.name for failed in checks.failed] == ["z", "a"]
    assert checks.passed == 1


@shows("W56")
def test_the_same_check_is_known_again_on_another_commit():
    """A workflow's job by its workflow, whatever suite its run had; others by their app; statuses are all of a kind."""
    first = merged(
        workflow(1, "failure", of=8), run(1, "failure"), run(2, "failure", app=3, suite=9), status(1, "error")
    )
    second = merged(
        workflow(5, "failure", of=8, suite=4), run(7, "failure", suite=4), run(8, "failure", app=3, suite=5),
        status(6, "failure"),
    )  # fmt: skip
    other = merged(workflow(5, "failure", of=7, suite=4), run(7, "failure", suite=4))

    def sources(checks: Checks) -> list[str]:
        return [each.source for each in checks.failed]

    assert sources(first) == sources(second) == ["status", "workflow 8", "app 3"]
    assert sources(other) == ["workflow 7"]
    assert sources(merged(workflow(1, "startup_failure", of=8))) == ["workflow 8"]


@shows("W41")
def test_nothing_reported_is_no_ci(stage: Stage):
    assert stage.hub.checks(stage.repo, stage.base) == Checks(head_sha=stage.base, state="none")


@shows("W46")
def test_150_checks_and_statuses_are_all_read(stage: Stage):
    for n in range(150):
        stage.github.add_check(stage.place, stage.base, f"job {n}", "success")
        stage.github.set_status(stage.place, stage.base, "success", f"ci/{n}")
    assert stage.hub.checks(stage.repo, stage.base).passed == 300
    stage.github.add_check(stage.place, stage.base, "last", "failure")
    assert stage.hub.checks(stage.repo, stage.base).state == "failed"


def test_our_own_check_does_not_count(stage: Stage):
    stage.github.add_check(stage.place, stage.base, "Honk", "failure", app=stage.app)
    assert stage.hub.checks(stage.repo, stage.base).state == "none"


def test_a_commit_that_github_does_not_know_yet(stage: Stage):
    with pytest.raises(NotVisibleYet):
        stage.hub.checks(stage.repo, SHA)


def red(stage: Stage, log: str) -> Any:
    """Let a workflow fail with this log; the failed check as the hub sees it."""
    stage.runner.results.append(WorkflowResult((JobResult("test", "test", "failure", log),)))
    sha = stage.maintainer.push(stage.place, "main", {CI: "on: push\njobs: {test: {}}\n"}, "Add CI")
    stage.github.settle()
    return sha


def test_what_ran_for_a_forks_pull_request_of_our_commit_does_not_count(stage: Stage, monkeypatch):
    sha = red(stage, "x")
    assert stage.hub.checks(stage.repo, sha).state == "failed"
    shape = shapes_ci.workflow_run

    def of_a_fork(*args: Any) -> Any:
        shown = shape(*args)
        return shown | {"head_repository": shown["head_repository"] | {"id": 999}}

    monkeypatch.setattr(shapes_ci, "workflow_run", of_a_fork)
    stage.github.set_status(stage.place, sha, "success", "ci/other")
    assert stage.hub.checks(stage.repo, sha) == Checks(
        head_sha=sha, state="passed", passed=1, succeeded=(("status", "ci/other"),)
    )


@shows("W53")
def test_a_failed_job_tells_the_end_of_its_log_without_our_token_going_there(stage: Stage):
    sha = red(stage, "2026-01-02T03:04:05.1234567Z \x1b[31mE  assert 1 == 2\x1b[0m\n")
    checks = stage.hub.checks(stage.repo, sha, with_logs=True)
    (failed,) = checks.failed
    assert (checks.state, failed.name, failed.log) == ("failed", "test", "E  assert 1 == 2")
    assert failed.url
    assert stage.hub.checks(stage.repo, sha).failed[0].log == ""


@shows("W53", "W54")
@pytest.mark.parametrize("status_code", [403, 404, 410, 500])
def test_without_a_log_the_failure_is_still_told(stage: Stage, status_code):
    sha = red(stage, "irrelevant")
    stage.github.faults.add("GET .*/actions/jobs/.*/logs", "before", status=status_code, count=9)
    (failed,) = stage.hub.checks(stage.repo, sha, with_logs=True).failed
    assert (failed.name, failed.log) == ("test", "")


@shows("W53")
@pytest.mark.parametrize("raw", ["", "\x00\x01binary", "PK\x03\x04 of all other jobs", "\x1b[31m\x1b[0m\n"])
def test_a_log_that_says_nothing_gives_way_to_what_the_check_says(stage: Stage, raw: str):
    sha = red(stage, raw)
    (run,) = stage.place.suites[-1].runs
    run.output = {"title": "1 failed", "summary": "test_shop", "text": None}
    (failed,) = stage.hub.checks(stage.repo, sha, with_logs=True).failed
    assert failed.log == "1 failed\ntest_shop"


@shows("W53")
def test_a_log_whose_address_has_expired_gives_way_too(stage: Stage, monkeypatch):
    sha = red(stage, "irrelevant")
    monkeypatch.setattr(stage.github.world, "lend_log", lambda _: f"{stage.github.url}/_local/logs/expired")
    (failed,) = stage.hub.checks(stage.repo, sha, with_logs=True).failed
    assert (failed.name, failed.log) == ("test", "")


@shows("W53")
def test_of_a_giant_log_no_more_is_fetched_than_may_be(stage: Stage, monkeypatch):
    monkeypatch.setattr(logs, "DOWNLOAD_BYTES", 100_000)
    sha = red(stage, "".join(f"line {n}\n" for n in range(200_000)))  # 2 MB
    (failed,) = stage.hub.checks(stage.repo, sha, with_logs=True).failed
    last = failed.log.splitlines()[-2]
    assert 0 < int(last.removeprefix("line ")) < 30_000


def test_a_limit_while_reading_logs_is_told(stage: Stage):
    sha = red(stage, "irrelevant")
    stage.github.faults.add("GET .*/actions/jobs/.*/logs", "secondary", seconds=30)
    with pytest.raises(RateLimited):
        stage.hub.checks(stage.repo, sha, with_logs=True)


@shows("W55")
def test_checks_of_others_tell_their_annotations_or_their_summary(stage: Stage):
    lint = stage.github.create_app("linter", permissions={"checks": "write"}, private_key="").app
    annotated = stage.github.add_check(stage.place, stage.base, "lint", app=lint)
    annotated.output = {
        "title": "1 problem", "summary": "see below", "text": None,
        "annotations": [{
            "path": "a.py", "start_line": 3, "end_line": 3, "annotation_level": "failure", "message": "no",
            "title": None, "raw_details": None, "start_column": None, "end_column": None,
        }],
    }  # fmt: skip
    stage.github.finish_check(stage.place, annotated, "failure")
    summed = stage.github.add_check(stage.place, stage.base, "size", app=lint)
    summed.output = {"title": "Too big", "summary": "by 3 KB", "text": None}
    stage.github.finish_check(stage.place, summed, "failure")
    failed = stage.hub.checks(stage.repo, stage.base, with_logs=True).failed
    assert {each.name: each.log for each in failed} == {"lint": "a.py:3: failure: no", "size": "Too big\nby 3 KB"}


@shows("W53")
def test_of_a_log_the_step_that_failed_is_left_up_to_its_last_error():
    before = ["##[group]Run make", "make", "##[endgroup]", "warning: an error of no importance"]
    lines = [f"2026-01-02T03:04:05.1234567Z line {n}" for n in range(10_000)]
    log = "\n".join([*before, "##[group]Run ./check", "##[endgroup]", *lines])
    log = f"\ufeff{log}\n2026-01-02T03:04:06Z ##[error]exit code 1\nPost job cleanup.\nbye\n"
    kept = read_log(log.encode()).splitlines()
    assert kept[-2:] == ["line 9999", "##[error]exit code 1"]
    assert not any("no importance" in line for line in kept)
    assert len(kept) < 100


@shows("W53")
@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b"", ""),
        (b"PK\x03\x04 a zip", ""),
        (b"binary \x00\x01", ""),
        (b"10%\r50%\r100% done\r\nnext\r\n", "100% done\nnext"),
        (b"\x1b]8;;http://x\x07link\x1b]8;;\x07 \x1b[1;31mred\x1b[m\x07", r"link red\x07"),
        ("grüße \udcff".encode("utf-8", "surrogateescape"), "grüße \ufffd"),
    ],
)
def test_a_log_is_cleaned(raw, kept):
    assert read_log(raw) == kept
