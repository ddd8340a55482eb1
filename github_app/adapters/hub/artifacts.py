"""What CI made of a commit: `core.builds.Builds`. Artifacts of workflow runs, and where deployments can be looked at.

https://docs.github.com/rest/actions/artifacts, https://docs.github.com/rest/deployments/statuses
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from github.Repository import Repository

from github_app.adapters.hub.archives import list_entries, read_entry, read_whole
from github_app.adapters.hub.clients import Clients, RepoClient, pages
from github_app.adapters.hub.line import FRESH
from github_app.core.builds import Artifact, Entry, Item, Preview
from github_app.core.errors import AccessDenied
from github_app.core.model import Repo

log = logging.getLogger(__name__)

MAX_RUNS = 30
MAX_ARTIFACTS = 200
MAX_DEPLOYMENTS = 10


class GitHubBuilds:
    """Reads what CI left, for the one GitHub App. Safe to share between threads."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def artifacts(self, repo: Repo, sha: str) -> tuple[Artifact, ...]:
        """What the workflow runs of a commit left, newest first; of one name in a workflow the newest alone."""

        def ask(it: Repository) -> list[tuple[int, dict[str, Any]]]:
            runs = [
                run
                for run in pages(it.requester, f"{it.url}/actions/runs", item="workflow_runs", head_sha=sha)
                # Anybody can open a pull request with our commit from a fork: what runs for that is not ours.
                if (run.get("head_repository") or {}).get("id") == repo.id
            ]
            return [
                (run["workflow_id"], artifact)
                for run in runs[:MAX_RUNS]
                for artifact in pages(it.requester, f"{it.url}/actions/runs/{run['id']}/artifacts", item="artifacts")
            ]

        found = self._clients.repo(repo, "artifacts").read(ask, what=f"artifacts of {sha[:12]}")
        newest: dict[tuple[int, str], Artifact] = {}
        for workflow, artifact in sorted(found, key=lambda each: -each[1]["id"])[:MAX_ARTIFACTS]:
            newest.setdefault((workflow, artifact["name"]), _artifact(artifact))
        return tuple(newest.values())

    def previews(self, repo: Repo, sha: str) -> tuple[Preview, ...]:
        """The addresses that deployments and statuses of a commit give. Deployments are read by a permission of their
        own: without it, there are none."""
        try:
            client = self._clients.repo(repo, "deployments")
            found = client.read(lambda it: _deployed(it, sha), what=f"deployments of {sha[:12]}")
        except AccessDenied as error:
            log.info("deployments are not read", extra={"why": str(error)})
            found = []
        client = self._clients.repo(repo, "checks")
        return (*found, *client.read(lambda it: _statuses(it, sha), what=f"statuses of {sha[:12]}"))

    def look_into(self, repo: Repo, artifact: Artifact) -> tuple[Entry, ...] | None:
        """The files in an artifact, without fetching it; None for what is no archive, or one that is not opened."""
        client = self._clients.repo(repo, "artifacts")
        return list_entries(_address(client, artifact.id), client.verify)

    def read(self, repo: Repo, item: Item) -> Iterator[bytes]:
        """An item's bytes. Raises `Refused` for what is not what it was, `Gone` for what has expired."""
        client = self._clients.repo(repo, "artifacts")
        url = _address(client, item.artifact_id)
        if item.path:
            return read_entry(url, client.verify, (item.path, item.size_bytes))
        return read_whole(url, client.verify)


def _address(client: RepoClient, artifact_id: int) -> str:
    """Where an artifact is for the next minute."""

    def ask(it: Repository) -> str:
        headers, _ = it.requester.requestJsonAndCheck(
            "GET", f"{it.url}/actions/artifacts/{artifact_id}/zip", headers=FRESH
        )
        return urljoin(it.requester.base_url, str(headers.get("location", "")))

    return client.read(ask, what=f"artifact {artifact_id}")


def _artifact(it: Mapping[str, Any]) -> Artifact:
    return Artifact(
        id=it["id"],
        run_id=(it.get("workflow_run") or {}).get("id") or 0,
        name=it["name"],
        size_bytes=it["size_in_bytes"],
        digest=it.get("digest") or "",
        is_expired=it["expired"],
        expires_at=datetime.fromisoformat(it["expires_at"]) if it.get("expires_at") else None,
    )


def _deployed(it: Repository, sha: str) -> list[Preview]:
    """The deployments of a commit whose last word is that they stand."""
    _, found = it.requester.requestJsonAndCheck(
        "GET", f"{it.url}/deployments", parameters={"sha": sha, "per_page": MAX_DEPLOYMENTS}
    )
    previews = []
    for deployment in found:
        _, said = it.requester.requestJsonAndCheck(
            "GET", f"{it.url}/deployments/{deployment['id']}/statuses", parameters={"per_page": 1}
        )
        last = said[0] if said else {}
        if last.get("state") == "success" and last.get("environment_url"):
            previews.append(Preview(name=deployment["environment"], url=last["environment_url"]))
    return previews


def _statuses(it: Repository, sha: str) -> list[Preview]:
    """The statuses of a commit that speak of a preview and lead to it."""
    newest: dict[str, dict[str, Any]] = {}
    for each in pages(it.requester, f"{it.url}/commits/{sha}/statuses"):
        newest.setdefault(each["context"], each)
    return [
        Preview(name=each["context"], url=each["target_url"])
        for each in newest.values()
        if "preview" in each["context"].lower() and each["state"] == "success" and each["target_url"]
    ]
