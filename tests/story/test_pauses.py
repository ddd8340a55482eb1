"""The switch and the quotas, as people see them: what rests is told, kept, and goes on by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.story.conftest import FILES, running, world_in
from tests.story.play import bash, calls, submit
from tests.story.world import World


def test_a_paused_repository_rests_and_goes_on(world: World) -> None:
    world.when(replies=[world.hold_model(bash("echo hello >> hello.txt")), calls(submit())])
    running = world.ask_for("Say hello")
    world.wait_thinking()
    talk = world.ann.open_issue(world.repo, "Release day")
    world.ann.comment(talk, "/honk pause release day")
    world.wait_comment(talk, "`ann` paused me in this repository (release day)")
    waiting = world.rob.open_issue(world.repo, "Say more", "In a file.", ["honk"])
    world.wait_comment(waiting, "`ann` paused me")
    said = world.rob.comment(waiting, "/honk in lower case")
    world.wait_reaction(said)
    world.let_model_go()
    world.wait_comment(running, "`ann` paused me")
    world.rest()
    assert world.ours() == []
    assert len(world.requests()) == 1
    assert len(world.answers(waiting)) == 1

    world.ann.comment(talk, "/honk resume")
    world.wait_comment(talk, "I go on with everything that rested here")
    world.wait("both pull requests", lambda: len(world.ours()) == 2)
    world.rest()
    assert any("in lower case" in prompt for prompt in world.prompts())
    assert {session.status.value for session in world.sessions()} == {"awaiting_review"}


def test_who_only_writes_is_told_who_pauses(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Release day")
    world.wait_reaction(world.rob.comment(issue, "/honk pause"), "confused")
    world.wait_reaction(world.rob.comment(issue, "/honk resume"), "confused")
    world.wait_comment(issue, "`rob`, only people with maintain or admin access", count=1)
    world.ask_for()
    world.wait_ready()


def test_the_operator_pauses_everything_from_the_command_line(world: World) -> None:
    def honk(*words: str) -> str:
        command = [sys.executable, "-m", "github_app", *words]
        environment = {"PATH": os.environ["PATH"], **world.stack.environment()}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    world.ask_for()
    pull = world.wait_ready()
    assert honk("pause", "--repo", world.repo.full_name, "--reason", "upgrade") == (
        f"Paused: {world.repo.full_name}. `honk resume` goes on.\n"
    )
    world.rob.comment(pull.issue, "/honk one more thing")
    world.wait_comment(pull.issue, "The operator of this Honk paused me in this repository (upgrade)")
    world.ann.comment(pull.issue, "/honk resume")
    world.rest()
    assert world.turns() == 1
    head = pull.head_sha
    assert honk("resume", "--repo", world.repo.full_name) == f"Going on: {world.repo.full_name}.\n"
    world.wait_new_head(pull, head)
    world.wait_ready()


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "floor.yml").write_text("quota: {person: {turns_a_day: 2}, repository: {turns_a_day: 3}}\n")
    with running(HONK_POLICY_FILE=str(tmp_path / "floor.yml")) as stack, world_in(stack, "limited", FILES) as it:
        yield it


def test_quotas_hold_people_repositories_and_ci_alike(limited: World) -> None:
    for number in (1, 2):
        limited.rob.open_issue(limited.repo, f"Say hello {number}", "In a file.", ["honk"])
        limited.wait("its pull request", lambda n=number: len(limited.ours()) == n)  # type: ignore[misc]
    limited.rest()
    third = limited.rob.open_issue(limited.repo, "Say hello 3", "In a file.", ["honk"])
    limited.wait_comment(third, "The person `rob` may have 2 turns of mine within 24 hours")
    limited.wait_reaction(third, "confused")
    limited.wait("the label to go", lambda: not limited.labels(third))
    fourth = limited.rob.open_issue(limited.repo, "Say hello 4", "In a file.", ["honk"])
    limited.wait_reaction(fourth, "confused")
    limited.rest()
    assert limited.said(fourth) == []

    limited.ci.will_say("failure")
    fifth = limited.ann.open_issue(limited.repo, "Say hello 5", "In a file.", ["honk"])
    session = limited.wait_status("needs_human")
    limited.rest()
    assert (session.stuck_on, limited.turns()) == ("quota", 3)
    assert session.pull_number is not None
    pull = limited.repo.issues[session.pull_number]
    limited.wait_comment(pull, f"The repository `{limited.repo.full_name}` may have 3 turns of mine")
    assert "Needs a human" in limited.tracking(fifth).body
