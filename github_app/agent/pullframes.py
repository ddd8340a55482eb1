"""The pull request of others that a turn works on, framed for the prompt."""

from __future__ import annotations

from collections.abc import Callable

from github_app.agent.task import Task
from github_app.agent.templates import filled
from github_app.agent.untrusted import clean, frame, show
from github_app.core.background import Background
from github_app.core.session import Feedback

_NO_DIFF = "(not shown here)"
_REMARKS = (
    "What checks and reviewers say of it. Deal with that where you are asked to, else leave it alone; answer those "
    "threads that you dealt with."
)


def background_part(task: Task, remark_frame: Callable[[Feedback, str], str], boundary: str) -> str:
    """Whose pull request it is, what it changes, and what stands against it; empty where it is our own."""
    background = task.background
    if background is None:
        return ""
    remarks = [remark_frame(each, boundary) for each in background.remarks]
    told = filled(
        "adopted",
        number=str(task.issue.number),
        author=task.issue.author.login,
        patches=frame("diff", clean(show(_patches(background)), max_chars=60_000), boundary=boundary),
        remarks="\n".join(["", _REMARKS, "", *remarks]) if remarks else "",
    )
    return f"\n\n{told.strip()}"


def _patches(background: Background) -> str:
    lines = []
    for each in background.patches:
        counts = f"+{each.additions} -{each.deletions}"
        lines.append(f"{each.path} ({each.status}, {counts})\n{each.diff or _NO_DIFF}")
    if background.more:
        lines.append(f"{background.more} more files")
    return "\n\n".join(lines) or "(it could not be read)"
