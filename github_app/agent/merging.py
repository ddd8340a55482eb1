"""Hands in a merge of the base that needs nobody's mind: nothing conflicts, nothing else is wanted, and it passes."""

from __future__ import annotations

from github_app.agent.handover import Gate
from github_app.agent.suggesting import Applied
from github_app.agent.task import Task
from github_app.core.errors import ToolFailed
from github_app.core.messages import merged
from github_app.core.verdicts import unmet


async def hand_in_merge(gate: Gate, task: Task) -> Applied:
    """Verify the merge and hand it in without the agent; what it was refused for, or nothing if there is work to do.

    What cannot be verified here is handed in all the same, and says so: people asked for just this.
    """
    wanted = [each for each in task.feedback if each.kind != "push"]  # a push wants nothing
    if task.conflicts or wanted or (await gate.workspace.changes()).changes:
        return Applied()
    lacking = unmet((await gate.verify()).verdicts)
    could_run = not lacking or any(not each.could_not_run for each in lacking)
    draft = merged.submission(task.base_branch, task.merges, could_run=could_run)
    try:
        return Applied(handover=await gate.submit(draft, is_by_people=True))
    except ToolFailed as failure:
        return Applied(refused=str(failure))
