"""Artifacts and deployments come to be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import timedelta

from github_app.localhub import git
from github_app.localhub.exchange import ApiError, invalid
from github_app.localhub.values import Repository, User, WorkflowRun
from github_app.localhub.values_builds import Artifact, Deployment, DeploymentStatus
from github_app.localhub.world import World

KEPT_FOR = timedelta(days=90)
STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return files as the archive that `actions/upload-artifact` makes of them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(path, content)
    return packed.getvalue()


def add_artifact(
    world: World, run: WorkflowRun, name: str, content: bytes, *, kept_for: timedelta = KEPT_FOR
) -> Artifact:
    """Keep an archive as an artifact of a run."""
    made = Artifact(world.new_id(), run, name, content, world.now(), world.now() + kept_for)
    run.repo.artifacts.append(made)
    return made


def add_deployment(
    world: World, repo: Repository, creator: User, sha: str, *, ref: str, environment: str
) -> Deployment:
    """Begin a deployment of a commit."""
    if git.object_type(repo.git_dir, sha) != "commit":
        raise ApiError(422, f"No ref found for: {ref}")
    made = Deployment(world.new_id(), sha, ref, environment, creator, world.now())
    repo.deployments.append(made)
    return made


def add_deployment_status(
    world: World, of: Deployment, creator: User, *, state: str, environment_url: str = ""
) -> DeploymentStatus:
    """Say how a deployment goes."""
    if state not in STATES:
        raise invalid("DeploymentStatus", "state", "inclusion")
    said = DeploymentStatus(world.new_id(), state, environment_url, creator, world.now())
    of.statuses.append(said)
    return said
