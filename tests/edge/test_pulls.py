"""What people do to the pull request, or its conversation, while the agent works."""

from __future__ import annotations

import pytest

from github_app.localhub.values import Pull
from tests.edge.cases import shows
from tests.story.play import calls, submit, write
from tests.story.world import World

MORE = "more, please (mid-run)"


def _working_again(world: World) -> Pull:
    """A pull request on which a second turn runs, which waits for `let_model_go`."""
    world.ask_for()
    pull = world.wait_ready()
    world.when(MORE, replies=[world.hold_model(write("more.txt", "more\n")), calls(submit("Say more"))])
    before = len(world.requests())
    world.rob.comment(pull.issue, f"/honk {MORE}")
    world.wait_thinking(before + 1)
    return pull


@shows("W60")
@pytest.mark.parametrize(("end", "said"), [("merge", "is merged"), ("close", "`rob` closed the pull request")])
def test_ended_while_the_agent_works_nothing_more_is_done(world: World, end: str, said: str) -> None:
    pull = _working_again(world)
    head = pull.head_sha
    world.rob.merge(pull) if end == "merge" else world.rob.close(pull.issue)
    issue = world.repo.issues[1]
    assert said in world.wait_end(issue)
    world.let_model_go()
    world.rest()
    assert world.repo.branch(pull.head_ref) == head
    assert world.turns() == 2
    assert world.labels(issue) == []


@shows("W60")
def test_closed_and_opened_again_while_the_agent_works_it_goes_on_anew(world: World) -> None:
    pull = _working_again(world)
    head = pull.head_sha
    world.rob.close(pull.issue)
    world.wait_status("closed")
    world.rob.reopen(pull.issue)
    world.let_model_go()
    world.wait("a new session", lambda: len(world.sessions()) == 2)
    world.wait_status("awaiting_review")
    world.rest()
    assert (pull.head_sha, len(world.ours())) == (head, 1)
    world.rob.comment(pull.issue, "/honk say even more")
    world.wait_new_head(pull, head)
    world.wait_ready()


@shows("W60")
def test_a_draft_or_locked_meanwhile_it_is_pushed_to_as_it_is(world: World) -> None:
    pull = _working_again(world)
    head = pull.head_sha
    world.rob.set_draft(pull, True)
    pull.issue.locked = world.repo.issues[1].locked = True
    world.let_model_go()
    world.wait_new_head(pull, head)
    world.wait_status("awaiting_review")
    world.rest()
    assert world.subjects(pull.head_sha) == ["Say hello", "Say more"]


@shows("W71")
def test_a_forks_pull_request_without_its_fork_gets_its_answer_and_no_push(world: World) -> None:
    hub = world.stack.hub
    fork = hub.import_repository(f"eve-{world.repo.owner.login}/app", world.repo.git_dir)
    owner = hub.person(fork.owner.login)
    hub.grant(world.repo, fork.owner.login, "read")
    sha = owner.push(fork, "mine", {"mine.txt": "mine\n"}, "Mine")
    pull = owner.open_pull(world.repo, "Mine", head=f"{fork.owner.login}:mine")
    hub.delete_repository(fork)
    world.rob.comment(pull.issue, "/honk mend this")
    world.wait_comment(pull.issue, "is in a fork")
    world.rob.review(pull, "REQUEST_CHANGES", "/honk mend this")
    world.rest()
    assert (pull.head_sha, world.turns()) == (sha, 0)
    # GitHub's documents forget that a head's repository can be gone.
    hub.violations[:] = [each for each in hub.violations if ".head" not in each]
