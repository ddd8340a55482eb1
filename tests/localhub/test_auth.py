"""Apps prove who they are, and tokens open only what they were made for."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from github import Auth, GithubException

from github_app.localhub.registration import new_private_key

from .conftest import Clock, Story


def signed(story: Story, key: str = "", algorithm: str = "RS256", **claims: Any) -> str:
    now = int(time.time())
    whole = {"iat": now - 60, "exp": now + 300, "iss": str(story.made.app.id), **claims}
    return jwt.encode(whole, key or story.made.private_key, algorithm)


def ask(story: Story, token: str, path: str = "/app") -> Any:
    return story.as_(Auth.Token(token)).requester.requestJsonAndCheck("GET", path)[1]


def test_an_app_sees_itself_and_where_it_is_installed(story: Story):
    integration = story.integration()
    assert integration.get_app().slug == "honk"
    assert integration.get_app().permissions["contents"] == "write"
    assert [i.id for i in integration.get_installations()] == [story.installation.id]
    assert integration.get_repo_installation("acme", "app").id == story.installation.id


def test_a_client_id_may_sign_as_well_as_the_number(story: Story):
    assert ask(story, signed(story, iss=story.made.app.client_id))["slug"] == "honk"


@pytest.mark.parametrize(
    ("claim", "seconds", "message"),
    [("exp", -5, "exp"), ("exp", 1200, "too far in the future"), ("iat", 90, "iat")],
)
def test_a_wrong_time_is_refused_with_githubs_words(story: Story, claim: str, seconds: int, message: str):
    claims: dict[str, Any] = {claim: int(time.time()) + seconds}
    with pytest.raises(GithubException) as refused:
        ask(story, signed(story, **claims))
    assert refused.value.status == 401
    assert message in refused.value.data["message"]


def test_an_unknown_app_is_refused(story: Story):
    with pytest.raises(GithubException) as refused:
        ask(story, signed(story, iss="999"))
    assert refused.value.status == 401
    assert "Integration not found" in refused.value.data["message"]


def test_another_apps_key_does_not_sign_for_this_one(story: Story):
    with pytest.raises(GithubException) as refused:
        ask(story, signed(story, key=new_private_key()))
    assert refused.value.data["message"] == "A JSON web token could not be decoded"


def test_a_token_reaches_only_the_repository_it_names(story: Story):
    other = story.hub.create_repository("acme/other", {"x": "x"})
    story.hub.select(story.installation, [story.repo, other])
    client = story.as_(Auth.Token(story.token()))
    assert client.get_repo("acme/app").full_name == "acme/app"
    with pytest.raises(GithubException) as refused:
        client.get_repo("acme/other")
    assert refused.value.status == 404


def test_a_token_may_only_do_what_it_names(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    remote = story.remote(issues="read")
    assert remote.get_issue(issue.number).title == "Bug"
    with pytest.raises(GithubException) as refused:
        remote.get_issue(issue.number).create_comment("hi")
    assert refused.value.status == 403
    assert refused.value.data["message"] == "Resource not accessible by integration"
    assert issue.comments == []


def test_permission_for_pull_requests_does_not_open_issues(story: Story):
    story.alice.open_issue(story.repo, "Bug")
    with pytest.raises(GithubException) as refused:
        story.remote(pull_requests="write").get_issue(1)
    assert refused.value.status == 403


@pytest.mark.parametrize("asked", [{"contents": "admin"}, {"administration": "read"}])
def test_a_token_cannot_get_more_than_the_app_has(story: Story, asked: dict[str, str]):
    with pytest.raises(GithubException) as refused:
        story.token(**asked)
    assert refused.value.status == 422


def test_a_token_for_an_unknown_repository_is_not_made(story: Story):
    url = f"/app/installations/{story.installation.id}/access_tokens"
    with pytest.raises(GithubException) as refused:
        story.integration().requester.requestJsonAndCheck("POST", url, input={"repository_ids": [1]})
    assert refused.value.status == 422


def test_a_token_dies_after_an_hour(story: Story, clock: Clock):
    client = story.as_(Auth.Token(story.token()))
    clock.ahead = timedelta(minutes=59)
    assert client.get_repo("acme/app").name == "app"
    clock.ahead = timedelta(minutes=61)
    with pytest.raises(GithubException) as refused:
        client.get_repo("acme/app")
    assert (refused.value.status, refused.value.data["message"]) == (401, "Bad credentials")


def test_a_suspended_installation_opens_nothing_until_it_is_unsuspended(story: Story):
    client = story.as_(Auth.Token(story.token()))
    story.hub.suspend(story.installation)
    with pytest.raises(GithubException) as refused:
        client.get_repo("acme/app")
    assert refused.value.status == 403
    story.hub.suspend(story.installation, False)
    assert client.get_repo("acme/app").name == "app"


def test_a_permission_that_nobody_accepted_is_not_granted(story: Story):
    story.hub.grant_permissions(story.installation, {"issues": "write", "contents": "read"})
    assert story.token(contents="read")
    with pytest.raises(GithubException, match="permissions requested are not granted"):
        story.token(contents="write")
    story.hub.grant_permissions(story.installation, None)
    assert story.token(contents="write")
    assert "installation.new_permissions_accepted" in story.events()


def test_an_uninstalled_app_loses_tokens_and_installation(story: Story):
    client = story.as_(Auth.Token(story.token()))
    story.hub.uninstall(story.installation)
    for attempt in (lambda: client.get_repo("acme/app"), story.token):
        with pytest.raises(GithubException) as refused:
            attempt()
        assert refused.value.status in (401, 404)


def test_people_may_do_what_their_role_allows(story: Story):
    story.alice.open_issue(story.repo, "Bug")
    reader = story.hub.grant(story.repo, "rita", "read")
    remote = story.as_(Auth.Token(reader.token)).get_repo("acme/app")
    assert remote.get_issue(1).create_comment("me too").user.login == "rita"
    with pytest.raises(GithubException) as refused:
        remote.get_issue(1).add_to_labels("honk")
    assert refused.value.status == 403


def test_strangers_do_not_learn_of_a_private_repository(story: Story):
    stranger = story.hub.person("mallory")
    with pytest.raises(GithubException) as refused:
        story.as_(Auth.Token(stranger.token)).get_repo("acme/app")
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("role", "permission"),
    [("admin", "admin"), ("maintain", "write"), ("write", "write"), ("triage", "read"), ("read", "read")],
)
def test_a_role_is_told_with_the_permission_it_amounts_to(story: Story, role: Any, permission: str):
    story.hub.grant(story.repo, "kim", role)
    remote = story.remote()
    assert remote.get_collaborator_permission("kim") == permission
    assert remote.get_collaborator_role_name("kim") == role


def test_nobody_has_a_permission_who_does_not_exist(story: Story):
    with pytest.raises(GithubException) as refused:
        story.remote().get_collaborator_permission("ghost-of-nobody")
    assert refused.value.status == 404
