"""Branches are everybody's: people push, delete, rename and retarget while we work, and rules stand in the way."""

from __future__ import annotations

import pytest

from github_app.localhub.deeds import refs
from github_app.localhub.people import commit_files
from tests.edge.cases import shows
from tests.story.play import bash, calls, submit, write
from tests.story.world import World

HELLO = bash("echo hello > hello.txt")


@shows("W61")
@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
def test_a_branch_that_is_deleted_while_the_agent_works_stays_deleted(world: World, told: bool) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.when("once more (deleted)", replies=[world.hold_model(write("more.txt", "more\n")), calls(submit())])
    before = len(world.requests())
    world.rob.comment(pull.issue, "/honk once more (deleted)")
    world.wait_thinking(before + 1)
    if not told:
        for news in ("push.", "pull_request.closed"):
            world.stack.hub.faults.add(news, "drop")
    world.ann.delete_branch(world.repo, pull.head_ref)
    world.let_model_go()
    if told:
        assert "`ann` deleted the branch" in world.wait_end(issue)
        world.rest()
    else:
        given_up = "SELECT 1 FROM effects WHERE kind = 'Publish' AND note LIKE '%has ended%' AND session_id = :s"
        # Honk looks for what no delivery told every few minutes: that may be just now.
        world.wait(
            "the push to be given up, or the end to be found",
            lambda: world.rows(given_up, s=world.sessions()[-1].id) or world.sessions()[-1].status.is_terminal,
        )
    assert world.branches() == []


@shows("W62")
@pytest.mark.parametrize("edited_first", [True, False], ids=["edited, synchronize", "synchronize, edited"])
def test_a_pull_request_that_is_put_on_another_base_is_worked_on_there(world: World, edited_first: bool) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.rob.push(world.repo, "release", {"release.txt": "1\n"}, "Release")
    if not edited_first:
        world.stack.hub.faults.add("pull_request.edited", "hold")
    world.rob.retarget(pull, "release")
    pushed = world.rob.push(world.repo, pull.head_ref, {"robs.txt": "mine\n"}, "Add mine")
    world.wait("the push to be known", lambda: world.session and world.session.head_sha == pushed)
    world.wait_ready()
    world.rob.comment(pull.issue, "/honk say more")
    world.wait_new_head(pull, pushed)
    world.wait_ready()
    assert (pull.base_ref, world.ours()) == ("release", [pull])
    assert world.subjects(pull.head_sha) == ["Say hello", "Add mine", "Do what was asked"]


@shows("W63")
def test_a_default_branch_that_is_renamed_before_the_pull_request_is_its_base(world: World) -> None:
    world.when(replies=[world.hold_model(HELLO), calls(submit())])
    issue = world.ask_for()
    world.wait_thinking()
    world.stack.hub.rename_branch(world.repo, "main", "trunk")
    world.let_model_go()
    pull = world.wait_ready()
    assert pull.base_ref == "trunk"
    world.stack.hub.rename_branch(world.repo, "trunk", "stem")
    world.rob.merge(pull)
    assert "is merged" in world.wait_end(issue)
    assert world.has("stem", "hello.txt")


@shows("W65")
def test_a_branch_that_leaves_no_room_for_ours_is_named_and_made_room_for(world: World) -> None:
    world.rob.push(world.repo, "honk", {"mine.txt": "mine\n"}, "Mine")
    issue = world.ask_for()
    world.wait_comment(issue, "there is a branch `honk`")
    world.wait_status("needs_human")
    world.rob.delete_branch(world.repo, "honk")
    world.rob.comment(issue, "/honk retry")
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\nhello\n"


@shows("W65")
def test_a_title_that_no_branch_could_have_is_worked_on(world: World) -> None:
    world.ask_for("🦆 .. @{ ~^: [x]* \\ refs/heads/main.lock " + "long " * 60)
    assert world.wait_ready().head_ref == "honk/1-x-refs-heads-main-lock-long-long-long-lo"


@shows("W66")
def test_a_rule_against_our_push_is_told_and_the_work_kept(world: World) -> None:
    said = "Cannot create ref due to creations being restricted"
    world.stack.hub.faults.add(
        "^POST .*/git/refs$", "before", status=422, text=f"Repository rule violations found\n\n{said}.\n\n"
    )
    issue = world.ask_for()
    comment = world.wait_comment(issue, "restricts who makes branches").body
    assert "work is kept" in comment
    assert said in comment
    world.wait_status("needs_human")
    assert world.branches() == []
    world.when("Repository", replies=[calls(submit())])
    world.rob.comment(issue, "/honk retry")
    assert world.text(world.wait_ready().head_sha, "hello.txt") == "hello\n"


@shows("W69")
def test_a_branch_that_is_begun_anew_without_history_is_gone_on_with(world: World) -> None:
    hub, repo, rob = world.stack.hub, world.repo, world.rob.user
    world.ask_for()
    pull = world.wait_ready()
    with hub.world.lock:
        alone = commit_files(hub.world, repo, rob, parent=None, files={"a.txt": "1\n"}, message="Begin anew")
        refs.set_ref(hub.world, repo, f"refs/heads/{pull.head_ref}", alone, rob)
    world.wait("the push to be known", lambda: world.session and world.session.head_sha == alone)
    world.rest()
    world.rob.comment(pull.issue, "/honk say more")
    new = world.wait_new_head(pull, alone)
    assert world.text(new, "a.txt") == "1\n"
