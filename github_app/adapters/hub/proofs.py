"""The check run that shows how a commit of ours was verified."""

from __future__ import annotations

from github.CheckRun import CheckRun
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.comments import post_once

NAME = "honk"


def show_proof(
    client: RepoClient, sha: str, *, own_app_id: int, key: str, conclusion: str, title: str, summary: str
) -> None:
    """Enter the check run `honk` of a commit, completed; once for each key, found again by it as `external_id`.

    https://docs.github.com/rest/checks/runs
    """

    def look() -> int | None:
        def ask(it: Repository) -> int | None:
            for run in it.get_commit(sha).get_check_runs(check_name=NAME):
                if run.external_id == key and run.app and run.app.id == own_app_id:
                    return run.id
            return None

        return client.read(ask, what=f"our check run of {sha[:12]}", was_told=True)

    def post(it: Repository) -> int:
        run: CheckRun = it.create_check_run(
            NAME,
            head_sha=sha,
            external_id=key,
            status="completed",
            conclusion=conclusion,
            output={"title": title, "summary": summary},
        )
        return run.id

    if look() is None:
        post_once(client, post, look, what=f"our check run of {sha[:12]}")
