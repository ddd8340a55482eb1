"""Looks up what an issue and its thread refer to. None of it is needed: what cannot be read is named, and no more."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from github_app.agent.visible import visible
from github_app.core.errors import HonkError
from github_app.core.linked import MAX_BODY_CHARS, MAX_LINKED, Linked, Links, find_references
from github_app.core.model import Issue, Permission
from github_app.core.policy import Policy
from github_app.core.ports import Hub
from github_app.core.session import Session

log = logging.getLogger(__name__)


def find_links(session: Session, issue: Issue, words: Iterable[str], policy: Policy, hub: Hub) -> Links:
    """What the issue, and words of people who may instruct, refer to in the session's repository."""
    texts = [visible(text) for text in (issue.title, issue.body, *words)]
    found = find_references(texts, url=issue.url, but=session.pull_number)
    shown: list[Linked] = []
    unread: list[int] = []
    unheard: list[int] = []
    for number in found.numbers[:MAX_LINKED]:
        try:
            linked = hub.linked(session.repo, number)
            author = linked.author
            permission = Permission.NONE if author.is_bot else hub.permission(session.repo, author)
        except HonkError as error:
            log.info("not read", extra={"session": session.id, "number": number, "why": str(error)})
            unread.append(number)
            continue
        if permission < policy.may_command and policy.others != "quote":
            unheard.append(number)
        else:
            shown.append(replace(linked, permission=permission, body=_beginning(visible(linked.body))))
    return Links(
        shown=tuple(shown),
        unread=tuple(unread),
        unheard=tuple(unheard),
        more=len(found.numbers[MAX_LINKED:]),
        has_others=found.has_others,
    )


def _beginning(text: str) -> str:
    return text if len(text) <= MAX_BODY_CHARS else f"{text[:MAX_BODY_CHARS]}\n[… the rest is left out here …]"
