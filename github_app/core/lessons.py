"""Lessons: what reviewers corrected in one change, kept for the next ones of the repository. The agent only proposes
one; it counts once somebody with write access has agreed to these very words. How that is decided is in `learning`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from github_app.core.text.prose import one_line

MAX_CHARS = 200
MAX_IN_ROUND = 2
MAX_IN_SESSION = 10

MAX_TOLD = 5
"""How many lessons a turn is told at most: with sources, about 600 tokens."""

EXPIRED_FOR = timedelta(days=30)
"""So long a lesson that has expired is still shown, and can be exported."""

_MAX_WORDS, _MAX_READ_CHARS = 200, 30_000
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]{2,40}")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A lesson in the agent's words, and the feedback of this round that it is drawn from: the id of a thread or of a
    review."""

    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A lesson that people were asked about, by its number in the pull request. `text` is shown and kept as it stands
    here. `cites` is the feedback that it is drawn from, `source` the address of that on GitHub without the host, `path`
    the file that it was about. `kept_by` is empty while nobody has agreed."""

    number: int
    text: str
    cites: str
    source: str
    said_by: str
    path: str = ""
    kept_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson that is in force: where it comes from, who agreed and where (`kept_in`, an address as `source` is), and
    when a turn was last told of it (before the first time: when it was kept). Of pull request 0 are those that the
    operator wrote."""

    repo_id: int
    pull_number: int
    number: int
    text: str
    kept_by: str
    kept_at: datetime
    last_used_at: datetime
    source: str = ""
    said_by: str = ""
    path: str = ""
    kept_in: str = ""
    uses: int = 0

    @property
    def key(self) -> str:
        """What it is called within its repository: the numbers of the pull request and in it."""
        return f"{self.pull_number}-{self.number}"

    def is_expired(self, now: datetime, lifetime: timedelta) -> bool:
        """Whether no turn was told of it for so long that none is any more."""
        return self.last_used_at + lifetime < now


def lesson_from(proposal: Proposal, *, repo_id: int, pull_number: int, kept_by: str, now: datetime) -> Lesson:
    """A proposal that somebody agrees to."""
    return Lesson(
        repo_id=repo_id,
        pull_number=pull_number,
        number=proposal.number,
        text=proposal.text,
        kept_by=kept_by,
        kept_at=now,
        last_used_at=now,
        source=proposal.source,
        said_by=proposal.said_by,
        path=proposal.path,
    )


def reworded(lesson: Lesson, text: str, *, kept_by: str, now: datetime) -> Lesson:
    """A lesson in words that somebody gave it, or agrees to anew; they stand for these words from here on."""
    return replace(lesson, text=lesson_text(text), kept_by=kept_by, kept_in="", kept_at=now, last_used_at=now)


def lesson_text(text: str) -> str:
    """A lesson as one line that shows all that is in it when it stands as code; the same if it is one already."""
    return one_line(text).replace("`", "'")


def problem_of(text: str) -> str:
    """What keeps words from being a lesson, as a clause; empty if nothing does."""
    length = len(lesson_text(text))
    if length == 0:
        return "it is empty"
    return f"it has {length} characters; at most {MAX_CHARS} are allowed" if length > MAX_CHARS else ""


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The words to find a lesson by, each once, in lower case; parts of identifiers are words. Letters and digits only,
    so that they mean nothing else in any language of queries. Takes time linear in the length, of which the end is
    cut."""
    text = " ".join(texts)[:_MAX_READ_CHARS]
    found = dict.fromkeys(word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text)))
    return tuple(found)[:_MAX_WORDS]
