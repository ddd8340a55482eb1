"""People can watch: every `html_url` leads to a page, and nothing that somebody wrote becomes markup."""

from __future__ import annotations

import pytest
import requests

from github_app.localhub.deeds.reviews import Inline

from .conftest import WORKFLOW, Story


def get(story: Story, url: str) -> requests.Response:
    url = url if url.startswith("http") else f"{story.hub.url}{url}"
    return requests.get(url, timeout=10)


@pytest.fixture
def lived(story: Story) -> Story:
    """A story in which everything has happened once."""
    issue = story.alice.open_issue(story.repo, "It <breaks>", "See `a.txt`.", ["honk"])
    story.alice.comment(issue, "**Soon.**")
    story.alice.push(story.repo, "work", {"a.txt": "one\n2\nthree\n", ".github/workflows/ci.yml": WORKFLOW}, "Fix")
    pull = story.alice.open_pull(story.repo, "Fix", head="work", body="Closes #1", draft=True)
    story.hub.settle()
    bob = story.hub.grant(story.repo, "bob", "write")
    bob.review(pull, "REQUEST_CHANGES", "Not yet.", [Inline("a.txt", "why?", 2)])
    return story


def test_every_address_that_the_api_names_leads_to_a_page(lived: Story):
    remote = lived.remote()
    pull = remote.get_pull(2)
    (run,) = remote.get_workflow_runs(event="push")
    file = remote.get_contents("a.txt")
    assert not isinstance(file, list)
    urls = [
        remote.html_url, remote.get_issue(1).html_url, pull.html_url, pull.diff_url, pull.get_reviews()[0].html_url,
        remote.get_commit(pull.head.sha).html_url, run.html_url, next(iter(run.jobs())).html_url,
        remote.compare("main", "work").html_url, file.html_url, file.download_url, pull.user.avatar_url,
    ]  # fmt: skip
    assert {url: get(lived, url).status_code for url in urls} == dict.fromkeys(urls, 200)


def test_a_pull_request_shows_the_whole_story(lived: Story):
    page = get(lived, "/acme/app/pull/2").text
    for seen in ("draft", "Not yet.", "why?", "a.txt:2", "+2", "github-actions", "asked for changes"):
        assert seen in page


def test_the_front_shows_repositories_and_deliveries(lived: Story):
    page = get(lived, "/").text
    assert "acme/app" in page
    assert "a GitHub on this machine" in page
    assert get(lived, "/_local/deliveries").status_code == 200
    newest = lived.hub.deliveries[-1].id
    assert "X-GitHub-Delivery" in get(lived, f"/_local/deliveries/{newest}").text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "<b onclick=x>"]
)
def test_what_people_write_is_shown_and_not_run(story: Story, text: str):
    issue = story.alice.open_issue(story.repo, text, text)
    story.alice.comment(issue, text)
    answer = get(story, "/acme/app/issues/1")
    for markup in ("<script", "<img src=x", 'href="javascript', "<b onclick"):
        assert markup not in answer.text
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_hidden_marks_stay_hidden(story: Story):
    story.alice.open_issue(story.repo, "Bug", "text <!-- honk:mark --> end")
    assert "honk:mark" not in get(story, "/acme/app/issues/1").text


@pytest.mark.parametrize(
    "path", ["/acme/none", "/acme/app/issues/99", "/acme/app/commit/abcdef1", "/_local/logs/x", "/acme/app/blob/main/x"]
)
def test_what_is_not_there_is_404(story: Story, path: str):
    assert get(story, path).status_code == 404
