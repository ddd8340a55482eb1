"""Changelogs: which single fix a release says it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_NAME = re.compile(r"(^|/)(change-?(log|s)|history|news)[^/]*\.?(rst|md|txt)?$", re.IGNORECASE)
_HEADING = re.compile(
    r"^[\s#*=`\[]*(?:(?:version|release|what's new in|[A-Za-z][\w.-]*)[\s:=-]+|v\.? ?)?(\d+(?:\.\d+)+)\b(?![\w.-]*\w)",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*([=~^\"'`*+#-])\1{2,}\s*$")
_BULLET = re.compile(r"^(\s*)[-*•+]\s+(?=\S)")
_FIX = re.compile(
    r"\bfix|\bbug|regress|crash|\berror|exception|incorrect|wrong|broken|\bfail|invalid|missing|no longer|correct|"
    r"prevent|avoid|ensure|handle|leak|properly|instead of|should",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"^(\W*)(bump|updated? (the )?(depend|translat|docs?\b|pot)|documentation|new release|re-?release|no changes|"
    r"nothing|drop(ped)? support|packag|translations?\b|internal|refactor|ci\b|test)"
    r"|\b(pypi|sdist|wheel|typo|readme|changelog|"
    r"documentation|docs|release script|classifiers?|setup\.py|pyproject)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entry:
    """What a changelog says of one version, when it says one thing only."""

    version: str
    text: str


def logs_in(paths: Sequence[str]) -> list[str]:
    """The files that look like changelogs."""
    return [path for path in paths if _NAME.search(path) and not re.search(r"(^|/)(tests?|examples)/", path)]


def single_fixes(text: str, versions: Sequence[str]) -> list[Entry]:
    """The versions that are said to hold one fix and nothing else."""
    known = set(versions)
    lines = text.splitlines()
    starts = [(number, found) for number, line in enumerate(lines) if (found := _heading(lines, number)) in known]
    entries: list[Entry] = []
    for (start, version), (end, _) in pairwise([*starts, (len(lines), "")]):
        if told := _fix_in(lines[start + 1 : end]):
            entries.append(Entry(version, told))
    return entries


def _fix_in(lines: Sequence[str]) -> str:
    said = _one_thing(lines)
    is_fix = len(said.split()) >= 4 and _FIX.search(said) and not _OTHER.search(said)
    return said if is_fix else ""


def _heading(lines: Sequence[str], number: int) -> str:
    line = lines[number]
    found = _HEADING.match(line)
    if not found or len(line) > 90 or _BULLET.match(line):
        return ""
    below = lines[number + 1] if number + 1 < len(lines) else ""
    is_marked = line.startswith("#") or _RULE.match(below) or re.search(r"\d{4}|unreleased", line)
    return found[1] if is_marked else ""


def _one_thing(lines: Sequence[str]) -> str:
    """The only item of a section; empty if there are several, or none."""
    bullets = [(len(found[1]), number) for number, line in enumerate(lines) if (found := _BULLET.match(line))]
    bullets = [each for each in bullets if not _RULE.match(lines[each[1]])]
    if bullets:
        left = min(indent for indent, _ in bullets)
        tops = [number for indent, number in bullets if indent == left]
        if len(tops) != 1:
            return ""
        said = [_BULLET.sub("", lines[tops[0]])]
        for line in lines[tops[0] + 1 :]:
            if line.strip() and len(line) - len(line.lstrip()) <= left:
                break
            said.append(line)
        return _plain(said)
    paragraphs = re.split(r"\n\s*\n", "\n".join(line for line in lines if not _is_heading_part(line)))
    told = [each for each in paragraphs if len(each.split()) >= 4]
    return _plain(told[0].splitlines()) if len(told) == 1 else ""


def _is_heading_part(line: str) -> bool:
    return bool(_RULE.match(line)) or line.startswith("#") or line.startswith(".. ")


# Who did it and where it was discussed: no issue says so, and nothing of it tells where the fix is.
_CREDITS = re.compile(
    r"\[?`?[0-9a-f]{7,40}`?\]?\(https?://[^)\s]*\)|\(?\[?`*#\d+[`_]*\]?(\([^)\s]*\))?_*\)?|`#\d+ <[^>`]*>`_*|"
    r"https?://\S+|"
    r"\(?(?:by|thanks(?: to)?|via|patch by|contributed by|reported by)\s*:?\s*\[?@[\w-]+\]?[^.\n]*"
    r"|\[?@[\w-]+\]?|:(?:issue|pr|pull|bug|ticket|feature):`[^`]*`|"
    r"(?<=\s)\[[\w.@ ,-]{2,40}\](?![(\[])|\((?-i:(?:[A-Z][\w.]* ?){2,3})\)|^[0-9a-f]{7,40}\b|\bgh-\d+\b",
    re.IGNORECASE | re.MULTILINE,
)


def _plain(lines: Sequence[str]) -> str:
    return clean("\n".join(line.strip() for line in lines))


def clean(text: str) -> str:
    """An entry without credits and references."""
    text = re.sub(r"[ \t]{2,}", " ", _CREDITS.sub("", text[:1_500]))
    return re.sub(r"\(\s*[,;-]*\s*\)|\[\s*\]", "", text).strip(" \n-–,;:")


def all_single_fixes(tree: Mapping[str, bytes], versions: Sequence[str]) -> list[Entry]:
    """The same over all changelogs of a release, each version once."""
    found: dict[str, Entry] = {}
    for path in tree:
        name = re.search(r"(?:^|/)(?:version-|release_|v)?(\d+(?:\.\d+)+)\.(?:rst|txt|md)$", path)
        if name and name[1] in versions and (told := _fix_in(tree[path].decode("utf-8", "replace").splitlines())):
            found[name[1]] = Entry(name[1], told)
    for path in logs_in(list(tree)):
        for entry in single_fixes(tree[path].decode("utf-8", "replace"), versions):
            found.setdefault(entry.version, entry)
    return list(found.values())
