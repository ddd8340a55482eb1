"""A commit taken back (`core.reverts.Reverts`): a merge of three trees in the mirror, as `git revert` does it, without
a working tree and without running anything of the repository's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from github_app.adapters.repository.git import Git, check_sha
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.trees import changes_between, commit_of, merge_trees
from github_app.core.errors import Refused
from github_app.core.messages.figures import names
from github_app.core.model import ChangeSet, Repo
from github_app.core.ports import Hub

LOOK_BACK = 1_000
"""So many commits below the head the commit is searched for."""


@dataclass(frozen=True, kw_only=True)
class MirrorReverts:
    """Takes commits back in the repositories' mirrors."""

    git: Git
    mirrors: Mirrors
    hub: Hub

    def revert(self, repo: Repo, *, commit_sha: str, head_sha: str) -> ChangeSet:
        """See `core.reverts.Reverts`. Blocks for as long as a fetch and a merge take."""
        with self.mirrors.held(repo.id):
            mirror = self.mirrors.ensure(repo.id, head_sha, lambda: self.hub.git_auth(repo))
            return revert(self.git, mirror, commit_sha=commit_sha, head_sha=head_sha)


def revert(git: Git, mirror: Path, *, commit_sha: str, head_sha: str) -> ChangeSet:
    """The change that takes `commit_sha` back at `head_sha`, both of which the repository has."""
    check_sha(commit_sha)
    below = git.run(mirror, ["rev-list", f"--max-count={LOOK_BACK}", check_sha(head_sha), "--"]).decode().split()
    if commit_sha not in below:
        raise Refused("the commit is not on the branch any more")
    # A commit with the tree of its parent, on top of it: merged into the head, it takes back what the commit did.
    back = commit_of(git, mirror, f"{commit_sha}^^{{tree}}", commit_sha)
    tree, stages = merge_trees(git, mirror, head_sha, back)
    if stages:
        paths = sorted({each.path for each in stages})
        raise Refused(f"later changes stand on it in {names(paths)}: revert it by hand")
    changes = tuple(changes_between(git, mirror, head_sha, tree, what="it would bring back or change"))
    if not changes:
        raise Refused("nothing of it is left on the branch")
    return ChangeSet(base_sha=head_sha, changes=tuple(sorted(changes, key=lambda change: change.path)))
