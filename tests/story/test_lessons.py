"""What a reviewer corrected reaches a later issue's prompt, but not before somebody with write access agreed to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request

from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.values import Pull
from tests.story.play import ask, bash, calls, submit
from tests.story.world import World

RULE = "Greetings end with a full stop."
HEADING = "What reviewers corrected in this repository before"


def test_a_lesson_reaches_the_next_issue_only_once_it_is_kept(world: World) -> None:
    pull = _reviewed(world)
    assert f"1. `{RULE}` ([`rob`](/{world.repo.full_name}/pull/{pull.issue.number}#discussion_r" in (
        pull.issue.body or ""
    )
    world.eve.comment(pull.issue, "/honk lesson keep 1")
    world.wait_comment(pull.issue, "`eve`")
    world.ann.merge(pull)
    world.wait_status("merged")
    assert HEADING not in _first_prompt(world, "Greet the cook")

    world.ann.comment(pull.issue, "/honk lesson keep 1")
    world.wait_comment(pull.issue, "I remember this")
    prompt = _first_prompt(world, "Greet the baker")
    assert HEADING in prompt
    assert RULE in prompt
    assert 'kept_by=\\"ann\\">' in prompt
    page = _page_of_lessons(world)
    assert RULE in page
    assert "told to 1 turn, last on" in page

    world.rob.comment(pull.issue, "/honk lesson drop 1")
    world.wait_comment(pull.issue, "I do not go by this")
    assert _honk(world, "list") == ""
    found = world.rows("SELECT document FROM audit WHERE kind = 'lesson' AND chain LIKE :c", c=f"{world.repo.id}-%")
    assert sorted("dropped" in row.document for row in found) == [False, True]


def _reviewed(world: World) -> Pull:
    """A pull request that has answered a review, and proposes what it learned."""
    learns = submit("Address the review", answers=("Done.",))
    learns["submit"]["lessons"] = [{"text": RULE, "source": "{{thread:1}}"}]
    world.when("<thread", replies=[calls(bash("echo hello. > hello.txt"), learns)])
    world.ask_for("Greet the farmer")
    pull = world.wait_ready()
    head = pull.head_sha
    world.rob.review(pull, "REQUEST_CHANGES", inline=[Inline("hello.txt", "We always end with a full stop.", 1)])
    world.wait_new_head(pull, head)
    world.wait_ready()
    return pull


def _first_prompt(world: World, title: str) -> str:
    """What the model is told first about a new issue."""
    before = len(world.requests())
    world.when(title, replies=[calls(ask("Which of them?"))])
    world.ask_for(title)
    world.wait("its turn", lambda: len(world.requests()) > before)
    world.rest()
    return world.prompts()[before]


def _page_of_lessons(world: World) -> str:
    """The page that the session's page leads to, which the tracking comment leads to."""
    (session,) = re.findall(r"\[step by step\]\((\S+)\)", world.tracking(world.repo.issues[1]).body)
    (lessons,) = re.findall(r'<a href="([^"]+)">Lessons of', _fetch(session))
    return _fetch(lessons)


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        return str(answer.read().decode())


def _honk(world: World, *words: str) -> str:
    command = [sys.executable, "-m", "github_app", "lessons", *words, "--repo", world.repo.full_name]
    environment = {"PATH": os.environ["PATH"], **world.stack.environment()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
