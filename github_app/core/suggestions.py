"""Suggestions: blocks in review comments that say by what a comment's lines are to be replaced. They are read and
applied here, byte for byte, or it is said why not; then they are words like all others.

A suggestion is for the lines `start_line` to `line` of its comment, on the side of the new file; an empty one deletes
them; several in one comment are for the same lines, so they are alternatives.
https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/incorporating-feedback-in-your-pull-request
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from github_app.core.messages import misfits
from github_app.core.model import Actor, Comment, Thread
from github_app.core.session import Feedback
from github_app.core.text.characters import legible, plain_newlines
from github_app.core.text.markup import mask_code

_HINT = re.compile(r"(?:`{3}|~{3})[ \t]*suggestion\b")
_BLOCK = re.compile(
    r"(?P<indent> {0,3})(?P<fence>(?P<mark>[`~])(?P=mark){2,})[ \t]*suggestion(?:[ \t][^\n]*)?\n"
    r"(?P<lines>(?:[^\n]*\n)*?) {0,3}(?P=fence)(?P=mark)*[ \t]*"
)
_LIKE = re.compile(r"[ \t>*+0-9.)-]*(?:`{3,}|~{3,})[ \t]*suggestion\b")
_BOM = "\ufeff"


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What one thread suggests, by `author`: `lines` in the place of `first_line` to `last_line` of `path`, as the file
    is at `head_sha`. `replaces` is what stands there, as far as GitHub shows it.

    `is_bare`: nothing else is said with it. `misfit`: why it cannot be applied as it stands, as a clause; empty if it
    can, as far as that is seen without the file.
    """

    thread_id: str
    author: Actor
    path: str
    first_line: int = 0
    last_line: int = 0
    lines: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    head_sha: str = ""
    is_bare: bool = False
    misfit: str = ""


@dataclass(frozen=True)
class Blocks:
    """The suggestions in a text. `rest` is what else it says; `is_clear`: the text shows all of what is in them."""

    suggested: tuple[tuple[str, ...], ...]
    rest: str
    is_clear: bool


def may_suggest(feedback: Feedback) -> bool:
    """Whether a piece of feedback may hold a suggestion, so that it is worth a closer look."""
    return feedback.kind == "thread" and _HINT.search(feedback.body) is not None


def read_blocks(body: str) -> Blocks:
    """Find the suggestions in a comment. Takes time linear in its length."""
    shown = legible(body)
    masked = mask_code(shown)
    found = [_BLOCK.fullmatch(code) for code in masked.codes if _LIKE.match(code)]
    suggested = tuple(_lines_of(block) for block in found if block is not None)
    rest = masked.restore(masked.text, lambda code: "" if _BLOCK.fullmatch(code) else code)
    return Blocks(suggested, rest.strip(), is_clear=None not in found and shown == plain_newlines(body))


def suggestion_of(thread: Thread, feedback: Feedback, fresh: Sequence[Comment]) -> Suggestion | None:
    """What a thread suggests, if it does. `fresh` are its words since we last answered, of those who may instruct;
    `feedback` is what the session knows of it."""
    blocks = [read_blocks(comment.body) for comment in fresh]
    if not any(each.suggested or not each.is_clear for each in blocks):
        return None
    first, last = thread.first_line or thread.line or 0, thread.line or 0
    suggestion = Suggestion(
        thread_id=thread.id,
        author=fresh[-1].author,
        path=thread.path,
        first_line=first,
        last_line=last,
        lines=blocks[-1].suggested[0] if blocks[-1].suggested else (),
        replaces=_new_lines(thread.hunk)[-(last - first + 1) :],
        head_sha=thread.head_sha,
        is_bare=len(fresh) == 1 and not blocks[-1].rest,
    )
    is_last_word = bool(blocks[-1].suggested) and feedback.id.endswith(f":{fresh[-1].id}")
    misfit = ""
    if thread.line is None or thread.is_outdated:
        misfit = misfits.OUTDATED
    elif not all(each.is_clear for each in blocks):
        misfit = misfits.UNCLEAR
    elif len({lines for each in blocks for lines in each.suggested}) > 1:
        misfit = misfits.ALTERNATIVES
    elif not is_last_word:
        misfit = misfits.DISCUSSED
    return replace(suggestion, misfit=misfit)


