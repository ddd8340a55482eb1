"""Applies what reviewers suggest in blocks, before the agent is asked anything: people have said every byte of it.
Where they want nothing else, it is handed in without the agent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from github_app.agent.handover import Gate, Handover
from github_app.agent.task import Task
from github_app.core.errors import ToolFailed
from github_app.core.messages import misfits, suggested
from github_app.core.model import Actor, ChangeSet
from github_app.core.ports import Workspace
from github_app.core.session import Reply
from github_app.core.suggestions import Suggestion, fit, unfit


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What became of suggestions: `told` are all of them, with why some do not fit. Where they are all that is wanted,
    there is a `handover`, or what it was `refused` for."""

    told: tuple[Suggestion, ...] = ()
    handover: Handover | None = None
    refused: str = ""

    @property
    def authors(self) -> tuple[Actor, ...]:
        """Whose suggestions were applied."""
        return tuple(dict.fromkeys(each.author for each in self.told if not each.misfit))


async def apply_suggestions(gate: Gate, task: Task) -> Applied:
    """Write the suggestions that fit into the workspace, and hand that in if nothing else is wanted.

    Once more changes nothing more. The handover passes all that an agent's passes, and nobody looks at it twice: what
    a human must accept in it is put to humans at once.
    """
    told: list[Suggestion] = []
    for path, those in _by_path(task.suggestions).items():
        told += await _apply(gate.workspace, path, those, is_new=True)
    applied = Applied(told=tuple(told))
    if not told or not _is_all(task, applied, await gate.workspace.changes()):
        return applied
    replies = tuple(
        Reply(thread_id=each.thread_id, reply_to=each.reply_to, body=suggested.APPLIED, standing="fixed")
        for each in task.feedback
        if each.reply_to is not None
    )
    try:
        handover = await gate.submit(suggested.submission(applied.told, replies), is_by_people=True)
    except ToolFailed as failure:
        return Applied(told=applied.told, refused=str(failure))
    return Applied(told=applied.told, handover=handover)


async def look_again(workspace: Workspace, task: Task) -> Applied:
    """What fitted when the turn began, for one that goes on."""
    told: list[Suggestion] = []
    for path, those in _by_path(task.suggestions).items():
        told += await _apply(workspace, path, those, is_new=False)
    return Applied(told=tuple(told))


def _by_path(suggestions: Iterable[Suggestion]) -> dict[str, list[Suggestion]]:
    by_path: dict[str, list[Suggestion]] = {}
    for each in suggestions:
        by_path.setdefault(each.path, []).append(each)
    return by_path


def _is_all(task: Task, applied: Applied, changes: ChangeSet) -> bool:
    """Whether applied suggestions are all that people want, and all that the workspace holds."""
    those = [each for each in applied.told if not each.misfit]
    bare = {each.thread_id for each in those if each.is_bare}
    paths = {change.path for change in changes.changes}
    wanted = [each.thread_id for each in task.feedback if each.kind != "push"]  # a push wants nothing
    return set(wanted) <= bare and bool(paths) and paths <= {each.path for each in those}


async def _apply(
    workspace: Workspace, path: str, those: Sequence[Suggestion], *, is_new: bool
) -> tuple[Suggestion, ...]:
    those = [each if each.head_sha == workspace.sha else unfit(each, misfits.MOVED) for each in those]
    try:
        base = await workspace.read_base(path)
        here = await workspace.read(path) if is_new else base
    except ToolFailed:
        base = here = None
    if base is None or here is None:
        return tuple(unfit(each, misfits.NO_FILE) for each in those)
    fitted, content = fit(those, base)
    if not is_new:
        return fitted
    if here not in (base, content):
        return tuple(unfit(each, misfits.UNPUBLISHED) for each in those)
    if here != content:
        await workspace.write(path, content)
    return fitted
