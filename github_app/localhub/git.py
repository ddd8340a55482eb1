"""Plumbing on the bare repositories: one function per question, each one `git` process, nothing remembered."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ZERO = "0" * 40
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# Neither the machine's nor the user's git configuration may change what a local GitHub answers.
GIT = shutil.which("git") or "git"
_ENV = {
    "PATH": f"{Path(GIT).parent}:{os.defpath}",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "HOME": os.devnull,
}


class GitError(Exception):
    """A git command failed; the text is what git said."""


def environment(**more: str) -> dict[str, str]:
    """Return the whole environment that git gets here."""
    return {**_ENV, **more}


def run(git_dir: Path, *args: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> bytes:
    """Run one git command on a bare repository and return its output; raise `GitError` when it fails."""
    command = [GIT, "-c", "safe.directory=*", "-c", "core.quotePath=false", "--git-dir", str(git_dir), *args]
    done = subprocess.run(command, input=stdin, capture_output=True, env=env or _ENV, check=False)
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip() or f"git {args[0]} failed")
    return done.stdout


def text(git_dir: Path, *args: str, stdin: bytes | None = None) -> str:
    """Run one git command and return its output as text without the last line end."""
    return run(git_dir, *args, stdin=stdin).decode(errors="replace").rstrip("\n")


def succeeds(git_dir: Path, *args: str) -> bool:
    """Tell whether a git command ends well."""
    try:
        run(git_dir, *args)
    except GitError:
        return False
    return True


_PRE_RECEIVE = """#!/bin/sh
# What GitHub's own checks refuse at a push: localhub says in the environment what this token may not do.
zero=0000000000000000000000000000000000000000
status=0
while read -r old new ref; do
  branch=${ref#refs/heads/}
  case ":$LOCALHUB_PROTECTED:" in *":$branch:"*)
    echo "error: GH006: Protected branch update failed for $ref." >&2; status=1 ;; esac
  if [ "$LOCALHUB_WORKFLOWS" = no ] && [ "$new" != $zero ]; then
    base=$old
    [ "$old" = $zero ] && base=$(git merge-base HEAD "$new" 2>/dev/null || git hash-object -t tree /dev/null)
    file=$(git diff --name-only "$base" "$new" -- .github/workflows | head -n 1)
    if [ -n "$file" ]; then
      echo "refusing to allow a GitHub App to create or update workflow" >&2
      echo "\\`$file\\` without \\`workflows\\` permission" >&2
      status=1
    fi
  fi
done
[ -n "$LOCALHUB_DECLINE" ] && { echo "$LOCALHUB_DECLINE" >&2; status=1; }
exit $status
"""


def create(git_dir: Path, default_branch: str) -> None:
    """Make an empty bare repository that may be pushed to over HTTP."""
    git_dir.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [GIT, "init", "-q", "--bare", f"--initial-branch={default_branch}", str(git_dir)],
        env=_ENV, check=True, capture_output=True,
    )  # fmt: skip
    for key, value in (
        ("http.receivepack", "true"),
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("uploadpack.allowFilter", "true"),
        ("receive.denyDeleteCurrent", "ignore"),
        ("gc.auto", "0"),
    ):
        run(git_dir, "config", key, value)
    hook = git_dir / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_PRE_RECEIVE)
    hook.chmod(0o755)


def refs(git_dir: Path) -> dict[str, str]:
    """Return full ref name → object id, sorted by name."""
    lines = text(git_dir, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {name: sha for name, sha in (line.split(" ") for line in lines)}


@functools.lru_cache(maxsize=4096)
def _known_type(git_dir: Path, sha: str) -> str:
    return text(git_dir, "cat-file", "-t", sha)


def object_type(git_dir: Path, sha: str) -> str | None:
    """Return `commit`, `tree`, `blob` or `tag`, or None where the object is missing."""
    try:
        return _known_type(git_dir, sha)
    except GitError:
        return None


@functools.lru_cache(maxsize=1024)  # objects never change
def is_ancestor(git_dir: Path, ancestor: str, descendant: str) -> bool:
    """Tell whether `descendant` contains `ancestor`."""
    return succeeds(git_dir, "merge-base", "--is-ancestor", ancestor, descendant)


@functools.lru_cache(maxsize=1024)  # objects never change
def merge_base(git_dir: Path, one: str, two: str) -> str | None:
    """Return the best common ancestor, or None for unrelated histories."""
    try:
        return text(git_dir, "merge-base", one, two)
    except GitError:
        return None


@dataclass(frozen=True)
class Person:
    """Name, address and time in a commit."""

    name: str
    email: str
    date: datetime

    def line(self) -> str:
        """Return the form that a commit object has."""
        clean = re.sub(r"[<>\n]", "", self.name) or "unknown"
        return f"{clean} <{re.sub(r'[<> ]', '', self.email)}> {int(self.date.timestamp())} +0000"


@dataclass(frozen=True)
class Commit:
    """A commit as git has it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00%x01"