def fit(suggestions: Sequence[Suggestion], content: bytes) -> tuple[tuple[Suggestion, ...], bytes]:
    """Apply the suggestions for one file: each with its misfit, if it has one, and the file with all others applied.

    Lines that a suggestion brings end as those do that it replaces, so that CRLF stays CRLF.
    """
    try:
        content.decode()
    except UnicodeDecodeError:
        return tuple(unfit(each, misfits.NO_TEXT) for each in suggestions), content
    lines = content.split(b"\n")
    checked = [_checked(each, lines) for each in suggestions]
    checked = [_against(each, checked) for each in checked]
    told = {(each.first_line, each.last_line): each for each in checked if not each.misfit}
    for each in sorted(told.values(), key=lambda each: each.first_line, reverse=True):
        lines = _replaced(lines, each)
    return tuple(checked), b"\n".join(lines)


def unfit(suggestion: Suggestion, misfit: str) -> Suggestion:
    """The suggestion with why it cannot be applied; a reason that it has already stays."""
    return replace(suggestion, misfit=suggestion.misfit or misfit)


def _lines_of(block: re.Match[str]) -> tuple[str, ...]:
    indent = len(block["indent"])
    lines = block["lines"].split("\n")[:-1]
    return tuple(line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in lines)


def _new_lines(hunk: str) -> tuple[str, ...]:
    """The lines of the new file in a hunk, without their ends."""
    return tuple(_bare(line[1:]) for line in hunk.split("\n")[1:] if line[:1] in (" ", "+"))


def _bare(line: str) -> str:
    return line.removesuffix("\r").removeprefix(_BOM)


def _checked(suggestion: Suggestion, lines: Sequence[bytes]) -> Suggestion:
    """With a misfit where the file is not as the suggestion was made for."""
    last = len(lines) - (not lines[-1])  # What comes after the last line's end is no line.
    if not 1 <= suggestion.first_line <= suggestion.last_line <= last:
        return unfit(suggestion, misfits.CHANGED)
    there = tuple(_bare(line.decode()) for line in lines[suggestion.first_line - 1 : suggestion.last_line])
    # GitHub may show less than all lines of a long range; never others.
    if there[len(there) - len(suggestion.replaces) :] != suggestion.replaces:
        return unfit(suggestion, misfits.CHANGED)
    return suggestion


def _against(suggestion: Suggestion, others: Sequence[Suggestion]) -> Suggestion:
    """With a misfit where another one wants something else of the same lines; twice the same is no conflict."""

    def clashes(other: Suggestion) -> bool:
        if other.misfit or other.last_line < suggestion.first_line or suggestion.last_line < other.first_line:
            return False
        wants = (other.first_line, other.last_line, other.lines)
        return wants != (suggestion.first_line, suggestion.last_line, suggestion.lines)

    if not suggestion.misfit and any(clashes(other) for other in others):
        return unfit(suggestion, misfits.CONTRADICTED)
    return suggestion


def _replaced(lines: list[bytes], suggestion: Suggestion) -> list[bytes]:
    start, end = suggestion.first_line - 1, suggestion.last_line
    old = lines[start:end]
    # The last line of a file without an end has none to look at: the one above it has.
    looked_at = old[0] if end < len(lines) or len(old) > 1 else lines[max(start - 1, 0)]
    eol = b"\r" if looked_at.endswith(b"\r") else b""
    new = [line.encode() + eol for line in suggestion.lines]
    if end == len(lines):  # It goes up to the file's end, which ends no line.
        new = [*new[:-1], new[-1].removesuffix(b"\r")] if new else [b""] * (start > 0)
    if start == 0 and new and old[0].startswith(_BOM.encode()):
        new[0] = _BOM.encode() + new[0]
    return [*lines[:start], *new, *lines[end:]]
