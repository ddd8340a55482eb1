"""Webhooks are signed, ordered, recorded and sent again; faults strike them as told."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from .conftest import Receiver, Story


def bodies(receiver: Receiver) -> list[str]:
    found = []
    for headers, body in receiver.received:
        name = headers["X-GitHub-Event"]
        found.append(f"{name}.{json.loads(body).get('action', '')}".rstrip("."))
    return found


def log(story: Story, path: str = "") -> Any:
    return story.integration().requester.requestJsonAndCheck("GET", f"/app/hook/deliveries{path}")[1]


def test_a_delivery_carries_githubs_headers_and_a_right_signature(story: Story, receiver: Receiver):
    story.alice.open_issue(story.repo, "Bug")
    story.hub.settle()
    headers, body = receiver.received[-1]
    expected = "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(headers["X-Hub-Signature-256"], expected)
    assert headers["X-GitHub-Event"] == "issues"
    assert len(headers["X-GitHub-Delivery"]) == 36
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert headers["X-GitHub-Hook-Installation-Target-Type"] == "integration"
    assert headers["X-GitHub-Hook-Installation-Target-ID"] == str(story.made.app.id)
    assert json.loads(body)["installation"]["id"] == story.installation.id


def test_an_app_hears_only_what_it_subscribed_to_and_may_see(story: Story, receiver: Receiver, key: str):
    quiet = story.hub.create_app("quiet", permissions={}, events=["push"], webhook_url=receiver.url, private_key=key)
    elsewhere = story.hub.create_repository("other/app", {"x": "x"})
    story.hub.install(quiet.app, "acme", [story.repo])
    story.alice.open_issue(story.repo, "Bug")
    story.hub.person("other").open_issue(elsewhere, "Bug")
    story.hub.settle()
    assert bodies(receiver).count("issues.opened") == 1


def test_installing_and_uninstalling_is_told_to_that_app_alone(story: Story, receiver: Receiver):
    story.hub.suspend(story.installation)
    story.hub.suspend(story.installation, False)
    other = story.hub.create_repository("acme/other", {"x": "x"})
    story.hub.select(story.installation, [other])
    story.hub.uninstall(story.installation)
    story.hub.ping(story.made.app)
    story.hub.settle()
    assert bodies(receiver) == [
        "installation.created", "installation.suspend", "installation.unsuspend",
        "installation_repositories.added", "installation_repositories.removed", "installation.deleted", "ping",
    ]  # fmt: skip


def test_a_suspended_installation_hears_nothing(story: Story, receiver: Receiver):
    story.hub.suspend(story.installation)
    story.alice.open_issue(story.repo, "Bug")
    story.hub.settle()
    assert "issues.opened" not in bodies(receiver)


def test_a_failed_delivery_is_in_the_log_and_sent_again_with_its_guid(story: Story, receiver: Receiver):
    receiver.status = 503
    story.alice.open_issue(story.repo, "Bug")
    story.hub.settle()
    (failed,) = [d for d in log(story) if d["event"] == "issues"]
    assert (failed["status_code"], failed["redelivery"], failed["action"]) == (503, False, "opened")
    receiver.status = 202
    url = f"/app/hook/deliveries/{failed['id']}/attempts"
    story.integration().requester.requestJsonAndCheck("POST", url)
    story.hub.settle()
    again, first = [d for d in log(story) if d["event"] == "issues"]
    assert (again["guid"], again["status_code"], again["redelivery"]) == (first["guid"], 202, True)
    whole = log(story, f"/{again['id']}")
    assert whole["request"]["payload"]["issue"]["title"] == "Bug"
    assert whole["request"]["headers"]["X-GitHub-Delivery"] == again["guid"]


def test_the_log_goes_on_by_cursor(story: Story):
    for number in range(5):
        story.alice.open_issue(story.repo, f"{number}")
    story.hub.settle()
    requester, url, seen = story.integration().requester, "/app/hook/deliveries?per_page=2", []
    while url:
        headers, page = requester.requestJsonAndCheck("GET", url)
        seen += [d["id"] for d in page]
        url = headers.get("link", "").partition(">")[0].removeprefix("<")
    assert seen == sorted((d.id for d in story.hub.deliveries), reverse=True)


@pytest.mark.parametrize(
    ("kind", "arrive"),
    [
        ("drop", ["issue_comment.created"]),
        ("duplicate", ["issues.opened", "issues.opened", "issue_comment.created"]),
        ("hold", ["issue_comment.created", "issues.opened"]),
    ],
)
def test_deliveries_are_lost_doubled_and_swapped_as_told(
    story: Story, receiver: Receiver, kind: Any, arrive: list[str]
):
    story.hub.settle()
    receiver.received.clear()
    story.hub.faults.add(r"issues\.opened", kind)
    story.alice.comment(story.alice.open_issue(story.repo, "Bug"), "hello")
    story.hub.settle()
    assert bodies(receiver) == arrive
    guids = [h["X-GitHub-Delivery"] for h, _ in receiver.received]
    assert len(set(guids)) == len(set(arrive))
