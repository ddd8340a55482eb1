"""Webhook payloads: one function an event; each builds GitHub's JSON and hands it to `world.emit`."""

from __future__ import annotations

from typing import Any

from . import diffs, git, shapes, shapes_ci, shapes_code
from .shapes import JSON
from .values import (
    App,
    CheckRun,
    CheckSuite,
    Comment,
    Installation,
    Issue,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Status,
    Thread,
    User,
    WorkflowRun,
)
from .world import World


def _send(world: World, event: str, repo: Repository, sender: User, payload: JSON) -> None:
    common = {"repository": shapes.repository(world, repo), "sender": shapes.user(world, sender)}
    world.emit(event, repo, {**payload, **common})


def issue(world: World, action: str, it: Issue, sender: User, **more: Any) -> None:
    """`issues`, or `pull_request` where the issue is one: labels, edits, closing."""
    if it.pull:
        pull_request(world, action, it.pull, sender, **more)
    else:
        _send(world, "issues", it.repo, sender, {"action": action, "issue": shapes.issue(world, it), **more})


def transferred(world: World, it: Issue, to: Issue, sender: User) -> None:
    """`issues.transferred`, to the repository that loses the issue."""
    new = {"new_issue": shapes.issue(world, to), "new_repository": shapes.repository(world, to.repo)}
    issue(world, "transferred", it, sender, changes=new)


def issue_comment(world: World, action: str, it: Comment, sender: User, **more: Any) -> None:
    """`issue_comment`, also in a pull request's conversation."""
    shape = {"issue": shapes.issue(world, it.issue), "comment": shapes.comment(world, it), **more}
    _send(world, "issue_comment", it.issue.repo, sender, {"action": action, **shape})


def pull_request(world: World, action: str, it: Pull, sender: User, **more: Any) -> None:
    """`pull_request`."""
    shape = {"number": it.issue.number, "pull_request": shapes_code.pull(world, it), **more}
    _send(world, "pull_request", it.issue.repo, sender, {"action": action, **shape})


def review(world: World, action: str, it: Review, sender: User) -> None:
    """`pull_request_review`; here GitHub writes the state in small letters."""
    shape = shapes_code.review(world, it)
    shape["state"] = it.state.lower()
    shape.setdefault("submitted_at", None)
    body = {"review": shape, "pull_request": shapes_code.pull_simple(world, it.pull)}
    _send(world, "pull_request_review", it.pull.issue.repo, sender, {"action": action, **body})


def review_comment(world: World, action: str, it: ReviewComment, sender: User) -> None:
    """`pull_request_review_comment`."""
    pull = it.thread.pull
    body = {
        "comment": shapes_code.review_comment(world, it),
        "pull_request": shapes_code.pull_simple(world, pull),
    }
    _send(world, "pull_request_review_comment", pull.issue.repo, sender, {"action": action, **body})


def review_thread(world: World, action: str, it: Thread, sender: User) -> None:
    """`pull_request_review_thread`."""
    comments = [shapes_code.review_comment(world, x) for x in it.comments]
    body = {
        "thread": {"node_id": f"PRRT_{it.id}", "comments": comments},
        "pull_request": shapes_code.pull_simple(world, it.pull),
    }
    _send(world, "pull_request_review_thread", it.pull.issue.repo, sender, {"action": action, **body})


def _push_commit(world: World, repo: Repository, it: git.Commit) -> JSON:
    def person(who: git.Person) -> JSON:
        return {"name": who.name, "email": who.email, "date": shapes.iso(who.date)}

    from_base = it.parents[0] if it.parents else git.EMPTY_TREE
    files = diffs.between(repo.git_dir, from_base, it.sha)
    return {
        "id": it.sha,
        "tree_id": it.tree,
        "distinct": True,
        "message": it.message,
        "timestamp": shapes.iso(it.committer.date),
        "url": f"{world.web}/{repo.full_name}/commit/{it.sha}",
        "author": person(it.author),
        "committer": person(it.committer),
        "added": [f.path for f in files if f.status in ("added", "renamed")],
        "removed": [f.path for f in files if f.status == "removed"],
        "modified": [f.path for f in files if f.status in ("modified", "changed")],
    }


