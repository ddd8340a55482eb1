"""The JSON of statuses, check suites, check runs, workflow runs and jobs."""

from __future__ import annotations

from . import git
from .shapes import JSON, app, iso, iso_or_none, repo_api, repository, user
from .values import CheckRun, CheckSuite, Job, Pull, Repository, Status, WorkflowRun
from .world import World


def status(world: World, repo: Repository, it: Status) -> JSON:
    """Return a status; it is also valid as simple-commit-status."""
    return {
        "id": it.id,
        "node_id": f"SC_{it.id}",
        "url": f"{repo_api(world, repo)}/statuses/{it.sha}",
        "avatar_url": f"{world.web}/_local/avatar/{it.creator.id}.svg",
        "state": it.state,
        "description": it.description,
        "target_url": it.target_url,
        "context": it.context,
        "created_at": iso(it.created_at),
        "updated_at": iso(it.created_at),
        "creator": user(world, it.creator),
    }


def pull_minimal(world: World, it: Pull) -> JSON:
    """Return a pull-request-minimal."""
    repo = it.issue.repo

    def end(where: Repository, ref: str, sha: str) -> JSON:
        return {
            "ref": ref,
            "sha": sha,
            "repo": {"id": where.id, "url": repo_api(world, where), "name": where.name},
        }

    return {
        "id": it.id,
        "number": it.issue.number,
        "url": f"{repo_api(world, repo)}/pulls/{it.issue.number}",
        "head": end(it.head_repo or repo, it.head_ref, it.head_sha),
        "base": end(repo, it.base_ref, it.base_sha),
    }


def _pulls(world: World, repo: Repository, sha: str) -> list[JSON]:
    # GitHub leaves pull requests from forks out of checks; so must this.
    return [pull_minimal(world, p) for p in repo.open_pulls_for(sha) if p.head_repo is repo]


def simple_commit(repo: Repository, sha: str) -> JSON:
    """Return a simple-commit."""
    it = git.commit(repo.git_dir, sha)
    return {
        "id": it.sha,
        "tree_id": it.tree,
        "message": it.message,
        "timestamp": iso(it.committer.date),
        "author": {"name": it.author.name, "email": it.author.email},
        "committer": {"name": it.committer.name, "email": it.committer.email},
    }


def check_suite(world: World, repo: Repository, it: CheckSuite) -> JSON:
    """Return a check-suite."""
    at = f"{repo_api(world, repo)}/check-suites/{it.id}"
    return {
        "id": it.id,
        "node_id": f"CS_{it.id}",
        "head_branch": it.head_branch,
        "head_sha": it.head_sha,
        "status": it.status,
        "conclusion": it.conclusion,
        "url": at,
        "before": it.before,
        "after": it.head_sha,
        "pull_requests": _pulls(world, repo, it.head_sha),
        "app": app(world, it.app),
        "repository": repository(world, repo),
        "created_at": iso(it.created_at),
        "updated_at": iso(it.updated_at),
        "head_commit": simple_commit(repo, it.head_sha),
        "latest_check_runs_count": len({run.name for run in it.runs}),
        "check_runs_url": f"{at}/check-runs",
        "rerequestable": True,
        "runs_rerequestable": True,
    }


def check_run(world: World, repo: Repository, it: CheckRun) -> JSON:
    """Return a check-run."""
    at = f"{repo_api(world, repo)}/check-runs/{it.id}"
    page = f"{world.web}/{repo.full_name}/runs/{it.id}"
    return {
        "id": it.id,
        "node_id": f"CR_{it.id}",
        "name": it.name,
        "head_sha": it.head_sha,
        "external_id": it.external_id,
        "url": at,
        "html_url": it.details_url if "/actions/runs/" in (it.details_url or "") else page,
        "details_url": it.details_url or page,
        "status": it.status,
        "conclusion": it.conclusion,
        "started_at": iso(it.started_at),
        "completed_at": iso_or_none(it.completed_at),
        "output": {
            "title": it.output.get("title"),
            "summary": it.output.get("summary"),
            "text": it.output.get("text"),
            "annotations_count": len(it.output.get("annotations") or ()),
            "annotations_url": f"{at}/annotations",
        },
        "check_suite": {"id": it.suite.id},
        "app": app(world, it.suite.app),
        "pull_requests": _pulls(world, repo, it.head_sha),
    }


