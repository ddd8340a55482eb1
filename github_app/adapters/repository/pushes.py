"""Publishing a change set by `git push`: one commit made by plumbing in the mirror, then pushed, never forced.

The commit is a function of its inputs (its time included), so publishing it again after a crash pushes nothing new.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from github_app.adapters.repository.git import Git, check_sha, check_url
from github_app.core.errors import Gone, HeadMoved, HonkError, Refused
from github_app.core.messages.rules import explain_push, name_in_the_way
from github_app.core.model import ChangeSet
from github_app.core.ports import GitAuth

PUSH_TIMEOUT_S = 600.0

_IN_THE_WAY = re.compile(r"'refs/heads/([^']+)' exists; cannot create")


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who made a commit, and when. `at` has a time zone."""

    name: str
    email: str
    at: datetime


def make_commit(
    git: Git,
    mirror: Path,
    changes: ChangeSet,
    *,
    parent_sha: str,
    message: str,
    author: Signature,
    merged_sha: str = "",
) -> str:
    """Write a commit of `parent_sha` plus `changes` into a mirror and return its SHA. Blocks.

    With a `merged_sha`, that is the second parent, and `changes` are on top of it. Raises `Refused` for a path that git
    does not accept in a commit.
    """
    tree = make_tree(git, mirror, changes, base=check_sha(merged_sha or parent_sha))
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", author.name),
            ("EMAIL", author.email),
            ("DATE", f"@{int(author.at.timestamp())} +0000"),
        )
    }
    parents = [check_sha(each) for each in (parent_sha, merged_sha) if each]
    args = ["commit-tree", tree, *(each for parent in parents for each in ("-p", parent)), "-F", "-"]
    return git.run(mirror, args, env=who, stdin=message.encode()).decode().strip()


def make_tree(git: Git, mirror: Path, changes: ChangeSet, *, base: str) -> str:
    """Write the tree of `base` plus `changes` into a mirror and return its name; see `make_commit`."""
    with tempfile.TemporaryDirectory(prefix="honk-index-") as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        git.run(mirror, ["read-tree", base], env=env)
        before = _index(git, mirror, env)
        wanted = _write_blobs(git, mirror, changes, room=Path(folder))
        # Deletions first: a file may lie where a folder was.
        rows = b"".join(b"%s\t%s\0" % (entry, path.encode()) for path, entry in sorted(wanted.items(), key=_order))
        git.run(mirror, ["update-index", "-z", "--index-info"], env=env, stdin=rows)
        _check(before, _index(git, mirror, env), wanted)
        return git.run(mirror, ["write-tree"], env=env).decode().strip()


_GONE = b"0 " + b"0" * 40


def _order(row: tuple[str, bytes]) -> tuple[bool, str]:
    path, entry = row
    return (entry != _GONE, path)


def _write_blobs(git: Git, mirror: Path, changes: ChangeSet, *, room: Path) -> dict[str, bytes]:
    """Write the contents as blobs, by one process; `mode oid` by path, for `update-index --index-info`."""
    kept = [(change, change.content) for change in changes.changes if change.content is not None]
    files = [room / str(number) for number in range(len(kept))]
    for file, (_, content) in zip(files, kept, strict=True):
        file.write_bytes(content)
    args = ["hash-object", "-w", "--no-filters", "--stdin-paths"]
    oids = git.run(mirror, args, stdin="".join(f"{file}\n" for file in files).encode()).split()
    wanted = {change.path: _GONE for change in changes.changes if change.content is None}
    for (change, _), oid in zip(kept, oids, strict=True):
        wanted[change.path] = b"%s %s" % (change.mode.encode(), oid)
    return wanted


def _index(git: Git, mirror: Path, env: dict[str, str]) -> dict[str, bytes]:
    """`mode oid` of everything in the index, by path."""
    rows = git.run(mirror, ["ls-files", "--stage", "-z"], env=env).split(b"\0")[:-1]
    return {os.fsdecode(path): entry.rsplit(b" ", 1)[0] for entry, _, path in (row.partition(b"\t") for row in rows)}


def _check(before: dict[str, bytes], after: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    """See that the index is what was wanted: git passes over paths that it forbids and only prints a warning."""
    for path, entry in wanted.items():
        if after.get(path, _GONE) != entry:
            raise Refused(f"git does not accept {path!r} in a commit")
    lost = before.keys() - after.keys() - wanted.keys()
    if lost:
        raise Refused(f"the change set puts something in the place of {min(lost)!r}, which it does not delete")


def push(git: Git, mirror: Path, sha: str, *, branch: str, auth: GitAuth, may_create: bool = True) -> None:
    """Push a commit to a branch, made if absent and `may_create`. Nothing if it is there already. Blocks.

    Raises `HeadMoved` if the branch has commits that `sha` does not, `Refused` (with the remote's own words) if the
    remote refuses, `Gone`, `Transient`.
    """
    check_sha(sha)
    check_url(auth.url, allow_file=git.allow_file)
    ref = f"refs/heads/{branch}"
    git.run(mirror, ["check-ref-format", ref])
    if not may_create and _tip(git, mirror, ref, auth) is None:
        raise Gone(f"the branch {branch} was deleted", what="branch")
    args = ["push", "--quiet", "--no-verify", "--", auth.url, f"{sha}:{ref}"]
    try:
        git.run(mirror, args, auth=auth, timeout_s=PUSH_TIMEOUT_S)
    except HonkError as error:
        if (other := _IN_THE_WAY.search(str(error))) is not None:
            raise Refused(name_in_the_way(branch, other[1])) from error
        if _is_rejected(str(error)):
            raise HeadMoved(f"{branch} has moved on the remote", head_sha=_tip(git, mirror, ref, auth)) from error
        if "remote rejected" in str(error) or "declined" in str(error):
            raise Refused(explain_push(str(error))) from error
        raise


def _is_rejected(said: str) -> bool:
    """Whether git refused because the branch is elsewhere, rather than the remote by a rule of its own."""
    return bool(re.search(r"non-fast-forward|fetch first|\[rejected\]|stale info|cannot lock ref", said))


def _tip(git: Git, mirror: Path, ref: str, auth: GitAuth) -> str | None:
    rows = git.run(mirror, ["ls-remote", "--", auth.url, ref], auth=auth).split()
    return rows[0].decode() if rows else None
