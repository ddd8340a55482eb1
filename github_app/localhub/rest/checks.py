"""https://docs.github.com/rest/checks and /commits/statuses : check runs, check suites, commit statuses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from github_app.localhub import shapes, shapes_ci
from github_app.localhub.deeds import checks
from github_app.localhub.exchange import ApiError, Call, Reply, invalid, not_found, route
from github_app.localhub.values import CheckRun, CheckSuite

_CONCLUSIONS = (
    "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale",
)  # fmt: skip


@route("POST", "/repos/{owner}/{repo}/statuses/{sha}", "statuses:write")
def create_status(call: Call) -> Any:
    """Set a status of a commit."""
    status = checks.add_status(
        call.world, call.repo, call.user, call.params["sha"], state=call.want("state"),
        context=call.may("context", default="default"), description=call.may("description"),
        target_url=call.may("target_url"),
    )  # fmt: skip
    return Reply(shapes_ci.status(call.world, call.repo, status), 201)


def _commit(call: Call) -> str:
    sha = checks.resolve(call.repo, call.params["ref"])
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.params['ref']}")
    return sha


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/statuses", "statuses:read")
def list_statuses(call: Call) -> Any:
    """All statuses of a commit, newest first."""
    sha = _commit(call)
    found = [s for s in reversed(call.repo.statuses) if s.sha == sha]
    return call.page(found, lambda s: shapes_ci.status(call.world, call.repo, s))


@route("GET", "/repos/{owner}/{repo}/commits/{ref+}/status", "statuses:read")
def combined_status(call: Call) -> Any:
    """The newest status of each context, and what they come to."""
    sha = _commit(call)
    state, newest = checks.combined(call.repo, sha)
    reply = call.page(newest, lambda s: shapes_ci.status(call.world, call.repo, s), "statuses")
    at = f"{shapes.repo_api(call.world, call.repo)}/commits/{sha}"
    body = {
        **reply.body,
        "state": state,
        "sha": sha,
        "repository": shapes.repository(call.world, call.repo),
        "commit_url": at,
        "url": f"{at}/status",
    }
    return Reply(body, headers=reply.headers)


@route("POST", "/repos/{owner}/{repo}/check-runs", "checks:write")
def create_check_run(call: Call) -> Any:
    """Enter a check run; only apps may."""
    if call.caller.app is None:
        raise ApiError(403, "You must authenticate via a GitHub App.")
    sha = checks.resolve(call.repo, call.want("head_sha"))
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.body['head_sha']}")
    suite = checks.suite_for(call.world, call.repo, call.caller.app, sha)
    run = checks.add_run(
        call.world, call.repo, suite, name=call.want("name"), sender=call.user,
        status="queued", details_url=call.may("details_url"),
        external_id=call.may("external_id", default=""),
    )  # fmt: skip
    _update(call, run)
    return Reply(shapes_ci.check_run(call.world, call.repo, run), 201)


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:write")
def update_check_run(call: Call) -> Any:
    """Change a check run of the app's own."""
    run = _run(call)
    if run.suite.app is not call.caller.app:
        raise ApiError(
            403,
            "Invalid app_id `%s` - check run can only be modified by the GitHub App that created it."
            % (call.caller.app.id if call.caller.app else 0),
        )
    run.name = call.may("name", default=run.name)
    run.details_url = call.may("details_url", default=run.details_url)
    _update(call, run)
    return shapes_ci.check_run(call.world, call.repo, run)


def _update(call: Call, run: CheckRun) -> None:
    status, conclusion = call.may("status"), call.may("conclusion")
    if status == "completed" and not conclusion:
        raise ApiError(422, "Invalid request.\n\nMissing conclusion: it is required when status is completed.")
    if conclusion is not None and conclusion not in _CONCLUSIONS:
        raise invalid("CheckRun", "conclusion", "invalid")
    output = call.may("output", dict)
    if output is not None and not (output.get("title") and output.get("summary")):
        raise ApiError(422, 'Invalid request.\n\n"title" and "summary" weren\'t supplied.')
    for part in ("summary", "text"):
        if output and len(str(output.get(part) or "")) > 65_535:
            raise ApiError(422, f"Only 65535 characters are allowed; {len(output[part])} were supplied.")
    if call.may("started_at"):
        run.started_at = datetime.fromisoformat(call.want("started_at"))
    if call.may("completed_at"):
        run.completed_at = datetime.fromisoformat(call.want("completed_at"))
    checks.update_run(call.world, call.repo, run, call.user, status=status, conclusion=conclusion, output=output)


def _run(call: Call) -> CheckRun:
    wanted = call.number("check_run_id")
    for suite in call.repo.suites:
        for run in suite.runs:
            if run.id == wanted:
                return run
    raise not_found()


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:read")
def get_check_run(call: Call) -> Any:
    """One check run."""
    return shapes_ci.check_run(call.world, call.repo, _run(call))


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", "checks:read")
def list_annotations(call: Call) -> Any:
    """The lines that a check run points at."""
    at = f"{shapes.repo_api(call.world, call.repo)}/git/blobs"
    optional = ("start_column", "end_column", "title", "raw_details")

    def annotation(it: dict[str, Any]) -> dict[str, Any]:
        return {**dict.fromkeys(optional), "blob_href": at, **it}

    return call.page(_run(call).output.get("annotations") or [], annotation)


@route("GET", "/repos/{owner}/{repo}/commits/{ref+}/check-runs", "checks:read")
def list_check_runs(call: Call) -> Any:
    """The check runs of a commit; with `filter=latest` (the default) the newest of each name and app."""
    return _runs(call, call.repo.check_runs(_commit(call)))


@route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs", "checks:read")
def list_runs_of_suite(call: Call) -> Any:
    """The check runs of one suite."""
    return _runs(call, _suite(call).runs)


def _runs(call: Call, runs: list[CheckRun]) -> Reply:
    if call.query.get("filter", "latest") == "latest":
        runs = list({(r.suite.id, r.name): r for r in runs}.values())
    wanted_app, name = call.query.get("app_id"), call.query.get("check_name")
    found = [
        r for r in reversed(runs)
        if name in (None, r.name) and call.query.get("status") in (None, r.status)
        and wanted_app in (None, str(r.suite.app.id))
    ]  # fmt: skip
    return call.page(found, lambda r: shapes_ci.check_run(call.world, call.repo, r), "check_runs")


@route("GET", "/repos/{owner}/{repo}/commits/{ref+}/check-suites", "checks:read")
def list_check_suites(call: Call) -> Any:
    """The check suites of a commit."""
    sha = _commit(call)
    found = [s for s in call.repo.suites if s.head_sha == sha]
    return call.page(found, lambda s: shapes_ci.check_suite(call.world, call.repo, s), "check_suites")


def _suite(call: Call) -> CheckSuite:
    found = next((s for s in call.repo.suites if s.id == call.number("check_suite_id")), None)
    if found is None:
        raise not_found()
    return found


@route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}", "checks:read")
def get_check_suite(call: Call) -> Any:
    """One check suite."""
    return shapes_ci.check_suite(call.world, call.repo, _suite(call))
