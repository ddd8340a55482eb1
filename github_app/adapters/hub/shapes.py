"""PyGithub's objects become values of ours. Only attributes that lists carry, too, are read: PyGithub would fetch each
missing one by a request of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import github.Issue
import github.NamedUser
import github.Organization
import github.PullRequest

from github_app.core.linked import Linked
from github_app.core.model import Actor, Issue, Permission, Pull

GHOST = Actor(id=0, login="ghost")
"""Stands for an account that was deleted; GitHub then gives `null`."""

ROLES = {
    "admin": Permission.ADMIN,
    "maintain": Permission.MAINTAIN,
    "write": Permission.WRITE,
    "triage": Permission.TRIAGE,
    "read": Permission.READ,
    "none": Permission.NONE,
}


def to_actor(user: github.NamedUser.NamedUser | github.Organization.Organization | None) -> Actor:
    """Return an account; `GHOST` for none."""
    if user is None:
        return GHOST
    return Actor(id=user.id, login=user.login, is_bot=user.type == "Bot")


def actor_of_node(node: Mapping[str, Any] | None) -> Actor:
    """Return an account as GraphQL gives it (`__typename`, `login`, `databaseId`); `GHOST` for none."""
    if node is None:
        return GHOST
    return Actor(id=node.get("databaseId") or 0, login=node["login"], is_bot=node["__typename"] != "User")


def to_issue(issue: github.Issue.Issue) -> Issue:
    """Return an issue (or a pull request in an issue's clothes)."""
    return Issue(
        number=issue.number,
        title=issue.title,
        body=issue.body or "",
        author=to_actor(issue.user),
        is_open=issue.state == "open",
        labels=tuple(label.name for label in issue.labels),
        is_locked=bool(issue.locked),
        url=issue.html_url,
        updated_at=issue.updated_at,
    )


def to_linked(issue: github.Issue.Issue) -> Linked:
    """Return what others refer to; only a pull request in an issue's clothes says whether it was merged."""
    pull = issue.raw_data.get("pull_request")
    is_merged = pull is not None and pull.get("merged_at") is not None
    return Linked(
        number=issue.number,
        kind="issue" if pull is None else "pull request",
        state="open" if issue.state == "open" else "merged" if is_merged else "closed",
        title=issue.title,
        body=issue.body or "",
        author=to_actor(issue.user),
    )


def to_pull(pull: github.PullRequest.PullRequest) -> Pull:
    """Return a pull request. For a merged one from a list, PyGithub asks once more to learn who merged it."""
    head_repo = pull.head.repo
    is_merged = pull.merged_at is not None
    return Pull(
        number=pull.number,
        head_branch=pull.head.ref,
        head_sha=pull.head.sha,
        base_branch=pull.base.ref,
        is_open=pull.state == "open",
        is_merged=is_merged,
        is_draft=bool(pull.draft),
        author=to_actor(pull.user),
        head_repo_id=head_repo.id if head_repo else None,
        merged_by=to_actor(pull.merged_by).login if is_merged else "",
        merge_sha=(pull.merge_commit_sha or "") if is_merged else "",
        title=pull.title,
        body=pull.body or "",
        url=pull.html_url,
        updated_at=pull.updated_at,
    )


def to_whole_pull(pull: github.PullRequest.PullRequest) -> Pull:
    """Return a pull request that was asked for by its number: only then GitHub looks whether it conflicts."""
    mergeable = pull.mergeable
    return replace(to_pull(pull), has_conflicts=None if mergeable is None else not mergeable)


def to_permission(role_name: str, permission: str) -> Permission:
    """Return a role; a custom role (unknown name) counts as the built-in one that GitHub says it builds on."""
    return ROLES.get(role_name, ROLES.get(permission, Permission.NONE))
