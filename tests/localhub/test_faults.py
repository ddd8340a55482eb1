"""Requests go wrong exactly as told, once, and otherwise never."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from github import GithubException

from .conftest import Story


def comments(story: Story) -> list[str]:
    return [c.body for c in story.repo.issues[1].comments]


@pytest.mark.parametrize(("kind", "written"), [("before", []), ("after", ["hi"])])
def test_a_502_comes_before_or_after_the_deed(story: Story, kind: Any, written: list[str]):
    story.alice.open_issue(story.repo, "Bug")
    issue = story.remote().get_issue(1)
    story.hub.faults.add("POST .*/comments$", kind, status=502)
    with pytest.raises(GithubException) as failed:
        issue.create_comment("hi")
    assert failed.value.status == 502
    assert comments(story) == written
    issue.create_comment("again")
    assert comments(story) == [*written, "again"]


@pytest.mark.parametrize(
    ("kind", "more", "status", "header"),
    [
        ("secondary", {"seconds": 7}, 403, ("retry-after", "7")),
        ("secondary", {"seconds": 7, "status": 429}, 429, ("retry-after", "7")),
        ("primary", {"seconds": 3000}, 403, ("x-ratelimit-remaining", "0")),
        ("unauthorized", {}, 401, ("content-type", "application/json; charset=utf-8")),
    ],
)
def test_limits_look_like_githubs(story: Story, kind: Any, more: dict[str, Any], status: int, header: tuple[str, str]):
    story.hub.faults.add("GET /repos/acme/app$", kind, **more)
    headers = {"Authorization": f"Bearer {story.token()}"}
    answer = requests.get(f"{story.hub.api_url}/repos/acme/app", headers=headers, timeout=10)
    assert answer.status_code == status
    assert answer.headers[header[0]] == header[1]
    assert requests.get(f"{story.hub.api_url}/repos/acme/app", headers=headers, timeout=10).ok


def test_a_connection_breaks_after_the_deed(story: Story):
    story.alice.open_issue(story.repo, "Bug")
    story.hub.faults.add("POST .*/comments$", "hang")
    headers = {"Authorization": f"Bearer {story.token()}"}
    url = f"{story.hub.api_url}/repos/acme/app/issues/1/comments"
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.post(url, json={"body": "hi"}, headers=headers, timeout=10)
    assert comments(story) == ["hi"]


def test_a_rule_spares_the_first_and_takes_the_next_two(story: Story):
    story.hub.faults.add("GET /rate_limit", "before", skip=1, count=2, status=500)
    url = f"{story.hub.api_url}/rate_limit"
    assert [requests.get(url, timeout=10).status_code for _ in range(4)] == [200, 500, 500, 200]


def test_rules_are_set_and_shown_over_http(story: Story):
    url = f"{story.hub.url}/_local/faults"
    rules: Any = [{"match": "GET /rate_limit", "kind": "before", "status": 503}]
    assert requests.post(url, json=rules, timeout=10).json()[0]["status"] == 503
    assert requests.get(f"{story.hub.api_url}/rate_limit", timeout=10).status_code == 503
    assert requests.get(url, timeout=10).json() == []
    assert requests.post(url, json=[{"match": "x", "kind": "gremlins"}], timeout=10).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/repos/acme/app/issues", b"{", 400),
        ("POST", "/repos/acme/app/issues", b"[]", 422),
        ("POST", "/repos/acme/app/issues", b"{}", 422),
        ("POST", "/repos/acme/app/issues", b'{"title": ["x"]}', 422),
        ("GET", "/repos/acme/app/issues/999", b"", 404),
        ("GET", "/repos/acme/app/issues/x", b"", 404),
        ("GET", "/repos/acme/none", b"", 404),
        ("PUT", "/nothing/here", b"", 404),
    ],
)
def test_bad_requests_get_githubs_error_body(story: Story, method: str, path: str, body: bytes, status: int):
    headers = {"Authorization": f"Bearer {story.token()}"}
    answer = requests.request(method, f"{story.hub.api_url}{path}", data=body, headers=headers, timeout=10)
    assert answer.status_code == status
    assert set(answer.json()) >= {"message", "documentation_url"}
    # The client is wrong here on purpose, and the judge says so.
    assert [v for v in story.hub.violations if "no such operation" not in v] == []
    story.hub.violations.clear()


def test_a_rule_can_be_about_one_repository_and_about_what_is_said(story: Story):
    story.hub.create_repository("acme/other", {"a.txt": "a\n"})
    url = f"{story.hub.api_url}/repos/acme"
    story.hub.faults.add("^GET /repos/[^/]+/[^/]+$", "before", repo="acme/other")
    assert [requests.get(f"{url}/{name}", timeout=10).status_code for name in ("app", "other")] == [401, 502]
    story.hub.faults.add("/graphql$", "before", body="viewer")
    headers = {"Authorization": f"Bearer {story.token()}"}
    for query, status in (("{ node(id: 1) { id } }", 200), ("{ viewer { login } }", 502)):
        answer = requests.post(story.hub.graphql_url, json={"query": query}, headers=headers, timeout=10)
        assert answer.status_code == status


def test_a_rule_about_a_repository_takes_requests_for_its_token_too(story: Story):
    story.hub.faults.add("access_tokens$", "before", repo="acme/app")
    with pytest.raises(GithubException) as failed:
        story.token()
    assert failed.value.status == 502


def test_a_rule_lasts_for_a_time(story: Story):
    story.hub.faults.add("GET /rate_limit", "before", status=404, lasts_s=0.2)
    url = f"{story.hub.api_url}/rate_limit"
    assert [requests.get(url, timeout=10).status_code for _ in range(2)] == [404, 404]
    while requests.get(url, timeout=10).status_code == 404:
        pass
    assert story.hub.faults.rules == []


def test_silence_after_the_deed(story: Story):
    story.alice.open_issue(story.repo, "Bug")
    story.hub.faults.add("POST .*/comments$", "stall", seconds=30)
    headers = {"Authorization": f"Bearer {story.token()}"}
    url = f"{story.hub.api_url}/repos/acme/app/issues/1/comments"
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json={"body": "hi"}, headers=headers, timeout=0.3)
    assert comments(story) == ["hi"]
