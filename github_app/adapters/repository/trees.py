"""Trees merged and compared in a mirror, without a working tree and without running anything of the repository's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from github_app.adapters.repository.changes import MAX_TOTAL_BYTES
from github_app.adapters.repository.git import Git
from github_app.adapters.repository.objects import CommitFiles
from github_app.core.context import Blob
from github_app.core.errors import Refused
from github_app.core.model import FileChange, Mode

MERGE_TIMEOUT_S = 60.0
_ABSENT = "000000"
_MODES = ("100644", "100755", "120000")
_NOBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "honk"), ("EMAIL", "honk@localhost"), ("DATE", "@0 +0000"))
}
_CONFIG = ("merge.renameLimit=400", "merge.directoryRenames=false")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One side of a path that does not merge by itself: 1 is what both had, 2 ours, 3 theirs."""

    mode: str
    blob: str
    number: int
    path: str


def commit_of(git: Git, mirror: Path, tree: str, *parents: str) -> str:
    """A commit that nobody else sees; the same tree and parents always make the same one."""
    args = ["commit-tree", tree, *(each for parent in parents for each in ("-p", parent)), "-m", "honk"]
    return git.run(mirror, args, env=_NOBODY).decode().strip()


def merge_trees(git: Git, mirror: Path, ours: str, theirs: str) -> tuple[str, list[Stage]]:
    """The tree of a merge of two commits, as git leaves it, and what does not merge by itself."""
    # https://git-scm.com/docs/git-merge-tree, "OUTPUT": the tree, then `mode blob stage<TAB>path` of conflicts
    args = ["merge-tree", "--write-tree", "--no-messages", "-z", ours, theirs]
    printed = git.run(mirror, args, config=_CONFIG, timeout_s=MERGE_TIMEOUT_S, ends=(0, 1))
    tree, *rows = (os.fsdecode(each) for each in printed.split(b"\0") if each)
    return tree, [_stage(row) for row in rows]


def _stage(row: str) -> Stage:
    about, _, path = row.partition("\t")
    mode, blob, number = about.split()
    return Stage(mode=mode, blob=blob, number=int(number), path=path)


def changes_between(git: Git, mirror: Path, before: str, after: str, *, what: str) -> Iterator[FileChange]:
    """What differs between two trees, file by file, with the contents.

    Raises `Refused` for what no change set holds; `what` it would be is said in the reason.
    """
    # https://git-scm.com/docs/git-diff-tree, "RAW OUTPUT FORMAT": `:mode mode id id status`, then the path
    listing = git.run(mirror, ["diff-tree", "-r", "-z", "--no-renames", "--raw", before, after]).split(b"\0")[:-1]
    rows = [
        (*about.decode().lstrip(":").split()[:4], os.fsdecode(path))
        for about, path in zip(listing[::2], listing[1::2], strict=True)
    ]
    if any(mode not in (*_MODES, _ABSENT) for old, new, *_ in rows for mode in (old, new)):
        raise Refused(f"{what} a submodule: do it by hand")
    if not all(_is_text(path) for *_, path in rows):
        raise Refused(f"{what} a file whose name is not UTF-8: do it by hand")
    kept = [Blob(path=path, id=id_, size=0) for _, new, _, id_, path in rows if new != _ABSENT]
    if sum(_sizes(git, mirror, kept)) > MAX_TOTAL_BYTES:
        raise Refused(f"{what} more than {MAX_TOTAL_BYTES:,} bytes: do it by hand")
    contents = CommitFiles(git=git, git_dir=mirror, sha=after).read(kept)
    for old, new, _, _, path in rows:
        base_mode = cast(Mode, old) if old != _ABSENT else None
        if new == _ABSENT:
            yield FileChange(path=path, mode=cast(Mode, old), content=None, base_mode=base_mode)
        else:
            yield FileChange(path=path, mode=cast(Mode, new), content=next(contents), base_mode=base_mode)


def _is_text(path: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _sizes(git: Git, mirror: Path, blobs: Sequence[Blob]) -> list[int]:
    asked = "".join(f"{blob.id}\n" for blob in blobs).encode()
    return [int(size) for size in git.run(mirror, ["cat-file", "--batch-check=%(objectsize)"], stdin=asked).split()]
