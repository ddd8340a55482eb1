"""What is wrong with the App as GitHub has it, in words that say what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core.inspection import AppState, Finding, inspect

WANTED = {"metadata": "read", "contents": "write", "actions": "write"}
URL = "https://honk.example.com/webhooks/github"
WELL = AppState(
    slug="honk",
    permissions=WANTED,
    events=("issues", "push"),
    webhook_url=URL,
    granted={"acme": WANTED},
    answers=(202, 500),
)


def found(state: AppState, webhook_url: str = URL) -> list[Finding]:
    return list(inspect(state, permissions=WANTED, events=("issues", "push"), webhook_url=webhook_url))


def test_of_a_healthy_app_everything_is_told():
    assert [f"{each.name}: {each.detail}" for each in found(WELL) if each.ok] == [
        "permissions: all 3 are there",
        "events: all 2",
        f"webhook: GitHub sends to {URL}",
        "installations: acme",
        "deliveries: the newest was taken in (HTTP 202)",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"permissions": {"contents": "read", "metadata": "read"}},
            "permissions: add in the App's settings: contents: write, actions: write",
        ),
        ({"events": ("push",)}, "events: subscribe to in the App's settings: issues"),
        ({"webhook_url": ""}, "webhook: the App has none: set its URL in the App's settings"),
        ({"granted": {}}, "installations: none: install the App on the repositories it may work on"),
        (
            {"granted": {"acme": WANTED, "other": {**WANTED, "actions": "read"}}},
            "installation other: an owner has to accept on its page: actions: write",
        ),
        (
            {"answers": (0, 0, 202)},
            "deliveries: 2 of the newest 3 were not taken in, the last one got no answer: is the address right, does "
            "Honk run, does your proxy let it through?",
        ),
        (
            {"answers": (401,)},
            "deliveries: 1 of the newest 1 were not taken in, the last one had another secret (HTTP 401): "
            "HONK_WEBHOOK_SECRET is not the App's",
        ),
        (
            {"answers": (502, 202)},
            "deliveries: 1 of the newest 2 were not taken in, the last one was answered with HTTP 502: by Honk (see "
            "its log), or by what stands before it?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(changes: dict[str, Any], line: str):
    assert [f"{each.name}: {each.detail}" for each in found(replace(WELL, **changes)) if not each.ok] == [line]


def test_what_may_be_well_is_told_without_alarm():
    other = {each.name: each for each in found(WELL, "https://elsewhere.example.com/webhooks/github")}
    assert other["webhook"].ok
    assert "well if that is a tunnel" in other["webhook"].detail
    assert "none so far" in {each.name: each for each in found(replace(WELL, answers=()), "")}["deliveries"].detail
