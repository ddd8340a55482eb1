"""Statuses, check runs and the suites they add up to."""

from __future__ import annotations

from typing import Any

from github_app.localhub import events, git
from github_app.localhub.exchange import ApiError, invalid
from github_app.localhub.values import App, CheckRun, CheckSuite, Repository, Status, User
from github_app.localhub.world import World

from . import merging

# The worst first; https://docs.github.com/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks
_WORST = ("failure", "timed_out", "cancelled", "action_required", "stale", "success", "neutral", "skipped")


def resolve(repo: Repository, name: str) -> str | None:
    """Return the commit that a branch, tag, full ref or (abbreviated) SHA means."""
    for ref in (name, f"refs/{name}", f"refs/heads/{name}", f"refs/tags/{name}"):
        if ref in repo.refs:
            return repo.refs[ref]
    try:
        return git.text(repo.git_dir, "rev-parse", "--verify", "-q", f"{name}^{{commit}}")
    except git.GitError:
        return None


def add_status(
    world: World,
    repo: Repository,
    creator: User,
    sha: str,
    *,
    state: str,
    context: str = "default",
    description: str | None = None,
    target_url: str | None = None,
) -> Status:
    """Set a commit status."""
    if state not in ("error", "failure", "pending", "success"):
        raise invalid("Status", "state", "inclusion")
    if git.object_type(repo.git_dir, sha) != "commit":
        raise ApiError(422, f"No commit found for SHA: {sha}")
    status = Status(
        world.new_id(), sha, state, context, description, target_url, creator, world.now()
    )  # fmt: skip
    repo.statuses.append(status)
    events.status(world, repo, status, creator)
    merging.catch_up(world, repo)
    return status


def combined(repo: Repository, sha: str) -> tuple[str, list[Status]]:
    """Return the combined state and the newest status of each context; without any, GitHub says `pending`."""
    newest = {s.context: s for s in repo.statuses if s.sha == sha}
    states = {s.state for s in newest.values()}
    if states & {"failure", "error"}:
        return "failure", list(newest.values())
    if not states or "pending" in states:
        return "pending", list(newest.values())
    return "success", list(newest.values())


def suite_for(world: World, repo: Repository, app: App, sha: str) -> CheckSuite:
    """Return the app's check suite of a commit, made where it is missing."""
    for suite in reversed(repo.suites):
        if suite.app is app and suite.head_sha == sha:
            return suite
    branch = next((r[11:] for r, s in repo.refs.items() if s == sha and r.startswith("refs/heads/")), None)
    now = world.now()
    suite = CheckSuite(world.new_id(), app, sha, branch, None, now, now)
    repo.suites.append(suite)
    return suite


def add_run(
    world: World,
    repo: Repository,
    suite: CheckSuite,
    *,
    name: str,
    sender: User,
    status: str = "queued",
    details_url: str | None = None,
    external_id: str = "",
) -> CheckRun:
    """Enter a check run into a suite; `update_run` completes it."""
    run = CheckRun(world.new_id(), suite, name, suite.head_sha, status, None, world.now())
    run.details_url, run.external_id = details_url, external_id
    suite.runs.append(run)
    _sum_up(world, repo, suite, sender)
    events.check_run(world, "created", repo, run, sender)
    return run


def update_run(
    world: World,
    repo: Repository,
    run: CheckRun,
    sender: User,
    *,
    status: str | None = None,
    conclusion: str | None = None,
    output: dict[str, Any] | None = None,
) -> None:
    """Change a check run; a conclusion completes it, and the last one of a suite completes the suite."""
    run.output = {**run.output, **(output or {})}
    was = run.status
    if conclusion is not None:
        run.status, run.conclusion = "completed", conclusion
        run.completed_at = run.completed_at or world.now()
    elif status is not None:
        run.status, run.conclusion, run.completed_at = status, None, None
    if run.status == "completed" and was != "completed":
        events.check_run(world, "completed", repo, run, sender)
    _sum_up(world, repo, run.suite, sender)


def _sum_up(world: World, repo: Repository, suite: CheckSuite, sender: User) -> None:
    newest = {run.name: run for run in suite.runs}.values()
    was = suite.status
    suite.updated_at = world.now()
    if all(run.status == "completed" for run in newest):
        ended = [run.conclusion or "neutral" for run in newest]
        suite.status, suite.conclusion = "completed", min(ended, key=_WORST.index)
        if was != "completed":
            events.check_suite(world, "completed", repo, suite, sender)
            merging.catch_up(world, repo)
    else:
        started = any(run.status != "queued" for run in newest)
        suite.status, suite.conclusion = ("in_progress" if started else "queued"), None
