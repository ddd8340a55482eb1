"""The boxes at the end of a tracking comment: commands for those who prefer clicking. Drawn here, and read here when
somebody ticked one."""

from __future__ import annotations

import re
from typing import Literal

from github_app.core.session import Session, Status

Box = Literal["stop", "undo", "retry"]

LABELS: dict[Box, str] = {
    "stop": "stop",
    "retry": "retry",
    "undo": "take back the last round (undo)",
}
"""Every box, in the order in which they are drawn, each a verb of `core.commands` alone."""

MARK = "<!-- honk:tracking:"
"""What a tracking comment's hidden mark begins with. Anybody can write that: which comment it is, its number says."""

_STRONGEST_FIRST: tuple[Box, ...] = ("stop", "undo", "retry")
_LINE = re.compile(r"- \[(?P<tick>[ xX])\] (?P<label>.+)")
_VERBS = {label: verb for verb, label in LABELS.items()}


def drawn(session: Session) -> list[str]:
    """The boxes that make sense as a session stands, none ticked; last of all, so that no other text can pass for them.

    A retry is offered where the words to people offer it, an undo where one of our commits stands and nothing is in
    the way of taking it back.
    """
    is_asked = session.status is Status.NEEDS_HUMAN
    has_round = any(not each.undone_in for each in session.published)
    is_quiet = session.status is not Status.WORKING and session.stuck_on not in ("approval", "push")
    fits = {
        "stop": not session.status.is_terminal,
        "retry": is_asked and "`/honk retry`" in session.waiting_for,
        "undo": has_round and is_quiet and not session.status.is_terminal,
    }
    lines = [f"- [ ] {label}" for verb, label in LABELS.items() if fits[verb]]
    return ["", *lines] if lines else []


def clicked(before: str, after: str) -> Box | None:
    """The box that an edit ticked: it was clear in the text just before, and is not now. Of several, the one that stops
    most. None if the edit did anything else."""
    was, now = _read(before), _read(after)
    return next((verb for verb in _STRONGEST_FIRST if was.get(verb) is False and now.get(verb)), None)


def _read(body: str) -> dict[Box, bool]:
    """The boxes in the last lines of a tracking comment, above its mark, each with whether it is ticked."""
    lines = body.replace("\r\n", "\n").rstrip().split("\n")
    if lines[-1].startswith(MARK):
        lines = "\n".join(lines[:-1]).rstrip().split("\n")
    found: dict[Box, bool] = {}
    for line in reversed(lines):
        match = _LINE.fullmatch(line.rstrip())
        verb = _VERBS.get(match["label"]) if match else None
        if match is None or verb is None:
            break
        found[verb] = match["tick"] != " "
    return found
