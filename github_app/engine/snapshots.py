"""Snapshots of workspaces: kept at the end of each turn (within it the agent's loop keeps them with its steps), and
brought back. A workspace's folder may lie on a disk that others do not have, and be older than the snapshot: what is
stored is true, whatever is there."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass

from github_app.agent.turn import keepable
from github_app.core.errors import ToolFailed, Transient
from github_app.core.merges import Merge
from github_app.core.model import ChangeSet, FileChange
from github_app.core.policy import Policy
from github_app.core.ports import Hub, Workspace
from github_app.core.session import Session
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts, Turn

log = logging.getLogger(__name__)

_LARGEST_BYTES = 100_000_000
"""What GitHub takes as one file, so no base has a larger one."""


@dataclass(frozen=True, kw_only=True)
class Snapshots:
    """What the workspaces of a session's turns held, from turn to turn and from worker to worker."""

    hub: Hub
    store: Store
    transcripts: Transcripts

    async def keep(self, turn: Turn, workspace: Workspace, policy: Policy) -> None:
        """Store what the workspace holds at the end of a turn: the reply that ended it may have changed files, and no
        step comes after it. Too much for a snapshot is left out; the agent was told that it cannot be kept."""
        try:
            changes = keepable(await workspace.changes(), policy)
        except ToolFailed as error:
            log.info("not kept", extra={"turn": turn.id, "why": str(error)})
        else:
            await asyncio.to_thread(self.transcripts.keep, turn.id, turn.session_id, changes)

    async def bring_back(
        self, session: Session, turn: Turn, workspace: Workspace, *, merge: Merge | None = None
    ) -> None:
        """Have the workspace hold what the transcript says; what a call that was cut short left is gone."""
        if turn.snapshot_id is None and not await asyncio.to_thread(self.transcripts.steps, turn.id):
            # The first step takes it into the snapshot.
            await self.carry_over(session, turn.id, workspace, merge=merge)
        else:
            await restore(workspace, await asyncio.to_thread(self._work_of, turn))

    async def carry_over(
        self, session: Session, turn_id: str, workspace: Workspace, *, merge: Merge | None = None
    ) -> str:
        """Bring unpublished work of the last turn along, but for what others changed meanwhile; in words, what there
        is. A `merge` begins with its conflicts; only a turn on the very same one goes on with what the last did."""
        last = await asyncio.to_thread(self.transcripts.last_turn, session.id, before=turn_id)
        if merge is not None and (last is None or last.snapshot_id is None or last.base_sha != merge.sha):
            await restore(workspace, merge.start)  # Nobody but us has the commit underneath: nothing is compared there.
            return ""
        work, words = await asyncio.to_thread(self._work_after, session, last, workspace.sha)
        await restore(workspace, work)
        return words

    def _work_after(self, session: Session, last: Turn | None, sha: str) -> tuple[ChangeSet, str]:
        nothing = ChangeSet(base_sha=sha), ""
        if last is None or last.snapshot_id is None:
            return nothing
        work = self._work_of(last)
        if last.base_sha == sha:
            return work, "The workspace holds what your last turn changed."
        if self.store.decision_of(f"{last.id}/published") is not None:
            return nothing  # The commit underneath holds it.
        if json.loads(last.task).get("merges"):
            return nothing  # It stood on a merge, which nobody has any more.
        kept, lost = self._sort_out(session, work, sha)
        words = "Others pushed before your last change could be. The workspace holds it on top of theirs"
        again = f", but for files that they changed too; do these again: {', '.join(lost)}" if lost else ""
        return ChangeSet(base_sha=sha, changes=kept), f"{words}{again}."

    def _work_of(self, turn: Turn) -> ChangeSet:
        """What a turn's workspace held after its last stored step."""
        if turn.snapshot_id is None:
            return ChangeSet(base_sha=turn.base_sha)
        return self.transcripts.changes(turn.snapshot_id)

    def _sort_out(self, session: Session, work: ChangeSet, new_sha: str) -> tuple[tuple[FileChange, ...], list[str]]:
        kept: list[FileChange] = []
        lost: list[str] = []
        for change in work.changes:
            then = self.hub.file(session.repo, change.path, work.base_sha)
            if then == self.hub.file(session.repo, change.path, new_sha):
                kept.append(change)
            else:
                lost.append(change.path)
        return tuple(kept), lost


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