def push_payload(world: World, repo: Repository, ref: str, before: str, after: str, sender: User) -> JSON:
    """Return the payload of `push`, which the workflows of a repository get too."""
    commits: list[git.Commit] = []
    head = None if after == git.ZERO else git.commit(repo.git_dir, after)
    if head:
        start = before if before != git.ZERO else repo.branch(repo.default_branch)
        reach = [after] if start in (None, after) else [after, f"^{start}"]
        commits = git.log(repo.git_dir, "--reverse", *reach) if len(reach) > 1 else [head]
    forced = git.ZERO not in (before, after) and not git.is_ancestor(repo.git_dir, before, after)
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": before == git.ZERO,
        "deleted": after == git.ZERO,
        "forced": forced,
        "base_ref": None,
        "compare": f"{world.web}/{repo.full_name}/compare/{before[:12]}...{after[:12]}",
        "commits": [_push_commit(world, repo, c) for c in commits[-20:]],
        "head_commit": _push_commit(world, repo, head) if head else None,
        "pusher": {"name": sender.login, "email": sender.email},
        "repository": {
            **shapes.repository(world, repo),
            "created_at": int(repo.created_at.timestamp()),
            "pushed_at": int(repo.pushed_at.timestamp()),
            "master_branch": repo.default_branch,
            "stargazers": 0,
        },
        "sender": shapes.user(world, sender),
    }


def branch(world: World, event: str, repo: Repository, ref: str, sender: User) -> None:
    """`create` or `delete` of a branch or tag."""
    kind, name = ("tag", ref[10:]) if ref.startswith("refs/tags/") else ("branch", ref[11:])
    body: JSON = {"ref": name, "ref_type": kind, "pusher_type": "user"}
    if event == "create":
        body |= {"master_branch": repo.default_branch, "description": repo.description}
    _send(world, event, repo, sender, body)


def check_run(world: World, action: str, repo: Repository, it: CheckRun, sender: User) -> None:
    """`check_run`; its check suite is in it at length."""
    shape = shapes_ci.check_run(world, repo, it)
    shape["check_suite"] = shapes_ci.check_suite(world, repo, it.suite)
    _send(world, "check_run", repo, sender, {"action": action, "check_run": shape})


def check_suite(world: World, action: str, repo: Repository, it: CheckSuite, sender: User) -> None:
    """`check_suite`."""
    body = {"action": action, "check_suite": shapes_ci.check_suite(world, repo, it)}
    _send(world, "check_suite", repo, sender, body)


def status(world: World, repo: Repository, it: Status, sender: User) -> None:
    """`status`."""
    commit = shapes_code.commit(world, repo, git.commit(repo.git_dir, it.sha))
    at = shapes.repo_api(world, repo)
    branches = [
        {"name": ref[11:], "commit": {"sha": sha, "url": f"{at}/commits/{sha}"}, "protected": False}
        for ref, sha in repo.refs.items()
        if ref.startswith("refs/heads/") and sha == it.sha
    ]
    shape = shapes_ci.status(world, repo, it)
    names = ("id", "state", "description", "target_url", "context", "created_at", "updated_at", "avatar_url")
    body = {name: shape[name] for name in names}
    _send(
        world, "status", repo, sender,
        {**body, "sha": it.sha, "name": repo.full_name, "commit": commit, "branches": branches},
    )  # fmt: skip


def workflow_run(world: World, action: str, it: WorkflowRun) -> None:
    """`workflow_run`."""
    body = {
        "action": action,
        "workflow": shapes_ci.workflow(world, it),
        "workflow_run": shapes_ci.workflow_run(world, it),
    }
    _send(world, "workflow_run", it.repo, it.actor, body)


def _short_repo(it: Repository) -> JSON:
    return {
        "id": it.id,
        "node_id": f"R_{it.id}",
        "name": it.name,
        "full_name": it.full_name,
        "private": it.private,
    }


def installation(world: World, action: str, it: Installation, repositories: list[Repository], sender: User) -> None:
    """`installation`: created, deleted, suspend, unsuspend."""
    body: JSON = {
        "action": action,
        "installation": shapes.installation(world, it),
        "repositories": [_short_repo(r) for r in repositories],
        "sender": shapes.user(world, sender),
    }
    if action == "created":
        body["requester"] = None
    world.emit("installation", None, body)


def installation_repositories(
    world: World, it: Installation, added: list[Repository], removed: list[Repository], sender: User
) -> None:
    """`installation_repositories`."""
    body = {
        "action": "added" if added else "removed",
        "installation": shapes.installation(world, it),
        "repository_selection": "all" if it.repository_ids is None else "selected",
        "repositories_added": [_short_repo(r) for r in added],
        "repositories_removed": [_short_repo(r) for r in removed],
        "requester": None,
        "sender": shapes.user(world, sender),
    }
    world.emit("installation_repositories", None, body)


def ping(world: World, app: App) -> None:
    """`ping`, as a new webhook gets it."""
    hook = {
        "type": "App",
        "id": app.id,
        "name": "web",
        "active": True,
        "app_id": app.id,
        "events": list(app.events),
        "config": {"content_type": "json", "insecure_ssl": "0", "url": app.webhook_url, "secret": "********"},
        "created_at": shapes.iso(app.created_at),
        "updated_at": shapes.iso(app.created_at),
        "deliveries_url": f"{world.api}/app/hook/deliveries",
    }
    world.emit("ping", None, {"zen": "Keep it logically awesome.", "hook_id": app.id, "hook": hook})
