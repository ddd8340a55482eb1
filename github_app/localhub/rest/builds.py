"""https://docs.github.com/rest/actions/artifacts and https://docs.github.com/rest/deployments ."""

from __future__ import annotations

from typing import Any

from github_app.localhub import shapes_builds
from github_app.localhub.deeds import builds, checks
from github_app.localhub.exchange import ApiError, Call, Reply, not_found, route
from github_app.localhub.values_builds import Artifact, Deployment

_ACTIONS, _DEPLOYMENTS = "actions:read", "deployments:read"


@route("GET", "/repos/{owner}/{repo}/actions/artifacts", _ACTIONS)
def list_artifacts(call: Call) -> Any:
    """Artifacts of a repository, newest first."""
    return _page(call, call.repo.artifacts)


@route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts", _ACTIONS)
def list_artifacts_of_run(call: Call) -> Any:
    """Artifacts of a run, newest first."""
    if not any(run.id == call.number("run_id") for run in call.repo.runs):
        raise not_found()
    return _page(call, [each for each in call.repo.artifacts if each.run.id == call.number("run_id")])


@route("GET", "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}", _ACTIONS)
def get_artifact(call: Call) -> Any:
    """One artifact."""
    return shapes_builds.artifact(call.world, _artifact(call))


@route("GET", "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}", _ACTIONS)
def download_artifact(call: Call) -> Any:
    """302 to a short-lived address with the archive; 410 once it has expired."""
    found = _artifact(call)
    if call.params["archive_format"] != "zip":
        raise not_found()
    if found.expires_at <= call.world.now():
        raise ApiError(410, "Artifact has expired")
    return Reply(None, 302, {"Location": call.world.lend_archive(found.content)})


def _page(call: Call, artifacts: list[Artifact]) -> Reply:
    found = [each for each in reversed(artifacts) if call.query.get("name") in (None, each.name)]
    return call.page(found, lambda it: shapes_builds.artifact(call.world, it), "artifacts")


def _artifact(call: Call) -> Artifact:
    found = next((each for each in call.repo.artifacts if each.id == call.number("artifact_id")), None)
    if found is None:
        raise not_found()
    return found


@route("GET", "/repos/{owner}/{repo}/deployments", _DEPLOYMENTS)
def list_deployments(call: Call) -> Any:
    """Deployments, newest first."""
    query = call.query
    found = [
        each
        for each in reversed(call.repo.deployments)
        if query.get("sha", "none") in ("none", each.sha)
        and query.get("ref", "none") in ("none", each.ref)
        and query.get("environment", "none") in ("none", each.environment)
    ]
    return call.page(found, lambda it: shapes_builds.deployment(call.world, call.repo, it))


@route("POST", "/repos/{owner}/{repo}/deployments", "deployments:write")
def create_deployment(call: Call) -> Any:
    """Begin a deployment."""
    ref = call.want("ref")
    sha = checks.resolve(call.repo, ref)
    if sha is None:
        raise ApiError(422, f"No ref found for: {ref}")
    environment = call.may("environment", default="production")
    made = builds.add_deployment(call.world, call.repo, call.user, sha, ref=ref, environment=environment)
    return Reply(shapes_builds.deployment(call.world, call.repo, made), 201)


@route("GET", "/repos/{owner}/{repo}/deployments/{deployment_id}", _DEPLOYMENTS)
def get_deployment(call: Call) -> Any:
    """One deployment."""
    return shapes_builds.deployment(call.world, call.repo, _deployment(call))


@route("GET", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", _DEPLOYMENTS)
def list_deployment_statuses(call: Call) -> Any:
    """What was said of a deployment, newest first."""
    found = _deployment(call)
    return call.page(found.statuses[::-1], lambda it: shapes_builds.deployment_status(call.world, call.repo, found, it))


@route("POST", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", "deployments:write")
def create_deployment_status(call: Call) -> Any:
    """Say how a deployment goes."""
    found = _deployment(call)
    said = builds.add_deployment_status(
        call.world, found, call.user, state=call.want("state"), environment_url=call.may("environment_url", default="")
    )
    return Reply(shapes_builds.deployment_status(call.world, call.repo, found, said), 201)


def _deployment(call: Call) -> Deployment:
    found = next((each for each in call.repo.deployments if each.id == call.number("deployment_id")), None)
    if found is None:
        raise not_found()
    return found
