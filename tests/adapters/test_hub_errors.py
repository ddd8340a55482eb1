"""What GitHub answers, sorted by who must act."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from github import GithubException

from github_app.adapters.hub.errors import Moved, NotFound, Unprocessable, graphql_failure, translate
from github_app.core.errors import AccessDenied, Gone, HonkError, NotVisibleYet, RateLimited, Transient


def told(status: int, message: str = "", headers: dict[str, str] | None = None, **data: Any) -> Exception:
    """Our error for an answer of GitHub."""
    error = GithubException(status, {"message": message, **data}, headers or {})
    return translate(error, what="issue #1", permissions={"issues": "write", "contents": "read"})


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (301, "Moved Permanently", Moved),
        (307, "Moved", Moved),
        (401, "Bad credentials", AccessDenied),
        (403, "Resource not accessible by integration", AccessDenied),
        (403, "Repository was archived so is read-only.", AccessDenied),
        (403, "API rate limit exceeded for installation ID 1.", RateLimited),
        (403, "You have exceeded a secondary rate limit. Please wait", RateLimited),
        (403, "You have triggered an abuse detection mechanism.", RateLimited),
        (404, "Not Found", NotFound),
        (408, "", Transient),
        (409, "Git Repository is empty.", Gone),
        (409, "Conflict", Transient),
        (410, "This issue was deleted", Gone),
        (422, "Validation Failed", Unprocessable),
        (422, "No commit found for SHA: abc", NotVisibleYet),
        (429, "Too many requests", RateLimited),
        (500, "", Transient),
        (502, "Server Error", Transient),
        (503, "", Transient),
    ],
)
def test_each_answer_has_its_error(status, message, kind):
    assert type(told(status, message)) is kind


@pytest.mark.parametrize(
    "error", [requests.ConnectionError(), requests.ReadTimeout(), json.JSONDecodeError("cut off", "{", 1)]
)
def test_no_answer_may_work_another_time(error):
    assert type(translate(error, what="x", permissions={})) is Transient


def test_what_is_nobodys_but_ours_stays_a_bug():
    for error in (KeyError("x"), GithubException(400, {"message": "Problems parsing JSON"}, {})):
        assert translate(error, what="x", permissions={}) is error


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "30", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 1),
        ({"x-ratelimit-remaining": "17", "x-ratelimit-reset": "99999999999"}, 60),
        ({}, 60),
    ],
)
def test_how_long_to_wait(headers, wait_s):
    error = told(403, "You have exceeded a secondary rate limit", headers)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == wait_s


def test_the_primary_limit_is_waited_for_until_its_reset():
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3000)}
    error = told(403, "API rate limit exceeded", headers)
    assert isinstance(error, RateLimited)
    assert 2990 < error.retry_after_s <= 3001


def test_a_403_without_requests_left_is_a_limit_whatever_it_says():
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
    assert type(told(403, "Forbidden", headers)) is RateLimited


def test_a_refusal_names_what_was_asked_for_and_with_which_permissions():
    assert "issue #1" in str(told(403, "Resource not accessible by integration"))
    assert "contents: read, issues: write" in str(told(403, "Resource not accessible by integration"))


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([{"field": "head", "code": "invalid"}], "head invalid"),
        ([{"message": "No commits between a and b"}], "no commits between a and b"),
        (["Review cannot be requested"], "review cannot be requested"),
        ("one sentence", "one sentence"),
        (None, "validation failed"),
    ],
)
def test_the_reasons_of_a_422_in_all_their_shapes(errors, reason):
    error = told(422, "Validation Failed", errors=errors)
    assert isinstance(error, Unprocessable)
    assert error.says(reason)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "NOT_FOUND", "message": "Could not resolve"}, NotFound),
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, AccessDenied),
        ({"message": "Resource not accessible by integration"}, AccessDenied),
        ({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}, RateLimited),
        ({"type": "UNPROCESSABLE", "message": "is not a draft"}, Unprocessable),
        ({"message": "Something went wrong while executing your query."}, Transient),
        ({"message": "Field 'x' doesn't exist on type 'Query'"}, GithubException),
    ],
)
def test_graphql_errors_are_sorted_like_rest(error, kind):
    failure = graphql_failure({"data": None, "errors": [error]}, {})
    assert failure
    assert type(translate(failure, what="x", permissions={})) is kind


def test_graphql_without_errors_is_no_failure():
    assert graphql_failure({"data": {}}, {}) is None


def test_a_message_that_is_not_json_is_told_in_short():
    error = translate(GithubException(502, {"data": "<html>" * 999}, {}), what="x", permissions={})
    assert isinstance(error, HonkError)
    assert len(str(error)) < 700
