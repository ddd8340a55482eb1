"""The checks of one commit: check runs, statuses and workflow runs, read all and merged by us.

GitHub's combined state cannot be used: it knows no check runs and says `pending` for ever where nothing reports. Rules:

- Where a workflow ran twice for the same event, its newest run counts; where one check ran twice in the same suite, its
  newest run. Two workflows may have jobs of the same name: both count (the same rule as `gh pr checks`).
- success, neutral and skipped are good. failure, timed_out, startup_failure, cancelled and stale are bad: nobody has
  seen the commit pass, and branch protection does not take them either.
- action_required is neither: a person must act. It makes the commit `blocked` if nothing runs and nothing failed.
- While anything is unfinished the commit is `pending`, whatever failed already, so that one round sees all failures.
- Check runs of our own app do not count, nor what ran for a fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from github.CheckRun import CheckRun
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient, pages
from github_app.adapters.hub.logs import explain_failure
from github_app.core.model import Checks, CheckState, FailedCheck

Outcome = Literal["passed", "failed", "pending", "blocked"]

GOOD = {"success", "neutral", "skipped"}
LOGS_AT_MOST = 10
"""For so many failed checks of one commit logs are fetched; of the others there is the link."""

ACTIONS = "github-actions"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One check run. `suite` groups what one app did for one reason; for GitHub Actions: one workflow run."""

    id: int
    app_id: int
    is_actions: bool
    suite: int
    name: str
    status: str
    conclusion: str
    url: str
    title: str
    summary: str
    text: str
    annotations: int


@dataclass(frozen=True, kw_only=True)
class CommitStatus:
    """One commit status."""

    id: int
    context: str
    state: str
    description: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One run of a workflow. `repo_id`: whose branch it ran for (a fork's, for a fork's pull request); `attempt` is 1
    until it is run again."""

    id: int
    workflow_id: int
    event: str
    name: str
    suite: int
    status: str
    conclusion: str
    url: str
    repo_id: int = 0
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one check says."""

    name: str
    outcome: Outcome
    conclusion: str
    url: str
    log: str = ""
    run: Run | None = None
    source: str = ""
    run_id: int = 0
    attempt: int = 0


def read_checks(client: RepoClient, sha: str, *, own_app_id: int, with_logs: bool) -> Checks:
    """Read and merge all checks of a commit. Raises `NotVisibleYet` for a commit that GitHub does not know (yet)."""
    what = f"checks of {sha[:12]}"
    runs = client.read(lambda it: _read_runs(it, sha), what=what, was_told=True)
    statuses = client.read(lambda it: _read_statuses(it, sha), what=what)
    workflows = client.read(lambda it: _read_workflows(it, sha), what=what)
    # Anybody can open a pull request with our commit from a fork: what runs (or waits) for that is not ours.
    ours = [each for each in workflows if each.repo_id == client.repo.id]
    foreign = {each.suite for each in workflows if each not in ours}
    runs = [run for run in runs if run.app_id != own_app_id and run.suite not in foreign]
    verdicts = judge(runs, statuses, ours)
    checks = merge(sha, verdicts)
    if not (with_logs and checks.failed):
        return checks
    bad = [verdict for verdict in verdicts if verdict.outcome == "failed"]
    failed = tuple(
        _failed(verdict, log=explain_failure(client, verdict.run) if verdict.run and i < LOGS_AT_MOST else verdict.log)
        for i, verdict in enumerate(bad)
    )
    return replace(checks, failed=failed)


def rerun_failed(client: RepoClient, run_id: int) -> None:
    """Have the failed jobs of a workflow run run once more. What has run more than once, or runs, is left alone: a
    second call, or a person, was first.

    https://docs.github.com/rest/actions/workflow-runs#re-run-failed-jobs-from-a-workflow-run
    """
    what = f"workflow run {run_id}"

    def ask(it: Repository) -> bool:
        run = it.get_workflow_run(run_id)
        return run.run_attempt > 1 or run.status != "completed"

    if not client.read(ask, what=what):
        client.write(lambda it: it.requester.requestJsonAndCheck("POST", _again(it, run_id)), what=what)


def _again(it: Repository, run_id: int) -> str:
    return f"{it.url}/actions/runs/{run_id}/rerun-failed-jobs"


def judge(runs: Iterable[Run], statuses: Iterable[CommitStatus], workflows: Iterable[Workflow]) -> tuple[Verdict, ...]:
    """Say of each check that counts how it stands; real failures before those that only did not finish."""
    newest_of_workflow: dict[tuple[int, str], Workflow] = {}
    all_workflows = sorted(workflows, key=lambda each: each.id)
    for workflow in all_workflows:
        newest_of_workflow[workflow.workflow_id, workflow.event] = workflow
    current = {workflow.id for workflow in newest_of_workflow.values()}
    outdated = {workflow.suite for workflow in all_workflows if workflow.id not in current}

    newest_run: dict[tuple[int, int, str], Run] = {}
    for run in sorted(runs, key=lambda each: each.id):
        if run.suite not in outdated:
            newest_run[run.app_id, run.suite, run.name] = run
    newest_status = {status.context: status for status in sorted(statuses, key=lambda each: each.id)}

    workflow_of = {workflow.suite: workflow for workflow in all_workflows}
    with_runs = {run.suite for run in newest_run.values()}
    verdicts = [
        *(_of_run(run, workflow_of.get(run.suite)) for run in newest_run.values()),
        *(_of_status(status) for status in newest_status.values()),
        # A workflow run says what its jobs do not: that none has begun, or that none may begin.
        *(
            _of_workflow(workflow)
            for workflow in newest_of_workflow.values()
            if workflow.suite not in with_runs or workflow.status != "completed"
        ),
    ]
    return tuple(sorted(verdicts, key=lambda each: (each.conclusion in ("cancelled", "stale"), each.name)))


