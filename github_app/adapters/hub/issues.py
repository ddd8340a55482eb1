"""Issues that we open for others, each found again by its hidden mark; and where a repository is, by its name."""

from __future__ import annotations

import re
from typing import Any

from github import Github
from github.Repository import Repository

from github_app.adapters.hub.clients import Clients
from github_app.adapters.hub.comments import post_once
from github_app.adapters.hub.texts import has_mark, mark, title_of
from github_app.core.errors import AccessDenied, Gone
from github_app.core.model import Actor, Repo

_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}", re.ASCII)
"""What GitHub allows in a repository's name; nothing else becomes part of an address."""

_LOOKED_AT = 100


def find_repo(clients: Clients, full_name: str) -> Repo | None:
    """The repository that has this name now; None if there is none, or none that we are installed in."""
    if not _NAME.fullmatch(full_name):
        return None

    def look(it: Github) -> Any:
        return it.requester.requestJsonAndCheck("GET", f"/repos/{full_name}")[1]

    def installation(it: Github) -> int:
        return int(it.requester.requestJsonAndCheck("GET", f"/repos/{full_name}/installation")[1]["id"])

    try:
        found = clients.as_app(installation, what=f"the installation in {full_name}")
        told = clients.as_installation(found, "repositories", look, what=full_name)
    except (Gone, AccessDenied):
        return None
    return Repo(
        id=told["id"], full_name=told["full_name"], installation_id=found, default_branch=told["default_branch"]
    )


def open_issue(clients: Clients, repo: Repo, *, key: str, title: str, body: str, me: Actor) -> int:
    """Open an issue, once for each key; its number."""
    client = clients.repo(repo, "open_issue")
    what = "an issue that was asked for"

    def look() -> int | None:
        def ask(it: Repository) -> int | None:
            newest = {"creator": me.login, "state": "all", "per_page": _LOOKED_AT}
            listed: Any = it.requester.requestJsonAndCheck("GET", f"{it.url}/issues", parameters=newest)[1]
            for each in listed:
                if (each["user"] or {}).get("id") == me.id and has_mark(each["body"] or "", key):
                    return int(each["number"])
            return None

        return client.read(ask, what=what)

    def post(it: Repository) -> int:
        return it.create_issue(title_of(title), mark(body, key)).number

    found = look()
    return found if found is not None else post_once(client, post, look, what=what)
