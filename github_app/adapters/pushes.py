"""Publishing a change set by `git push`: one commit made by plumbing in the mirror, then pushed, never forced.

The commit is a function of its inputs (its time included), so publishing it again after a crash pushes nothing new.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from github_app.adapters.git import Git, check_sha, check_url
from github_app.core.errors import AccessDenied, HeadMoved, HonkError, Refused
from github_app.core.model import ChangeSet
from github_app.core.ports import GitAuth

PUSH_TIMEOUT_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who made a commit, and when. `at` has a time zone."""

    name: str
    email: str
    at: datetime


def make_commit(git: Git, mirror: Path, changes: ChangeSet, *, parent_sha: str, message: str, author: Signature) -> str:
    """Write a commit of `parent_sha` plus `changes` into a mirror and return its SHA. Blocks.

    Raises `Refused` for a path that git does not accept in a commit.
    """
    check_sha(parent_sha)
    with tempfile.TemporaryDirectory(prefix="honk-index-") as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        git.run(mirror, ["read-tree", parent_sha], env=env)
        # Deletions first: a file may lie where a folder was.
        rows = sorted(_row(git, mirror, change.path, change.mode, change.content) for change in changes.changes)
        try:
            git.run(mirror, ["update-index", "-z", "--index-info"], env=env, stdin=b"".join(rows))
        except HonkError as error:
            raise Refused(f"git does not accept a changed path: {error}") from error
        tree = git.run(mirror, ["write-tree"], env=env).decode().strip()
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", author.name),
            ("EMAIL", author.email),
            ("DATE", f"@{int(author.at.timestamp())} +0000"),
        )
    }
    args = ["commit-tree", tree, "-p", parent_sha, "-F", "-"]
    return git.run(mirror, args, env=who, stdin=message.encode()).decode().strip()


def _row(git: Git, mirror: Path, path: str, mode: str, content: bytes | None) -> bytes:
    """A change as `update-index --index-info` reads it; its blob is written. Deletions sort before all else."""
    if content is None:
        return b"0 %s\t%s\0" % (b"0" * 40, path.encode())
    oid = git.run(mirror, ["hash-object", "-w", "--stdin", "--no-filters"], stdin=content).strip()
    return b"%s %s\t%s\0" % (mode.encode(), oid, path.encode())


def push(git: Git, mirror: Path, sha: str, *, branch: str, auth: GitAuth) -> None:
    """Push a commit to a branch, made if absent. Nothing if it is there already. Blocks.

    Raises `HeadMoved` if the branch has commits that `sha` does not, `AccessDenied` (with the remote's own words) if
    the remote refuses, `Gone`, `Transient`.
    """
    check_sha(sha)
    check_url(auth.url, allow_file=git.allow_file)
    ref = f"refs/heads/{branch}"
    git.run(mirror, ["check-ref-format", ref])
    args = ["push", "--quiet", "--porcelain", "--no-verify", "--", auth.url, f"{sha}:{ref}"]
    try:
        git.run(mirror, args, auth=auth, timeout_s=PUSH_TIMEOUT_S)
    except HonkError as error:
        if _is_rejected(str(error)):
            raise HeadMoved(f"{branch} has moved on the remote", head_sha=_tip(git, mirror, ref, auth)) from error
        if "remote rejected" in str(error) or "declined" in str(error):
            raise AccessDenied(f"the remote refused {branch}: {error}") from error
        raise


def _is_rejected(said: str) -> bool:
    """Whether git refused because the branch is elsewhere, rather than the remote by a rule of its own."""
    return bool(re.search(r"non-fast-forward|fetch first|\[rejected\]|stale info|cannot lock ref", said))


def _tip(git: Git, mirror: Path, ref: str, auth: GitAuth) -> str | None:
    rows = git.run(mirror, ["ls-remote", "--", auth.url, ref], auth=auth).split()
    return rows[0].decode() if rows else None


def publish_by_push(
    git: Git,
    mirror: Path,
    changes: ChangeSet,
    *,
    parent_sha: str,
    branch: str,
    message: str,
    author: Signature,
    auth: GitAuth,
) -> str:
    """Make one commit on a branch of the remote and return its SHA; never forces. See `make_commit` and `push`."""
    sha = make_commit(git, mirror, changes, parent_sha=parent_sha, message=message, author=author)
    push(git, mirror, sha, branch=branch, auth=auth)
    return sha
