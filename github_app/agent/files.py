"""Looking at files and changing them, as tools: results are made for a model to read, failures say what to do next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import islice

from github_app.agent.untrusted import show
from github_app.core.errors import PathRefused, ToolFailed
from github_app.core.ports import Workspace

ALL_FILES = 200_000
"""As many files of a repository as are ever looked at by name."""

_VIEW_CHARS = 30_000
_LINE_CHARS = 1_000
_MAX_ENTRIES = 200
_MAX_FILE_BYTES = 2_000_000
_COMPARED_CHARS = 100
_COMPARED_LINES = 200


async def view(workspace: Workspace, path: str, *, start_line: int, end_line: int | None) -> str:
    """A file's lines with their numbers, or what a folder holds. Raises `ToolFailed`."""
    folder = path.strip("/").removeprefix("./")
    if folder in ("", "."):
        return await _listing(workspace, "")
    try:
        content = await workspace.read(path, max_bytes=_MAX_FILE_BYTES)
    except ToolFailed as failure:
        try:
            return await _listing(workspace, folder)
        except ToolFailed:
            raise failure from None
    if b"\0" in content[:8_000]:
        return f"`{path}` is a binary file of {len(content)} bytes."
    return _numbered(lines_of(content.decode(errors="replace")), start_line, end_line)


def lines_of(text: str) -> list[str]:
    """The lines of a file as git and GitHub count them: only a line feed ends one. Without line ends."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


async def _listing(workspace: Workspace, folder: str) -> str:
    text = folder_text(await workspace.list(folder, limit=ALL_FILES), folder)
    if not text:
        raise ToolFailed(f"there is no file or folder `{folder or '.'}`, or nothing in it")
    return text


def folder_text(files: Sequence[str], folder: str) -> str:
    """Files and folders directly below `folder` ("" is the top), with how many files each folder holds; "" for none."""
    prefix = f"{folder}/" if folder else ""
    entries: dict[str, int] = {}
    for path in files:
        if path.startswith(prefix):
            name, slash, _ = path.removeprefix(prefix).partition("/")
            entries[name + slash] = entries.get(name + slash, 0) + 1
    lines = [
        f"{name} ({count} file{'s' * (count != 1)})" if name.endswith("/") else name for name, count in entries.items()
    ]
    more = [f"… and {len(lines) - _MAX_ENTRIES} more"] if len(lines) > _MAX_ENTRIES else []
    return show("\n".join(lines[:_MAX_ENTRIES] + more))


def _numbered(lines: list[str], start: int, end: int | None) -> str:
    if not lines:
        return "(the file is empty)"
    if start > len(lines):
        raise ToolFailed(f"the file has only {len(lines)} lines")
    shown: list[str] = []
    room = _VIEW_CHARS
    for number, line in islice(enumerate(lines, 1), start - 1, min(end or len(lines), len(lines))):
        cut = line if len(line) <= _LINE_CHARS else f"{line[:_LINE_CHARS]}[… {len(line) - _LINE_CHARS} characters more]"
        room -= len(cut)
        if room < 0:
            break
        shown.append(f"{number:6}\t{show(cut)}")
    last = start + len(shown) - 1
    note = f"\n[lines {start} to {last} of {len(lines)}]" if (start, last) != (1, len(lines)) else ""
    return "\n".join(shown) + note


async def edit(workspace: Workspace, path: str, *, old_text: str, new_text: str) -> str:
    """Replace the one place where `old_text` stands, or create a file. Raises `ToolFailed` saying what is there."""
    if not old_text:
        return await _create(workspace, path, new_text)
    raw = await workspace.read(path, max_bytes=_MAX_FILE_BYTES)
    # Bytes that are no UTF-8 survive the way there and back.
    text = raw.decode(errors="surrogateescape")
    is_crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    if is_crlf:
        text, old_text, new_text = (each.replace("\r\n", "\n") for each in (text, old_text, new_text))
    count = text.count(old_text)
    if count == 0:
        # Comparing takes a while, and others wait for this thread.
        raise ToolFailed(await asyncio.to_thread(_nothing_found, path, text, old_text))
    if count > 1:
        raise ToolFailed(
            f"`old_text` stands {count} times in `{path}`; take in more lines around it so that it is unique"
        )
    if old_text == new_text:
        raise ToolFailed("`old_text` and `new_text` are the same: nothing to change")
    changed = text.replace(old_text, new_text)
    await workspace.write(path, _encoded(changed.replace("\n", "\r\n") if is_crlf else changed))
    line = text[: text.index(old_text)].count("\n") + 1
    return f"Changed `{path}` at line {line}: {_lines(old_text)} became {_lines(new_text)}."


async def _create(workspace: Workspace, path: str, text: str) -> str:
    try:
        await workspace.read(path, max_bytes=_MAX_FILE_BYTES)
    except PathRefused:
        raise
    except ToolFailed:
        # Missing, as it should be; where it is a giant instead, `list` still knows it.
        if path.removeprefix("./") not in await workspace.list(limit=ALL_FILES):
            await workspace.write(path, _encoded(text))
            return f"Created `{path}` with {_lines(text)}."
    raise ToolFailed(f"`{path}` exists already: give the text to replace as `old_text`")


def _encoded(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raise ToolFailed("the new text holds half of a character (a lone surrogate)") from None


def _lines(text: str) -> str:
    count = len(lines_of(text))
    return f"{count} line{'s' * (count != 1)}"


def _nothing_found(path: str, text: str, old_text: str) -> str:
    lines = lines_of(text)
    bare = [line.strip() for line in lines_of(old_text)]
    # As one text: comparing the lines from each of them on takes hours with many that are equal.
    every, some = ("".join(f"\n{line}" for line in each) + "\n" for each in ([line.strip() for line in lines], bare))
    found = every.find(some)
    if found >= 0:
        start = every.count("\n", 0, found) + 1
        place = _numbered(lines, start, start + len(bare) - 1)
        return f"`old_text` is in `{path}` only with other white space; it reads:\n{place}"
    nearest = _nearest(lines, next((line for line in bare if line), ""))
    hint = f" The nearest lines are:\n{nearest}" if nearest else " Nothing in it is similar; view it first."
    return f"`old_text` is not in `{path}`.{hint}"


def _nearest(lines: list[str], wanted: str) -> str:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted[:_COMPARED_CHARS])

    def score(number: int, ratio: Callable[[], float]) -> tuple[float, int]:
        matcher.set_seq1(lines[number].strip()[:_COMPARED_CHARS])
        return (-ratio() if matcher.real_quick_ratio() > 0.6 else 0.0, number)

    # The real comparison is slow where lines are long and of few different characters: not for more than some.
    likely = sorted(score(number, matcher.quick_ratio) for number in range(min(len(lines), 20_000)))[:_COMPARED_LINES]
    scored = sorted(score(number, matcher.ratio) for share, number in likely if share < -0.6)
    best = sorted(number for share, number in scored[:3] if share < -0.6)
    return "\n".join(f"{number + 1:6}\t{show(lines[number][:_LINE_CHARS])}" for number in best)
