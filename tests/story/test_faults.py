"""Git and the model fail now and then, and deliveries come late. What fails of GitHub's API is in tests/edge."""

from __future__ import annotations

from tests.story.play import bash, calls, submit
from tests.story.world import World


def test_git_that_fails_once_is_tried_again(world: World) -> None:
    world.stack.hub.faults.add(r"git-upload-pack", "before")
    world.ask_for()
    world.wait_ready()
    assert world.turns() == 1


def test_an_overloaded_model_and_a_broken_stream_cost_only_time(world: World) -> None:
    faults = [
        {"status": 529, "retry_after_s": 0.1},
        {"status": 529, "retry_after_s": 0.1},
        {"after_events": 3},
        {"after_events": 5, "event": "overloaded_error"},
    ]
    world.when(replies=[calls(bash("echo hello >> hello.txt"), faults=faults), calls(submit())])
    world.ask_for()
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\n"
    assert world.turns() == 1


def test_a_model_that_refuses_is_said_and_taken_up_by_retry(world: World) -> None:
    world.when(replies=[{"text": "I cannot help with that.", "stop_reason": "refusal"}])
    issue = world.ask_for()
    world.wait_status("needs_human")
    world.wait_comment(issue, "refused")
    world.rest()
    world.when(replies=[calls(bash("echo hello >> hello.txt"), submit())])
    world.rob.comment(issue, "/honk retry")
    world.wait_ready()


def test_a_model_that_only_talks_is_told_and_then_stopped(world: World) -> None:
    world.when(replies=[{"text": f"Let me think ({n})."} for n in range(6)])
    issue = world.ask_for()
    world.wait_comment(issue, "without submitting")
    world.rest()
    assert world.branches() == []


def test_deliveries_that_come_late_change_nothing(world: World) -> None:
    for match in ("check_run.completed", "check_suite.completed", "workflow_run.completed"):
        world.stack.hub.faults.add(match, "late", seconds=0.7, count=2)
    world.ask_for()
    world.wait_ready()
    assert world.turns() == 1
