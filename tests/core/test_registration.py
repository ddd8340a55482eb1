"""What is sent to register the App, and the settings that come of the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from github_app.core.messages import setup
from github_app.core.registration import Registered, Registration, settings_text

GOLDEN = Path(__file__).parent / "data" / "setup.txt"
APP = Registered(
    app_id=7, name="honk-acme", page_url="https://github.com/apps/honk-acme", private_key="KEY", webhook_secret="it's",
    client_id="Iv1", client_secret="hidden",
)  # fmt: skip


def registration(organization: str = "") -> Registration:
    return Registration(
        github_url="https://github.com",
        organization=organization,
        name="honk-acme",
        webhook_url="https://honk.example.com/webhooks/github",
        return_url="http://127.0.0.1:5000/created",
    )


@pytest.mark.parametrize(
    ("organization", "url"),
    [
        ("", "https://github.com/settings/apps/new"),
        ("acme", "https://github.com/organizations/acme/settings/apps/new"),
    ],
)
def test_the_form_goes_to_whose_app_it_will_be(organization: str, url: str):
    assert registration(organization).form_url == url


def test_the_manifest_is_the_apps_with_its_own_addresses():
    sent = registration().manifest({"name": "honk", "public": False, "hook_attributes": {"url": "https://example.com"}})
    assert sent == {
        "name": "honk-acme",
        "public": False,
        "hook_attributes": {"url": "https://honk.example.com/webhooks/github", "active": True},
        "redirect_url": "http://127.0.0.1:5000/created",
    }


def test_people_come_back_to_the_pages_where_there_are_some():
    sent = replace(registration(), callback_url="https://honk.example.com/login/callback").manifest({})
    assert sent["callback_urls"] == ["https://honk.example.com/login/callback"]


def test_settings_are_quoted_and_name_only_what_is_not_usual():
    usual = settings_text(APP, key_file="/home/honk/key.pem", github_url="https://github.com", public_url="")
    assert usual.splitlines()[1:] == [
        "HONK_APP_ID=7",
        "HONK_PRIVATE_KEY_FILE=/home/honk/key.pem",
        """HONK_WEBHOOK_SECRET='it'"'"'s'""",
        "ANTHROPIC_API_KEY=",
    ]
    own = settings_text(APP, key_file="/k", github_url="https://github.acme.com", public_url="https://honk.acme.com")
    assert "HONK_GITHUB_URL=https://github.acme.com\nHONK_PUBLIC_URL=https://honk.acme.com\n" in own
    assert "HONK_CLIENT_ID=Iv1\nHONK_CLIENT_SECRET=hidden\n" in own


def test_no_secret_shows_by_accident():
    assert "KEY" not in repr(APP)
    assert "it's" not in repr(APP)
    assert "hidden" not in repr(APP)


def test_the_terminal_says_what_to_do_now_and_next():
    said = [
        setup.opening("http://127.0.0.1:5000/STATE"),
        setup.left(),
        setup.done(
            APP,
            settings_file="/home/honk/honk.env",
            key_file="/home/honk/honk.private-key.pem",
            webhook_url="https://honk.example.com/webhooks/github",
            program="/opt/honk/.venv/bin/honk",
        ),
    ]
    assert "\n---\n".join(said) + "\n" == GOLDEN.read_text()
