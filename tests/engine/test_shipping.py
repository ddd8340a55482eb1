"""A merge is asked of GitHub once, for what still stands, by who still may; without the operator's word by nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from github_app.core.decisions import Decision
from github_app.core.effects import Ship, Unship
from github_app.core.errors import Refused, Stopped
from github_app.core.events import IssueLabeled
from github_app.core.model import Permission
from github_app.core.session import Status
from github_app.core.shipments import Shipment, Shipped
from github_app.engine.pauses import Pauses
from github_app.engine.shipping import Shipper
from github_app.engine.store import Pending
from tests.engine.values import ANN, FACTS, ISSUE, REPO, MovingClock, a_session
from tests.fakes.hub import RecordingHub

HEAD = "c" * 40
SHIP = Ship(pull_number=12, head_sha=HEAD, method="squash")
BY_ANN = Shipment(actor=ANN, head_sha=HEAD, asked_in="d-2")
SHIPPED = a_session(status=Status.AWAITING_REVIEW, pull_number=12, head_sha=HEAD, turn_id=None, shipment=BY_ANN)


@pytest.fixture
def hub():
    return RecordingHub()


@pytest.fixture
def pauses(store):
    return Pauses(database=store.engine, clock=MovingClock())


@pytest.fixture
def shipper(hub, store, pauses):
    return Shipper(hub=hub, store=store, pauses=pauses, merger=hub)


def keep(store, session=SHIPPED):
    labeled = IssueLabeled(id="d-1", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
    store.commit(labeled, None, Decision(session=session, why="w"), REPO, FACTS)


def pending(effect=SHIP) -> Pending:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Pending(id="d-2/1", event_id="d-2", session_id="7-1-1", repo=REPO, effect=effect, decided_at=at)


def test_what_somebody_shipped_is_merged_in_their_name(hub, store, shipper):
    keep(store)
    told = Shipped(id="d-2/1/shipped", session_id="7-1-1", asked_in="d-2", login="ann", pull_number=12, head_sha=HEAD)
    assert shipper.perform(pending(), SHIP) == told
    assert hub.acts == [("ship", 12, HEAD, "squash", "Shipped-by: ann")]
    hub.missing = "review"
    assert shipper.perform(pending(), SHIP) == replace(told, missing="review")


@pytest.mark.parametrize(
    "now",
    [
        replace(SHIPPED, shipment=None),
        replace(SHIPPED, shipment=replace(BY_ANN, asked_in="d-3")),
        replace(SHIPPED, shipment=replace(BY_ANN, head_sha="d" * 40)),
    ],
)
def test_what_was_taken_back_meanwhile_is_not_merged(hub, store, shipper, now):
    keep(store, now)
    with pytest.raises(Stopped):
        shipper.perform(pending(), SHIP)
    assert hub.acts == []


def test_who_lost_the_right_or_was_paused_before_a_later_try_ships_nothing(hub, store, shipper, pauses):
    keep(store)
    hub.permissions = {"ann": Permission.READ}
    with pytest.raises(Refused, match="no write access any more"):
        shipper.perform(pending(), SHIP)
    hub.permissions = {"ann": Permission.WRITE}
    pauses.pause(REPO.id, login="ann", reason="")
    with pytest.raises(Refused, match="paused"):
        shipper.perform(pending(), SHIP)
    assert hub.acts == []


def test_without_the_operators_word_there_is_no_way_to_a_merge(hub, store, shipper):
    keep(store)
    with pytest.raises(Refused, match="the operator of this Honk"):
        replace(shipper, merger=None).perform(pending(), SHIP)
    assert hub.acts == []


def test_what_is_taken_back_is_let_go_unless_it_was_shipped_anew(hub, store, shipper):
    unship = Unship(pull_number=12)
    keep(store)
    with pytest.raises(Stopped):
        shipper.perform(pending(unship), unship)
    assert shipper.perform(replace(pending(unship), session_id="gone"), unship) is None
    assert hub.acts == [("stop_merging", 12)]
