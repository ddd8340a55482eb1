"""The App as GitHub has it, for `honk doctor`: https://docs.github.com/en/rest/apps"""

from __future__ import annotations

from itertools import islice
from typing import Any

from github import Github

from github_app.adapters.hub.clients import Clients, pages
from github_app.core.inspection import AppState

_NEWEST = 20


def read_app(clients: Clients) -> AppState:
    """What the App is, where it is installed, and how its newest deliveries were answered. Raises our errors."""
    return clients.as_app(_read, what="the App")


def _read(it: Github) -> AppState:
    def get(path: str) -> dict[str, Any]:
        _, found = it.requester.requestJsonAndCheck("GET", path)
        return dict(found or {})

    app, hook = get("/app"), get("/app/hook/config")
    return AppState(
        slug=app["slug"],
        permissions=app["permissions"],
        events=app["events"],
        webhook_url=hook.get("url") or "",
        granted={
            each["account"]["login"]: each["permissions"]
            for each in pages(it.requester, "/app/installations")
            if not each["suspended_at"]
        },
        answers=[each["status_code"] for each in islice(pages(it.requester, "/app/hook/deliveries"), _NEWEST)],
    )
