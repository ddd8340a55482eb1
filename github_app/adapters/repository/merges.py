"""The base merged into a branch (`core.merges.Merges`), in the mirror, as `git merge` does it: without a working tree
and without running anything of the repository's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from github_app.adapters.repository.bases import Base
from github_app.adapters.repository.git import Git, check_sha
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.pushes import make_tree
from github_app.adapters.repository.trees import Stage, changes_between, commit_of, merge_trees
from github_app.core.errors import Refused, ToolFailed
from github_app.core.merges import Conflict, How, Merge
from github_app.core.messages.figures import names
from github_app.core.messages.refusals import nothing_to_merge
from github_app.core.model import ChangeSet, FileChange, Repo
from github_app.core.ports import Hub

MAX_CONFLICTS = 100
"""So many files one turn resolves; whoever has more of them should look themselves."""

_SUBMODULE = "160000"
_KINDS: Mapping[frozenset[int], How] = {
    frozenset({1, 2, 3}): "both changed it",
    frozenset({2, 3}): "both changed it",
    frozenset({1, 2}): "deleted by the base",
    frozenset({1, 3}): "deleted by the branch",
    frozenset({2}): "renamed differently",
    frozenset({3}): "renamed differently",
}


@dataclass(frozen=True, kw_only=True)
class MirrorMerges:
    """Merges in the repositories' mirrors. Mirrors are shallow, so GitHub is asked what two commits have in common."""

    git: Git
    mirrors: Mirrors
    hub: Hub

    def merge(self, repo: Repo, *, head_sha: str, base_sha: str) -> Merge:
        """See `core.merges.Merges`. Blocks for as long as fetches and a merge take."""
        compared = self.hub.compare(repo, base=base_sha, head_sha=head_sha)
        if compared is None or not compared.behind_by:
            raise Refused(nothing_to_merge("the base"))
        with self.mirrors.held(repo.id):
            for sha in (compared.merge_base_sha, base_sha, head_sha):
                mirror = self.mirrors.ensure(repo.id, sha, lambda: self.hub.git_auth(repo))
            return merge(self.git, mirror, head_sha=head_sha, base_sha=base_sha, common_sha=compared.merge_base_sha)

    def read(self, repo: Repo, merge: Merge, path: str, *, max_bytes: int) -> bytes | None:
        """See `core.merges.Merges`."""
        base = Base(git=self.git, mirror=lambda: self.mirrors.path(repo.id), sha=merge.sha)
        try:
            return base.read(path, max_bytes=max_bytes)
        except ToolFailed:
            return b""

    def complete(self, repo: Repo, merge: Merge, changes: ChangeSet) -> ChangeSet:
        """See `core.merges.Merges`."""
        with self.mirrors.held(repo.id):
            mirror = self.mirrors.path(repo.id)
            tree = make_tree(self.git, mirror, changes, base=check_sha(merge.sha))
            whole = changes_between(self.git, mirror, merge.base_sha, tree, what="the branch would change")
            return ChangeSet(base_sha=merge.base_sha, changes=_sorted(whole))


def merge(git: Git, mirror: Path, *, head_sha: str, base_sha: str, common_sha: str) -> Merge:
    """The merge of `base_sha` into `head_sha`, which last had `common_sha` in common; the repository has all three."""
    common, head, base = (f"{check_sha(sha)}^{{tree}}" for sha in (common_sha, head_sha, base_sha))
    # Of two commits on one that stands for all they have in common, no history is wanted: ours ends somewhere.
    root = commit_of(git, mirror, common)
    ours, theirs = commit_of(git, mirror, head, root), commit_of(git, mirror, base, root)
    tree, stages = merge_trees(git, mirror, ours, theirs)
    by_path = _by_path(stages, (ours, theirs))
    kept = commit_of(git, mirror, _with_their_side(git, mirror, tree, by_path), head_sha, base_sha)
    # What people put on the branch may be more than a commit of ours can hold: better known before the work than after.
    for _ in changes_between(git, mirror, base_sha, kept, what="the branch would change"):
        pass
    start = _sorted(changes_between(git, mirror, kept, tree, what="what conflicts is"))
    contents = {change.path: change.content or b"" for change in start}
    marker = b"<<<<<<< " + ours.encode()
    conflicts = tuple(
        Conflict(path=path, how=_KINDS[frozenset(sides)], is_text=marker in contents.get(path, b""))
        for path, sides in sorted(by_path.items())
        if set(sides) != {1}  # gone on both sides, under other names
    )
    return Merge(
        sha=kept,
        head_sha=head_sha,
        base_sha=base_sha,
        conflicts=conflicts,
        start=ChangeSet(base_sha=kept, changes=start),
    )


def _by_path(stages: Iterable[Stage], sides: tuple[str, str]) -> dict[str, dict[int, Stage]]:
    """The sides of each path in conflict. Raises `Refused` for what is left to people."""
    by_path: dict[str, dict[int, Stage]] = {}
    for stage in stages:
        by_path.setdefault(stage.path, {})[stage.number] = stage
    if any(stage.mode == _SUBMODULE for each in by_path.values() for stage in each.values()):
        raise Refused("submodules conflict: merge it by hand")
    # Git has put aside what has no room beside the other side's, under a name that is on neither.
    aside = sorted(path.partition("~")[0] for path in by_path if any(f"~{side}" in path for side in sides))
    if aside:
        raise Refused(f"{names(aside)} is a file on one side and a link or folder on the other: merge it by hand")
    if len(by_path) > MAX_CONFLICTS:
        raise Refused(f"{len(by_path):,} files conflict, and I resolve at most {MAX_CONFLICTS}: merge it by hand")
    return by_path


def _with_their_side(git: Git, mirror: Path, tree: str, by_path: Mapping[str, Mapping[int, Stage]]) -> str:
    """The tree with the base's side of each conflict."""
    rows = []
    for path, sides in by_path.items():
        theirs = sides.get(3)
        entry = f"{theirs.mode} {theirs.blob}" if theirs is not None else f"0 {'0' * 40}"
        rows.append(entry.encode() + b"\t" + os.fsencode(path) + b"\0")
    with tempfile.TemporaryDirectory(prefix="honk-index-") as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        git.run(mirror, ["read-tree", tree], env=env)
        git.run(mirror, ["update-index", "-z", "--index-info"], env=env, stdin=b"".join(rows))
        return git.run(mirror, ["write-tree"], env=env).decode().strip()


def _sorted(changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    return tuple(sorted(changes, key=lambda change: change.path))
