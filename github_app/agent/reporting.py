"""The tools of turns that end with a report: what they take, and the checks that it passes before it is posted. A line
that is not there is the model's to mend; nobody else ever sees it."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterable

from pydantic import Field

from github_app.agent.files import lines_of
from github_app.agent.schemas import Arguments
from github_app.agent.untrusted import clip, frame, show
from github_app.core.errors import ToolFailed
from github_app.core.filediffs import PullDiff, is_in_diff, numbered, spans
from github_app.core.messages.reports import markers_in
from github_app.core.model import Patch
from github_app.core.ports import SecretScanner, Workspace
from github_app.core.reports import MAX_REMARKS, Answer, Citation, Remark, Severity
from github_app.core.reports import Review as ReviewReport
from github_app.core.text.characters import legible

MAX_ANSWER_CHARS, MAX_REMARK_CHARS = 12_000, 2_000
_MAX_CITED_BYTES = 2_000_000
_DIFF_CHARS, _TOLD_CHARS = 40_000, 80_000


class Diff(Arguments):
    """Show what the pull request changes in one file, with the line numbers of the new file."""

    path: str = Field(min_length=1)


class CitedLines(Arguments):
    """Lines of a file that the answer rests on; `last_line` only where there are several."""

    path: str = Field(min_length=1)
    line: int = Field(ge=1)
    last_line: int | None = Field(default=None, ge=1)


class Explain(Arguments):
    """Hand in the answer and end your turn.

    `answer`: Markdown, the answer first, then what it rests on. `citations`: the lines that show it. Name each in the
    answer by its place in the list: `[1]`, `[2]`. Each becomes a link to those lines.
    """

    answer: str = Field(min_length=1)
    citations: list[CitedLines] = Field(min_length=1, max_length=30)


class RemarkedLines(Arguments):
    """Something to look at, in lines that the diff shows in the new file, all in one hunk.

    `line` to `last_line` are what it is about. `severity`: `high` breaks something or opens a hole, `medium` will
    trouble somebody, `low` is worth knowing. `text`: what is wrong, when that shows, and what would be right.
    `suggestion`: only where you know them, the lines to put in the place of exactly these.
    """

    path: str = Field(min_length=1)
    line: int = Field(ge=1)
    last_line: int | None = Field(default=None, ge=1)
    severity: Severity
    text: str = Field(min_length=1, max_length=MAX_REMARK_CHARS)
    suggestion: str | None = Field(default=None, max_length=5_000)


class Review(Arguments):
    """Hand in the review and end your turn.

    `summary`: what the change does and what you think of it, in a few sentences. `findings`: what somebody has to look
    at, the worst first; none if there is nothing.
    """

    summary: str = Field(min_length=1, max_length=5_000)
    findings: list[RemarkedLines] = Field(max_length=MAX_REMARKS)


def show_diff(diff: PullDiff | None, path: str) -> str:
    """One file's part of the diff. Raises `ToolFailed` where there is none."""
    found = _file_of(diff, path)
    if not found.diff:
        raise ToolFailed(f"GitHub shows no lines of `{path}` ({found.status}): it is binary, only moved, or too large")
    return clip(show(numbered(found.diff)), max_chars=_DIFF_CHARS, head=0.7)


def files_part(diff: PullDiff | None, boundary: str) -> str:
    """What a pull request changes, as much of it as is told at once; empty where none is read."""
    if diff is None:
        return ""
    shown: list[str] = []
    left: list[str] = []
    room = _TOLD_CHARS
    for each in diff.files:
        name = f"{each.path} ({each.status}, +{each.additions} -{each.deletions})"
        name += f", was {each.before}" * bool(each.before)
        text = f"{name}\n{numbered(each.diff)}"
        room -= len(text)
        (shown if room >= 0 and each.diff else left).append(text if room >= 0 and each.diff else name)
    parts = [frame("diff", show("\n\n".join(shown)), boundary=boundary)] if shown else []
    if left:
        parts.append(f"Not shown above (`diff` shows one):\n{frame('files', _listed(left), boundary=boundary)}")
    told = "\n".join(parts) or "It changes no file."
    return f"\nWhat pull request #{diff.number} changes, with the line numbers of the new files:\n\n{told}\n"


