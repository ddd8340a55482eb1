"""Who people are and what they may do, and what they wrote."""

from __future__ import annotations

import re
from typing import Any

from github import Github
from github.Repository import Repository

from github_app.adapters.hub.clients import Clients, pages
from github_app.adapters.hub.errors import NotFound
from github_app.adapters.hub.shapes import to_actor, to_permission
from github_app.core.model import Actor, Comment, Permission, Repo

_LOGIN = re.compile(r"[A-Za-z0-9_-]+")
"""What a person's name is made of; nothing else becomes part of an address."""


def ask_permission(clients: Clients, repo: Repo, actor: Actor) -> Permission:
    """Ask what an account may do. NONE for bots, strangers, and where the name now belongs to another account.

    https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """
    if actor.is_bot or not actor.id or not _LOGIN.fullmatch(actor.login):
        return Permission.NONE

    def ask(it: Repository) -> Any:
        path = f"{it.url}/collaborators/{actor.login}/permission"
        return it.requester.requestJsonAndCheck("GET", path)[1]

    try:
        answer = clients.repo(repo, "permission").read(ask, what=f"permission of {actor.login}")
    except NotFound:
        return Permission.NONE
    if (answer.get("user") or {}).get("id") != actor.id:
        return Permission.NONE
    return to_permission(answer.get("role_name") or "", answer.get("permission") or "")


class Permissions:
    """The permissions in one repository, each account asked about once. For the length of one call, not longer."""

    def __init__(self, clients: Clients, repo: Repo) -> None:
        self._clients = clients
        self._repo = repo
        self._known: dict[Actor, Permission] = {}

    def of(self, actor: Actor) -> Permission:
        """What an account may do."""
        if actor not in self._known:
            self._known[actor] = ask_permission(self._clients, self._repo, actor)
        return self._known[actor]


def read_comments(clients: Clients, repo: Repo, number: int, *, me: Actor) -> tuple[Comment, ...]:
    """Read all comments of an issue or pull request but ours, oldest first."""

    def ask(it: Repository) -> list[tuple[int, Actor, str, Any]]:
        return [
            (comment.id, to_actor(comment.user), comment.body or "", comment.created_at)
            for comment in it.get_issue(number).get_comments()
        ]

    found = clients.repo(repo, "comments").read(ask, what=f"comments of #{number}", was_told=True)
    permissions = Permissions(clients, repo)
    return tuple(
        Comment(id=id, author=author, permission=permissions.of(author), body=body, created_at=created_at)
        for id, author, body, created_at in sorted(found, key=lambda each: each[0])
        if author.id != me.id
    )


def find_identity(clients: Clients) -> tuple[int, Actor, tuple[str, ...]]:
    """Learn who we are: the app's id, its bot user, and the events it is subscribed to."""
    app = clients.as_app(lambda it: it.requester.requestJsonAndCheck("GET", "/app")[1], what="the app")
    login = f"{app['slug']}[bot]"

    def look_up(it: Github) -> Actor:
        return to_actor(it.get_user(login))

    for installation_id in list_installations(clients):
        actor = clients.as_installation(installation_id, "identity", look_up, what=login)
        break
    else:
        # Accounts are public; the limit for asking without a token is low, but we ask once.
        actor = clients.as_nobody(look_up, what=login)
    return int(app["id"]), actor, tuple(app.get("events") or ())


def list_installations(clients: Clients) -> tuple[int, ...]:
    """List the app's installations that are not suspended."""

    def ask(it: Github) -> tuple[int, ...]:
        found = pages(it.requester, "/app/installations")
        return tuple(each["id"] for each in found if not each.get("suspended_at"))

    return clients.as_app(ask, what="installations")
