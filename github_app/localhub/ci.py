"""GitHub Actions, the record-keeping half: which workflow files an event starts, and what GitHub shows of their runs.

Executing a file is the runner's part (`actions.py`). Each run has a thread; a world without a runner starts nothing.
"""

from __future__ import annotations

import fnmatch
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from . import events, git
from .actions import JobResult, Runner, WorkflowRequest, WorkflowResult
from .deeds import builds, checks
from .shapes import JSON, iso
from .values import App, CheckSuite, Job, Repository, User, WorkflowRun
from .world import World

FOLDER = ".github/workflows"
# https://docs.github.com/actions/reference/events-that-trigger-workflows#pull_request
_PULL_TYPES = ("opened", "synchronize", "reopened")


def _list(value: Any) -> list[str]:
    return [str(x) for x in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _globs(patterns: list[str], name: str) -> bool:
    # GitHub: `*` stops at a slash, `**` does not; a later `!pattern` takes back.
    chosen = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        fits = fnmatch.fnmatchcase(name, wanted) and ("**" in wanted or name.count("/") == wanted.count("/"))
        if fits:
            chosen = not pattern.startswith("!")
    return chosen


def triggers(document: Any, event: str, payload: JSON) -> bool:
    """Tell whether a workflow's `on:` asks for this event."""
    # YAML 1.1 reads the key `on` as true.
    on: Any = document.get("on", document.get(True)) if isinstance(document, dict) else None
    if not isinstance(on, dict):
        on = dict.fromkeys(_list(on))
    if event not in on:
        return False
    rules: dict[str, Any] = on[event] if isinstance(on[event], dict) else {}
    if event == "push":
        if payload["ref"].startswith("refs/tags/"):
            return "tags" in rules or not rules
        if "tags" in rules and not {"branches", "branches-ignore"} & rules.keys():
            return False
        branch = payload["ref"].removeprefix("refs/heads/")
    else:
        if payload["action"] not in (_list(rules.get("types")) or _PULL_TYPES):
            return False
        branch = payload["pull_request"]["base"]["ref"]
    if "branches" in rules and not _globs(_list(rules["branches"]), branch):
        return False
    return "branches-ignore" not in rules or not _globs(_list(rules["branches-ignore"]), branch)


def job_names(document: Any) -> dict[str, str]:
    """Return key → shown name of a workflow's jobs; the runner may report more (a matrix)."""
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict):
        return {}
    return {str(k): str(v["name"]) if isinstance(v, dict) and v.get("name") else str(k) for k, v in jobs.items()}


