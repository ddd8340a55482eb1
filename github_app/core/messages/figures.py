"""Amounts and names as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from github_app.core.model import Checks, Usage
from github_app.core.session import Cause, Session
from github_app.core.text.prose import code

_NAMES_SHOWN = 5

_OCCUPATION = {
    Cause.IMPLEMENT: "working on the issue",
    Cause.FIX_CHECKS: "fixing failed checks",
    Cause.ADDRESS_REVIEW: "addressing the review",
    Cause.FOLLOW_UP: "following up on what was asked",
    Cause.PLAN: "planning what to do about the issue",
    Cause.MERGE_BASE: "merging the base branch into mine",
    Cause.EXPLAIN: "looking for an answer",
    Cause.REVIEW: "reviewing the pull request",
}


def money(micro_usd: int) -> str:
    """An amount as people read it: cents where that says something, more digits below."""
    usd = micro_usd / 1_000_000
    if usd >= 0.1 or not micro_usd:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if micro_usd >= 100 else "less than $0.0001"


def cost(usage: Usage) -> str:
    """What was consumed, in one line."""
    return f"{money(usage.cost_micro_usd)} · {_volume(usage)}"


def spent(session: Session) -> str:
    """The money that a session has cost, of what it may cost."""
    allowed = f" of {money(session.limit_micro_usd + session.granted_micro_usd)}" if session.limit_micro_usd else ""
    return money(session.usage.cost_micro_usd) + allowed


def cost_of(session: Session) -> str:
    """What a session has consumed, in one line."""
    return f"{spent(session)} · {_volume(session.usage)}"


def _volume(usage: Usage) -> str:
    return f"{count(usage.total_tokens, 'token')} · {count(usage.steps, 'model call')}"


def count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def size(size_bytes: int) -> str:
    """An amount of data as people read it."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1_000:
            return f"{amount:.3g} {unit}"
        amount /= 1_000
    return f"{amount:,.1f} GB"


def duration(seconds: float) -> str:
    if seconds < 5_400:
        return count(round(seconds / 60), "minute")
    if seconds >= 172_800:
        return count(round(seconds / 86_400), "day")
    hours = round(seconds / 3_600, 1)
    return f"{hours:g} hours"


def names(names: Sequence[str]) -> str:
    shown = ", ".join(code(name) for name in names[:_NAMES_SHOWN])
    return shown + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")


def occupation(cause: Cause | None) -> str:
    """What a turn is about, as in “I am …”."""
    return _OCCUPATION[cause or Cause.IMPLEMENT]


def checks_line(checks: Checks) -> str:
    """The state of the checks in a few words."""
    match checks.state:
        case "none":
            return "none reported"
        case "pending":
            return f"{len(checks.pending)} running"
        case "passed":
            return f"{checks.passed} passed"
        case "failed":
            return f"failed: {names([failed.name for failed in checks.failed])}"
        case "blocked":
            return "waiting for a person to approve the run"
        case _:
            assert_never(checks.state)
