"""Brings a workspace to a snapshot. Its folder may lie on a disk that others do not have, and be older than the
snapshot: what is stored is true, whatever is there."""

from __future__ import annotations

from github_app.core.errors import ToolFailed, Transient
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import Workspace

_LARGEST_BYTES = 100_000_000
"""What GitHub takes as one file, so no base has a larger one."""


async def restore(workspace: Workspace, snapshot: ChangeSet) -> None:
    """Make the workspace differ from its commit by the snapshot and nothing else. Ignored files stay; where nothing
    differs, nothing is written.

    One that cannot be brought there is thrown away: raises `Transient` then, and the next try gets a new one.
    """
    try:
        here = {change.path: change for change in (await workspace.changes()).changes}
        wanted = {change.path: change for change in snapshot.changes}
        undone = [await _undo(workspace, change) for path, change in here.items() if path not in wanted]
        missing = [change for path, change in wanted.items() if here.get(path) != change]
        if undone or missing:
            await workspace.apply(ChangeSet(base_sha=workspace.sha, changes=(*undone, *missing)))
    except ToolFailed as error:
        await workspace.close(discard=True)
        raise Transient(f"the workspace cannot be brought to its last snapshot: {error}") from error


async def _undo(workspace: Workspace, change: FileChange) -> FileChange:
    """The change that gives a path back what the commit has there."""
    if change.base_mode is None:
        return FileChange(path=change.path, mode=change.mode, content=None)
    content = await workspace.read_base(change.path, max_bytes=_LARGEST_BYTES)
    if content is None:
        raise ToolFailed(f"{change.path!r} is too large to be read")
    return FileChange(path=change.path, mode=change.base_mode, content=content, base_mode=change.base_mode)
