"""Carries out what people ship. A merge is asked of GitHub here and nowhere else, and only with a `Merger`, which there
is only where the operator allows shipping."""

from __future__ import annotations

from dataclasses import dataclass

from github_app.core.effects import Ship, Unship
from github_app.core.errors import Refused, Stopped
from github_app.core.messages import shipping as texts
from github_app.core.model import Permission
from github_app.core.ports import Hub
from github_app.core.shipments import Merger, Shipped
from github_app.engine.pauses import Pauses
from github_app.engine.store import Pending, Store


@dataclass(frozen=True, kw_only=True)
class Shipper:
    """Performs `Ship` and `Unship`. Without a `merger`, it can only take back."""

    hub: Hub
    store: Store
    pauses: Pauses
    merger: Merger | None

    def perform(self, pending: Pending, effect: Ship | Unship) -> Shipped | None:
        """Do it. Raises `Stopped` if it is void by now, `Refused`, and what `Hub` raises."""
        if isinstance(effect, Ship):
            return self._ship(pending, effect)
        session = self.store.session(pending.session_id or "")
        if session is not None and session.shipment is not None:
            raise Stopped("it was shipped anew meanwhile")
        self.hub.stop_merging(pending.repo, effect.pull_number)
        return None

    def _ship(self, pending: Pending, effect: Ship) -> Shipped:
        """Whoever shipped it must still stand by it and still have the right to: this may be a later try."""
        if self.merger is None:
            raise Refused(texts.WITHHELD)
        session = self.store.session(pending.session_id or "")
        shipment = session.shipment if session is not None else None
        if shipment is None or (shipment.asked_in, shipment.head_sha) != (pending.event_id, effect.head_sha):
            raise Stopped("what was shipped is taken back")
        if self.pauses.of(pending.repo) is not None:
            raise Refused(texts.PAUSED)
        if self.hub.permission(pending.repo, shipment.actor) < Permission.WRITE:
            raise Refused(texts.LOST_RIGHT)
        missing = self.merger.ship(
            pending.repo,
            effect.pull_number,
            head_sha=effect.head_sha,
            method=effect.method,
            trailer=texts.trailer(shipment),
        )
        return Shipped(
            id=f"{pending.id}/shipped",
            session_id=pending.session_id or "",
            asked_in=pending.event_id,
            login=shipment.actor.login,
            pull_number=effect.pull_number,
            head_sha=effect.head_sha,
            missing=missing,
        )