def _listed(names: list[str]) -> str:
    return clip(show("\n".join(names)), max_chars=8_000)


async def answer_from(given: Explain, workspace: Workspace, scanner: SecretScanner) -> Answer:
    """An answer whose citations are there, at the commit that is read. Raises `ToolFailed`."""
    if len(given.answer) > MAX_ANSWER_CHARS:
        raise ToolFailed(f"not handed in: `answer` may have {MAX_ANSWER_CHARS} characters, not {len(given.answer)}")
    citations = tuple([await _citation(each, workspace) for each in given.citations])
    named = markers_in(legible(given.answer))
    if unknown := sorted(number for number in named if not 0 < number <= len(citations)):
        listed = ", ".join(f"[{number}]" for number in unknown)
        raise ToolFailed(f"not handed in: {listed} in `answer` is none of your {len(citations)} citations")
    if not named:
        raise ToolFailed("not handed in: name your citations in `answer` where they belong, as `[1]`")
    await _require_no_secret(scanner, [given.answer])
    return Answer(text=given.answer.strip(), citations=citations)


async def review_from(given: Review, diff: PullDiff | None, scanner: SecretScanner) -> ReviewReport:
    """A review whose remarks are on lines where GitHub takes them. Raises `ToolFailed`."""
    remarks = tuple(_remark(each, diff) for each in given.findings)
    suggested = [each.suggestion or "" for each in remarks]
    await _require_no_secret(scanner, [given.summary, *(each.text for each in remarks), *suggested])
    files = len(diff.files) if diff is not None else 0
    return ReviewReport(summary=given.summary.strip(), remarks=remarks, files=files)


async def _citation(given: CitedLines, workspace: Workspace) -> Citation:
    last_line = given.last_line or given.line
    where = f"`{given.path}` {given.line}-{last_line}"
    if posixpath.normpath(given.path) != given.path:
        raise ToolFailed(f"not handed in: {where}: write the path as it is in the repository")
    try:
        content = await workspace.read_base(given.path, max_bytes=_MAX_CITED_BYTES)
    except ToolFailed as failure:
        raise ToolFailed(f"not handed in: {where}: {failure}") from failure
    if content is None or b"\0" in content:
        raise ToolFailed(f"not handed in: {where}: the file is binary or too large to cite lines of")
    lines = len(lines_of(content.decode(errors="replace")))
    if not given.line <= last_line <= lines:
        raise ToolFailed(f"not handed in: {where}: the file has {lines} lines")
    return Citation(path=given.path, first_line=given.line, last_line=last_line)


def _remark(given: RemarkedLines, diff: PullDiff | None) -> Remark:
    last_line = given.last_line or given.line
    found = _file_of(diff, given.path)
    if not is_in_diff(found.diff, given.line, last_line):
        shown = spans(found.diff) or "none"
        raise ToolFailed(
            f"not handed in: `{given.path}` {given.line}-{last_line} is not in one hunk of the diff. "
            f"Lines of the new file that are: {clip(shown, max_chars=1_000)}"
        )
    return Remark(
        path=given.path,
        first_line=given.line,
        last_line=last_line,
        severity=given.severity,
        text=given.text.strip(),
        suggestion=given.suggestion.removesuffix("\n") if given.suggestion is not None else None,
    )


def _file_of(diff: PullDiff | None, path: str) -> Patch:
    files = {each.path: each for each in diff.files} if diff is not None else {}
    if path not in files:
        known = clip(show(", ".join(files)), max_chars=2_000) or "none"
        raise ToolFailed(f"the pull request does not change this file. Files that it changes: {known}")
    return files[path]


async def _require_no_secret(scanner: SecretScanner, words: Iterable[str]) -> None:
    if seen := await asyncio.to_thread(scanner.scan, "\n".join(words).encode("utf-8", "replace")):
        raise ToolFailed(f"not handed in: your words hold {seen[0].what}. Say it without the value")
