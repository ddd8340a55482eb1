"""The JSON of accounts, apps, repositories, issues and comments, complete as GitHub's OpenAPI documents want it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from .values import Act, App, Comment, Installation, Issue, Label, Reaction, Repository, Role, Token, User
from .world import World

JSON = dict[str, Any]
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def iso(when: datetime) -> str:
    """Return a time as GitHub writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_or_none(when: datetime | None) -> str | None:
    """Return a time as GitHub writes it, or None."""
    return iso(when) if when else None


def user(world: World, who: User) -> JSON:
    """Return a simple-user."""
    name = quote(who.login)  # a bot's brackets are not legal in a URL
    at = f"{world.api}/users/{name}"
    page = f"{world.web}/apps/{who.login.removesuffix('[bot]')}" if who.type == "Bot" else f"{world.web}/{name}"
    return {
        "login": who.login,
        "id": who.id,
        "node_id": f"U_{who.id}",
        "avatar_url": f"{world.web}/_local/avatar/{name}.svg",
        "gravatar_id": "",
        "url": at,
        "html_url": page,
        "followers_url": f"{at}/followers",
        "following_url": f"{at}/following{{/other_user}}",
        "gists_url": f"{at}/gists{{/gist_id}}",
        "starred_url": f"{at}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{at}/subscriptions",
        "organizations_url": f"{at}/orgs",
        "repos_url": f"{at}/repos",
        "events_url": f"{at}/events{{/privacy}}",
        "received_events_url": f"{at}/received_events",
        "type": who.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def user_or_none(world: World, who: User | None) -> JSON | None:
    """Return a simple-user, or None."""
    return user(world, who) if who else None


def app(world: World, it: App) -> JSON:
    """Return an integration."""
    return {
        "id": it.id,
        "slug": it.slug,
        "client_id": it.client_id,
        "node_id": f"A_{it.id}",
        "owner": user(world, it.owner),
        "name": it.slug,
        "description": None,
        "external_url": f"{world.web}/apps/{it.slug}",
        "html_url": f"{world.web}/apps/{it.slug}",
        "created_at": iso(it.created_at),
        "updated_at": iso(it.created_at),
        "permissions": it.permissions,
        "events": list(it.events),
    }


def installation(world: World, it: Installation) -> JSON:
    """Return an installation."""
    return {
        "id": it.id,
        "client_id": it.app.client_id,
        "account": user(world, it.account),
        "repository_selection": "all" if it.repository_ids is None else "selected",
        "access_tokens_url": f"{world.api}/app/installations/{it.id}/access_tokens",
        "repositories_url": f"{world.api}/installation/repositories",
        "html_url": f"{world.web}/settings/installations/{it.id}",
        "app_id": it.app.id,
        "app_slug": it.app.slug,
        "target_id": it.account.id,
        "target_type": it.account.type,
        "permissions": it.permissions,
        "events": list(it.app.events),
        "created_at": iso(it.created_at),
        "updated_at": iso(it.updated_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user_or_none(world, it.suspended_by),
        "suspended_at": iso_or_none(it.suspended_at),
    }


def token(world: World, it: Token, repositories: Iterable[Repository]) -> JSON:
    """Return an installation-token; repositories are named only where the token was narrowed to some."""
    shape: JSON = {
        "token": it.value,
        "expires_at": iso(it.expires_at),
        "permissions": it.permissions,
        "repository_selection": "all" if it.installation.repository_ids is None else "selected",
    }
    if it.repository_ids is not None:
        shape["repository_selection"] = "selected"
        shape["repositories"] = [repository(world, r) for r in repositories]
    return shape


_REPO_PATHS = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "/contributors",
    "deployments": "/deployments",
    "downloads": "/downloads",
    "events": "/events",
    "forks": "/forks",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "languages": "/languages",
    "merges": "/merges",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers",
    "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "tags": "/tags",
    "teams": "/teams",
    "trees": "/git/trees{/sha}",
}


def repo_api(world: World, it: Repository) -> str:
    """Return the REST address of a repository."""
    return f"{world.api}/repos/{it.full_name}"


def repository(world: World, it: Repository, role: Role | None = None) -> JSON:
    """Return a repository that is valid as full-repository, minimal-repository and in webhooks."""
    at = repo_api(world, it)
    opened = sum(issue.state == "open" for issue in it.issues.values())
    shape: JSON = {
        "id": it.id,
        "node_id": f"R_{it.id}",
        "name": it.name,
        "full_name": it.full_name,
        "private": it.private,
        "visibility": "private" if it.private else "public",
        "owner": user(world, it.owner),
        "html_url": f"{world.web}/{it.full_name}",
        "description": it.description,
        "fork": False,
        "url": at,
        **{f"{name}_url": at + path for name, path in _REPO_PATHS.items()},
        "git_url": f"git://{world.web.partition('://')[2]}/{it.full_name}.git",
        "ssh_url": f"git@localhost:{it.full_name}.git",
        "clone_url": f"{world.web}/{it.full_name}.git",
        "svn_url": f"{world.web}/{it.full_name}",
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "topics": [],
        "created_at": iso(it.created_at),
        "updated_at": iso(it.created_at),
        "pushed_at": iso(it.pushed_at),
        "size": 1,
        "default_branch": it.default_branch,
        "archived": it.archived,
        "disabled": False,
        "is_template": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "delete_branch_on_merge": it.delete_branch_on_merge,
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": False,
        **{f"has_{feature}": feature == "issues" for feature in _FEATURES},
        **{name: 0 for name in ("stargazers_count", "watchers_count", "forks_count", "forks", "watchers")},
        "subscribers_count": 0,
        "network_count": 0,
        "open_issues_count": opened,
        "open_issues": opened,
    }
    if role:
        shape["permissions"] = permissions(role)
    return shape


_FEATURES = ("issues", "projects", "wiki", "pages", "discussions", "downloads")


def permissions(role: Role) -> dict[str, bool]:
    """Return a role as GitHub's five switches."""
    order = ("none", "read", "triage", "write", "maintain", "admin")
    names = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
    return {name: order.index(role) >= order.index(least) for name, least in names.items()}


def label(world: World, repo: Repository, it: Label) -> JSON:
    """Return a label."""
    return {
        "id": it.id,
        "node_id": f"LA_{it.id}",
        "url": f"{repo_api(world, repo)}/labels/{quote(it.name)}",
        "name": it.name,
        "color": it.color,
        "default": False,
        "description": it.description,
    }


def reaction_rollup(at: str, reactions: list[Reaction]) -> JSON:
    """Return the counts of reactions to the thing at an address."""
    counts = {name: sum(r.content == name for r in reactions) for name in REACTIONS}
    return {"url": f"{at}/reactions", "total_count": len(reactions), **counts}


def reaction(world: World, it: Reaction) -> JSON:
    """Return a reaction."""
    return {
        "id": it.id,
        "node_id": f"REA_{it.id}",
        "user": user(world, it.user),
        "content": it.content,
        "created_at": iso(it.created_at),
    }


def association(world: World, repo: Repository, who: User) -> str:
    """Return how an account stands to a repository, in GitHub's words."""
    if who is repo.owner:
        return "OWNER"
    return "COLLABORATOR" if world.role(who, repo) in ("triage", "write", "maintain", "admin") else "NONE"


def issue_page(world: World, it: Issue) -> str:
    """Return the address of an issue or pull request for people."""
    return f"{world.web}/{it.repo.full_name}/{'pull' if it.pull else 'issues'}/{it.number}"


def issue(world: World, it: Issue) -> JSON:
    """Return an issue; a pull request is one with the key `pull_request`."""
    at = f"{repo_api(world, it.repo)}/issues/{it.number}"
    shape: JSON = {
        "id": it.id,
        "node_id": f"I_{it.id}",
        "number": it.number,
        "url": at,
        "repository_url": repo_api(world, it.repo),
        "labels_url": f"{at}/labels{{/name}}",
        "comments_url": f"{at}/comments",
        "events_url": f"{at}/events",
        "html_url": issue_page(world, it),
        "state": it.state,
        "state_reason": it.state_reason,
        "title": it.title,
        "body": it.body,
        "user": user(world, it.user),
        "labels": [label(world, it.repo, x) for x in it.labels],
        "assignee": user_or_none(world, it.assignees[0] if it.assignees else None),
        "assignees": [user(world, x) for x in it.assignees],
        "milestone": None,
        "locked": it.locked,
        "active_lock_reason": None,
        "comments": len(it.comments),
        "closed_at": iso_or_none(it.closed_at),
        "closed_by": user_or_none(world, it.closed_by),
        "created_at": iso(it.created_at),
        "updated_at": iso(it.updated_at),
        "author_association": association(world, it.repo, it.user),
        "reactions": reaction_rollup(at, it.reactions),
        "timeline_url": f"{at}/timeline",
        "performed_via_github_app": None,
    }
    if it.pull:
        pull = f"{repo_api(world, it.repo)}/pulls/{it.number}"
        page = issue_page(world, it)
        shape["draft"] = it.pull.draft
        shape["pull_request"] = {
            "url": pull,
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": iso_or_none(it.pull.merged_at),
        }
    return shape


def act(world: World, repo: Repository, it: Act) -> JSON:
    """Return an entry of an issue's record."""
    more: JSON = {}
    if it.label is not None:
        more["label"] = {"name": it.label.name, "color": it.label.color}
    if it.event == "renamed":
        more["rename"] = {"from": it.names[0], "to": it.names[1]}
    if it.event == "closed":
        more["state_reason"] = None
    return {
        "id": it.id,
        "node_id": f"E_{it.id}",
        "url": f"{repo_api(world, repo)}/issues/events/{it.id}",
        "actor": user(world, it.actor),
        "event": it.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": iso(it.at),
        "performed_via_github_app": None,
        **more,
    }


def comment(world: World, it: Comment) -> JSON:
    """Return an issue comment."""
    at = f"{repo_api(world, it.issue.repo)}/issues/comments/{it.id}"
    return {
        "id": it.id,
        "node_id": f"IC_{it.id}",
        "url": at,
        "html_url": f"{issue_page(world, it.issue)}#issuecomment-{it.id}",
        "issue_url": f"{repo_api(world, it.issue.repo)}/issues/{it.issue.number}",
        "user": user(world, it.user),
        "body": it.body,
        "created_at": iso(it.created_at),
        "updated_at": iso(it.updated_at),
        "author_association": association(world, it.issue.repo, it.user),
        "performed_via_github_app": app(world, it.app) if it.app else None,
        "reactions": reaction_rollup(at, it.reactions),
    }
