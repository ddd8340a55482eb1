"""Honk is down while people work, and what GitHub had to tell is lost: it is found by looking, and means the same. What
is told after all, late, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from github_app.demo.stack import Stack
from github_app.localhub.values import Delivery, Issue, Pull
from tests.edge.cases import shows
from tests.story.conftest import FILES, running, world_in
from tests.story.world import World

PATIENCE_S = 60.0


@pytest.fixture
def own_stack() -> Iterator[Stack]:
    """Give a Honk that a test may stop, after its first look: what happens from now on is not too old for it."""
    with running() as it:
        yield it


def wait_look(world: World) -> None:
    world.wait("the first look", lambda: world.rows("SELECT 1 FROM looks WHERE repo_id = 0 AND looked_at <> ''"))


def pull_of(world: World, issue: Issue) -> Pull:
    number = next(each.pull_number for each in world.sessions() if each.issue_number == issue.number)
    return next(pull for pull in world.ours() if pull.issue.number == number)


def lose_deliveries(stack: Stack) -> list[Delivery]:
    """Have GitHub forget what it could not deliver, as after some days; all of it, for whoever wants to bring it."""
    stack.hub.settle()
    lost = [each for each in stack.hub.deliveries if each.status_code != 202 and each.event != "ping"]
    stack.hub.world.deliveries.clear()
    return lost


def redeliver(stack: Stack, lost: list[Delivery]) -> None:
    for delivery in lost:
        stack.hub.post.redeliver(delivery)
    stack.hub.settle()


def state(world: World) -> dict[str, object]:
    """All that can be seen of what Honk did."""
    return {
        "sessions": [(each.id, each.status, each.turns) for each in world.sessions()],
        "pulls": [(pull.issue.number, pull.head_sha, pull.draft) for pull in world.ours()],
        "branches": sorted(world.branches()),
        "said": {issue.number: [each.body for each in world.said(issue)] for issue in world.repo.issues.values()},
        "reactions": {issue.number: reactions_of(issue) for issue in world.repo.issues.values()},
    }


def reactions_of(issue: Issue) -> list[int]:
    return [len(issue.reactions), *(len(comment.reactions) for comment in issue.comments)]


@pytest.mark.timeout(240)
@shows("W14", "W16")
def test_all_that_happened_while_we_were_down_is_found_by_looking(own_stack: Stack) -> None:
    with world_in(own_stack, "down", FILES) as world:
        wait_look(world)
        reviewed, merged, stopped, closed = (world.ask_for(title) for title in ("Review", "Merge", "Stop", "Close"))
        world.wait("four pull requests", lambda: len(world.ours()) == 4, timeout_s=PATIENCE_S)
        world.wait("all to be reviewed", lambda: all(s.status == "awaiting_review" for s in world.sessions()))
        world.rest()
        first, second = pull_of(world, reviewed), pull_of(world, merged)
        old = world.ann.open_issue(world.repo, "Old", "Not asked for.")
        world.rest()
        own_stack.stop_honk()

        labelled = world.ann.open_issue(world.repo, "Labelled", "In a file.", ["honk"])
        asked = world.ann.open_issue(world.repo, "Asked", "In a file.")
        words = world.rob.comment(asked, "/honk please")
        written = world.rob.open_issue(world.repo, "Written", "In a file.\n\n/honk")
        refused = world.eve.comment(old, "/honk now")
        world.rob.review(first, "REQUEST_CHANGES", "One thing.")
        world.ann.merge(second)
        world.ann.unlabel(stopped, "honk")
        world.ann.close(closed)
        head = first.head_sha
        lost = lose_deliveries(own_stack)
        assert len(lost) >= 10
        own_stack.start_honk()

        world.wait("three more pull requests", lambda: len(world.ours()) == 7, timeout_s=PATIENCE_S)
        world.wait_new_head(first, head)
        for issue, text in (
            (merged, "is merged"),
            (stopped, "took the `honk` label off"),
            (closed, "closed the issue"),
        ):
            world.wait_comment(issue, text)
        world.wait_reaction(words)
        world.wait_reaction(refused, "confused")
        world.rest()
        asker = {session.issue_number: session.requested_by.login for session in world.sessions()}
        assert [asker[issue.number] for issue in (labelled, asked, written)] == ["ann", "rob", "rob"]
        assert old.number not in asker
        world.wait(
            "all to rest", lambda: all(s.status in ("awaiting_review", "merged", "closed") for s in world.sessions())
        )
        world.rest()
        before = state(world)

        redeliver(own_stack, lost)
        world.rest()
        assert state(world) == before
