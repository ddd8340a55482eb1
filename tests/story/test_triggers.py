"""How people start work: a label, or words. Each gets one acknowledgement, one branch, one pull request."""

from __future__ import annotations

import pytest

from github_app.localhub.deeds.reviews import Inline
from tests.edge.cases import shows
from tests.story.play import bash, calls, submit, write
from tests.story.world import World


def _expect_one_of_everything(world: World) -> None:
    world.rest()
    assert len(world.ours()) == 1
    assert len(world.branches()) == 1
    assert world.turns() == 1


def test_the_label_on_an_open_issue_starts_work(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    world.rest()
    assert world.said(issue) == []
    world.ann.label(issue, "honk")
    world.wait_reaction(issue)
    pull = world.wait_pull()
    assert f"Closes #{issue.number}" in (pull.issue.body or "")
    assert pull.issue.title == "Say hello"
    assert world.text(pull.head_sha, "hello.txt") == "hello\n"
    world.wait_ready()
    assert "Ready for your review" in world.tracking(issue).body
    _expect_one_of_everything(world)


@shows("W04")
def test_an_issue_opened_with_the_label_is_one_run(world: World) -> None:
    issue = world.ask_for()  # GitHub sends `opened` and `labeled`
    world.wait_ready()
    _expect_one_of_everything(world)
    world.tracking(issue)


def test_two_labels_at_once_are_one_run(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.", ["bug", "honk"])
    world.wait_ready()
    _expect_one_of_everything(world)
    assert sorted(world.labels(issue)) == ["bug", "honk"]


def test_any_other_label_starts_nothing(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.", ["bug"])
    world.rest()
    assert issue.reactions == []
    assert world.sessions() == []


def test_asking_again_for_what_is_worked_on_is_answered(world: World) -> None:
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n"), submit())])
    issue = world.ask_for()
    world.wait_thinking()
    world.rob.label(issue, "bug")
    world.rob.unlabel(issue, "bug")
    world.rob.comment(issue, "/honk")
    world.wait_comment(issue, "I am on it already")
    world.let_model_go()
    world.wait_ready()
    _expect_one_of_everything(world)


def test_a_command_in_a_comment_starts_work_with_its_words(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    said = world.rob.comment(issue, "Good idea.\n\n/honk please, and say it in French")
    world.wait_reaction(said)
    world.wait_ready()
    _expect_one_of_everything(world)
    assert any("say it in French" in prompt for prompt in world.prompts())


def test_a_command_in_the_issue_itself_starts_work(world: World) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file, please.\n\n/honk")
    world.wait_reaction(issue)
    world.wait_ready()
    _expect_one_of_everything(world)


@pytest.mark.parametrize(
    "body",
    [
        "> /honk do it\n\nI would not.",
        "Write\n\n```\n/honk do it\n```\n\nto start.",
        "One writes `/honk do it` to start.",
        "<!-- /honk do it -->Nothing to see.",
        "see https://example.com/honk",
        "/honking is not allowed here",
    ],
    ids=["quoted", "fenced", "code", "hidden", "link", "longer word"],
)
@shows("W25")
def test_words_that_only_mention_the_command_start_nothing(world: World, body: str) -> None:
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file.")
    said = world.ann.comment(issue, body)
    world.rest()
    assert said.reactions == []
    assert world.said(issue) == []
    assert world.sessions() == []


@shows("W26")
def test_a_command_on_the_pull_request_is_an_instruction(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    said = world.rob.comment(pull.issue, "/honk say more")
    world.wait_reaction(said)
    assert world.text(world.wait_new_head(pull, head), "hello.txt") == "hello\nmore\n"
    world.wait_ready()
    assert len(world.ours()) == 1


def test_a_command_in_the_words_of_a_review_is_an_instruction(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    world.rob.review(pull, "COMMENT", "/honk say it louder")
    world.wait_new_head(pull, head)
    world.rest()
    assert world.turns() == 2
    assert any("say it louder" in prompt for prompt in world.prompts())


def test_a_command_in_an_inline_comment_is_answered_in_its_thread(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    said = world.rob.comment_line(pull, "hello.txt", 1, "/honk a warmer word, please")
    world.wait_reaction(said)
    world.wait_new_head(pull, head)
    world.rest()
    assert world.turns() == 2, world.story()  # the comment and the review that GitHub wraps it in are one instruction
    assert [each.body for each in pull.threads[0].comments][1:] != []
    assert "Done." in pull.threads[0].comments[-1].body


def test_a_review_with_several_inline_comments_is_one_turn(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    lines = [Inline("hello.txt", "Why?", 1), Inline("hello.txt", "And why here?", 1)]
    answers = submit("Address the review", answers=("So.", "And so."))
    world.when("<thread", replies=[calls(bash("echo answered >> hello.txt"), answers)])
    world.rob.review(pull, "COMMENT", "", lines)
    world.wait_new_head(pull, head)
    world.rest()
    assert world.turns() == 2
