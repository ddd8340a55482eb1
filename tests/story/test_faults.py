"""GitHub and the model fail now and then. Each write may fail once, before or after it was done, and nothing is done
twice or left out."""

from __future__ import annotations

import pytest

from github_app.localhub.faults import RequestFault
from tests.story.play import bash, calls, submit
from tests.story.plot import live_through
from tests.story.world import World

WRITES = {
    "the acknowledgement": r"^POST .*/issues/\d+/reactions$",
    "a comment": r"^POST .*/issues/\d+/comments$",
    "an edit of a comment": r"^PATCH .*/issues/comments/\d+$",
    "a tree": r"^POST .*/git/trees$",
    "a commit": r"^POST .*/git/commits$",
    "the branch": r"^POST .*/git/refs$",
    "the branch again": r"^PATCH .*/git/refs/",
    "the pull request": r"^POST .*/pulls$",
    "its body": r"^PATCH .*/pulls/\d+$",
    "an answer in a thread": r"^POST .*/pulls/\d+/comments/\d+/replies$",
    "the request for a review": r"^POST .*/requested_reviewers$",
    "the label": r"^DELETE .*/labels/honk$",
}
"""Every write of the plot, by what it writes; out of draft is a GraphQL call, as others are."""


@pytest.mark.parametrize(
    ("kind", "first"), [("before", 0), ("before", 1), ("after", 0), ("after", 1), ("hang", 0), ("hang", 1)]
)
def test_every_write_fails_once_and_all_is_there_once(world: World, kind: RequestFault, first: int) -> None:
    # Every other one, because Honk waits twice as long each time that one thing fails again.
    names = list(WRITES)[first::2]
    faults = {name: world.stack.hub.faults.add(WRITES[name], kind) for name in names}
    live_through(world)
    assert [name for name, fault in faults.items() if fault.count > 0] == []


@pytest.mark.parametrize("kind", ["before", "after"])
def test_out_of_draft_fails_once(world: World, kind: RequestFault) -> None:
    world.ci.hold()
    world.ask_for()
    pull = world.wait_pull()
    world.wait_status("awaiting_checks")
    world.rest()
    world.stack.hub.faults.add("^POST .*/graphql$", kind)
    world.ci.let_go()
    world.wait_ready()
    assert not pull.draft


def test_reads_fail_now_and_then(world: World) -> None:
    for path in (r"/permission$", r"/contents/", r"/check-runs", r"/issues/\d+$", r"/pulls/\d+$", r"access_tokens$"):
        world.stack.hub.faults.add(path, "before")
    live_through(world)


def test_a_secondary_rate_limit_is_waited_for(world: World) -> None:
    world.stack.hub.faults.add(r"^POST .*/pulls$", "secondary", seconds=1)
    world.stack.hub.faults.add(r"^POST .*/issues/\d+/comments$", "secondary", seconds=1)
    live_through(world)


def test_a_token_that_is_refused_is_got_anew(world: World) -> None:
    world.stack.hub.faults.add(r"^POST .*/git/trees$", "unauthorized")
    world.ask_for()
    world.wait_ready()
    assert len(world.ours()) == 1


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