@dataclass
class Actions:
    """Starts workflow runs and keeps their records."""

    world: World
    app: App
    runner: Runner | None
    _threads: list[threading.Thread] = field(default_factory=list)
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End all runs."""
        self._cancelled.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def settle(self, timeout_s: float = 60) -> None:
        """Wait until no run is under way, those that runs start included."""
        for thread in list(self._threads):
            thread.join(timeout=timeout_s)

    def start(
        self,
        repo: Repository,
        event: Literal["push", "pull_request"],
        ref: str,
        sha: str,
        payload: JSON,
        actor: User,
    ) -> None:
        """Start every workflow of the commit that asks for this event; the caller holds the world's lock."""
        if self.runner is None or _skipped(repo, sha):
            return
        try:
            entries = git.tree(repo.git_dir, sha, path=f"{FOLDER}/")
        except git.GitError:
            return
        for entry in entries:
            if entry.type != "blob" or not entry.path.endswith((".yml", ".yaml")):
                continue
            text = git.run(repo.git_dir, "cat-file", "blob", entry.sha)
            try:
                document = yaml.safe_load(text)
            except yaml.YAMLError:
                document = None
            if triggers(document, event, payload):
                self._open(repo, entry.path, document, event=event, ref=ref, sha=sha, payload=payload, actor=actor)

    def _open(
        self, repo: Repository, path: str, document: Any, *, event: str, ref: str, sha: str, payload: JSON, actor: User
    ) -> None:
        world = self.world
        now = world.now()
        branch = payload["pull_request"]["head"]["ref"] if event == "pull_request" else ref.removeprefix("refs/heads/")
        suite = CheckSuite(world.new_id(), self.app, sha, branch, payload.get("before"), now, now)
        repo.suites.append(suite)
        workflow_id = repo.workflow_ids.setdefault(path, world.new_id())
        number = 1 + sum(r.workflow_id == workflow_id for r in repo.runs)
        title = git.commit(repo.git_dir, sha).message.partition("\n")[0]
        if event == "pull_request":
            title = payload["pull_request"]["title"]
        run = WorkflowRun(
            world.new_id(), repo, suite, workflow_id, path, str(document.get("name") or path), number,
            event, ref, payload, actor, title, now, now,
        )  # fmt: skip
        repo.runs.append(run)
        events.workflow_run(world, "requested", run)
        for key, name in job_names(document).items():
            self._add_job(run, key, name)
        self._launch(run, only=None)

    def _add_job(self, run: WorkflowRun, key: str, name: str) -> Job:
        page = f"{self.world.web}/{run.repo.full_name}/actions/runs/{run.id}"
        check = checks.add_run(self.world, run.repo, run.suite, name=name, sender=run.actor)
        check.details_url = f"{page}/job/{check.id}"
        job = Job(check.id, key, name, check, run.attempt)
        run.jobs.append(job)
        return job

    def rerun(self, run: WorkflowRun, failed_only: bool) -> None:
        """Start a new attempt of a completed run."""
        newest = {job.name: job for job in run.jobs}.values()
        again = [j for j in newest if not failed_only or j.check.conclusion != "success"]
        run.attempt += 1
        for job in again:
            self._add_job(run, job.key, job.name)
        run.suite.status, run.suite.conclusion = "queued", None
        run.status, run.conclusion = "queued", None
        self._launch(run, only={j.name for j in again})

    def _launch(self, run: WorkflowRun, only: set[str] | None) -> None:
        name = f"localhub-run-{run.id}"
        thread = threading.Thread(target=self._execute, args=[run, only], name=name, daemon=True)
        self._threads = [t for t in self._threads if t.is_alive() or t.ident is None] + [thread]
        thread.start()

    def _execute(self, run: WorkflowRun, only: set[str] | None) -> None:
        world = self.world
        with world.lock:
            run.status, run.updated_at = "in_progress", world.now()
            for job in run.jobs:
                if job.check.status == "queued":
                    checks.update_run(world, run.repo, job.check, run.actor, status="in_progress")
            events.workflow_run(world, "in_progress", run)
        result = self._ask_runner(run)
        with world.lock:
            if self._cancelled.is_set():
                return
            for made in result.artifacts:
                builds.add_artifact(world, run, made.name, builds.pack(made.files))
            for outcome in result.jobs:
                if only is None or outcome.name in only:
                    self._report(run, outcome)
            self._conclude(run, result)

    def _ask_runner(self, run: WorkflowRun) -> WorkflowResult:
        assert self.runner is not None  # noqa: S101 - `start` returned without one
        with tempfile.TemporaryDirectory(prefix="localhub-run-", ignore_cleanup_errors=True) as folder:
            checkout = Path(folder) / run.repo.name
            event: Any = run.event
            try:
                git.checkout(run.repo.git_dir, run.suite.head_sha, checkout)
                request = WorkflowRequest(
                    checkout, run.path, event, run.payload, run.repo.full_name, run.suite.head_sha, run.ref
                )
                return self.runner.run(request, cancelled=self._cancelled)
            except Exception as problem:  # the runner's defect is this run's startup failure, as actions.py promises
                return WorkflowResult((), f"{type(problem).__name__}: {problem}")

    def _report(self, run: WorkflowRun, outcome: JobResult) -> None:
        mine = [j for j in run.jobs if j.attempt == run.attempt and j.log is None]
        job = next((j for j in mine if j.name == outcome.name), None)
        job = job or next((j for j in mine if j.key == outcome.key), None)
        job = job or self._add_job(run, outcome.key, outcome.name)
        job.name = job.check.name = outcome.name
        job.log = outcome.log
        now = iso(self.world.now())
        times = {"started_at": now, "completed_at": now}
        job.steps = [
            {"name": s.name, "number": s.number, "status": "completed", "conclusion": s.conclusion, **times}
            for s in outcome.steps
        ]
        checks.update_run(self.world, run.repo, job.check, run.actor, conclusion=outcome.conclusion)

    def _conclude(self, run: WorkflowRun, result: WorkflowResult) -> None:
        for job in run.jobs:
            if job.check.status != "completed":  # the runner never came to it
                job.log = result.error or "The job was not run.\n"
                conclusion = "failure" if result.error else "skipped"
                checks.update_run(self.world, run.repo, job.check, run.actor, conclusion=conclusion)
        run.status, run.updated_at = "completed", self.world.now()
        run.conclusion = run.suite.conclusion or ("startup_failure" if result.error else "success")
        if not run.jobs:
            run.suite.status, run.suite.conclusion = "completed", run.conclusion
            events.check_suite(self.world, "completed", run.repo, run.suite, run.actor)
        events.workflow_run(self.world, "completed", run)


def _skipped(repo: Repository, sha: str) -> bool:
    """https://docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs ."""
    message = git.commit(repo.git_dir, sha).message.lower()
    marks = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]", "skip-checks: true")
    return any(mark in message for mark in marks)