def merge(sha: str, verdicts: Sequence[Verdict]) -> Checks:
    """Join the verdicts on one commit."""
    by: dict[Outcome, list[Verdict]] = {"passed": [], "failed": [], "pending": [], "blocked": []}
    for verdict in verdicts:
        by[verdict.outcome].append(verdict)
    state: CheckState = "none"
    for candidate in ("pending", "failed", "blocked", "passed"):
        if by[candidate]:
            state = candidate
            break
    return Checks(
        head_sha=sha,
        state=state,
        failed=tuple(_failed(verdict, log=verdict.log) for verdict in by["failed"]),
        passed=len(by["passed"]),
        pending=tuple(verdict.name for verdict in by["pending"]),
        succeeded=tuple((each.source, each.name) for each in by["passed"] if each.conclusion == "success"),
    )


def _failed(verdict: Verdict, *, log: str) -> FailedCheck:
    return FailedCheck(
        name=verdict.name,
        conclusion=verdict.conclusion,
        url=verdict.url,
        log=log,
        source=verdict.source,
        run_id=verdict.run_id,
        attempt=verdict.attempt,
    )


def _outcome(status: str, conclusion: str) -> Outcome:
    if status != "completed":
        return "pending"
    if conclusion in GOOD:
        return "passed"
    return "blocked" if conclusion == "action_required" else "failed"


def _of_run(run: Run, workflow: Workflow | None) -> Verdict:
    outcome = _outcome(run.status, run.conclusion)
    verdict = Verdict(
        name=run.name, outcome=outcome, conclusion=run.conclusion, url=run.url, run=run, source=f"app {run.app_id}"
    )
    return verdict if workflow is None else _in(workflow, verdict)


def _in(workflow: Workflow, verdict: Verdict) -> Verdict:
    # Two workflows may have jobs of the same name; the same one has another suite in each of its runs.
    source = f"workflow {workflow.workflow_id}"
    return replace(verdict, source=source, run_id=workflow.id, attempt=workflow.attempt)


def _of_status(status: CommitStatus) -> Verdict:
    outcomes: dict[str, Outcome] = {"success": "passed", "pending": "pending"}
    outcome = outcomes.get(status.state, "failed")
    return Verdict(
        name=status.context,
        outcome=outcome,
        conclusion=status.state,
        url=status.url,
        log=status.description,
        source="status",
    )


def _of_workflow(workflow: Workflow) -> Verdict:
    outcome = _outcome(workflow.status, workflow.conclusion)
    verdict = Verdict(name=workflow.name, outcome=outcome, conclusion=workflow.conclusion, url=workflow.url)
    return _in(workflow, verdict)


def _to_run(run: CheckRun) -> Run:
    output = run.output
    return Run(
        id=run.id,
        app_id=run.app.id if run.app else 0,
        is_actions=bool(run.app and run.app.slug == ACTIONS),
        suite=run.check_suite.id if run.check_suite else 0,
        name=run.name,
        status=run.status,
        conclusion=run.conclusion or "",
        url=run.html_url or run.details_url or "",
        title=output.title or "",
        summary=output.summary or "",
        text=output.text or "",
        annotations=output.annotations_count or 0,
    )


def _read_runs(it: Repository, sha: str) -> list[Run]:
    return [_to_run(each) for each in it.get_commit(sha).get_check_runs()]


def _read_statuses(it: Repository, sha: str) -> list[CommitStatus]:
    # Not by PyGithub's `get_statuses`: it asks an address that GitHub's documents do not have.
    return [
        CommitStatus(
            id=each["id"],
            context=each["context"],
            state=each["state"],
            description=each["description"] or "",
            url=each["target_url"] or "",
        )
        for each in pages(it.requester, f"{it.url}/commits/{sha}/statuses")
    ]


def _read_workflows(it: Repository, sha: str) -> list[Workflow]:
    return [
        Workflow(
            id=each.id,
            workflow_id=each.workflow_id,
            event=each.event,
            name=each.name or "workflow",
            suite=each.check_suite_id or 0,
            status=each.status,
            conclusion=each.conclusion or "",
            url=each.html_url,
            repo_id=each.head_repository.id if each.head_repository else 0,
            attempt=each.run_attempt,
        )
        for each in it.get_workflow_runs(head_sha=sha)
    ]
