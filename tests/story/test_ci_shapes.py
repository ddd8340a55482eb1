"""CI comes in many shapes: none, statuses, check runs, runs that wait for approval, red again and again."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from github_app.demo.stack import Stack
from github_app.localhub import git
from github_app.localhub.actions import Conclusion
from github_app.localhub.values import Pull
from tests.edge.cases import shows
from tests.story.ci import WORKFLOW, WORKFLOW_PATH
from tests.story.conftest import running, world_in
from tests.story.world import World

NO_WORKFLOW = {"README.md": "# App\n"}


@pytest.fixture(scope="module")
def brisk() -> Iterator[Stack]:
    """Give a Honk that takes a commit for unchecked after two seconds, and so looks at open sessions that often; and
    for checked after one in which nothing changed."""
    with running(HONK_CHECKS_GRACE_S="2", HONK_CHECKS_SETTLE_S="1") as it:
        yield it


@pytest.fixture
def bare_world(stack: Stack, request: pytest.FixtureRequest) -> Iterator[World]:
    """Give a repository without workflow files: all CI is from outside."""
    with world_in(stack, request.node.name.removeprefix("test_"), NO_WORKFLOW) as it:
        yield it


def _published(world: World) -> Pull:
    world.ask_for()
    pull = world.wait_pull()
    world.wait_status("awaiting_checks")
    world.rest()
    return pull


@shows("W41")
def test_without_any_ci_it_is_ready_after_the_grace_time(brisk: Stack) -> None:
    with world_in(brisk, "no-ci", NO_WORKFLOW) as world:
        issue = world.ask_for()
        world.wait_ready()
        assert "Ready for your review" in world.tracking(issue).body
        assert world.answers(issue) == []


def test_a_lost_word_of_ci_is_made_up_for_by_looking(brisk: Stack) -> None:
    with world_in(brisk, "lost-word", NO_WORKFLOW) as world:
        world.ask_for()
        pull = world.wait_pull()
        run = brisk.hub.add_check(world.repo, pull.head_sha, "Tests")
        for match in ("check_run.completed", "check_suite.completed", "workflow_run.completed"):
            brisk.hub.faults.add(match, "drop", count=9)
        brisk.hub.finish_check(world.repo, run, "success")
        world.wait_ready()
        assert world.turns() == 1


def test_a_check_that_begins_late_is_waited_for(brisk: Stack) -> None:
    with world_in(brisk, "late-check", NO_WORKFLOW) as world:
        world.ask_for()
        pull = world.wait_pull()
        brisk.hub.add_check(world.repo, pull.head_sha, "Lint", "success")
        world.wait("Honk to wait a while", lambda: any("about to begin" in why for why in world.decisions()))
        slow = brisk.hub.add_check(world.repo, pull.head_sha, "Tests")
        world.rest()
        assert pull.draft
        brisk.hub.finish_check(world.repo, slow, "success")
        world.wait_ready()


@shows("W42")
def test_statuses_alone_are_enough(bare_world: World) -> None:
    pull = _published(bare_world)
    hub, repo = bare_world.stack.hub, bare_world.repo
    hub.set_status(repo, pull.head_sha, "pending", "ci/one")
    hub.set_status(repo, pull.head_sha, "pending", "ci/two")
    hub.set_status(repo, pull.head_sha, "success", "ci/one")
    bare_world.rest()
    assert pull.draft
    hub.set_status(repo, pull.head_sha, "success", "ci/two")
    bare_world.wait_ready()


def test_a_red_status_starts_a_fix(bare_world: World) -> None:
    pull = _published(bare_world)
    hub, repo, first = bare_world.stack.hub, bare_world.repo, pull.head_sha
    hub.set_status(repo, first, "failure", "ci/one")
    second = bare_world.wait_new_head(pull, first)
    bare_world.wait_status("awaiting_checks")
    hub.set_status(repo, second, "success", "ci/one")
    bare_world.wait_ready()
    assert any("ci/one" in prompt for prompt in bare_world.prompts())


@shows("W42")
def test_check_runs_of_another_app_alone_are_enough(bare_world: World) -> None:
    pull = _published(bare_world)
    hub, repo = bare_world.stack.hub, bare_world.repo
    other = hub.create_app("robo-ci", permissions={"checks": "write"}).app
    first = hub.add_check(repo, pull.head_sha, "build", app=other)
    second = hub.add_check(repo, pull.head_sha, "lint", app=other)
    hub.finish_check(repo, first, "success")
    bare_world.rest()
    assert pull.draft
    hub.finish_check(repo, second, "neutral")
    bare_world.wait_ready()


@shows("W42")
def test_a_status_and_a_check_must_both_be_green(bare_world: World) -> None:
    pull = _published(bare_world)
    hub, repo, head = bare_world.stack.hub, bare_world.repo, pull.head_sha
    hub.set_status(repo, head, "pending", "ci/one")
    hub.add_check(repo, head, "build", "success")
    bare_world.rest()
    assert pull.draft
    hub.set_status(repo, head, "success", "ci/one")
    bare_world.wait_ready()


@shows("W43")
def test_ci_that_waits_for_approval_is_said_once(bare_world: World) -> None:
    pull = _published(bare_world)
    hub, repo, head = bare_world.stack.hub, bare_world.repo, pull.head_sha
    run = hub.add_check(repo, head, "build", "action_required")
    bare_world.wait_status("needs_human")
    bare_world.rest()
    other = hub.add_check(repo, head, "build-more", "action_required")
    bare_world.rest()
    (said,) = bare_world.answers(pull.issue)
    assert "approve" in said
    hub.finish_check(repo, run, "success")
    hub.finish_check(repo, other, "success")
    hub.set_status(repo, head, "success", "ci/wake")
    bare_world.wait_ready()
    assert len(bare_world.answers(pull.issue)) == 1
    assert bare_world.turns() == 1


def test_red_again_and_again_is_handed_to_a_human(world: World) -> None:
    world.ci.will_say("failure")
    world.ask_for()
    pull = world.wait_pull()
    world.wait_status("needs_human")
    world.rest()
    (said,) = world.answers(pull.issue)
    assert "just as they did before my last 2 attempts" in said
    assert said.count("nobody said hello") == said.count("; I pushed") == 2
    assert world.turns() == 3
    assert pull.draft
    world.ci.will_say("success")
    world.rob.comment(pull.issue, "/honk look at the clock")
    world.wait_ready()


def test_red_ci_that_turns_green_by_a_re_run_needs_no_fix(world: World) -> None:
    world.ci.will_say("failure")
    world.when("<check", replies=[{"call": [{"submit": {"title": "Nothing", "summary": "It was the network."}}]}])
    world.ask_for()
    pull = world.wait_pull()
    world.wait_status("needs_human")
    head = pull.head_sha
    world.rest()
    world.ci.will_say("success")
    world.stack.hub.world.rerun_workflow(world.repo.runs[-1], False)
    world.wait_ready()
    assert pull.head_sha == head


def test_what_fails_by_chance_runs_once_more_and_costs_nothing(world: World) -> None:
    before = _counted(world)
    world.ci.will_say("chance", "success")
    issue = world.ask_for()
    pull = world.wait_ready()
    (run,) = world.repo.runs
    assert (run.attempt, world.turns(), world.answers(pull.issue)) == (2, 1, [])
    assert "| Flaky | `Tests` on" in world.tracking(issue).body
    assert _counted(world) == {name: before[name] + 1 for name in ("flaky", "rerun")}


def _counted(world: World) -> dict[str, int]:
    with urllib.request.urlopen(f"{world.stack.url}/metrics", timeout=10) as told:  # noqa: S310 - our own server
        lines = told.read().decode().splitlines()
    return {name: int(line.split()[1]) for name in ("flaky", "rerun") for line in lines
            if line.startswith(f"honk_checks_{name}_total ")}  # fmt: skip


def test_a_lost_runner_is_named_and_nothing_is_spent_on_it(world: World) -> None:
    world.ci.log = "The hosted runner: GitHub Actions 3 lost communication with the server."
    world.ci.will_say("failure", "failure", "success")
    world.ask_for()
    pull = world.wait_pull()
    session = world.wait_status("needs_human")
    world.rest()
    (said,) = world.answers(pull.issue)
    assert "also when it ran once more: `Tests`: its runner was lost" in said
    assert (session.turns, session.fix_rounds) == (1, 0)
    world.stack.hub.world.rerun_workflow(world.repo.runs[-1], True)  # a person does, when the runners are back
    world.wait_ready()
    assert world.turns() == 1


@shows("W49")
def test_checks_of_an_old_commit_say_nothing(bare_world: World) -> None:
    pull = _published(bare_world)
    hub, repo, first = bare_world.stack.hub, bare_world.repo, pull.head_sha
    run = hub.add_check(repo, first, "build")
    pushed = bare_world.rob.push(repo, pull.head_ref, {"robs.txt": "mine\n"}, "Add mine")
    bare_world.rest()
    hub.finish_check(repo, run, "failure")
    bare_world.rest()
    assert bare_world.turns() == 1
    assert pull.draft
    hub.add_check(repo, pushed, "build", "success")
    bare_world.wait_ready()


@contextmanager
def _of_main(brisk: Stack, name: str, before: Conclusion) -> Iterator[World]:
    """A repository whose CI runs on what is pushed to `main` alone, where it ended so before."""
    files = {"README.md": "# App\n", WORKFLOW_PATH: WORKFLOW.replace("[pull_request]", "{push: {branches: [main]}}")}
    with world_in(brisk, name, files) as world:
        world.ci.will_say(before, "failure")
        world.rob.push(world.repo, "main", {"other.txt": "other\n"}, "Something else")
        world.wait("CI of it", lambda: world.ci.runs)
        yield world


def test_what_a_merge_broke_is_told_once_and_taken_back_on_a_word(brisk: Stack) -> None:
    with _of_main(brisk, "broken-main", "success") as world:
        issue = world.ask_for()
        pull = world.wait_ready()
        before = world.repo.branch("main") or ""
        merged = world.rob.merge(pull)
        told = world.wait_comment(pull.issue, "Since this was merged, `Tests` fails on `main`.").body
        assert f"`Tests` passed on {before[:7]} and ended with failure on {merged[:7]}" in told
        assert "nobody said hello" in told
        assert "names `hello.txt`, which this change touched" in told
        assert "@ann @rob: `/honk revert` here" in told
        assert world.ours() == [pull], "nothing is reverted by itself"
        asked = world.rob.comment(pull.issue, "/honk revert")
        world.wait_reaction(asked)
        world.wait_comment(pull.issue, f"takes back #{pull.issue.number}, as `rob` asked.")
        (back,) = [each for each in world.ours() if each is not pull]
        assert (back.draft, back.base_ref) == (True, "main")
        assert git.commit(world.repo.git_dir, back.head_sha).parents == (merged,)
        assert world.tree(back.head_sha) == world.tree(before) != world.tree(merged)
        assert f"Reverts #{pull.issue.number}, merged as {merged}" in (back.issue.body or "")
        assert "`Tests` fails on" in (back.issue.body or "")
        world.ann.comment(issue, "/honk revert")
        world.wait_comment(issue, f"#{back.issue.number} takes it back already")
        world.rest()
        assert len(world.ours()) == 2
        assert f"#{back.issue.number} takes it back" in world.tracking(issue).body


def test_what_was_red_before_a_merge_is_no_news(brisk: Stack) -> None:
    with _of_main(brisk, "red-main", "failure") as world:
        world.ask_for()
        pull = world.wait_ready()
        merged = world.rob.merge(pull)
        why = f"`Tests` failed on {merged[:7]}, and on"
        world.wait("the watch to end", lambda: any(why in each for each in world.decisions()))
        world.rest()
        assert world.answers(pull.issue) == []