def run_page(world: World, it: WorkflowRun) -> str:
    """Return the address of a workflow run for people."""
    return f"{world.web}/{it.repo.full_name}/actions/runs/{it.id}"


def workflow(world: World, it: WorkflowRun) -> JSON:
    """Return the workflow that a run is of."""
    at = f"{repo_api(world, it.repo)}/actions/workflows/{it.workflow_id}"
    created = iso(it.repo.created_at)
    return {
        "id": it.workflow_id,
        "node_id": f"W_{it.workflow_id}",
        "name": it.name,
        "path": it.path,
        "state": "active",
        "created_at": created,
        "updated_at": created,
        "url": at,
        "html_url": f"{world.web}/{it.repo.full_name}/blob/{it.repo.default_branch}/{it.path}",
        "badge_url": f"{world.web}/{it.repo.full_name}/workflows/{it.workflow_id}/badge.svg",
    }


def workflow_run(world: World, it: WorkflowRun) -> JSON:
    """Return a workflow-run."""
    at = f"{repo_api(world, it.repo)}/actions/runs/{it.id}"
    started = iso(it.created_at)
    return {
        "id": it.id,
        "node_id": f"WFR_{it.id}",
        "name": it.name,
        "display_title": it.title,
        "path": it.path,
        "run_number": it.number,
        "run_attempt": it.attempt,
        "event": it.event,
        "status": it.status,
        "conclusion": it.conclusion,
        "workflow_id": it.workflow_id,
        "check_suite_id": it.suite.id,
        "check_suite_node_id": f"CS_{it.suite.id}",
        "head_branch": it.suite.head_branch,
        "head_sha": it.suite.head_sha,
        "url": at,
        "html_url": run_page(world, it),
        "pull_requests": _pulls(world, it.repo, it.suite.head_sha),
        "created_at": started,
        "updated_at": iso(it.updated_at),
        "run_started_at": started,
        "actor": user(world, it.actor),
        "triggering_actor": user(world, it.actor),
        "referenced_workflows": [],
        "previous_attempt_url": f"{at}/attempts/{it.attempt - 1}" if it.attempt > 1 else None,
        **{f"{name}_url": f"{at}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")},
        "check_suite_url": f"{repo_api(world, it.repo)}/check-suites/{it.suite.id}",
        "workflow_url": f"{repo_api(world, it.repo)}/actions/workflows/{it.workflow_id}",
        "head_commit": simple_commit(it.repo, it.suite.head_sha),
        "repository": repository(world, it.repo),
        "head_repository": repository(world, it.repo),
    }


def job(world: World, run: WorkflowRun, it: Job) -> JSON:
    """Return a job of a workflow run."""
    at = repo_api(world, run.repo)
    check = it.check
    return {
        "id": it.id,
        "run_id": run.id,
        "run_url": f"{at}/actions/runs/{run.id}",
        "run_attempt": it.attempt,
        "node_id": f"CR_{it.id}",
        "head_sha": check.head_sha,
        "head_branch": run.suite.head_branch,
        "url": f"{at}/actions/jobs/{it.id}",
        "html_url": f"{run_page(world, run)}/job/{it.id}",
        "status": check.status,
        "conclusion": check.conclusion,
        "created_at": iso(check.started_at),
        "started_at": iso(check.started_at),
        "completed_at": iso_or_none(check.completed_at),
        "name": it.name,
        "steps": it.steps,
        "check_run_url": f"{at}/check-runs/{it.id}",
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "localhub",
        "runner_group_id": 1,
        "runner_group_name": "localhub",
        "workflow_name": run.name,
    }
