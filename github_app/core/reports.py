"""What an inquiry asks, and the reports that come of it: an answer that cites files and lines, or remarks on the lines
of a pull request. Neither changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["high", "medium", "low"]

MAX_REMARKS = 20
"""So many remarks one review has at most: more are read by nobody."""


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What somebody wants to know. `question` is empty where they only said what kind of report it shall be.

    `pull_number` is the pull request whose head is read, whoever pushed that; None: the default branch is. `url` is
    the page of the issue or pull request at GitHub. `report` is what was said once it was made, in Markdown.
    """

    question: str = ""
    pull_number: int | None = None
    url: str = ""
    report: str = ""


@dataclass(frozen=True, kw_only=True)
class Citation:
    """Lines of a file, counted from 1, that are there at the commit that was read."""

    path: str
    first_line: int
    last_line: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the agent found out. `[1]` in the text means the first citation."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something to look at in lines that the diff shows on its new side. `suggestion` are lines to put in the place of
    all of them; None: there is none."""

    path: str
    first_line: int
    last_line: int
    severity: Severity
    text: str
    suggestion: str | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    """What the agent says about a pull request of so many changed `files`."""

    summary: str
    remarks: tuple[Remark, ...]
    files: int = 0


Report = Answer | Review


@dataclass(frozen=True, kw_only=True)
class LineComment:
    """A comment on lines of the new side of a diff, in Markdown."""

    path: str
    first_line: int
    last_line: int
    body: str
