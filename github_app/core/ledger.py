"""The ledger of review comments: what became of each thread that the agent was given. None is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Outcome = Literal["fixed", "answered", "declined", "question"]
Standing = Literal[Outcome, "open"]
"""What the agent says of a thread; `open`: it said nothing, or its commit was taken back."""

ENTRIES_KEPT = 200


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one thread. `head_sha` is the commit that fixed it; empty until that is published."""

    thread_id: str
    reply_to: int | None
    path: str
    line: int | None
    author: str
    standing: Standing
    head_sha: str = ""


def entered(ledger: tuple[Entry, ...], news: Iterable[Entry]) -> tuple[Entry, ...]:
    """The ledger with newer entries in the place of older ones about the same threads; the last ones are kept."""
    newest = {each.thread_id: each for each in (*ledger, *news)}
    return tuple(newest.values())[-ENTRIES_KEPT:]


def reopened(ledger: tuple[Entry, ...], head_sha: str) -> tuple[Entry, ...]:
    """The ledger once a commit is taken back: what it fixed is open again."""
    return tuple(replace(each, standing="open", head_sha="") if each.head_sha == head_sha else each for each in ledger)


def committed(ledger: tuple[Entry, ...], head_sha: str) -> tuple[Entry, ...]:
    """The ledger once what the agent fixed is published."""
    return tuple(
        replace(each, head_sha=head_sha) if each.standing == "fixed" and not each.head_sha else each for each in ledger
    )
