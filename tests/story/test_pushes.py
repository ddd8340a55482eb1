"""People push, close, reopen and delete: their acts win, and ours go on top or end."""

from __future__ import annotations

from tests.edge.cases import shows
from tests.story.ci import StoryRunner
from tests.story.play import bash, calls, submit, write
from tests.story.world import World


def test_a_push_while_we_wait_is_checked_anew(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.ci.hold()
    pushed = world.rob.push(world.repo, pull.head_ref, {"robs.txt": "mine\n"}, "Add mine")
    world.wait_status("awaiting_checks")
    world.ci.let_go()
    world.wait_ready()
    assert pull.head_sha == pushed
    assert world.turns() == 1
    assert f"Checks of `{pushed[:7]}`" in world.tracking(issue).body


def test_a_push_that_breaks_ci_is_fixed_on_top(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.ci.will_say("failure", "success")
    pushed = world.rob.push(world.repo, pull.head_ref, {"robs.txt": "mine\n"}, "Add mine")
    world.wait_new_head(pull, pushed)
    world.wait_ready()
    assert world.subjects(pull.head_sha) == ["Say hello", "Add mine", "Mend what CI found"]


@shows("W58")
def test_a_push_during_our_turn_is_kept_and_ours_goes_on_top(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.when("slowly (pushed)", replies=[world.hold_model(bash("echo slow > slow.txt")), calls(submit("Go slowly"))])
    before = len(world.requests())
    world.rob.comment(pull.issue, "/honk slowly (pushed)")
    world.wait_thinking(before + 1)
    world.rob.push(world.repo, pull.head_ref, {"robs.txt": "mine\n"}, "Add mine")
    world.let_model_go()
    world.wait("our commit on top", lambda: "Go slowly" in world.subjects(pull.head_sha))
    world.wait_ready()
    assert world.subjects(pull.head_sha) == ["Say hello", "Add mine", "Go slowly"]
    assert world.text(pull.head_sha, "robs.txt") == "mine\n"
    assert world.text(pull.head_sha, "slow.txt") == "slow\n"


@shows("W58")
def test_a_push_to_a_file_that_we_change_too_is_not_undone(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.when(
        "both at once (clash)",
        replies=[world.hold_model(bash("echo ours >> hello.txt")), calls(submit("Say ours"))],
    )
    before = len(world.requests())
    world.rob.comment(pull.issue, "/honk both at once (clash)")
    world.wait_thinking(before + 1)
    world.rob.push(world.repo, pull.head_ref, {"hello.txt": "robs\nhello\n"}, "Say robs")
    world.let_model_go()
    world.wait("our commit on top", lambda: "Say ours" in world.subjects(pull.head_sha))
    world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "robs\nhello\nours\n"


@shows("W59")
def test_a_force_push_is_taken_as_it_is(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    base = world.repo.branch("main")
    pushed = world.rob.push(world.repo, pull.head_ref, {"other.txt": "other\n"}, "Something else", onto=base)
    world.wait("the new head to be known", lambda: (world.session or pull).head_sha == pushed)
    world.wait_ready()
    assert pull.head_sha == pushed
    world.rob.comment(pull.issue, "/honk say more")
    world.wait_new_head(pull, pushed)
    world.wait_ready()
    assert world.subjects(pull.head_sha) == ["Something else", "Do what was asked"]


@shows("W61")
def test_a_deleted_branch_ends_the_work(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.ann.delete_branch(world.repo, pull.head_ref)
    assert "`ann` deleted the branch" in world.wait_end(issue)
    world.rest()
    assert world.wait_status("closed")
    assert world.labels(issue) == []
    assert world.branches() == []


def test_a_closed_pull_request_ends_the_work(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.close(pull.issue)
    assert "`rob` closed the pull request" in world.wait_end(issue)
    world.rest()
    assert world.wait_status("closed")
    assert world.branches() == [pull.head_ref]  # left as it is


@shows("W60")
def test_closed_while_the_agent_works_nothing_more_is_pushed(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    world.when("once more (closed)", replies=[world.hold_model(write("more.txt", "more\n")), calls(submit())])
    before = len(world.requests())
    world.rob.comment(pull.issue, "/honk once more (closed)")
    world.wait_thinking(before + 1)
    world.rob.close(pull.issue)
    world.wait_status("closed")
    world.let_model_go()
    world.rest()
    assert world.repo.branch(pull.head_ref) == head


@shows("W60")
def test_a_reopened_pull_request_is_taken_over(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.close(pull.issue)
    world.wait_end(issue)
    world.rest()
    world.rob.reopen(pull.issue)
    world.wait("a new session", lambda: len(world.sessions()) == 2)
    world.wait_status("awaiting_review")  # CI had spoken already, and will not again
    head = pull.head_sha
    world.rob.comment(pull.issue, "/honk say more")
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert [session.status for session in world.sessions()] == ["closed", "awaiting_review"]
    assert len(world.ours()) == 1


def test_reopened_by_a_reader_it_stays_ended(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.close(pull.issue)
    world.wait_end(issue)
    world.eve.reopen(pull.issue)
    world.rest()
    assert len(world.sessions()) == 1


def test_a_command_on_the_closed_pull_request_begins_anew(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.close(pull.issue)
    world.wait_end(issue)
    world.rest()
    world.rob.comment(pull.issue, "/honk try another way")
    world.wait("another pull request", lambda: len(world.ours()) == 2)
    world.wait_ready()
    assert world.repo.branch(pull.head_ref) == pull.head_sha


@shows("W60")
def test_draft_and_ready_are_peoples_to_set(world: World) -> None:
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.set_draft(pull, True)
    world.rest()
    assert f"#{pull.issue.number} (draft)" in world.tracking(issue).body
    assert pull.draft
    world.rob.set_draft(pull, False)
    world.rest()
    assert f"#{pull.issue.number} |" in world.tracking(issue).body
    assert world.turns() == 1


def test_ready_before_its_time_is_left_ready(world: World) -> None:
    world.ci.hold()
    world.ask_for()
    pull = world.wait_pull()
    world.wait_status("awaiting_checks")
    world.rob.set_draft(pull, False)
    world.rest()
    world.ci.let_go()
    world.wait_ready()
    assert not pull.draft


@shows("W65")
def test_a_branch_that_has_our_name_already_is_left_alone(world: World) -> None:
    world.rob.push(world.repo, "honk/1-say-hello", {"mine.txt": "mine\n"}, "Mine")
    world.ask_for()
    pull = world.wait_ready()
    assert pull.head_ref == "honk/1-say-hello-again"
    assert world.subjects(pull.head_ref) == ["Say hello"]
    assert world.subjects("honk/1-say-hello") == ["Mine"]


def test_main_that_moves_meanwhile_does_not_disturb(world: World) -> None:
    world.when(replies=[world.hold_model(write("hello.txt", "hello\n")), calls(submit())])
    world.ask_for()
    world.wait_thinking()
    world.rob.push(world.repo, "main", {"other.txt": "other\n"}, "Go on")
    world.let_model_go()
    pull = world.wait_ready()
    assert not world.has(pull.head_sha, "other.txt")
    world.rob.merge(pull)
    world.wait_status("merged")
    assert world.has("main", "other.txt")
    assert world.has("main", "hello.txt")


@shows("W81")
def test_a_rename_of_the_repository_is_followed(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    world.stack.hub.rename_repository(world.repo, "renamed")
    assert isinstance(world.stack.runner, StoryRunner)
    world.stack.runner.of[world.repo.full_name] = world.ci
    world.when(replies=[calls(bash("echo renamed >> hello.txt"), submit())])
    world.rob.comment(pull.issue, "/honk say more")
    world.wait_new_head(pull, head)
    world.wait_ready()
