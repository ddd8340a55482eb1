"""Deliveries that come late, twice, not at all, or at the worst moment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from github_app.demo.stack import Stack
from github_app.localhub import shapes
from github_app.localhub.values import Delivery
from tests.edge.cases import shows
from tests.story.conftest import FILES, running, world_in
from tests.story.world import World

GITHUB_WAITS_S = 10.0


@pytest.fixture
def own_stack() -> Iterator[Stack]:
    """Give a Honk that a test may stop and start again."""
    with running() as it:
        yield it


def payload_of(world: World, event: str, action: str) -> dict[str, Any]:
    """What the newest delivery of a kind told."""
    world.stack.hub.post.settle()
    found = [d for d in world.stack.hub.deliveries if d.event == event and d.payload.get("action") == action]
    return next(d.payload for d in reversed(found) if d.repository_id == world.repo.id)


@shows("W01")
def test_one_delivery_from_many_sides_at_once_is_recorded_once(world: World) -> None:
    world.stack.hub.faults.add("issues.opened", "drop")
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.\n\n/honk")
    body = json.dumps(payload_of(world, "issues", "opened")).encode()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: world.post(body)[0], range(24)))
    assert sorted(answers) == [200] * 23 + [202]
    world.wait_ready()
    assert world.turns() == 1
    assert len(issue.reactions) == 1


@shows("W20")
def test_one_review_told_twice_at_the_same_time_is_one_round(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    world.stack.hub.faults.add("pull_request_review.submitted", "drop")
    world.rob.review(pull, "REQUEST_CHANGES", "One thing.")
    body = json.dumps(payload_of(world, "pull_request_review", "submitted")).encode()
    with ThreadPoolExecutor(4) as pool:
        told = list(
            pool.map(
                lambda n: world.post(
                    body, X_GitHub_Event="pull_request_review", X_GitHub_Delivery=f"{world.repo.id}-review-{n}"
                )[0],
                range(4),
            )
        )
    assert told == [202] * 4
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert world.turns() == 2
    assert sum("heard before" in each for each in world.decisions()) >= 3


@shows("W19")
def test_checks_of_an_old_head_that_end_hours_later_start_nothing(world: World) -> None:
    world.ci.hold()
    world.ask_for()
    pull = world.wait_pull()
    world.wait_status("awaiting_checks")
    old = pull.head_sha
    world.ci.let_go()
    world.wait_ready()
    world.rob.push(world.repo, pull.head_ref, {"more.txt": "more\n"}, "More")
    world.wait_new_head(pull, old)
    world.wait_ready()
    late = world.stack.hub.add_check(world.repo, old, "slow", "failure")
    world.rest()
    assert late.head_sha == old
    assert world.turns() == 1
    assert any("a commit that is not the head" in each for each in world.decisions())


@pytest.mark.timeout(120)
@shows("W05", "W06")
def test_a_database_that_is_locked_for_long_is_said_in_time_and_nothing_is_lost(own_stack: Stack) -> None:
    with world_in(own_stack, "locked", FILES) as world:
        world.may_log_errors = True  # the door says that it could not record
        world.rest()
        path = own_stack.root / "data" / "honk.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            issue = world.ann.open_issue(world.repo, "Say hello", "In a file.", ["honk"])
            own_stack.hub.post.settle()
            told = [d for d in own_stack.hub.deliveries if d.repository_id == world.repo.id and d.event == "issues"]
            assert [d.status_code for d in told] == [503, 503]
            assert max(d.duration_s for d in told) < GITHUB_WAITS_S
            writer.execute("ROLLBACK")
        world.wait_ready()
        for delivery in told:
            own_stack.hub.post.redeliver(delivery)
        world.rest()
        assert world.turns() == 1
        world.tracking(issue)


@pytest.mark.timeout(180)
@shows("W14", "W15")
def test_a_hundred_deliveries_that_found_us_down_are_asked_for_at_the_start(own_stack: Stack) -> None:
    with world_in(own_stack, "a hundred", FILES) as world:
        issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
        world.rest()
        own_stack.stop_honk()
        for number in range(97):
            world.rob.comment(issue, f"Comment {number}")
        world.ann.label(issue, "honk")
        hub = own_stack.hub
        hub.ping(own_stack._app.app)
        hub.settle()
        lost = {d.guid: d for d in hub.deliveries if d.status_code == 0}
        assert len(lost) == 99
        own_stack.start_honk()
        world.wait("all to arrive", lambda: len(arrived(hub.deliveries, lost)) == 98, timeout_s=90)
        world.wait("a pull request", world.ours, timeout_s=60)
        world.wait_ready()
        again = [d for d in hub.deliveries if d.redelivery]
        assert {d.guid for d in again} == {d.guid for d in lost.values() if d.event != "ping"}
        assert sum(d.status_code == 202 for d in again) == 98, "each arrived once, and nobody asks again for what has"
        assert world.turns() == 1


def arrived(deliveries: list[Delivery], lost: dict[str, Delivery]) -> set[str]:
    return {d.guid for d in deliveries if d.guid in lost and d.status_code in (200, 202)}


@pytest.mark.timeout(120)
@shows("W17")
def test_a_secret_is_changed_without_a_gap(own_stack: Stack) -> None:
    with world_in(own_stack, "secrets", FILES) as world:
        old = own_stack.webhook_secret
        issue = world.ann.open_issue(world.repo, "Say hello")
        world.rest()
        body = json.dumps(shapes.issue(own_stack.hub.world, issue)).encode()

        def knock(secret: str) -> int:
            own_stack.webhook_secret = secret
            return world.post(body, X_GitHub_Event="star")[0]

        assert [knock("the next one"), knock(old)] == [401, 200]
        own_stack.settings = {**own_stack.settings, "HONK_WEBHOOK_SECRET": f"{old} the-next-one"}
        own_stack.stop_honk()
        own_stack.start_honk()
        assert [knock("the-next-one"), knock(old)] == [200, 200]
        own_stack.settings = {**own_stack.settings, "HONK_WEBHOOK_SECRET": "the-next-one"}
        own_stack.stop_honk()
        own_stack.start_honk()
        assert [knock("the-next-one"), knock(old)] == [200, 401]
        own_stack.webhook_secret = "the-next-one"
