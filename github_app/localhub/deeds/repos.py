"""What owners do to a whole repository: rename a branch, give it to somebody else."""

from __future__ import annotations

from github_app.localhub import events, git
from github_app.localhub.exchange import ApiError
from github_app.localhub.values import Repository, User
from github_app.localhub.world import World

from . import refs


def rename_branch(world: World, repo: Repository, old: str, new: str, sender: User) -> None:
    """Give a branch another name. Pull requests into it follow, those from it close.

    https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-branches-in-your-repository/renaming-a-branch
    """
    sha = repo.branch(old)
    if sha is None:
        raise ApiError(404, "Branch not found")
    for pull in repo.pulls():
        if pull.issue.state == "open" and pull.base_ref == old:
            pull.base_ref = new
            changes = {"base": {"ref": {"from": old}, "sha": {"from": pull.base_sha}}}
            events.pull_request(world, "edited", pull, sender, changes=changes)
    before = dict(repo.refs)
    git.set_ref(repo.git_dir, f"refs/heads/{new}", sha)
    git.set_ref(repo.git_dir, f"refs/heads/{old}", None)
    if repo.default_branch == old:
        repo.default_branch = new
        git.run(repo.git_dir, "symbolic-ref", "HEAD", f"refs/heads/{new}")
    refs.refs_changed(world, repo, before, sender)


def transfer(world: World, repo: Repository, owner: User) -> None:
    """Give a repository to another account; its number stays. Apps of the old owner lose it, and hear nothing."""
    moved = world.root / owner.login / repo.git_dir.name
    moved.parent.mkdir(parents=True, exist_ok=True)
    repo.git_dir.rename(moved)
    repo.owner, repo.git_dir = owner, moved
    for installation in world.installations.values():
        if installation.repository_ids is not None and installation.account is not owner:
            installation.repository_ids.discard(repo.id)
