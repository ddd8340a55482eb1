"""Asks once more, at the moment when a turn really starts, what was asked when it was decided on: it may have waited
for hours, and the world has moved on."""

from __future__ import annotations

from dataclasses import dataclass

from github_app.core.messages import refusals
from github_app.core.policy import Policy
from github_app.core.ports import Hub
from github_app.core.quotas import find_shortage_of_money
from github_app.core.session import Session
from github_app.engine.pauses import Pauses
from github_app.engine.quotas import Quotas


class Held(Exception):
    """The turn must not go on for now; `limit` says for what kind of reason (`pause`, `quota`, `permission`)."""

    def __init__(self, limit: str, reason: str) -> None:
        super().__init__(reason)
        self.limit = limit
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What lets turns start and go on. Every method blocks; raises `Held`, `DatabaseAway` and what `Hub` raises."""

    hub: Hub
    quotas: Quotas
    pauses: Pauses

    def require(self, session: Session, policy: Policy) -> None:
        """Let a turn start: who asked for it may still, nothing is paused, and the money is not spent meanwhile."""
        self.require_no_pause(session)
        asker = session.turn_asked_by or session.requested_by
        is_known = asker.id in policy.bots
        if not (is_known if asker.is_bot else self.hub.permission(session.repo, asker) >= policy.may_command):
            raise Held("permission", refusals.lost_permission(asker.login))
        # Its place among the turns was taken when it was decided on; money is spent only now.
        shortage = find_shortage_of_money(self.quotas.load(session.repo, asker, session))
        if shortage is not None:
            raise Held("quota", refusals.quota_holds(shortage))

    def require_no_pause(self, session: Session) -> None:
        """Let a turn go on."""
        pause = self.pauses.of(session.repo)
        if pause is not None:
            raise Held("pause", refusals.paused(pause))
