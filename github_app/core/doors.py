"""What comes in by another door than GitHub: words of a person whose account is known, made into what they would be
there. That is the whole of what a new door needs; what happens then is the same for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol

from github_app.core.commands import Command
from github_app.core.events import CommandIssued
from github_app.core.linked import Linked
from github_app.core.model import Actor, Permission, Repo
from github_app.core.text.prose import harmless, one_line

Door = Literal["slack", "api"]
_WHERE: dict[Door, str] = {"slack": "in Slack", "api": "through the API"}
_MAX_TITLE_CHARS = 80


class Desk(Protocol):
    """What beginning work needs of GitHub. All of it blocks and raises what `core.ports.Hub` raises."""

    def find_repo(self, full_name: str) -> Repo | None:
        """The repository that has this name now; None if there is none, or we are not installed in it."""

    def permission(self, repo: Repo, actor: Actor) -> Permission:
        """What an account may do, asked live."""

    def linked(self, repo: Repo, number: int) -> Linked:
        """An issue or a pull request. Raises `Gone` where there is none."""

    def open_issue(self, repo: Repo, *, key: str, title: str, body: str) -> int:
        """Open an issue in our name, once for each key; its number."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Words that `actor`, an account that the door has made sure of, said about an issue. `key` is the same for the
    same words for ever: an event is made once of it."""

    key: str
    door: Door
    actor: Actor
    command: Command


def said_by_door(
    request: Request,
    repo: Repo,
    number: int,
    *,
    is_pull: bool = False,
    issue_text: tuple[str, str] | None = None,
) -> CommandIssued:
    """The event of these words. `issue_text` is what the issue says as the person asks for it; None in a conversation
    about it, where that is known from its begin, and for a pull request that is only read."""
    return CommandIssued(
        id=request.key,
        repo=repo,
        actor=request.actor,
        number=number,
        is_pull=is_pull,
        command=request.command,
        comment_id=0,
        source=request.door,
        issue_text=issue_text,
    )


def issue_of(words: str, actor: Actor, door: Door, *, title: str = "") -> tuple[str, str]:
    """Title and body of an issue that is opened for a person: in their own words, and it says whose these are. Without
    a title, it is their first line."""
    asked = f"Asked for {_WHERE[door]}"
    headline = one_line(title) or _cut(one_line(words.strip().partition("\n")[0])) or asked
    said = harmless(words.strip()) if headline != words.strip() else ""
    return headline, f"{said}\n\n{asked} by @{actor.login}.".strip()


def _cut(title: str) -> str:
    if len(title) <= _MAX_TITLE_CHARS:
        return title
    return re.sub(r"\s+\S*$", "", title[:_MAX_TITLE_CHARS]) + " …"
