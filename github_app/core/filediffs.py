"""The diff of a pull request as GitHub has it, file by file, and which lines of it can be commented on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from github_app.core.model import Patch

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(?P<first>\d+)(?:,\d+)? @@")

MAX_FILES = 300
"""So many changed files are read of one pull request."""

MAX_PATCH_CHARS = 1_000_000
"""So much of all patches together: what is beyond is named without its lines."""


@dataclass(frozen=True, kw_only=True)
class PullDiff:
    """What a pull request changes, as of its head `head_sha`."""

    number: int
    base_branch: str
    head_sha: str
    files: tuple[Patch, ...] = ()


def bounded(files: tuple[Patch, ...]) -> tuple[Patch, ...]:
    """The files with no more of their patches than is kept of one pull request."""
    kept: list[Patch] = []
    left = MAX_PATCH_CHARS
    for each in files[:MAX_FILES]:
        fits = len(each.diff) <= left
        left -= len(each.diff) if fits else 0
        kept.append(each if fits else Patch(path=each.path, status=each.status, before=each.before))
    return tuple(kept)


def numbered(patch: str) -> str:
    """A patch with the number that each line has in the new file, to be read."""
    return "\n".join(f"{'' if line is None else line:>6} {text}" for line, text, _ in _lines(patch))


def is_in_diff(patch: str, first_line: int, last_line: int) -> bool:
    """Whether these lines of the new file stand in one hunk of the patch: only there GitHub takes a comment."""
    hunk_of = {line: hunk for line, _, hunk in _lines(patch) if line is not None}
    ends = hunk_of.get(first_line), hunk_of.get(last_line)
    return first_line <= last_line and ends[0] is not None and ends[0] == ends[1]


def spans(patch: str) -> str:
    """The lines of the new file that the patch shows, as words: `3-9, 40-52`."""
    shown: dict[int, list[int]] = {}
    for line, _, hunk in _lines(patch):
        if line is not None:
            shown.setdefault(hunk, []).append(line)
    return ", ".join(f"{lines[0]}-{lines[-1]}" for lines in shown.values())


def _lines(patch: str) -> Iterator[tuple[int | None, str, int]]:
    """Each line of a patch, with its number in the new file (None: it is not in there), and the hunk that it is in."""
    number, hunk = 0, 0
    for text in patch.split("\n"):
        if (found := _HUNK.match(text)) is not None:
            number, hunk = int(found["first"]), hunk + 1
            yield None, text, hunk
        elif text.startswith(("+", " ")):
            yield number, text, hunk
            number += 1
        else:
            yield None, text, hunk
