"""What programs ask for by the API: the same command as in a comment, of the account whose token they have. A token
stands for the work that its account may give, not for the account's word where somebody has to answer for it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from github_app.core.commands import FOR_PEOPLE, Command
from github_app.core.events import CommandIssued, Event
from github_app.core.model import Actor, Repo
from github_app.core.session import Session

Scope = Literal["read", "write"]

LIVES_FOR = timedelta(days=90)
MOST_DAYS = 365
MOST_TOKENS = 20
"""So many tokens an account has at most: each is a secret that somebody must look after."""

PREFIX = "honk_"
"""What each token begins with, so that scanners of secrets can know it."""

LEFT_TO_PEOPLE = (*FOR_PEOPLE, "pause", "resume")

_ID = re.compile(r"api-(?P<account>\d{1,19})-(?P<digest>[0-9a-f]{40})", re.ASCII)
_ANSWERED_FOR = ("money", "push")
"""Where going on means to allow something: more money, what a stranger pushed."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """What is known of an API token; the token itself is not. `read` sees, `write` also starts, steers and stops, each
    no more than the account may at that moment. `used_at` is told to the hour."""

    id: str
    actor: Actor
    scope: Scope
    name: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


def name_request(actor: Actor, *parts: str) -> str:
    """The id of a request: the same parts (its key, what it asks) are the same request, which is taken up once."""
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
    return f"api-{actor.id}-{digest}"


def is_request_of(actor: Actor, request: str) -> bool:
    """Whether this can be the id of a request of this account."""
    found = _ID.fullmatch(request)
    return found is not None and int(found["account"]) == actor.id


def asked_in_issue(
    request: str, actor: Actor, repo: Repo, number: int, issue_text: tuple[str, str], *, question: str = ""
) -> CommandIssued:
    """A request for which we opened the issue: it says what is asked, so nothing is left to be repeated there. With a
    `question`, that is answered and no more."""
    return CommandIssued(
        id=request,
        repo=repo,
        actor=actor,
        number=number,
        is_pull=False,
        command=Command(verb="explain", text=question) if question else Command(verb="do"),
        comment_id=number,
        source="issue",
        issue_text=issue_text,
    )


def left_to_people(session: Session | None, event: Event) -> str:
    """Why a request by the API is not followed, whoever's token it has; empty where it may be."""
    if not isinstance(event, CommandIssued) or event.source != "api":
        return ""
    verb = event.command.verb
    if verb in LEFT_TO_PEOPLE:
        return f"`{verb}` is left to people, who say it on GitHub"
    is_open = session is not None and not session.status.is_terminal
    if is_open and session is not None and session.stuck_on in _ANSWERED_FOR and verb in ("do", "retry", "fix", "plan"):
        return f"the work waits for a person's word about {session.stuck_on}, to be said on GitHub"
    return ""
