"""Lessons as a Markdown file: a section fit for `AGENTS.md`, which is read back after somebody edited it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape, unescape

from github_app.core.errors import Misconfigured
from github_app.core.lessons import Lesson, lesson_text, problem_of

OPERATOR = "the operator"
"""Stands for who agreed where no account of GitHub did."""

_MAX_LINE = 2_000
_SOURCE = re.compile(
    r" \((?:\[(?P<said_by>[^\]]{1,100})\]\((?P<source>[^()\s]{1,500})\), )?kept by (?P<kept_by>[^()]{1,100})\)"
)
_KEY = re.compile(r" <!-- lesson (?P<pull>\d{1,9})-(?P<number>\d{1,9}) -->")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One lesson of a file. `key` is None for a new one; `source` is without the host."""

    text: str
    key: tuple[int, int] | None = None
    source: str = ""
    said_by: str = ""
    kept_by: str = OPERATOR


def dump(lessons: Sequence[Lesson], *, full_name: str, github_url: str, expired: Collection[str] = ()) -> str:
    """The file of a repository's lessons; those with an `expired` key stand in a part of their own."""
    lines = ["## Lessons from reviews", "", f"What reviewers corrected in {full_name}, each kept by a person.", ""]
    in_force = [each for each in lessons if each.key not in expired]
    lines += [_line(each, github_url) for each in in_force] or ["(none)"]
    if len(in_force) < len(lessons):
        lines += [
            "",
            "### Expired",
            "",
            "Nothing needed these for long. Who imports them puts them into force again.",
            "",
        ]
        lines += [_line(each, github_url) for each in lessons if each.key in expired]
    return "\n".join(lines) + "\n"


def load(text: str, *, github_url: str) -> tuple[Entry, ...]:
    """The lessons of a file: its list items, one a line; all else is prose. Raises `Misconfigured`, with the line."""
    found: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("- "):
            entry = _entry(line[2:].rstrip(), github_url)
            if problem := problem_of(entry.text) if len(line) <= _MAX_LINE else "it is too long":
                raise Misconfigured(f"line {number} is no lesson: {problem}")
            found.append(entry)
        elif line[:1].isspace() and line.strip():
            raise Misconfigured(f"line {number} goes on with what is above it: a lesson stands on one line")
    return tuple(found)


def merge(entries: Sequence[Entry], known: Sequence[Lesson], *, repo_id: int, now: datetime) -> tuple[Lesson, ...]:
    """What to write so that all the entries are in force: those that are new, changed or expired (`known` are the
    lessons in force). A lesson in other words is kept by the operator."""
    by_key = {(each.pull_number, each.number): each for each in known}
    last = max(
        [number for pull, number in (*by_key, *(each.key for each in entries if each.key)) if pull == 0], default=0
    )
    made: list[Lesson] = []
    for entry in entries:
        before = by_key.get(entry.key) if entry.key is not None else None
        if before is not None:
            if before.text != entry.text:
                made.append(
                    replace(before, text=entry.text, kept_by=OPERATOR, kept_in="", kept_at=now, last_used_at=now)
                )
            continue
        last += entry.key is None
        pull, number = entry.key or (0, last)
        made.append(
            Lesson(
                repo_id=repo_id,
                pull_number=pull,
                number=number,
                text=entry.text,
                kept_by=entry.kept_by,
                kept_at=now,
                last_used_at=now,
                source=entry.source,
                said_by=entry.said_by,
            )
        )
    return tuple(made)


def _line(lesson: Lesson, github_url: str) -> str:
    said = f"[{lesson.said_by}]({github_url}{lesson.source}), " if lesson.source else ""
    return f"- {escape(lesson.text, quote=False)} ({said}kept by {lesson.kept_by}) <!-- lesson {lesson.key} -->"


def _entry(line: str, github_url: str) -> Entry:
    key = None
    if (found := _at_end(_KEY, line)) is not None:
        line, key = line[: found.start()], (int(found["pull"]), int(found["number"]))
    entry = Entry(text=line, key=key)
    if (found := _at_end(_SOURCE, line)) is not None:
        address = found["source"] or ""
        is_ours = address.startswith(f"{github_url}/")
        entry = Entry(
            text=line[: found.start()],
            key=key,
            source=address.removeprefix(github_url) if is_ours else "",
            said_by=found["said_by"] if is_ours else "",
            kept_by=found["kept_by"],
        )
    return replace(entry, text=lesson_text(unescape(entry.text)))


def _at_end(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """The match that ends the line, if one does; looked for near its end, however long it is."""
    return next(
        (found for found in pattern.finditer(line, max(0, len(line) - 1_000)) if found.end() == len(line)), None
    )
