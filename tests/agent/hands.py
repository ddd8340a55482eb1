"""A program as `core.programs` has it, in a few lines: it asks at the desk, runs `Bash`, and remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from github_app.core.ports import ExecLimits, ExecResult, ModelRequest, Workspace
from github_app.core.programs import OURS, Desk, Leg

Message = dict[str, Any]


@dataclass
class Hands:
    """`dies_after` many replies it is killed, once; `legs` are those that it was begun for."""

    memory: dict[str, list[Message]] = field(default_factory=dict)
    legs: list[Leg] = field(default_factory=list)
    dies_after: int | None = None
    asks_twice: bool = False

    async def recall(self, sessions: Sequence[str], workspace: Workspace) -> str:  # noqa: ARG002 - the port's
        return next((session for session in sessions if session in self.memory), "")

    async def run(self, leg: Leg, *, workspace: Workspace, desk: Desk) -> ExecResult:
        self.legs.append(leg)
        talk = self.memory[leg.session] = list(self.memory[leg.memory] if leg.memory else [])
        talk.append({"role": "user", "content": [dict(block) for block in leg.words]})
        for count in range(100):
            if count == self.dies_after:
                self.dies_after = None
                return _ended(137)
            request = ModelRequest(
                model=leg.model,
                max_tokens=32_000,
                system=[{"type": "text", "text": leg.rules}],
                tools=desk.tools(),
                messages=list(talk),
            )
            answer = await desk.reply(request)
            if self.asks_twice:
                assert await desk.reply(request) == answer
            talk.append({"role": "assistant", "content": list(answer.content)})
            calls = [block for block in answer.content if block["type"] == "tool_use"]
            if not calls:
                return _ended(0)
            talk.append({"role": "user", "content": [await _done(call, workspace) for call in calls]})
        raise AssertionError("it went on for ever")


async def _done(call: Mapping[str, Any], workspace: Workspace) -> Message:
    said = "Honk has it."
    if not call["name"].startswith(OURS):
        command = ["sh", "-c", call["input"]["command"]]
        said = (await workspace.exec(command, env={}, limits=ExecLimits(timeout_s=20))).output or "(nothing)"
    return {"type": "tool_result", "tool_use_id": call["id"], "content": said}


def _ended(code: int) -> ExecResult:
    return ExecResult(exit_code=code, output="", output_bytes=0, truncated=False, killed_by=None, duration_s=0.0)
