"""A change set as a diff to be read, within bounds: of time, whatever the files are made of, and of length."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import unified_diff

from github_app.agent.untrusted import clip, show
from github_app.core.errors import ToolFailed
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import Workspace

MAX_CHARS = 60_000
_MAX_FILES = 200
_MAX_FILE_BYTES = 200_000
_MAX_COMPARED_LINES = 300
_CONTEXT_LINES = 3
_REGULAR = ("100644", "100755")


async def read_diff(workspace: Workspace, changes: ChangeSet, *, max_chars: int) -> str:
    """The change as a unified diff of about `max_chars` at most, the largest files cut, which is said where it is."""
    shown = changes.changes[:_MAX_FILES]
    before = [await _read_base(workspace, change) for change in shown]
    parts = await asyncio.to_thread(lambda: [_part(*each) for each in zip(shown, before, strict=True)])
    more = len(changes.changes) - len(shown)
    note = [f"[… {more} more changed files are left out here …]"] if more else []
    return "\n".join([*_within(parts, max_chars), *note])


async def read_difference(workspace: Workspace, then: ChangeSet, now: ChangeSet, *, max_chars: int) -> str:
    """What two change sets over the workspace's commit leave different, read from `then` to `now`; bounded as above."""
    old = {change.path: change for change in then.changes}
    new = {change.path: change for change in now.changes}
    paths = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    steps = []
    for path in paths[:_MAX_FILES]:
        first = old.get(path) or await _unchanged(workspace, new[path])
        last = new.get(path) or await _unchanged(workspace, old[path])
        base_mode = first.mode if first.content is not None else None
        steps.append((replace(last, base_mode=base_mode), first.content))
    parts = await asyncio.to_thread(lambda: [_part(*each) for each in steps])
    more = len(paths) - len(steps)
    note = [f"[… {more} more files are left out here …]"] if more else []
    return "\n".join([*_within(parts, max_chars), *note])


async def _unchanged(workspace: Workspace, changed: FileChange) -> FileChange:
    """What the base has where only the other side changes something."""
    if changed.base_mode is None:
        return FileChange(path=changed.path, mode=changed.mode, content=None)
    content = await _read_base(workspace, changed)
    unread = f"[{changed.base_mode}: not a file that can be shown]".encode()
    return FileChange(path=changed.path, mode=changed.base_mode, content=unread if content is None else content)


async def _read_base(workspace: Workspace, change: FileChange) -> bytes | None:
    """What the base has there; None if it is no file, or too large."""
    if change.base_mode not in _REGULAR:
        return None
    try:
        return await workspace.read_base(change.path, max_bytes=_MAX_FILE_BYTES)
    except ToolFailed:
        return None


def _part(change: FileChange, before: bytes | None) -> str:
    return show(f"{_title(change)}\n{_body(change, before)}".rstrip("\n"))


def _title(change: FileChange) -> str:
    path = " ".join(change.path.split())
    if change.content is None:
        return f"deleted: {path}"
    if change.base_mode is None:
        return f"new: {path}" + (" (a program)" if change.mode == "100755" else "")
    return f"changed: {path}" + (
        f" (mode {change.base_mode} to {change.mode})" if change.mode != change.base_mode else ""
    )


def _body(change: FileChange, before: bytes | None) -> str:
    after = change.content or b""
    if change.mode == "120000" and change.content is not None:
        return f"[a link to {after.decode('utf-8', 'replace')}]"
    unread = before is None and change.base_mode is not None
    if unread or len(after) > _MAX_FILE_BYTES:
        return f"[too large to be compared: {len(after):,} bytes now]"
    if b"\0" in after or b"\0" in (before or b""):
        return f"[binary: {len(after):,} bytes now]"
    return "\n".join(_compared(_lines(before or b""), _lines(after)))


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").split("\n")


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """What differs. Comparing takes time that grows with the square of what may differ: much of it is shown whole."""
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    room = min(len(old), len(new)) - start
    pairs = zip(reversed(old), reversed(new), strict=False)
    same = next((n for n, (a, b) in enumerate(pairs) if n >= room or a != b), room)
    middle = max(len(old), len(new)) - start - same
    if middle > _MAX_COMPARED_LINES:
        yield f"@@ from line {start + 1} @@"
        yield from (f"-{line}" for line in old[start : len(old) - same])
        yield from (f"+{line}" for line in new[start : len(new) - same])
        return
    first = max(0, start - _CONTEXT_LINES)
    last = max(0, same - _CONTEXT_LINES)
    yield f"@@ from line {first + 1} @@"
    pieces = unified_diff(old[first : len(old) - last], new[first : len(new) - last], lineterm="", n=_CONTEXT_LINES)
    yield from (line for line in pieces if not line.startswith(("---", "+++")))


def _within(parts: Sequence[str], max_chars: int) -> list[str]:
    """The parts in their order, the longest of them cut so that all have room."""
    left, rest = max_chars, len(parts)
    fitted: dict[int, str] = {}
    for index in sorted(range(len(parts)), key=lambda index: len(parts[index])):
        fitted[index] = clip(parts[index], max_chars=left // rest)
        left -= min(len(parts[index]), left // rest)
        rest -= 1
    return [fitted[index] for index in range(len(parts))]
