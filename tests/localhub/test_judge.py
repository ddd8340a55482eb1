"""The judge catches what GitHub would refuse, and is silent about what GitHub does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from github_app.localhub.judge import Judge

REPO = "/repos/octo/hello"
SHA = "a" * 40
SEND = {"User-Agent": "honk", "Authorization": "Bearer t", "Content-Type": "application/json"}
ANSWER = {"Content-Type": "application/json; charset=utf-8"}
API = "https://api.github.com"
USER = {
    "login": "octo",
    "id": 1,
    "node_id": "U_1",
    "avatar_url": f"{API}/a",
    "gravatar_id": "",
    "type": "User",
    "site_admin": False,
} | {
    f"{name}_url": f"{API}/{name}"
    for name in [
        "html",
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "repos",
        "events",
        "received_events",
    ]
}
USER |= {"url": f"{API}/users/octo", "organizations_url": f"{API}/o"}
LABEL = {
    "id": 1,
    "node_id": "L_1",
    "url": f"{API}/labels/honk",
    "name": "honk",
    "color": "ededed",
    "default": False,
    "description": None,
}
REF = {
    "ref": "refs/heads/honk/1",
    "node_id": "R_1",
    "url": f"{API}/ref",
    "object": {"type": "commit", "sha": SHA, "url": f"{API}/commit"},
}
REACTION = {"id": 1, "node_id": "E_1", "user": USER, "content": "eyes", "created_at": "2026-01-02T03:04:05Z"}
STATUS = {
    "url": f"{API}/s",
    "avatar_url": None,
    "id": 1,
    "node_id": "S_1",
    "state": "success",
    "description": "fine",
    "target_url": None,
    "context": "ci",
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-01-02T03:04:05Z",
    "creator": USER,
}


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def check(judge: Judge, method: str, path: str, body: Any, status: int, answer: Any, **headers: str) -> list[str]:
    sent = b"" if body is None else json.dumps(body).encode()
    given = b"" if answer is None else json.dumps(answer).encode()
    return judge.check_exchange(method, path, {**SEND, **headers}, sent, status, ANSWER, given)


TRUE = {
    "labels of an issue": ("GET", f"{REPO}/issues/7/labels?per_page=100&page=2", None, 200, [LABEL]),
    "add labels": ("POST", f"{REPO}/issues/7/labels", {"labels": ["honk"]}, 200, [LABEL]),
    "add labels as PyGithub does": ("POST", f"{REPO}/issues/7/labels", ["honk"], 200, [LABEL]),
    "new ref": ("POST", f"{REPO}/git/refs", {"ref": "refs/heads/honk/1", "sha": SHA}, 201, REF),
    "ref with slashes": ("GET", f"{REPO}/git/ref/heads/honk/1", None, 200, REF),
    "ref with encoded slashes": ("GET", f"{REPO}/git/ref/heads%2Fhonk%2F1", None, 200, REF),
    "enterprise prefix": ("GET", f"/api/v3{REPO}/git/ref/heads/honk/1", None, 200, REF),
    "moved ref": ("PATCH", f"{REPO}/git/refs/heads/honk/1", {"sha": SHA, "force": False}, 200, REF),
    "reaction": ("POST", f"{REPO}/issues/comments/5/reactions", {"content": "eyes"}, 201, REACTION),
    "status": ("POST", f"{REPO}/statuses/{SHA}", {"state": "success", "context": "ci"}, 201, STATUS),
    "undocumented 401": ("GET", f"{REPO}/issues/7/labels", None, 401, {"message": "Bad credentials"}),
    "undocumented 502": ("GET", f"{REPO}/issues/7/labels", None, 502, None),
    "label removed": ("DELETE", f"{REPO}/issues/7/labels/honk", None, 200, []),
    "branch deleted": ("DELETE", f"{REPO}/git/refs/heads/honk/1", None, 204, None),
    "graphql": ("POST", "/graphql", {"query": "{viewer{login}}"}, 200, {"data": {"viewer": None}}),
}


@pytest.mark.parametrize("name", TRUE)
def test_is_silent_about_what_github_does(judge: Judge, name: str) -> None:
    assert check(judge, *TRUE[name]) == []


PULL = {"title": "t", "head": "honk/1", "base": "main"}
RUN = {"name": "ci", "head_sha": SHA}
BLOB = {"path": "a", "mode": "100644", "type": "blob", "sha": SHA}
# Request mistakes: status and body of the answer are not what is wrong, so the answer stays empty.
MISTAKES = {
    "pull request without base": ("POST", f"{REPO}/pulls", {"title": "t", "head": "h"}, "base"),
    "draft as text": ("POST", f"{REPO}/pulls", PULL | {"draft": "yes"}, "draft"),
    "review event of the webhook": ("POST", f"{REPO}/pulls/2/reviews", {"event": "APPROVED"}, "APPROVED"),
    "review without body": ("POST", f"{REPO}/pulls/2/reviews", {"event": "REQUEST_CHANGES"}, "needs a body"),
    "check status done": ("POST", f"{REPO}/check-runs", RUN | {"status": "done"}, "done"),
    "check completed without conclusion": (
        "POST",
        f"{REPO}/check-runs",
        RUN | {"status": "completed"},
        "needs a conclusion",
    ),
    "check changed to completed without conclusion": (
        "PATCH",
        f"{REPO}/check-runs/3",
        {"status": "completed"},
        "needs a conclusion",
    ),
    "status passed": ("POST", f"{REPO}/statuses/{SHA}", {"state": "passed"}, "passed"),
    "reaction thumbsup": ("POST", f"{REPO}/issues/1/reactions", {"content": "thumbsup"}, "thumbsup"),
    "tree mode 644": ("POST", f"{REPO}/git/trees", {"tree": [BLOB | {"mode": "644"}]}, "644"),
    "tree with sha and content": ("POST", f"{REPO}/git/trees", {"tree": [BLOB | {"content": "x"}]}, "not both"),
    "comment with text": ("POST", f"{REPO}/issues/1/comments", {"text": "hi"}, "body"),
    "comment too long": ("POST", f"{REPO}/issues/1/comments", {"body": "x" * 65_537}, "65536"),
    "issue without title": ("POST", f"{REPO}/issues", {"body": "b"}, "title"),
    "unknown field": ("POST", f"{REPO}/issues", {"title": "t", "priority": 1}, "unknown field 'priority'"),
    "short ref": ("POST", f"{REPO}/git/refs", {"ref": "heads/x", "sha": SHA}, "full name"),
    "short sha": ("POST", f"{REPO}/git/refs", {"ref": "refs/heads/x", "sha": "abc"}, "40"),
    "token for everything": ("POST", "/app/installations/1/access_tokens", {"permissions": {}}, "every permission"),
    "misspelt permission": (
        "POST",
        "/app/installations/1/access_tokens",
        {"permissions": {"contents": "admin"}},
        "admin",
    ),
    "misspelt route": ("GET", f"{REPO}/issue/1", None, "no such operation"),
    "wrong method": ("PUT", f"{REPO}/issues/1", {"title": "t"}, "no such operation"),
    "number that is none": ("GET", f"{REPO}/issues/one", None, "no such operation"),
    "unknown query": ("GET", f"{REPO}/issues?assigned=me", None, "unknown parameter 'assigned'"),
    "wrong query value": ("GET", f"{REPO}/issues?state=opened", None, "opened"),
    "body missing": ("POST", f"{REPO}/issues", None, "body missing"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_catches_a_mistake_of_the_client(judge: Judge, name: str) -> None:
    method, path, body, said = MISTAKES[name]
    status = {"POST": 201, "GET": 200, "PATCH": 200, "PUT": 200}[method]
    found = check(judge, method, path, body, status, None)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize("name", ["check completed without conclusion", "issue without title", "unknown field"])
def test_a_refused_mistake_is_a_test_of_the_refusal(judge: Judge, name: str) -> None:
    method, path, body, _ = MISTAKES[name]
    refusal = {"message": "Validation Failed", "documentation_url": f"{API}/docs", "errors": []}
    assert check(judge, method, path, body, 422, refusal) == []


def test_catches_drift_of_the_stand_in(judge: Judge) -> None:
    labels = f"{REPO}/issues/7/labels"
    assert "not documented" in check(judge, "POST", labels, {"labels": ["a"]}, 201, [LABEL])[0]
    lacking = {key: value for key, value in LABEL.items() if key != "color"}
    assert "color" in check(judge, "GET", labels, None, 200, [lacking])[0]
    assert "[0].default" in check(judge, "GET", labels, None, 200, [LABEL | {"default": "no"}])[0]
    assert "body missing" in check(judge, "GET", labels, None, 200, None)[0]
    assert "`message`" in check(judge, "GET", labels, None, 401, {"error": "no"})[0]
    html = judge.check_exchange("GET", labels, SEND, b"", 200, {"content-type": "text/html"}, b"<p>")
    assert "not JSON" in html[0]
    wrong_time = REACTION | {"created_at": "yesterday"}
    reactions = f"{REPO}/issues/1/reactions"
    assert "date-time" in check(judge, "POST", reactions, {"content": "eyes"}, 201, wrong_time)[0]


def test_a_client_needs_a_name(judge: Judge) -> None:
    found = check(judge, "GET", f"{REPO}/issues/7/labels", None, 200, [LABEL], **{"User-Agent": ""})
    assert "User-Agent" in found[0]


def test_git_routes_are_not_the_rest_apis(judge: Judge) -> None:
    assert judge.check_exchange("POST", "/octo/hello.git/git-upload-pack", {}, b"x", 200, {}, b"y") == []


def test_graphql_has_its_own_shape(judge: Judge) -> None:
    assert "`query`" in check(judge, "POST", "/graphql", {"q": "x"}, 200, {"data": {}})[0]
    assert "neither" in check(judge, "POST", "/graphql", {"query": "x"}, 200, {})[0]


def test_catches_webhooks_that_github_does_not_send(judge: Judge) -> None:
    sender = {"sender": USER}
    assert "no such event" in judge.check_delivery("issue", {})[0]
    assert "no such action" in judge.check_delivery("issues", {"action": "labelled"})[0]
    assert any('"repository"' in p for p in judge.check_delivery("issues", {"action": "labeled"} | sender))
    job = {"action": "completed", "workflow_job": {"status": "in_progress"}}
    assert any("action completed" in p for p in judge.check_delivery("workflow_job", job))


def test_names_its_sources(judge: Judge) -> None:
    rest, webhooks = judge.sources
    assert rest.startswith("@octokit/openapi ")
    assert webhooks.startswith("@octokit/openapi-webhooks ")
