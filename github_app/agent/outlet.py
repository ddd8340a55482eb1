"""The network of a turn's commands: what they may reach, and what they were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from github_app.core.hosts import address, refusals
from github_app.core.model import NetworkDecision
from github_app.core.ports import ExecLimits, ExecResult, Workspace

_TOLD = 5


@dataclass
class Outlet:
    """Runs commands with the network that a policy allows; `refused` is what was refused since it was last taken."""

    workspace: Workspace
    allowed: tuple[str, ...] = ()
    refused: tuple[NetworkDecision, ...] = ()

    async def exec(self, argv: Sequence[str], *, env: Mapping[str, str], limits: ExecLimits) -> ExecResult:
        """See `Workspace.exec`."""
        result = await self.workspace.exec(argv, env=env, limits=limits, network=self.allowed)
        self.hear(result)
        return result

    def hear(self, result: ExecResult) -> None:
        """Take in what a command was refused."""
        self.refused = refusals((*self.refused, *result.network))

    def take(self) -> tuple[NetworkDecision, ...]:
        """What was refused, once."""
        taken, self.refused = self.refused, ()
        return taken

    def words(self, result: ExecResult) -> str:
        """For the model: what was refused to a command; empty if nothing was."""
        refused = refusals(result.network)
        if not refused:
            return ""
        hosts = ", ".join(f"{address(each)} ({each.reason})" for each in refused[:_TOLD])
        more = f" and {len(refused) - _TOLD} more" if len(refused) > _TOLD else ""
        return f"refused by network policy: {hosts}{more}; allowed here: {', '.join(self.allowed) or 'nothing'}"
