"""A commit taken back (`core.reverts.Reverts`): a merge of three trees in the mirror, as `git revert` does it, without
a working tree and without running anything of the repository's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from github_app.adapters.repository.changes import MAX_TOTAL_BYTES
from github_app.adapters.repository.git import Git, check_sha
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.objects import CommitFiles
from github_app.core.context import Blob
from github_app.core.errors import Refused
from github_app.core.messages.figures import names
from github_app.core.model import ChangeSet, FileChange, Mode, Repo
from github_app.core.ports import Hub

LOOK_BACK = 1_000
"""So many commits below the head the commit is searched for."""

MERGE_TIMEOUT_S = 60.0
_ABSENT = "000000"
_MODES = ("100644", "100755", "120000")
_NOBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "honk"), ("EMAIL", "honk@localhost"), ("DATE", "@0 +0000"))
}


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
    args = ["commit-tree", f"{commit_sha}^^{{tree}}", "-p", commit_sha, "-m", "back"]
    back = git.run(mirror, args, env=_NOBODY).decode().strip()
    tree = _merge(git, mirror, head_sha, back)
    changes = tuple(_changes(git, mirror, head_sha, tree))
    if not changes:
        raise Refused("nothing of it is left on the branch")
    return ChangeSet(base_sha=head_sha, changes=tuple(sorted(changes, key=lambda change: change.path)))


def _merge(git: Git, mirror: Path, ours: str, theirs: str) -> str:
    """The tree of a merge. Raises `Refused` with the paths that do not merge by themselves."""
    args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs]
    config = ("merge.renameLimit=400",)
    tree, *conflicts = (
        os.fsdecode(each)
        for each in git.run(mirror, args, config=config, timeout_s=MERGE_TIMEOUT_S, ends=(0, 1)).split(b"\0")
        if each
    )
    if conflicts:
        raise Refused(f"later changes stand on it in {names(sorted(set(conflicts)))}: revert it by hand")
    return tree


def _changes(git: Git, mirror: Path, before: str, after: str) -> Iterator[FileChange]:
    """What differs between two trees, file by file, with the contents."""
    # https://git-scm.com/docs/git-diff-tree, "RAW OUTPUT FORMAT": `:mode mode id id status`, then the path
    listing = git.run(mirror, ["diff-tree", "-r", "-z", "--no-renames", "--raw", before, after]).split(b"\0")[:-1]
    rows = [
        (*about.decode().lstrip(":").split()[:4], os.fsdecode(path))
        for about, path in zip(listing[::2], listing[1::2], strict=True)
    ]
    if any(mode not in (*_MODES, _ABSENT) for old, new, *_ in rows for mode in (old, new)):
        raise Refused("it would change a submodule: revert it by hand")
    kept = [Blob(path=path, id=id_, size=0) for _, new, _, id_, path in rows if new != _ABSENT]
    if sum(_sizes(git, mirror, kept)) > MAX_TOTAL_BYTES:
        raise Refused(f"what would come back has more than {MAX_TOTAL_BYTES:,} bytes: revert it by hand")
    contents = CommitFiles(git=git, git_dir=mirror, sha=after).read(kept)
    for old, new, _, _, path in rows:
        base_mode = cast(Mode, old) if old != _ABSENT else None
        if new == _ABSENT:
            yield FileChange(path=path, mode=cast(Mode, old), content=None, base_mode=base_mode)
        else:
            yield FileChange(path=path, mode=cast(Mode, new), content=next(contents), base_mode=base_mode)


def _sizes(git: Git, mirror: Path, blobs: list[Blob]) -> list[int]:
    asked = "".join(f"{blob.id}\n" for blob in blobs).encode()
    return [int(size) for size in git.run(mirror, ["cat-file", "--batch-check=%(objectsize)"], stdin=asked).split()]
