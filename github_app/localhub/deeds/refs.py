"""Branches and tags: the one place that knows what follows when a ref moves, by REST or by `git push`."""

from __future__ import annotations

from github_app.localhub import events, git
from github_app.localhub.exchange import ApiError, forbidden
from github_app.localhub.values import CheckSuite, Pull, Repository, User
from github_app.localhub.world import World

from . import issues


def set_ref(world: World, repo: Repository, ref: str, sha: str | None, sender: User, *, workflows: bool = True) -> None:
    """Create, move or (with None) delete a ref and tell everybody.

    `workflows` False is a token that may not touch `.github/workflows`. Raises `ApiError` where git or GitHub refuses.
    """
    before = dict(repo.refs)
    if sha and not workflows and _touches_workflows(repo, before.get(ref), sha):
        raise forbidden()
    if ref.removeprefix("refs/heads/") in repo.protected:
        raise ApiError(422, "Changes must be made through a pull request.")
    try:
        git.set_ref(repo.git_dir, ref, sha)
    except git.GitError as problem:
        raise ApiError(422, f"Reference update failed: {problem}") from problem
    refs_changed(world, repo, before, sender)


def _touches_workflows(repo: Repository, old: str | None, new: str) -> bool:
    head = repo.branch(repo.default_branch)
    base = old or (git.merge_base(repo.git_dir, head, new) if head else None) or git.EMPTY_TREE
    return bool(git.text(repo.git_dir, "diff", "--name-only", base, new, "--", ".github/workflows"))


def reread(repo: Repository) -> None:
    """Take over what the bare repository says."""
    repo.refs = git.refs(repo.git_dir)


def refs_changed(world: World, repo: Repository, before: dict[str, str], sender: User) -> None:
    """Compare the refs with what they were: push, create and delete events, pull requests, check suites, workflows."""
    reread(repo)
    moved = [
        (ref, before.get(ref, git.ZERO), repo.refs.get(ref, git.ZERO))
        for ref in sorted(before.keys() | repo.refs.keys())
        if before.get(ref) != repo.refs.get(ref) and ref.startswith(("refs/heads/", "refs/tags/"))
    ]
    for ref, old, new in moved:
        repo.pushed_at = world.now()
        if old == git.ZERO:
            events.branch(world, "create", repo, ref, sender)
        elif new == git.ZERO:
            events.branch(world, "delete", repo, ref, sender)
        payload = events.push_payload(world, repo, ref, old, new, sender)
        world.emit("push", repo, payload)
        if ref.startswith("refs/heads/"):
            branch = ref.removeprefix("refs/heads/")
            if new != git.ZERO:
                request_suites(world, repo, branch, old, new, sender)
                world.start_workflows(repo, "push", ref, new, payload, sender)
            for other in world.repositories.values():
                for pull in other.pulls():
                    if pull.issue.state == "open":
                        _follow(world, pull, repo, branch, new, sender)


def _follow(world: World, pull: Pull, repo: Repository, branch: str, new: str, sender: User) -> None:
    """Let an open pull request take part in a branch's move."""
    home = pull.issue.repo
    if home is repo and pull.base_ref == branch:
        if new == git.ZERO:
            issues.set_state(world, pull.issue, sender, "closed")
            return
        pull.base_sha = new
        if git.is_ancestor(repo.git_dir, pull.head_sha, new):  # merged by a push
            pull.merged_at, pull.merged_by, pull.merge_sha = world.now(), sender, new
            issues.set_state(world, pull.issue, sender, "closed")
            return
    if pull.head_repo is repo and pull.head_ref == branch and new != pull.head_sha:
        if new == git.ZERO:
            issues.set_state(world, pull.issue, sender, "closed")
            return
        old, pull.head_sha = pull.head_sha, new
        pull.issue.updated_at = world.now()
        publish_head(pull)
        events.pull_request(world, "synchronize", pull, sender, before=old, after=new)
        start_pull_workflows(world, pull, "synchronize", sender)


def publish_head(pull: Pull) -> None:
    """Keep `refs/pull/N/head`, which people and CI fetch, and bring a fork's objects over."""
    home = pull.issue.repo
    if pull.head_repo and pull.head_repo is not home:
        git.run(home.git_dir, "fetch", "-q", str(pull.head_repo.git_dir), pull.head_sha)
    git.set_ref(home.git_dir, f"refs/pull/{pull.issue.number}/head", pull.head_sha)
    reread(home)


def start_pull_workflows(world: World, pull: Pull, action: str, sender: User) -> None:
    """Run what `on: pull_request` asks for."""
    from github_app.localhub import shapes, shapes_code

    payload = {
        "action": action,
        "number": pull.issue.number,
        "pull_request": shapes_code.pull(world, pull),
        "repository": shapes.repository(world, pull.issue.repo),
        "sender": shapes.user(world, sender),
    }
    ref = f"refs/pull/{pull.issue.number}/merge"
    world.start_workflows(pull.issue.repo, "pull_request", ref, pull.head_sha, payload, sender)


def request_suites(world: World, repo: Repository, branch: str, before: str, sha: str, sender: User) -> None:
    """Open the empty check suite that GitHub gives each app with `checks: write` at each push.

    https://docs.github.com/rest/guides/using-the-rest-api-to-interact-with-checks#about-check-suites
    """
    for app in world.apps.values():
        installed = world.installation_for(app, repo)
        if not installed or installed.suspended_at or app.permissions.get("checks") != "write":
            continue
        if not any(s.app is app and s.head_sha == sha for s in repo.suites):
            now = world.now()
            suite = CheckSuite(world.new_id(), app, sha, branch, before, now, now)
            repo.suites.append(suite)
            events.check_suite(world, "requested", repo, suite, sender)
