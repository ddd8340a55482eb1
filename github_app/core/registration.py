"""Registering Honk as a GitHub App: the manifest that is sent, and the settings that come of the answer.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WEBHOOK_PATH = "/webhooks/github"
CALLBACK_PATH = "/login/callback"
MAX_NAME = 34
"""https://docs.github.com/en/apps/creating-github-apps/registering-a-github-app/registering-a-github-app"""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What is to be registered. `organization` empty: for the person who does it. `webhook_url` is where GitHub sends
    deliveries, `return_url` where it sends the browser back to, `callback_url` people who sign in to pages (empty: none
    do)."""

    github_url: str
    organization: str = ""
    name: str
    webhook_url: str
    return_url: str
    callback_url: str = ""

    @property
    def form_url(self) -> str:
        """Where the browser takes the manifest."""
        place = f"/organizations/{self.organization}" if self.organization else ""
        return f"{self.github_url}{place}/settings/apps/new"

    def manifest(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The manifest: `wanted` (`app.yml`) with the name and addresses of this registration."""
        own: dict[str, Any] = {
            "name": self.name,
            "hook_attributes": {"url": self.webhook_url, "active": True},
            "redirect_url": self.return_url,
        }
        if self.callback_url:
            own["callback_urls"] = [self.callback_url]
        return {**wanted, **own}


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A registered App. Its secrets do not show in its `repr`."""

    app_id: int
    name: str
    page_url: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def install_url(self) -> str:
        """Where its owner installs it."""
        return f"{self.page_url}/installations/new"


def _pages(app: Registered, public_url: str) -> dict[str, str]:
    if not public_url:
        return {}
    return {
        "HONK_PUBLIC_URL": public_url,
        "HONK_CLIENT_ID": app.client_id,
        "HONK_CLIENT_SECRET": app.client_secret,
    }


def settings_text(app: Registered, *, key_file: str, github_url: str, public_url: str) -> str:
    """The settings as a file of variables, for a shell, systemd and compose; the model's key is left to fill in."""
    settings = {
        "HONK_APP_ID": str(app.app_id),
        "HONK_PRIVATE_KEY_FILE": key_file,
        "HONK_WEBHOOK_SECRET": app.webhook_secret,
        **({"HONK_GITHUB_URL": github_url} if github_url != "https://github.com" else {}),
        **_pages(app, public_url),
    }
    lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join([f"# The GitHub App {app.page_url}", *lines, "ANTHROPIC_API_KEY=", ""])
