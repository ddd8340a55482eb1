"""What changed between two commits: files, patches, and where a line went."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from . import git

_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class FileDiff:
    """One changed file. `patch` is None for binary files and has no file header, as on GitHub."""

    path: str
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None
    previous_path: str | None = None


@dataclass(frozen=True)
class Spot:
    """Where a commented line is: its place in the patch (GitHub's `position`) and the hunk down to it."""

    position: int
    hunk: str


@functools.lru_cache(maxsize=256)  # objects never change
def between(git_dir: Path, base: str, head: str) -> tuple[FileDiff, ...]:
    """Return the files that differ between two commits or trees, in path order."""
    raw = git.run(git_dir, "diff", "--raw", "-z", "-M", "--abbrev=40", base, head).decode(errors="replace")
    numstat = git.run(git_dir, "diff", "--numstat", "-z", "-M", base, head).decode(errors="replace")
    patches = _patches(git.run(git_dir, "diff", "-M", base, head).decode(errors="replace"))
    counts = _counts(numstat)
    fields = iter(raw.split("\0"))
    found: list[FileDiff] = []
    for meta in fields:
        if not meta:
            continue
        _, _, old_sha, new_sha, letter = meta.split(" ")
        path = next(fields)
        previous = path if letter[0] in "RC" else None
        if previous:
            path = next(fields)
        additions, deletions = counts.get(path, (0, 0))
        sha = old_sha if letter == "D" else new_sha
        patch = patches[len(found)] if len(found) < len(patches) else None
        found.append(FileDiff(path, _STATUS[letter[0]], sha, additions, deletions, patch, previous))
    return tuple(found)


def _counts(numstat: str) -> dict[str, tuple[int, int]]:
    counts = {}
    fields = iter(numstat.split("\0"))
    for record in fields:
        if record:
            added, removed, path = record.split("\t")
            if not path:  # a rename: old and new name follow
                next(fields)
                path = next(fields)
            counts[path] = (int(added) if added != "-" else 0, int(removed) if removed != "-" else 0)
    return counts


def _patches(diff: str) -> list[str | None]:
    found: list[str | None] = []
    for part in re.split(r"^diff --git ", diff, flags=re.MULTILINE)[1:]:
        at = re.search(r"^@@ ", part, flags=re.MULTILINE)
        found.append(part[at.start() :].rstrip("\n") if at else None)
    return found


def find_spot(patch: str, line: int, side: str) -> Spot | None:
    """Find a line (of the new file on side RIGHT, of the old one on LEFT) in a patch; None if it is not part of it."""
    old = new = 0
    hunk: list[str] = []
    for position, text in enumerate(patch.split("\n")):
        header = _HUNK.match(text)
        if header:
            old, new, hunk = int(header[1]), int(header[3]), [text]
            continue
        hunk.append(text)
        here = (side == "LEFT" and old == line and text[:1] in ("-", " ")) or (
            side == "RIGHT" and new == line and text[:1] in ("+", " ")
        )
        if here:
            return Spot(position, "\n".join(hunk))
        old += text[:1] in ("-", " ")
        new += text[:1] in ("+", " ")
    return None


@functools.lru_cache(maxsize=1024)  # objects never change
def follow_line(git_dir: Path, *, path: str, line: int, old: str, new: str) -> int | None:
    """Say where a line of `path` in commit `old` is in commit `new`; None when it changed or the file is gone."""
    if old == new:
        return line
    try:
        diff = git.run(git_dir, "diff", "-U0", "--no-renames", old, new, "--", path).decode(errors="replace")
    except git.GitError:
        return None
    if re.search(r"^deleted file mode", diff, flags=re.MULTILINE):
        return None
    shift = 0
    for text in diff.split("\n"):
        header = _HUNK.match(text)
        if not header:
            continue
        start, count = int(header[1]), int(header[2] if header[2] is not None else 1)
        added = int(header[4] if header[4] is not None else 1)
        if count and start <= line < start + count:
            return None
        if start + count <= line or (count == 0 and start < line):
            shift += added - count
    return line + shift
