"""A workspace that puts each command that is run in it on record, whoever runs it: the agent, a verifier, a set-up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from github_app.core.backing import NO_BACKING, Backing
from github_app.core.model import ChangeSet
from github_app.core.ports import ExecLimits, ExecResult, Workspace
from github_app.core.record import records
from github_app.engine.audit import Audit


@dataclass(frozen=True)
class WitnessedWorkspace:
    """The workspace of a turn (`core.ports.Workspace`), with a record of every command that ended in it.

    One that is cut short, because the turn was withdrawn or this process died, has no ending; that the model asked for
    it is on record before it begins.
    """

    workspace: Workspace
    audit: Audit
    session_id: str
    turn_id: str

    @property
    def sha(self) -> str:
        """The commit underneath."""
        return self.workspace.sha

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str = ".",
        env: Mapping[str, str] = {},
        limits: ExecLimits = ExecLimits(),  # noqa: B008 - a frozen value
        network: tuple[str, ...] = (),
        backing: Backing = NO_BACKING,
    ) -> ExecResult:
        """Run a command and put on record how it ended, before anybody acts on that. Raises `DatabaseAway` too."""
        result = await self.workspace.exec(argv, cwd=cwd, env=env, limits=limits, network=network, backing=backing)
        await asyncio.to_thread(self.audit.note, self.session_id, records.of_command(self.turn_id, argv, result))
        return result

    async def read(self, path: str, *, max_bytes: int = 1_000_000) -> bytes:
        """See `Workspace`."""
        return await self.workspace.read(path, max_bytes=max_bytes)

    async def read_base(self, path: str, *, max_bytes: int = 1_000_000) -> bytes | None:
        """See `Workspace`."""
        return await self.workspace.read_base(path, max_bytes=max_bytes)

    async def write(self, path: str, content: bytes, *, executable: bool | None = None) -> None:
        """See `Workspace`."""
        await self.workspace.write(path, content, executable=executable)

    async def delete(self, path: str) -> None:
        """See `Workspace`."""
        await self.workspace.delete(path)

    async def list(self, prefix: str = "", *, limit: int = 10_000) -> list[str]:
        """See `Workspace`."""
        return await self.workspace.list(prefix, limit=limit)

    async def changes(self) -> ChangeSet:
        """See `Workspace`."""
        return await self.workspace.changes()

    async def apply(self, changes: ChangeSet) -> None:
        """See `Workspace`."""
        await self.workspace.apply(changes)

    async def recall(self) -> str:
        """See `Workspace`."""
        return await self.workspace.recall()

    async def remember(self, note: str) -> None:
        """See `Workspace`."""
        await self.workspace.remember(note)

    async def close(self, *, discard: bool) -> None:
        """See `Workspace`."""
        await self.workspace.close(discard=discard)
