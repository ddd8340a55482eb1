"""Who people are and what they may do, and what they wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from github import Github
from github.Repository import Repository

from github_app.adapters.hub.clients import Clients, pages
from github_app.adapters.hub.errors import NotFound
from github_app.adapters.hub.shapes import actor_of_node, to_actor, to_permission
from github_app.core.model import Actor, Comment, Permission, Repo

EDITOR_FIELDS = """
lastEditedAt
editor { __typename login ... on User { databaseId } ... on Bot { databaseId } }
"""
"""REST says that a comment was edited, but not by whom: people who may write can edit others' words, bots too."""

_EDITORS_AT_ONCE = 50

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
    """Read all comments of an issue or pull request but ours, oldest first, each worth what its least author may."""

    client = clients.repo(repo, "comments")
    permissions = Permissions(clients, repo)

    def ask(it: Repository) -> list[tuple[Comment, str]]:
        return [
            (
                Comment(
                    id=each.id,
                    author=to_actor(each.user),
                    permission=Permission.NONE,
                    body=each.body or "",
                    created_at=each.created_at,
                ),
                each.node_id,
            )
            for each in it.get_issue(number).get_comments()
        ]

    found = client.read(ask, what=f"comments of #{number}", was_told=True)
    found = [(comment, node_id) for comment, node_id in found if comment.author.id != me.id]
    worth = {comment.id: permissions.of(comment.author) for comment, _ in found}
    # Whose words count for nothing anyway may be edited by anybody.
    asked = [(comment, node_id) for comment, node_id in found if worth[comment.id] > Permission.READ]
    for start in range(0, len(asked), _EDITORS_AT_ONCE):
        batch = asked[start : start + _EDITORS_AT_ONCE]
        answers = client.query(
            _editors_query(len(batch)),
            {f"id{place}": node_id for place, (_, node_id) in enumerate(batch)},
            what=f"editors of comments of #{number}",
        )
        for place, (comment, _) in enumerate(batch):
            node = answers.get(f"n{place}") or {}
            worth[comment.id] = least(worth[comment.id], comment.author, node, permissions.of)
    told = sorted((comment for comment, _ in found), key=lambda comment: comment.id)
    return tuple(replace(comment, permission=worth[comment.id]) for comment in told)


def _editors_query(count: int) -> str:
    asked = "".join(
        f"n{place}: node(id: $id{place}) {{ ... on IssueComment {{ {EDITOR_FIELDS} }} }}\n" for place in range(count)
    )
    return f"query({', '.join(f'$id{place}: ID!' for place in range(count))}) {{ {asked} }}"


def least(
    own: Permission, author: Actor, node: Mapping[str, Any], permission_of: Callable[[Actor], Permission]
) -> Permission:
    """What a comment is worth, as GraphQL shows it: as much as the least of its author and its last editor may."""
    if node.get("lastEditedAt") is None:
        return own
    editor = actor_of_node(node["editor"])
    return own if editor.id == author.id else min(own, permission_of(editor))


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


def find_account(clients: Clients, login: str) -> Actor | None:
    """The account that has this name now; None if there is none."""
    if not _LOGIN.fullmatch(login):
        return None
    try:
        for installation_id in list_installations(clients):
            return clients.as_installation(
                installation_id, "identity", lambda it: to_actor(it.get_user(login)), what=f"account {login}"
            )
        return clients.as_nobody(lambda it: to_actor(it.get_user(login)), what=f"account {login}")
    except NotFound:
        return None


def list_installations(clients: Clients) -> tuple[int, ...]:
    """List the app's installations that are not suspended."""

    def ask(it: Github) -> tuple[int, ...]:
        found = pages(it.requester, "/app/installations")
        return tuple(each["id"] for each in found if not each.get("suspended_at"))

    return clients.as_app(ask, what="installations")
