"""What a turn is told of the pull request of others that it works on, beside what it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from github_app.core.model import Patch
from github_app.core.session import Feedback

MAX_FILES, MAX_DIFF_CHARS, MAX_REMARKS = 100, 24_000, 20


@dataclass(frozen=True, kw_only=True)
class Background:
    """The pull request so far: `patches` against its base, `more` files that are not named; `remarks` are failed checks
    and open review threads that nobody asked us to deal with."""

    patches: tuple[Patch, ...] = ()
    more: int = 0
    remarks: tuple[Feedback, ...] = ()


def background_of(patches: Iterable[Patch], remarks: Iterable[Feedback], *, asked: Iterable[Feedback]) -> Background:
    """The background, with as many lines as there is room for; what is asked for is not in it."""
    room, kept = MAX_DIFF_CHARS, list[Patch]()
    found = tuple(patches)
    for patch in found[:MAX_FILES]:
        fits = len(patch.diff) <= room
        room -= len(patch.diff) if fits else 0
        kept.append(patch if fits else replace(patch, diff=""))
    known = {each.id for each in asked}
    left = tuple(each for each in remarks if each.id not in known)
    return Background(patches=tuple(kept), more=len(found[MAX_FILES:]), remarks=left[:MAX_REMARKS])
