"""Reviewers say it word for word, or say opposite things."""

from __future__ import annotations

from github_app.localhub import git
from github_app.localhub.deeds.reviews import Inline
from tests.story.play import ask, bash, calls, submit
from tests.story.world import BOT, World

TALL = "printf 'one\\ntwo\\nthree\\nfour\\n' > hello.txt"


def test_suggestions_alone_become_a_commit_without_the_model(world: World) -> None:
    world.when(replies=[calls(bash(TALL), submit())])
    world.ask_for()
    pull = world.wait_ready()
    head, asked = pull.head_sha, len(world.requests())
    several = Inline("hello.txt", "```suggestion\r\n2\r\n3\r\n3b\r\n```", 3, start_line=2)
    world.rob.review(pull, "COMMENT", "", [Inline("hello.txt", "```suggestion\n1\n```", 1), several])
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "1\n2\n3\n3b\nfour\n"
    assert len(world.requests()) == asked
    message = git.run(world.repo.git_dir, "log", "-1", "--format=%B", pull.head_sha).decode()
    rob = world.rob.user
    assert message.startswith("Apply 2 suggestions of rob\n\n")
    assert f"\nCo-authored-by: rob <{rob.id}+rob@users.noreply.github.com>\nHonk-Key: " in message
    assert [[each.user.login for each in thread.comments] for thread in pull.threads] == [["rob", BOT]] * 2
    assert pull.head_sha in pull.threads[0].comments[-1].body
    assert rob in pull.requested_reviewers
    assert [run.conclusion for run in world.repo.check_runs(pull.head_sha) if run.name == "honk"] == ["neutral"]


def test_reviewers_who_disagree_are_asked_and_nothing_is_pushed(world: World) -> None:
    loud, quiet = "Say it in upper case, please.", "Keep it in lower case, please."
    question = "rob wants upper case and ann wants lower case. Which shall it be?"
    world.when("<thread", replies=[world.hold_model(bash("cat hello.txt")), calls(ask(question))])
    world.when(
        "<thread", "Upper case it is", replies=[calls(bash("echo HELLO > hello.txt"), submit(answers=("Done.",)))]
    )
    world.ask_for()
    pull = world.wait_ready()
    head, asked_before = pull.head_sha, len(world.requests())
    world.rob.comment_line(pull, "hello.txt", 1, loud)
    world.wait_thinking(asked_before + 1)
    world.ann.reply(pull.threads[0], quiet)
    world.let_model_go()
    world.wait_comment(pull.issue, question)
    assert pull.head_sha == head
    assert [each.user.login for each in pull.threads[0].comments] == ["rob", "ann"]
    asked = world.prompts()[-1]
    assert f"rob: {loud}" in asked
    assert f"ann: {quiet}" in asked
    assert "ask for opposite things, do not choose" in asked
    world.rob.comment(pull.issue, "/honk Upper case it is")
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "HELLO\n"
    assert "| Review comments | 1 fixed |" in world.tracking(world.repo.issues[1]).body
