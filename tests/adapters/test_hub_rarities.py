"""Answers of GitHub that the local one does not give: plans without drafts, forks, custom roles, large files."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from github_app.adapters.hub.github import GitHubHub
from github_app.core.errors import NotVisibleYet, Refused
from github_app.core.model import Actor, Permission
from github_app.core.ports import Hub
from tests.adapters.test_hub_clients import API, REPO, a_hub
from tests.adapters.wire import Answer, Asked
from tests.edge.cases import shows

MIA = Actor(id=8, login="mia")


def as_port(hub: GitHubHub) -> Hub:
    """The hub is what the core expects; mypy says so."""
    return hub


def a_pull(number: int, *, ref: str = "honk/1", repo_id: int | None = 7, draft: bool = True) -> dict[str, Any]:
    """A pull request as GitHub shows it, with what we read of it."""
    user = {"id": 8, "login": "mia", "type": "User"}
    side = {"sha": "a" * 40, "repo": None if repo_id is None else {"id": repo_id, "full_name": "x/y"}}
    return {
        "number": number, "title": "t", "body": None, "state": "open", "draft": draft, "merged_at": None,
        "head": {**side, "ref": ref}, "base": {**side, "ref": "main"}, "user": user, "html_url": "u",
        "updated_at": "2026-01-02T03:04:05Z",
    }  # fmt: skip


def refused(*errors: dict[str, str]) -> Answer:
    """A 422 with these errors."""
    return Answer({"message": "Validation Failed", "errors": list(errors)}, 422)


def test_where_a_plan_has_no_drafts_the_pull_request_is_opened_all_the_same():
    def answer(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer([])
        if asked.body["draft"]:
            return Answer({"message": "Draft pull requests are not supported in this repository."}, 422)
        return Answer(a_pull(5, draft=False), 201)

    with a_hub(answer) as (hub, _, _):
        opened = hub.open_pull(REPO, branch="honk/1", base="main", title="t", body="b")
    assert (opened.number, opened.is_draft) == (5, False)


@shows("W64")
@pytest.mark.parametrize("refusals", [1, 2, 9])
def test_a_branch_that_github_does_not_know_yet_is_tried_again_for_some_seconds(refusals):
    left = [refused({"resource": "PullRequest", "field": "head", "code": "invalid"})] * refusals

    def answer(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer([])
        return left.pop() if left else Answer(a_pull(5), 201)

    with a_hub(answer) as (hub, _, times):
        if refusals < 4:
            assert hub.open_pull(REPO, branch="honk/1", base="main", title="t", body="b").number == 5
        else:
            with pytest.raises(NotVisibleYet):
                hub.open_pull(REPO, branch="honk/1", base="main", title="t", body="b")
        assert sum(times.slept) < 5


@shows("W64")
def test_a_pull_request_that_shows_up_late_is_taken():
    shown: list[dict[str, Any]] = []

    def answer(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer(list(shown))
        shown.append(a_pull(6))
        return refused({"message": "A pull request already exists for acme:honk/1."})

    with a_hub(answer) as (hub, _, _):
        assert hub.open_pull(REPO, branch="honk/1", base="main", title="t", body="b").number == 6


@shows("W78")
def test_a_branch_of_the_same_name_in_a_fork_is_not_ours():
    listed = [a_pull(1, repo_id=99), a_pull(2, repo_id=None), a_pull(3, ref="honk/10"), a_pull(4)]
    with a_hub(lambda _: Answer(listed)) as (hub, wire, _):
        found = hub.find_pull(REPO, "honk/1")
    assert found
    assert found.number == 4
    assert "head=acme%3Ahonk%2F1" in wire.paths("GET")[0]


@shows("W71")
def test_the_head_of_a_deleted_fork_has_no_repository():
    with a_hub(lambda _: Answer(a_pull(2, repo_id=None))) as (hub, _, _):
        assert hub.pull(REPO, 2).head_repo_id is None


@pytest.mark.parametrize(
    ("answer", "permission"),
    [
        ({"role_name": "security-lead", "permission": "write"}, Permission.WRITE),
        ({"role_name": "triage", "permission": "read"}, Permission.TRIAGE),
        ({"role_name": "maintain", "permission": "write"}, Permission.MAINTAIN),
        ({"permission": "admin"}, Permission.ADMIN),
        ({"role_name": "", "permission": "none"}, Permission.NONE),
        ({"role_name": "owner-of-everything", "permission": "all"}, Permission.NONE),
    ],
)
def test_custom_roles_count_as_what_they_build_on(answer, permission):
    with a_hub(lambda _: Answer({**answer, "user": {"id": 8, "login": "mia"}})) as (hub, _, _):
        assert as_port(hub).permission(REPO, MIA) is permission


def test_a_permission_without_a_person_is_none():
    with a_hub(lambda _: Answer({"role_name": "admin", "permission": "admin", "user": None})) as (hub, _, _):
        assert hub.permission(REPO, MIA) is Permission.NONE


def test_a_file_above_one_megabyte_is_refused():
    def answer(asked: Asked) -> Answer:
        assert asked.path.startswith(f"{API}/repos/acme/shop/contents/big.bin")
        return Answer({"type": "file", "encoding": "none", "content": "", "size": 2_000_000, "path": "big.bin"})

    with a_hub(answer) as (hub, _, _), pytest.raises(Refused, match="1 MB"):
        hub.file(REPO, "big.bin", "a" * 40)


def test_a_file_of_a_commit_that_is_not_known_yet():
    missing = Answer({"message": "No commit found for the ref abc"}, 404)
    with a_hub(lambda _: missing) as (hub, _, _), pytest.raises(NotVisibleYet):
        hub.file(REPO, "README.md", "a" * 40)


def test_a_comment_of_a_deleted_account_is_a_ghosts():
    comment = {"id": 1, "user": None, "body": "boo", "created_at": "2026-01-02T03:04:05Z", "node_id": "IC_1"}

    def answer(asked: Asked) -> Answer:
        known = {
            "/app": {"id": 12, "slug": "honk", "events": []},
            "/app/installations": [],
            "/users/honk%5Bbot%5D": {"id": 5, "login": "honk[bot]", "type": "Bot"},
        }
        return Answer(known.get(asked.path.removeprefix(API).partition("?")[0], [comment]))

    with a_hub(answer) as (hub, _, _):
        (seen,) = hub.comments(REPO, 1)
    assert (seen.author.login, seen.permission, seen.body) == ("ghost", Permission.NONE, "boo")


def test_no_token_is_logged_whatever_the_level(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with a_hub(lambda _: Answer({"object": {"sha": "a" * 40}})) as (hub, _, _):
        assert hub.head_of(REPO, "main") == "a" * 40
    assert "token-7" not in caplog.text
