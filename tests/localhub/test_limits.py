"""The local GitHub counts what each installation asks and writes, as GitHub does, and does not send again what has not
changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from github_app.localhub.limits import Limits

from .conftest import Clock, Story


def ask(story: Story, path: str, token: str, **headers: str) -> requests.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()} | {"Authorization": f"Bearer {token}"}
    return requests.get(f"{story.hub.api_url}{path}", headers=given, timeout=10)


def say(story: Story, token: str) -> requests.Response:
    url = f"{story.hub.api_url}/repos/acme/app/issues/1/comments"
    return requests.post(url, json={"body": "hi"}, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def test_what_has_not_changed_is_neither_sent_nor_counted(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    token, path = story.token(), "/repos/acme/app/issues/1"
    first = ask(story, path, token)
    used = story.hub.meter.used(story.installation.id)
    again = ask(story, path, token, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert ask(story, path, token, If_Modified_Since=first.headers["last-modified"]).status_code == 304
    assert story.hub.meter.used(story.installation.id) == used
    story.alice.comment(issue, "And another thing")
    changed = ask(story, path, token, If_None_Match=first.headers["etag"])
    assert changed.status_code == 200
    assert changed.json()["comments"] == 1
    assert story.hub.meter.used(story.installation.id) == used + 1


def test_what_has_not_changed_does_not_tell_of_other_pages(story: Story):
    issue = story.alice.open_issue(story.repo, "Bug")
    token, path = story.token(), "/repos/acme/app/issues/1/comments?per_page=1"
    story.alice.comment(issue, "One")
    first = ask(story, path, token)
    story.alice.comment(issue, "Two")
    again = ask(story, path, token, If_None_Match=first.headers["etag"])
    assert (again.status_code, "link" in again.headers) == (304, False)
    assert 'rel="next"' in ask(story, path, token).headers["link"]


def test_each_answer_tells_the_budget_that_all_tokens_of_an_installation_share(story: Story):
    first = ask(story, "/repos/acme/app", story.token())
    second = ask(story, "/repos/acme/app", story.token(metadata="read"))
    left = [int(each.headers["x-ratelimit-remaining"]) for each in (first, second)]
    assert (left[0] - left[1], first.headers["x-ratelimit-limit"]) == (1, "5000")
    shown = ask(story, "/rate_limit", story.token()).json()
    assert shown["resources"]["core"]["remaining"] == left[1]
    assert shown["resources"]["graphql"]["used"] == 0


@pytest.mark.parametrize("path", ["/repos/acme/app", "/repos/acme/app/issues"])
def test_a_spent_budget_ends_with_the_hour(story: Story, clock: Clock, path: str):
    token = story.token()
    story.hub.meter.spend(story.installation.id, left=1, seconds=600)
    assert ask(story, path, token).headers["x-ratelimit-remaining"] == "0"
    refused = ask(story, path, token)
    assert refused.status_code == 403
    assert "rate limit exceeded" in refused.json()["message"]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    clock.ahead = timedelta(seconds=int(refused.headers["x-ratelimit-reset"]) - clock().timestamp() + 1)
    assert ask(story, path, token).headers["x-ratelimit-remaining"] == "4999"


def test_an_installation_that_has_spent_all_holds_up_no_other(story: Story):
    other = story.hub.create_repository("blue/app", {"a.txt": "a\n"})
    there = story.hub.install(story.made.app, "blue", [other])
    story.hub.meter.spend(there.id)
    assert ask(story, "/repos/acme/app", story.token()).ok


def test_writes_that_come_too_fast_are_refused_until_there_is_room(story: Story, clock: Clock):
    story.hub.meter.limits = Limits(writes_per_minute=3, writes_per_hour=5)
    story.alice.open_issue(story.repo, "Bug")
    token = story.token()
    answers = [say(story, token) for _ in range(4)]
    assert [each.status_code for each in answers] == [201, 201, 201, 403]
    assert "secondary rate limit" in answers[3].json()["message"]
    assert 0 < int(answers[3].headers["retry-after"]) <= 61
    assert ask(story, "/repos/acme/app/issues/1", token).ok, "reading is not writing"
    clock.ahead = timedelta(seconds=61)
    assert [say(story, token).status_code for _ in range(3)] == [201, 201, 403], "and five are enough for an hour"
    assert len(story.repo.issues[1].comments) == 5


def test_strangers_may_ask_less(story: Story):
    story.hub.meter.limits = Limits(strangers_per_hour=2)
    url = f"{story.hub.api_url}/users/alice"
    assert [requests.get(url, timeout=10).status_code for _ in range(3)] == [200, 200, 403]
