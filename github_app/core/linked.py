"""Which issues and pull requests a text refers to, as far as they belong to the same repository, and what is told of
them. Those of other repositories are never looked at: who reads here need not be allowed to read there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from github_app.core.model import Actor, Permission
from github_app.core.text.markup import mask_code

MAX_LINKED = 5
"""So many are told of; the others are counted."""

MAX_BODY_CHARS = 1_500

_NUMBER = r"[1-9][0-9]{0,8}"
# https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
_MENTION = re.compile(
    r"(?P<url>https?://[^\s<>()\[\]\"'`]+)"
    rf"|(?<![\w/.#&@-])(?:(?P<repo>[A-Za-z0-9][\w.-]{{0,99}}/[\w.-]{{1,100}})?#|GH-)(?P<number>{_NUMBER})(?![\w-])",
    re.IGNORECASE,
)
_PLACE = re.compile(
    rf"https?://(?P<host>[^/]+)/(?P<repo>[\w.-]+/[\w.-]+)/(?:issues|pull)/(?P<number>{_NUMBER})(?:[/?#].*)?",
    re.IGNORECASE,
)
# https://docs.github.com/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+\Z", re.IGNORECASE)
_LONGEST_CLOSING = 20


@dataclass(frozen=True, kw_only=True)
class Linked:
    """An issue or pull request that the work refers to, as it stands; `permission` is what its author may do."""

    number: int
    kind: Literal["issue", "pull request"]
    state: Literal["open", "closed", "merged"]
    title: str
    body: str
    author: Actor
    permission: Permission = Permission.NONE


@dataclass(frozen=True, kw_only=True)
class Links:
    """What is told of all that the work refers to. `unread` are numbers that could not be read, `unheard` those of
    people whom the policy leaves out; `more` were not looked at for want of room, `has_others` for being elsewhere."""

    shown: tuple[Linked, ...] = ()
    unread: tuple[int, ...] = ()
    unheard: tuple[int, ...] = ()
    more: int = 0
    has_others: bool = False


@dataclass(frozen=True, kw_only=True)
class References:
    """The numbers that texts refer to in their own repository, best first; whether they refer to others, too."""

    numbers: tuple[int, ...] = ()
    has_others: bool = False


def find_references(texts: Iterable[str], *, url: str, but: int | None = None) -> References:
    """What texts (as people see them) refer to, but for the issue at `url`, whose host and repository are theirs, and
    the number `but`.

    What a closing keyword stands before comes first, then all in the order of the texts. Code refers to nothing.
    """
    home = _PLACE.fullmatch(url)
    known = (but, int(home["number"]) if home is not None else None)
    found = [each for text in texts for each in _mentions(text)]
    ours: dict[int, bool] = {}
    has_others = False
    for mention in found:
        if mention.repo and (home is None or not _is_same(mention, home)):
            has_others = True
        elif mention.number not in known:
            ours[mention.number] = ours.get(mention.number, False) or mention.is_closed
    return References(numbers=tuple(sorted(ours, key=lambda number: not ours[number])), has_others=has_others)


@dataclass(frozen=True, kw_only=True)
class _Mention:
    number: int
    repo: str
    host: str
    is_closed: bool


def _mentions(text: str) -> Iterator[_Mention]:
    shown = mask_code(text).text
    for found in _MENTION.finditer(shown):
        is_closed = _CLOSING.search(shown[max(0, found.start() - _LONGEST_CLOSING) : found.start()]) is not None
        if found["url"] is None:
            yield _Mention(number=int(found["number"]), repo=found["repo"] or "", host="", is_closed=is_closed)
        elif place := _PLACE.fullmatch(found["url"].rstrip(".,;:!?*_~")):
            yield _Mention(number=int(place["number"]), repo=place["repo"], host=place["host"], is_closed=is_closed)


def _is_same(mention: _Mention, home: re.Match[str]) -> bool:
    """Whether it is in the repository of `home`; without a host, it is on the same one."""
    return (
        mention.repo.lower() == home["repo"].lower() and (mention.host or home["host"]).lower() == home["host"].lower()
    )
