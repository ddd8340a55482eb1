"""Prepares a workspace by the commands that a policy names, or a workflow for agents, once for each commit, before the
agent sees it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from github_app.agent.outlet import Outlet
from github_app.agent.untrusted import show
from github_app.agent.verify import KILLED, QUIET_ENV
from github_app.agent.workflows import SETUP_STEPS, setup_commands
from github_app.core.errors import Refused, ToolFailed
from github_app.core.model import ChangeSet, NetworkDecision
from github_app.core.policy import POLICY_PATH, Policy
from github_app.core.ports import ExecLimits, Workspace
from github_app.core.text.prose import code

TIMEOUT_S = 1_800.0
"""What one set-up command may take."""

_OUTPUT_BYTES = 100_000
_STEPS_BYTES = 64_000
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """How it went: `report` says which command failed and how, empty if none did; `refused` are hosts."""

    report: str = ""
    refused: tuple[NetworkDecision, ...] = ()


async def set_up(workspace: Workspace, policy: Policy) -> SetUp:
    """Run the set-up commands, unless that was done in this workspace: the policy's, or else what the repository has
    for other agents (`SETUP_STEPS`). The first that fails ends it, and is for the agent to know: it may have to do with
    the change.

    They may write what git ignores, and their home; anything else would be part of the change. Raises `Refused` then,
    and gives the workspace up.
    """
    commands, source = await _commands(workspace, policy)
    note = hashlib.sha256(json.dumps([commands, policy.network.setup]).encode()).hexdigest()
    if not commands or await workspace.recall() == note:
        return SetUp()
    before = await workspace.changes()
    done = await _run(Outlet(workspace=workspace, allowed=policy.network.setup), commands)
    if changed := _changed(before, await workspace.changes()):
        await workspace.close(discard=True)
        named = ", ".join(f"`{path}`" for path in changed[:_NAMED])
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        instead = "" if source == POLICY_PATH else f". Say in `setup` of `{POLICY_PATH}` what to run instead"
        raise Refused(
            f"the `setup` of `{source}` changed files that git does not ignore ({named}{more}); "
            f"it may write only what git ignores, and its home folder{instead}{_denied(done.refused)}"
        )
    if not done.report:
        await workspace.remember(note)
    return done


async def _commands(workspace: Workspace, policy: Policy) -> tuple[tuple[str, ...], str]:
    if policy.setup:
        return policy.setup, POLICY_PATH
    try:
        steps = await workspace.read_base(SETUP_STEPS, max_bytes=_STEPS_BYTES)
    except ToolFailed:
        return (), ""
    return setup_commands((steps or b"").decode("utf-8", "replace")), SETUP_STEPS


async def _run(outlet: Outlet, commands: Sequence[str]) -> SetUp:
    limits = ExecLimits(timeout_s=TIMEOUT_S, output_bytes=_OUTPUT_BYTES)
    for command in commands:
        result = await outlet.exec(["sh", "-c", command], env=QUIET_ENV, limits=limits)
        if result.exit_code or result.killed_by:
            how = KILLED[result.killed_by] if result.killed_by else f"it ended with exit code {result.exit_code}"
            lines = (f"{command}: {how}", outlet.words(result), show(result.output).strip())
            return SetUp(report="\n".join(line for line in lines if line), refused=outlet.take())
    return SetUp(refused=outlet.take())


def _denied(refused: tuple[NetworkDecision, ...]) -> str:
    """What else went wrong, which may be why: the comment is all that people will see of it."""
    named = ", ".join(code(f"{each.host}:{each.port}") for each in refused[:_NAMED])
    return f". The network refused it {named}" if named else ""


def _changed(before: ChangeSet, after: ChangeSet) -> list[str]:
    known = {change.path: change for change in before.changes}
    now = {change.path: change for change in after.changes}
    return sorted(path for path in known.keys() | now.keys() if known.get(path) != now.get(path))
