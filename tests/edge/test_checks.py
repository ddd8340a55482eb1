"""CI as it is: reported under other names and in any order, red by itself, silent, or none of our business."""

from __future__ import annotations

from github_app.localhub import events
from github_app.localhub.values import Pull
from tests.edge.cases import shows
from tests.story.play import bash, calls, submit
from tests.story.world import World

BARE = {"README.md": "# App\n"}


def _published(world: World) -> Pull:
    world.ask_for()
    pull = world.wait_pull()
    world.wait_status("awaiting_checks")
    world.rest()
    return pull


@shows("W44")
def test_a_round_stops_when_its_checks_turn_green_by_themselves(make_world) -> None:
    world = make_world(BARE)
    hub, repo = world.stack.hub, world.repo
    pull = _published(world)
    head = pull.head_sha
    world.when("<check", replies=[world.hold_model(bash("echo needless > needless.txt")), calls(submit())])
    run = hub.add_check(repo, head, "Tests", "failure")
    world.wait_thinking(2)
    hub.add_check(repo, head, "Tests", "success")
    session = world.wait_status("awaiting_review")
    assert run.conclusion == "failure"
    world.let_model_go()
    world.wait_ready()
    assert pull.head_sha == head
    assert (session.fix_rounds, world.subjects(head)) == (0, ["Say hello"])


@shows("W40")
def test_a_review_and_what_ci_finds_meanwhile_are_one_round(make_world) -> None:
    world = make_world(BARE)
    hub, repo = world.stack.hub, world.repo
    pull = _published(world)
    head = pull.head_sha
    running = hub.add_check(repo, head, "Tests")
    world.when(
        "<review",
        replies=[world.hold_model(bash("echo reviewed >> hello.txt")), calls(submit("Do both"))],
    )
    world.rob.review(pull, "REQUEST_CHANGES", "Louder, please.")
    world.wait_thinking(2)
    hub.finish_check(repo, running, "failure")
    world.let_model_go()
    second = world.wait_new_head(pull, head)
    assert any("ended with failure" in prompt for prompt in world.prompts())
    hub.add_check(repo, second, "Tests", "success")
    world.wait_ready()
    assert world.subjects(second) == ["Say hello", "Do both"]
    assert world.turns() == 2


@shows("W47", "W48")
def test_checks_of_our_commit_count_under_whatever_branch_they_are_reported(make_world) -> None:
    world = make_world(BARE)
    hub, repo = world.stack.hub, world.repo
    pull = _published(world)
    head = pull.head_sha
    run = hub.add_check(repo, head, "Tests")
    run.suite.head_branch = "somebody/elses"
    hub.finish_check(repo, run, "success")
    world.wait_ready()
    other = hub.add_check(repo, head, "More tests", app=hub.create_app("robo-ci", permissions={"checks": "write"}).app)
    other.suite.head_branch = None
    hub.finish_check(repo, other, "failure")
    world.wait_new_head(pull, head)
    world.wait_status("awaiting_checks")
    assert world.turns() == 2


@shows("W51")
def test_checks_of_a_merge_queue_of_a_merge_and_of_main_start_nothing(make_world) -> None:
    world = make_world(BARE)
    hub, repo = world.stack.hub, world.repo
    pull = _published(world)
    hub.add_check(repo, pull.head_sha, "Tests", "success")
    world.wait_ready()
    queued = world.rob.push(repo, f"gh-readonly-queue/main/pr-{pull.issue.number}-1", {"a.txt": "a\n"}, "Queued")
    hub.add_check(repo, queued, "Tests", "failure")
    world.rob.delete_branch(repo, f"gh-readonly-queue/main/pr-{pull.issue.number}-1")
    world.rob.merge(pull)
    merged = repo.branch("main")
    assert merged
    hub.add_check(repo, merged, "Tests", "failure")
    hub.add_check(repo, pull.head_sha, "More tests", "failure")
    world.wait_status("merged")
    world.rest()
    assert world.turns() == 1


@shows("W50")
def test_a_suite_that_is_requested_late_resets_nothing(make_world) -> None:
    world = make_world(BARE)
    hub, repo = world.stack.hub, world.repo
    pull = _published(world)
    run = hub.add_check(repo, pull.head_sha, "Tests", "success")
    world.wait_ready()
    with hub.world.lock:
        events.check_suite(hub.world, "requested", repo, run.suite, world.ann.user)
    world.rest()
    session = world.wait_status("awaiting_review")
    assert session.checks is not None
    assert session.checks.state == "passed"


@shows("W56")
def test_what_is_red_on_the_base_too_is_left_to_people(make_world) -> None:
    world = make_world(BARE)
    hub, repo = world.stack.hub, world.repo
    base = repo.branch("main")
    assert base
    old = hub.add_check(repo, base, "Tests", "failure")
    hub.set_status(repo, base, "failure", "ci/lint")
    pull = _published(world)
    head = pull.head_sha
    hub.set_status(repo, head, "failure", "ci/lint")
    world.wait_comment(pull.issue, "where my work began")
    hub.add_check(repo, head, "Tests", "failure")
    world.rest()
    told = world.wait_comment(pull.issue, "`Tests`, `ci/lint`")
    assert base[:7] in told.body
    assert (world.turns(), pull.draft) == (1, True)
    hub.add_check(repo, base, "Tests", "success")  # mended there: what is red here is ours now
    assert old.conclusion == "failure"
    hub.set_status(repo, head, "success", "ci/lint")
    world.wait_new_head(pull, head)
    world.wait_status("awaiting_checks")
    assert world.turns() == 2
