"""What GitHub enforces and its OpenAPI documents do not say: hand-written rules of the judge.

Each rule names where it comes from. They return violations as text, like `judge.py`, which calls them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SHA = re.compile(r"[0-9a-f]{40}")
BODY_LIMIT = 65_536  # characters of an issue, comment, review or pull request body (GitHub refuses more with 422)


def request(method: str, template: str, headers: Mapping[str, str], body: bytes, *, refused: bool) -> list[str]:
    """Rules for one request; `refused` says that the answer was an error, so its body may well be wrong."""
    problems = []
    if not headers.get("user-agent"):
        # https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
        problems.append("request: GitHub refuses requests without User-Agent")
    try:
        parsed = json.loads(body) if body else None
    except ValueError:
        parsed = None
    if refused or not isinstance(parsed, dict):
        return problems
    for name, value in parsed.items():
        if name == "body" and isinstance(value, str) and len(value) > BODY_LIMIT:
            problems.append(f"request.body: {len(value)} characters; GitHub takes {BODY_LIMIT}")
    return problems + _OF_PATH.get((method, template), lambda _body: [])(parsed)


def _check_run(body: dict[str, Any]) -> list[str]:
    # https://docs.github.com/rest/checks/runs: "Required if you provide completed_at or a status of completed".
    if (body.get("status") == "completed" or "completed_at" in body) and not body.get("conclusion"):
        return ["request: a completed check run needs a conclusion"]
    if body.get("status") in {"queued", "in_progress"} and body.get("conclusion"):
        return ["request: a conclusion makes a check run completed, its status says otherwise"]
    return []


def _review(body: dict[str, Any]) -> list[str]:
    # https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request
    if body.get("event") in {"REQUEST_CHANGES", "COMMENT"} and not (body.get("body") or body.get("comments")):
        return [f"request: a review with event {body['event']} needs a body"]
    return []


def _tree(body: dict[str, Any]) -> list[str]:
    problems = []
    for number, entry in enumerate(body.get("tree", ())):
        if not isinstance(entry, dict):
            continue
        if "sha" in entry and "content" in entry:
            problems.append(f"request.tree[{number}]: either sha or content, not both")
        if not {"path", "mode", "type"} <= entry.keys() and entry.get("sha", "") is not None:
            problems.append(f"request.tree[{number}]: path, mode and type are needed")
        if str(entry.get("path", "")).startswith("/"):
            problems.append(f"request.tree[{number}].path: must not begin with a slash")
    return problems


def _new_ref(body: dict[str, Any]) -> list[str]:
    # https://docs.github.com/rest/git/refs#create-a-reference: "must start with 'refs' and have at least two slashes"
    ref = str(body.get("ref", ""))
    problems = [] if re.match(r"refs/[^/]+/.", ref) else [f"request.ref: {ref!r} is not a full name refs/…/…"]
    return problems + _sha(body)


def _sha(body: dict[str, Any]) -> list[str]:
    sha = body.get("sha")
    return [] if isinstance(sha, str) and SHA.fullmatch(sha) else ["request.sha: 40 hexadecimal digits"]


def _commit(body: dict[str, Any]) -> list[str]:
    shas = [body.get("tree", ""), *body.get("parents", ())]
    return [f"request: {sha!r} is not a full SHA" for sha in shas if not SHA.fullmatch(str(sha))]


def _token(body: dict[str, Any]) -> list[str]:
    # Ours, not GitHub's: a token for all repositories or with all permissions is what Honk must never ask for. GitHub
    # takes `{"permissions": {}}` (what PyGithub sends by itself) for "no wish", that is everything.
    if "permissions" in body and not body["permissions"]:
        return ["request: an empty `permissions` asks for every permission of the installation"]
    return []


_REPO = "/repos/{owner}/{repo}"
_OF_PATH = {
    ("POST", f"{_REPO}/check-runs"): _check_run,
    ("PATCH", f"{_REPO}/check-runs/{{check_run_id}}"): _check_run,
    ("POST", f"{_REPO}/pulls/{{pull_number}}/reviews"): _review,
    ("POST", f"{_REPO}/git/trees"): _tree,
    ("POST", f"{_REPO}/git/refs"): _new_ref,
    ("PATCH", f"{_REPO}/git/refs/{{ref}}"): _sha,
    ("POST", f"{_REPO}/git/commits"): _commit,
    ("POST", "/app/installations/{installation_id}/access_tokens"): _token,
}


def error_body(status: int, body: bytes) -> list[str]:
    """An error that the document does not list for this operation still has GitHub's shape: `{"message": …}`."""
    if status == 304 or status >= 500:
        return [] if status != 304 or not body else ["answer 304: must have no body"]
    try:
        parsed = json.loads(body)
    except ValueError:
        return [f"answer {status}: the error is not JSON"]
    ok = isinstance(parsed, dict) and isinstance(parsed.get("message"), str)
    return [] if ok else [f"answer {status}: an error has a `message`"]


def graphql(request_body: bytes, status: int, response_body: bytes) -> list[str]:
    """GraphQL is outside the documents: query and variables in, 200 with `data` or `errors` out."""
    problems = []
    try:
        asked = json.loads(request_body)
        answered = json.loads(response_body)
    except ValueError as error:
        return [] if status >= 500 else [f"graphql: not JSON ({error})"]
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        problems.append("graphql request: `query` must be text")
    elif not isinstance(asked.get("variables") or {}, dict):
        problems.append("graphql request: `variables` must be an object")
    if status == 200 and not {"data", "errors"} & answered.keys():
        problems.append("graphql answer: neither `data` nor `errors`")
    listed = answered.get("errors", ())
    if not all(isinstance(item, dict) and isinstance(item.get("message"), str) for item in listed):
        problems.append("graphql answer: each error has a `message`")
    return problems


def delivery(event: str, payload: dict[str, Any]) -> list[str]:
    """Rules between fields of a webhook payload that a schema cannot express."""
    problems = []
    action = payload.get("action")
    if event in {"check_run", "check_suite", "workflow_run", "workflow_job"}:
        part = payload.get(event) or {}
        completed = part.get("status") == "completed"
        if completed != bool(part.get("conclusion")):
            problems.append(f".{event}: status {part.get('status')!r} with conclusion {part.get('conclusion')!r}")
        if action == "completed" and not completed:
            problems.append(f".{event}: action completed, status {part.get('status')!r}")
    if event == "pull_request":
        pull = payload.get("pull_request") or {}
        if pull.get("merged") and pull.get("state") != "closed":
            problems.append(".pull_request: merged, but not closed")
        if action == "synchronize" and not (payload.get("before") and payload.get("after")):
            problems.append(": synchronize says before and after")
    if event == "push":
        created = set(str(payload.get("before", ""))) == {"0"}
        if created != bool(payload.get("created")):
            problems.append(f": before {payload.get('before')!r} with created {payload.get('created')!r}")
    return problems
