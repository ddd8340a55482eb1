"""What the audit says of what people had done with the work: taken back, built, shipped."""

from __future__ import annotations

from typing import Any

from github_app.core.builds import Item
from github_app.core.decisions import Decision
from github_app.core.effects import Ship
from github_app.core.events import Done, Reverted, Undone
from github_app.core.record.audit import clip
from github_app.core.session import Session
from github_app.core.shipments import Shipped


def shipped(after: Session | None, decision: Decision) -> dict[str, Any]:
    """What is to be merged by a decision, on whose word, and who had approved it; nothing where nothing is."""
    ships = [effect for effect in decision.effects if isinstance(effect, Ship)]
    if not ships or after is None or after.shipment is None:
        return {}
    shipment, effect, actor = after.shipment, ships[0], after.shipment.actor
    told = {"pull": effect.pull_number, "sha": effect.head_sha, "method": effect.method}
    by = {"id": actor.id, "login": actor.login, "is_bot": actor.is_bot}
    return {"ships": {**told, "by": by, "approved_by": list(shipment.approved_by)}}


def about_result(event: Done) -> dict[str, Any]:
    """What came of it."""
    match event:
        case Undone():
            return {"reverts": event.commit_sha, "sha": event.head_sha}
        case Reverted():
            return {"revert": event.revert_number, "login": event.login}
        case Shipped():
            told = {"by": event.login, "asked_in": event.asked_in, "waits_for": event.missing or ""}
            return {"pull": event.pull_number, "sha": event.head_sha, **told}
        case _:
            return {"sha": event.build.head_sha, "items": [_item(each) for each in event.build.items]}


def _item(item: Item) -> dict[str, Any]:
    return {"artifact": item.artifact_id, "name": clip(item.name), "sha256": item.sha256}
