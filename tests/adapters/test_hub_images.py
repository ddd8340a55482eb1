"""Images of an issue and its comments: fetched from GitHub's own hosts alone, without credentials, and no more than is
bearable."""

from __future__ import annotations

import io
import re

import pytest
import requests

from github_app.adapters.hub import images
from github_app.core.images import MAX_BYTES
from tests.adapters.hub_stage import Stage

PNG = b"\x89PNG and so on"


def shows(url: str) -> str:
    return f"Look: ![it]({url})"


def test_images_of_issue_and_comments_come_by_signed_addresses(stage: Stage):
    mia = stage.maintainer
    first, second = mia.attach(PNG), mia.attach(PNG * 2)
    issue = mia.open_issue(stage.place, "It looks wrong", shows(first))
    for number in range(101):
        mia.comment(issue, f"Number {number}")
    mia.comment(issue, f'<img width="30" src="{second}">')

    assert stage.hub.images(stage.repo, issue.number, [first, second]) == {first: PNG, second: PNG * 2}

    unchanged = stage.hub.traffic().unchanged
    assert stage.hub.images(stage.repo, issue.number, [first]) == {first: PNG}
    # What is signed for minutes is never taken from what was answered before.
    assert stage.hub.traffic().unchanged == unchanged
    assert stage.github.violations == []


def test_no_credentials_leave_for_where_images_are(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    url = stage.maintainer.attach(PNG)
    issue = stage.maintainer.open_issue(stage.place, "It looks wrong", shows(url))
    sent: list[requests.PreparedRequest] = []
    send = requests.Session.send

    def watch(self: requests.Session, request: requests.PreparedRequest, **more: object) -> requests.Response:
        sent.append(request)
        return send(self, request, **more)

    monkeypatch.setattr(requests.Session, "send", watch)
    assert stage.hub.images(stage.repo, issue.number, [url]) == {url: PNG}
    own = [each for each in sent if "/_local/attached/" in (each.url or "")]
    assert own
    assert all("authorization" not in each.headers for each in own)


def test_what_is_elsewhere_is_never_asked_for(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    issue = stage.issue()
    monkeypatch.setattr(requests, "get", lambda *_, **__: pytest.fail("asked"))
    before = len(stage.github.exchanges)
    urls = ["http://169.254.169.254/user-attachments/assets/abcdefgh", "https://example.com/a.png", stage.github.url]
    assert stage.hub.images(stage.repo, issue.number, urls) == {}
    assert len(stage.github.exchanges) == before


def test_one_that_is_not_there_or_too_large_is_left_out(stage: Stage):
    mia = stage.maintainer
    large, small = mia.attach(b"x" * (MAX_BYTES + 1)), mia.attach(PNG)
    gone = f"{stage.github.url}/user-attachments/assets/12345678-gone"
    issue = mia.open_issue(stage.place, "It looks wrong", "\n".join(map(shows, (large, gone, small))))
    assert stage.hub.images(stage.repo, issue.number, [large, gone, small]) == {small: PNG}
    assert stage.hub.images(stage.repo, 4_711, [small]) == {}  # no signed address, and no session


class Answers:
    """Other hosts, as they would answer; what was asked for is in `asked`."""

    def __init__(self, **redirects: str) -> None:
        self.redirects = redirects
        self.asked: list[str] = []

    def get(self, url: str, **options: object) -> requests.Response:
        assert options["allow_redirects"] is False
        self.asked.append(url)
        response = requests.Response()
        response.status_code = 200
        response.raw = io.BytesIO(PNG)
        for part, target in self.redirects.items():
            if re.search(rf"\b{part}\b", url):
                response.status_code = 302
                response.headers["location"] = target
        return response


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("http://169.254.169.254/latest/meta-data", 1),
        ("https://evil.example/x.png", 1),
        ("//evil.example/x.png", 1),
        ("/user-attachments/assets/passed-on", images.MAX_HOPS),
    ],
)
def test_a_redirect_leads_nowhere_else_and_not_in_circles(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, target: str, asked: int
):
    answers = Answers(assets=target)
    monkeypatch.setattr(requests, "get", answers.get)
    url = f"{stage.github.url}/user-attachments/assets/passed-on"
    assert stage.hub.images(stage.repo, stage.issue().number, [url]) == {}
    assert len(answers.asked) == asked


def test_a_redirect_within_github_is_followed(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    there = "https://private-user-images.githubusercontent.com/1/2-passed.png?jwt=x"
    answers = Answers(assets=there)
    monkeypatch.setattr(requests, "get", answers.get)
    url = f"{stage.github.url}/user-attachments/assets/passed-on"
    assert stage.hub.images(stage.repo, stage.issue().number, [url]) == {url: PNG}
    assert answers.asked == [url, there]


def test_a_slow_one_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    url = stage.maintainer.attach(PNG)
    issue = stage.maintainer.open_issue(stage.place, "It looks wrong", shows(url))
    monkeypatch.setattr(images, "DOWNLOAD_S", -1.0)
    assert stage.hub.images(stage.repo, issue.number, [url]) == {}
