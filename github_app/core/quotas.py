"""What may be used up within a day or a month, by whom, and whether there is room for one more turn. The numbers are
counted by the store; the limits are the operator's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from github_app.core.policy import Quota

WINDOW, MONTH = timedelta(hours=24), timedelta(days=30)

Whose = Literal["person", "repository", "organisation"]
What = Literal["turns", "money", "month", "pulls"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one person, repository or organisation used within the windows, and what it may use.

    `turns_free_at`, `money_free_at` and `month_free_at` say when old turns leave room again, where there is none.
    """

    whose: Whose
    name: str
    quota: Quota = field(default_factory=Quota)
    turns: int = 0
    cost_micro_usd: int = 0
    month_micro_usd: int = 0
    open_pulls: int = 0
    turns_free_at: datetime | None = None
    money_free_at: datetime | None = None
    month_free_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Load:
    """The shares that a turn would take from. `number` counts the turns that the organisation ever started: whoever
    starts one says which it is, so that two that are decided at once cannot both take the last place."""

    shares: tuple[Share, ...]
    number: int


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A quota that is used up. `free_at` says when there is room again, as far as time alone brings it."""

    whose: Whose
    what: What
    name: str
    allowed: int
    free_at: datetime | None = None


def find_shortage(load: Load | None, *, opens_pull: bool) -> Shortage | None:
    """What forbids another turn; None: nothing. Only a turn that will open a pull request needs room for one."""
    for share in load.shares if load is not None else ():
        quota = share.quota
        if quota.turns is not None and share.turns >= quota.turns:
            return _short(share, "turns", quota.turns, share.turns_free_at)
        if (short_of_money := _short_of_money(share)) is not None:
            return short_of_money
        if opens_pull and quota.open_pulls is not None and share.open_pulls >= quota.open_pulls:
            return _short(share, "pulls", quota.open_pulls, None)
    return None


def find_shortage_of_money(load: Load | None) -> Shortage | None:
    """What forbids a turn that was counted already, and waited while others spent."""
    shares = load.shares if load is not None else ()
    return next((shortage for share in shares if (shortage := _short_of_money(share)) is not None), None)


def _short_of_money(share: Share) -> Shortage | None:
    quota = share.quota
    if quota.month_micro_usd is not None and share.month_micro_usd >= quota.month_micro_usd:
        return _short(share, "month", quota.month_micro_usd, share.month_free_at)
    if quota.cost_micro_usd is not None and share.cost_micro_usd >= quota.cost_micro_usd:
        return _short(share, "money", quota.cost_micro_usd, share.money_free_at)
    return None


def _short(share: Share, what: What, allowed: int, free_at: datetime | None) -> Shortage:
    return Shortage(whose=share.whose, what=what, name=share.name, allowed=allowed, free_at=free_at)