def _commits(raw: str) -> list[Commit]:
    found = []
    for record in raw.split("\x01"):
        part = record.lstrip("\n").split("\0")
        if len(part) < 10:
            continue
        author = Person(part[3], part[4], datetime.fromtimestamp(int(part[5]), UTC))
        committer = Person(part[6], part[7], datetime.fromtimestamp(int(part[8]), UTC))
        found.append(Commit(part[0], part[1], tuple(part[2].split()), author, committer, part[9].rstrip("\n")))
    return found


@functools.lru_cache(maxsize=1024)  # objects never change
def commit(git_dir: Path, sha: str) -> Commit:
    """Read one commit; raise `GitError` when it is not there."""
    return _commits(text(git_dir, "log", "-1", f"--format={_FORMAT}", sha, "--"))[0]


def log(git_dir: Path, *what: str, limit: int = 250) -> list[Commit]:
    """Read commits, newest first; `what` are revisions and options of `git log`."""
    return _commits(text(git_dir, "log", f"-{limit}", f"--format={_FORMAT}", *what))


def write_blob(git_dir: Path, content: bytes) -> str:
    """Store a file's content."""
    return text(git_dir, "hash-object", "-w", "--stdin", stdin=content)


def write_commit(
    git_dir: Path, *, tree: str, parents: Sequence[str], author: Person, committer: Person, message: str
) -> str:
    """Store a commit."""
    lines = [f"tree {tree}", *(f"parent {p}" for p in parents)]
    lines += [f"author {author.line()}", f"committer {committer.line()}", "", message]
    body = "\n".join(lines).encode()
    return text(git_dir, "hash-object", "-t", "commit", "-w", "--stdin", stdin=body)


@dataclass(frozen=True)
class Change:
    """One path of a new tree; `sha` None removes it."""

    path: str
    mode: str
    sha: str | None


def write_tree(git_dir: Path, base: str | None, changes: Iterable[Change]) -> str:
    """Store the tree that `base` becomes by the changes; a change of mode 040000 puts a whole tree there."""
    with tempfile.TemporaryDirectory(prefix="localhub-index-") as folder:
        env = environment(GIT_INDEX_FILE=f"{folder}/index")
        if base:
            run(git_dir, "read-tree", base, env=env)
        lines = []
        for change in changes:
            if change.mode == "040000" and change.sha:
                run(git_dir, "read-tree", f"--prefix={change.path}/", change.sha, env=env)
            elif change.sha is None:
                lines.append(f"0 {ZERO}\t{change.path}\0")
            else:
                lines.append(f"{change.mode} {change.sha}\t{change.path}\0")
        if lines:
            run(git_dir, "update-index", "-z", "--index-info", stdin="".join(lines).encode(), env=env)
        return run(git_dir, "write-tree", env=env).decode().strip()


@dataclass(frozen=True)
class Entry:
    """One line of a tree."""

    mode: str
    type: str
    sha: str
    size: int | None
    path: str


def tree(git_dir: Path, treeish: str, *, recursive: bool = False, path: str = "") -> list[Entry]:
    """List a tree; `path` (ending in a slash for a folder's content) narrows it."""
    args = ["ls-tree", "-z", "-l", *(["-r", "-t"] if recursive else []), treeish]
    if path:
        args += ["--", path]
    entries = []
    for line in run(git_dir, *args).decode(errors="replace").split("\0"):
        if line:
            meta, name = line.split("\t", 1)
            mode, kind, sha, size = meta.split()
            entries.append(Entry(mode, kind, sha, None if size == "-" else int(size), name))
    return entries


@functools.lru_cache(maxsize=1024)  # objects never change
def merge_tree(git_dir: Path, base: str, head: str) -> str | None:
    """Return the tree of merging `head` into `base`, or None on a conflict (needs git 2.38)."""
    try:
        return text(git_dir, "merge-tree", "--write-tree", base, head).splitlines()[0]
    except GitError:
        return None


def revert_tree(git_dir: Path, sha: str, head: str) -> str | None:
    """Return the tree of `head` without what commit `sha` did to its first parent, or None on a conflict."""
    person = Person("localhub", "localhub@localhost", datetime.now(UTC))
    # A commit with the tree of the parent, on top of it: merged into the head, it takes back what the commit did.
    back = write_commit(
        git_dir, tree=f"{commit(git_dir, f'{sha}^').tree}", parents=[sha], author=person, committer=person, message=""
    )
    return merge_tree(git_dir, head, back)


def set_ref(git_dir: Path, ref: str, sha: str | None) -> None:
    """Point a ref somewhere, or remove it; raise `GitError` where git refuses the name."""
    run(git_dir, "update-ref", *(["-d", ref] if sha is None else [ref, sha]))


def checkout(git_dir: Path, sha: str, target: Path) -> None:
    """Make a clone with a work tree at exactly `sha`."""
    command = [GIT, "-c", "safe.directory=*", "clone", "-q", "--no-checkout", str(git_dir), str(target)]
    subprocess.run(command, env=_ENV, check=True, capture_output=True)
    at = [GIT, "-c", "safe.directory=*", "-C", str(target)]
    # The commit of a fork's pull request is reachable only from refs/pull/*, which a clone does not fetch.
    subprocess.run([*at, "fetch", "-q", "origin", sha], env=_ENV, check=True, capture_output=True)
    subprocess.run([*at, "checkout", "-q", "--detach", sha], env=_ENV, check=True, capture_output=True)
