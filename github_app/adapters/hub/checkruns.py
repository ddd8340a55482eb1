"""The check runs that we enter ourselves: how a commit of ours was verified, what a policy file comes to."""

from __future__ import annotations

from collections.abc import Sequence

from github.CheckRun import CheckRun
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.comments import post_once
from github_app.core.model import Annotation

_ANNOTATIONS_AT_ONCE = 50
"""More GitHub does not take: https://docs.github.com/rest/checks/runs#create-a-check-run"""


def show_check(
    client: RepoClient,
    sha: str,
    *,
    own_app_id: int,
    name: str,
    key: str,
    conclusion: str,
    title: str,
    summary: str,
    annotations: Sequence[Annotation] = (),
) -> None:
    """Enter a check run of a commit, completed; once for each key, found again by it as `external_id`.

    https://docs.github.com/rest/checks/runs
    """

    def look() -> int | None:
        def ask(it: Repository) -> int | None:
            for run in it.get_commit(sha).get_check_runs(check_name=name):
                if run.external_id == key and run.app and run.app.id == own_app_id:
                    return run.id
            return None

        return client.read(ask, what=f"our check run of {sha[:12]}", was_told=True)

    def post(it: Repository) -> int:
        lines = [_annotation(each) for each in annotations[:_ANNOTATIONS_AT_ONCE]]
        run: CheckRun = it.create_check_run(
            name,
            head_sha=sha,
            external_id=key,
            status="completed",
            conclusion=conclusion,
            output={"title": title, "summary": summary, **({"annotations": lines} if lines else {})},
        )
        return run.id

    if look() is None:
        post_once(client, post, look, what=f"our check run of {sha[:12]}")


def _annotation(it: Annotation) -> dict[str, str | int]:
    return {
        "path": it.path,
        "start_line": it.line,
        "end_line": it.line,
        "annotation_level": it.level,
        "message": it.text,
    }
