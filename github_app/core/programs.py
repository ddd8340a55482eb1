"""Another agent's program as the engine of turns: what Honk asks of it, and what it may ask of Honk meanwhile. It runs
as a command in the sandbox, as untrusted as any; all that it knows of a model is a desk at which Honk answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from github_app.core.ports import ExecResult, ModelReply, ModelRequest, Workspace

OURS = "mcp__honk__"
"""What stands before the names of Honk's own tools where a program offers them to the model."""


class Desk(Protocol):
    """Our side, for one leg of a program's work."""

    def tools(self) -> Sequence[Mapping[str, Any]]:
        """Honk's own tools, as requests name them. Calling one is a request to be heard when the leg is over."""

    async def reply(self, request: ModelRequest) -> ModelReply:
        """The model's reply, or ours that ends the leg. What it raises has ended the leg already."""


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A stretch of a turn: from words of ours to where the program hands over, or falls silent.

    `session` (a UUID) is under what name the program keeps what it then remembers of the turn, `memory` the one under
    which it does by now, if any: that of the leg before, or of this one, if it was cut short.
    `rules` stand beside the program's own prompt, `words` are content blocks. One that `only_reads` gets nothing that
    writes or runs.
    """

    session: str
    memory: str
    rules: str
    words: Sequence[Mapping[str, Any]]
    model: str
    only_reads: bool
    timeout_s: float
    network: tuple[str, ...]


class Program(Protocol):
    """The program."""

    async def recall(self, sessions: Sequence[str], workspace: Workspace) -> str:
        """The first of these sessions that it has a memory of; empty if there is none."""

    async def run(self, leg: Leg, *, workspace: Workspace, desk: Desk) -> ExecResult:
        """Run one leg to its end. Cancelling kills the program and all that it started."""
