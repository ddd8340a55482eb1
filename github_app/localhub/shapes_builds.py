"""The JSON of artifacts, deployments and what is said of these."""

from __future__ import annotations

from .shapes import JSON, iso, repo_api, user
from .values import Repository
from .values_builds import Artifact, Deployment, DeploymentStatus
from .world import World


def artifact(world: World, it: Artifact) -> JSON:
    """Return an artifact."""
    repo, suite = it.run.repo, it.run.suite
    at = f"{repo_api(world, repo)}/actions/artifacts/{it.id}"
    created = iso(it.created_at)
    return {
        "id": it.id,
        "node_id": f"ART_{it.id}",
        "name": it.name,
        "size_in_bytes": len(it.content),
        "url": at,
        "archive_download_url": f"{at}/zip",
        "expired": it.expires_at <= world.now(),
        "created_at": created,
        "updated_at": created,
        "expires_at": iso(it.expires_at),
        "digest": it.digest,
        "workflow_run": {
            "id": it.run.id,
            "repository_id": repo.id,
            "head_repository_id": repo.id,
            "head_branch": suite.head_branch or "",
            "head_sha": suite.head_sha,
        },
    }


def deployment(world: World, repo: Repository, it: Deployment) -> JSON:
    """Return a deployment."""
    at = f"{repo_api(world, repo)}/deployments/{it.id}"
    created = iso(it.created_at)
    return {
        "id": it.id,
        "node_id": f"DE_{it.id}",
        "url": at,
        "sha": it.sha,
        "ref": it.ref,
        "task": "deploy",
        "payload": {},
        "environment": it.environment,
        "original_environment": it.environment,
        "description": None,
        "creator": user(world, it.creator),
        "created_at": created,
        "updated_at": iso(it.statuses[-1].created_at) if it.statuses else created,
        "statuses_url": f"{at}/statuses",
        "repository_url": repo_api(world, repo),
        "transient_environment": False,
        "production_environment": False,
    }


def deployment_status(world: World, repo: Repository, of: Deployment, it: DeploymentStatus) -> JSON:
    """Return what was said of a deployment."""
    at = f"{repo_api(world, repo)}/deployments/{of.id}"
    created = iso(it.created_at)
    return {
        "id": it.id,
        "node_id": f"DES_{it.id}",
        "url": f"{at}/statuses/{it.id}",
        "state": it.state,
        "creator": user(world, it.creator),
        "description": "",
        "environment": of.environment,
        "target_url": "",
        "log_url": "",
        "environment_url": it.environment_url,
        "created_at": created,
        "updated_at": created,
        "deployment_url": at,
        "repository_url": repo_api(world, repo),
    }
