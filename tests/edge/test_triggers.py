"""Labels and words that are put on, taken off, edited, deleted or moved while Honk is about to hear of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.edge.cases import shows
from tests.story.play import submit, write
from tests.story.world import World


def payload_of(world: World, event: str, action: str) -> dict[str, Any]:
    """What the newest delivery of a kind told."""
    world.stack.hub.post.settle()
    found = [d for d in world.stack.hub.deliveries if d.event == event and d.payload.get("action") == action]
    return next(d.payload for d in reversed(found) if d.repository_id == world.repo.id)


@shows("W21")
def test_a_label_on_off_and_on_again_is_one_run_and_stays_on(world: World) -> None:
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n"), submit())])
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    world.ann.label(issue, "honk")
    world.ann.unlabel(issue, "honk")
    world.ann.label(issue, "honk")
    world.wait_thinking()
    world.let_model_go()
    world.wait_ready()
    assert len(world.ours()) == 1
    assert sum(each.turns for each in world.sessions() if each.pull_number is not None) == 1
    assert world.labels(issue) == ["honk"]


@shows("W22")
def test_a_label_on_a_locked_issue_starts_work(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    issue.locked = True
    world.ann.label(issue, "honk")
    world.wait_ready()
    world.tracking(issue)


@shows("W23")
def test_a_label_in_other_letters_is_the_same_label(world: World) -> None:
    del world.repo.labels["honk"]
    world.stack.hub.create_label(world.repo, "Honk")
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.", ["Honk"])
    pull = world.wait_ready()
    world.ann.merge(pull)
    world.wait_end(issue)
    world.rest()
    assert world.labels(issue) == []
    assert world.turns() == 1


@shows("W23", "W24")
def test_a_label_that_is_deleted_from_the_repository_ends_nothing(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    issue.labels.remove(world.repo.labels.pop("honk"))
    world.rob.comment(pull.issue, "/honk status")
    world.rest()
    assert world.session is not None
    assert world.session.status == "awaiting_review"
    world.ann.merge(pull)
    world.wait_end(issue)
    world.rest()
    assert not world.rows("SELECT 1 FROM effects WHERE kind = 'RemoveLabel' AND state = 'failed'")


@shows("W27")
def test_a_comment_is_heard_once_however_often_it_is_edited(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    said = world.rob.comment(issue, "Good idea.")
    world.rob.edit_comment(said, "Good idea.\n\n/honk please")
    world.wait_ready()
    world.rob.edit_comment(said, "Good idea.\n\n/honk please, and louder")
    world.rob.edit_comment(said, "Good idea.")
    world.rob.edit_comment(said, "/honk once more")
    world.rest()
    assert world.turns() == 1
    assert len([each for each in said.reactions if each.content == "eyes"]) == 1
    assert any("heard before" in each for each in world.decisions())


@shows("W28")
def test_a_comment_that_is_deleted_before_we_come_to_it_starts_nothing(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    world.rest()
    world.stack.hub.faults.add("issue_comment.created", "drop")
    said = world.rob.comment(issue, "/honk please")
    told = payload_of(world, "issue_comment", "created")
    world.rob.delete_comment(said)
    told["comment"]["created_at"] = (said.created_at - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status, _ = world.post(json.dumps(told).encode(), X_GitHub_Event="issue_comment")
    assert status == 202
    world.rest()
    assert world.sessions() == []
    assert world.said(issue) == []
    note = "these words were deleted before they were taken up"
    assert world.rows("SELECT 1 FROM inbox WHERE name = 'issue_comment' AND note = :n", n=note)


@shows("W29")
def test_words_of_somebody_who_is_gone_are_refused(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    world.stack.hub.faults.add("issue_comment.created", "drop")
    world.rob.comment(issue, "/honk please")
    told = payload_of(world, "issue_comment", "created")
    told["sender"] = told["comment"]["user"] = None
    status, _ = world.post(json.dumps(told).encode(), X_GitHub_Event="issue_comment")
    assert status == 202
    world.wait_comment(issue, "only from people with write access")
    world.rest()
    assert world.sessions() == []


@pytest.mark.parametrize("how", ["deleted", "transferred"])
@shows("W30")
def test_an_issue_that_vanishes_during_the_run_ends_it(world: World, how: str) -> None:
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n"), submit())])
    elsewhere = world.stack.hub.create_repository(f"{world.repo.owner.login}/elsewhere", {"x": "x"})
    issue = world.ask_for()
    world.wait_thinking()
    if how == "deleted":
        world.ann.delete_issue(issue)
    else:
        world.ann.transfer(issue, elsewhere)
    session = world.wait_status("closed")
    assert f"`ann` {how} the issue" in session.waiting_for
    world.let_model_go()
    world.rest()
    assert world.ours() == []
    assert world.branches() == []


@shows("W30")
def test_an_issue_that_vanishes_with_a_pull_request_open_is_said_there(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.ann.delete_issue(issue)
    world.wait_status("closed")
    world.wait_comment(pull.issue, "deleted the issue")
    world.rest()
    assert pull.issue.state == "open"


@shows("W30")
def test_an_issue_that_is_moved_to_a_repository_with_us_is_worked_on_there(world: World) -> None:
    hub = world.stack.hub
    elsewhere = hub.create_repository(f"{world.repo.owner.login}/elsewhere", {"README.md": "# Else\n"})
    hub.create_label(elsewhere, "honk")
    hub.grant(elsewhere, "ann", "admin")
    assert world.stack.model is not None
    installation = next(i for i in hub.world.installations.values() if i.account is world.repo.owner)
    hub.select(installation, [world.repo, elsewhere])
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n"), submit())])
    issue = world.ask_for()
    world.wait_thinking()
    there = world.ann.transfer(issue, elsewhere)
    world.wait_status("closed")
    world.wait("work on it there", lambda: [r for r in there.reactions if r.user.login == "honk[bot]"])
    found = world.rows("SELECT id FROM sessions WHERE repo_id = :r", r=elsewhere.id)
    assert [row.id for row in found] == [f"{elsewhere.id}-{there.number}-1"]
    world.ann.close(there)
    world.let_model_go()
    world.rest()


@pytest.mark.parametrize("status", [403, 404, 422])
@shows("W31")
def test_a_reaction_that_cannot_be_put_holds_nothing_up(world: World, status: int) -> None:
    world.stack.hub.faults.add(r"^POST .*/reactions$", "before", status=status, text="No reaction here", count=9)
    issue = world.ask_for()
    world.wait_ready()
    assert issue.reactions == []
    assert world.turns() == 1


@shows("W32")
def test_words_during_a_run_are_acknowledged_at_once_and_not_lost(world: World) -> None:
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n"))])
    world.when_told("and say it in French", replies=[{"call": [submit()]}])
    issue = world.ask_for()
    world.wait_thinking()
    said = world.rob.comment(issue, "/honk and say it in French")
    world.wait_reaction(said)
    world.let_model_go()
    world.wait_ready()
    assert any("and say it in French" in prompt for prompt in world.prompts())
    assert world.turns() == 1
