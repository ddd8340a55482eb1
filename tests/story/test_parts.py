"""A task too large for one review is done in parts, one pull request after the other, each on a person's word."""

from __future__ import annotations

from github_app.localhub.values import Issue
from tests.story.play import bash, calls, submit
from tests.story.world import World


def is_closed(issue: Issue) -> bool:
    """Whether it is by now."""
    return issue.state == "closed"


def test_an_issue_is_done_in_two_parts(world: World) -> None:
    first = submit("Greet the farmer")
    first["submit"]["remaining"] = ["Greet the cook"]
    world.when("Greet everybody", replies=[calls(bash("echo farmer > farmer.txt"), first)])
    world.when(
        "Greet everybody",
        "You said that this is left",
        replies=[calls(bash("echo cook > cook.txt"), submit("Greet the cook"))],
    )
    issue = world.ask_for("Greet everybody")
    pull = world.wait_ready()
    assert f"Part of #{issue.number}\n" in (pull.issue.body or "")
    assert "1. Greet the cook" in (pull.issue.body or "")

    world.rob.merge(pull)
    world.wait_comment(issue, "`/honk go` starts the next part")
    assert not is_closed(issue)

    world.ann.comment(issue, "/honk go")
    second = world.wait("another pull request", lambda: next((each for each in world.ours() if each != pull), None))
    world.wait_status("awaiting_review")
    world.rest()
    assert world.has(second.head_sha, "farmer.txt")
    assert world.text(second.head_sha, "cook.txt") == "cook\n"
    assert f"Closes #{issue.number}\n" in (second.issue.body or "")
    world.rob.merge(second)
    world.wait_status("merged")
    world.rest()
    assert is_closed(issue)
