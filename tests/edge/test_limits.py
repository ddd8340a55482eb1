"""GitHub's limits, tokens and delays as the running app meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import pytest

from github_app.demo.stack import Stack
from github_app.localhub.deeds.reviews import Inline
from tests.edge.cases import shows
from tests.edge.every_call import alone
from tests.story.conftest import FILES
from tests.story.play import bash, submit
from tests.story.world import BOT, World


@pytest.fixture
def world(world: World) -> World:
    """Give the usual world, with more patience."""
    return alone(world)


def installation(world: World) -> int:
    """The app's installation on the repository."""
    (found,) = [each.id for each in world.stack.hub.world.installations.values() if each.account is world.repo.owner]
    return found


def metric(stack: Stack, name: str) -> float:
    """A number that Honk tells of itself."""
    with urlopen(f"{stack.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own URL
        found = re.search(rf"^{re.escape(name)} ([\d.]+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


@shows("W76")
def test_a_spent_budget_is_waited_for_without_a_single_request_and_holds_up_nobody_else(
    world: World, make_world: Callable[..., World]
) -> None:
    other = alone(make_world(FILES))
    issue = world.ask_for()
    world.wait_ready()
    waiting = metric(world.stack, "honk_sessions_waiting")
    # For 70 s nothing may be asked on behalf of this installation.
    world.stack.hub.faults.add("^(GET|POST|PATCH) /", "primary", seconds=70, repo=world.repo.full_name)
    world.rob.comment(issue, "/honk do more")  # which needs facts: the wait is this event's
    world.wait("the wait to be counted", lambda: metric(world.stack, "honk_sessions_waiting") > waiting)
    asked = len([each for each in world.stack.hub.exchanges if each.repo == world.repo.full_name])
    page = re.search(r"\]\((http\S+/sessions/\S+)\)", world.tracking(issue).body)
    assert page
    with urlopen(page[1], timeout=5) as answer:  # noqa: S310 - our own URL
        assert "GitHub&#39;s rate limit, until " in answer.read().decode()
    other.wait_reaction(other.ask_for())
    now = len([each for each in world.stack.hub.exchanges if each.repo == world.repo.full_name])
    assert now == asked or metric(world.stack, "honk_sessions_waiting") == waiting
    world.wait("the work to go on", lambda: world.turns() == 2)
    world.wait("a word on it", lambda: "minute for GitHub's rate limit |" in world.tracking(issue).body)
    world.wait_ready()


@shows("W73", "W74")
def test_tokens_that_are_withdrawn_in_the_middle_of_a_turn_are_replaced(world: World) -> None:
    world.when(replies=[world.hold_model(bash("echo hello >> hello.txt"), submit())])
    issue = world.ask_for()
    world.wait_thinking()
    tokens = world.stack.hub.world.tokens
    for value in [value for value, token in tokens.items() if token.installation.id == installation(world)]:
        del tokens[value]
    world.let_model_go()
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\n"
    assert world.answers(issue) == []


@shows("W83")
@pytest.mark.parametrize("what", [r"issues/\d+$", r"pulls/\d+$", "git/ref/heads/honk/", "commits/[0-9a-f]{40}/"])
def test_what_was_just_made_is_not_there_for_five_seconds(world: World, what: str) -> None:
    world.stack.hub.faults.add(f"^GET .*/{what}", "before", status=404, lasts_s=5.0, repo=world.repo.full_name)
    issue = world.ask_for()
    pull = world.wait("a pull request", lambda: next(iter(world.ours()), None))
    world.wait("it to be ready", lambda: not pull.draft)
    world.rest()
    assert world.answers(issue) == []
    assert (world.turns(), len(world.ours())) == (1, 1)


@shows("W83")
def test_graphql_that_does_not_know_a_thread_yet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ask_for()
    pull = world.wait_ready()
    answer, lagging = world.stack.hub.site._respond, ["threads", "threads"]

    def respond(reply: Any, *rest: Any) -> Any:
        data = (reply.body or {}).get("data") if isinstance(reply.body, dict) else None
        threads = ((data or {}).get("repository") or {}).get("pullRequest") or {}
        if "reviewThreads" in threads and lagging:
            lagging.pop()
            threads["reviewThreads"]["nodes"] = []
        return answer(reply, *rest)

    monkeypatch.setattr(world.stack.hub.site, "_respond", respond)
    world.rob.review(pull, "REQUEST_CHANGES", "One thing.", [Inline("hello.txt", "Why in lower case?", 1)])
    world.wait("an answer in the thread", lambda: [each.user.login for each in pull.threads[0].comments][1:] == [BOT])
    world.wait_ready()
    assert len(pull.threads[0].comments) == 2
