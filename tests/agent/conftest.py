"""What the agent's tests share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from github_app.agent.loop import run_turn
from github_app.agent.task import Outcome, Task
from github_app.core.policy import Limits, Policy
from github_app.core.programs import Program
from tests.agent.parts import LocalWorkspace, MemoryJournal, Script, ScriptedModel, StillClock, WordScanner, a_task


@dataclass
class Desk:
    """One turn's surroundings; `run` works through a script, and again after a crash with what is left."""

    workspace: LocalWorkspace
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    model: ScriptedModel = field(default_factory=lambda: ScriptedModel([]))
    clock: StillClock = field(default_factory=StillClock)
    policy: Policy = field(default_factory=lambda: Policy(verify=("true",)))
    limits: Limits = field(default_factory=Limits)
    on_step: Callable[[str], Awaitable[None]] | None = None
    judge_name: str = ""
    program: Program | None = None

    async def run(self, *script: Script, task: Task | None = None) -> Outcome:
        self.model.script = list(script)
        return await run_turn(
            task or a_task(),
            model=self.model,
            workspace=self.workspace,
            journal=self.journal,
            limits=self.limits,
            policy=self.policy,
            scanner=WordScanner(),
            model_name="scripted",
            judge_name=self.judge_name,
            program=self.program,
            clock=self.clock,
            on_step=self.on_step,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "tree"
    root.mkdir()
    return Desk(LocalWorkspace.of(root, {"calc.py": "def divide(a, b):\n    return a / b\n"}))
