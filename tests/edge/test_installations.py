"""The app is put in and taken out, gets fewer repositories or permissions than it wants, and repositories move."""

from __future__ import annotations

from github_app.localhub.values import App, Installation
from tests.edge.cases import shows
from tests.story.ci import StoryRunner
from tests.story.play import bash, calls, submit
from tests.story.world import World

MORE = [calls(bash("echo more >> hello.txt"), submit("Do what was asked"))]


def _app(world: World) -> App:
    return next(app for app in world.stack.hub.world.apps.values() if app.slug == "honk")


def _installation(world: World) -> Installation:
    found = world.stack.hub.world.installation_for(_app(world), world.repo)
    assert found is not None
    return found


def _moved(world: World) -> None:
    """CI and the model know a repository by its name."""
    assert isinstance(world.stack.runner, StoryRunner)
    world.stack.runner.of[world.repo.full_name] = world.ci
    world.when(replies=MORE)


@shows("W80")
def test_installed_anew_under_another_number_it_goes_on_without_the_news_of_the_end(world: World) -> None:
    hub = world.stack.hub
    world.ask_for()
    pull = world.wait_ready()
    old, head = _installation(world), pull.head_sha
    hub.faults.add("installation.deleted", "drop")
    hub.uninstall(old)
    world.stack.install(world.repo)
    assert _installation(world).id != old.id
    world.rob.comment(pull.issue, "/honk say more")
    world.wait_new_head(pull, head)
    world.wait_ready()
    session = world.session
    assert session is not None
    assert session.repo.installation_id == _installation(world).id
    assert len(world.sessions()) == 1


@shows("W80")
def test_a_repository_that_is_taken_out_of_the_selection_and_put_back(world: World) -> None:
    hub = world.stack.hub
    world.when(replies=[world.hold_model(bash("echo hello > hello.txt")), calls(submit())])
    issue = world.ask_for()
    world.wait_thinking()
    hub.select(_installation(world), [])
    world.wait_status("closed")
    world.let_model_go()
    world.rest()
    assert (world.branches(), world.ours(), world.turns()) == ([], [], 1)
    installation = next(each for each in hub.world.installations.values() if each.account is world.repo.owner)
    hub.select(installation, [world.repo])
    world.rest()
    assert world.turns() == 1  # nobody asked
    world.when(replies=MORE)
    world.rob.comment(issue, "/honk say hello again")
    world.wait_ready()
    assert [session.status for session in world.sessions()] == ["closed", "awaiting_review"]


@shows("W80")
def test_a_permission_that_nobody_accepted_is_named_and_its_acceptance_enough(world: World) -> None:
    hub = world.stack.hub
    installation = _installation(world)
    hub.grant_permissions(installation, {**_app(world).permissions, "contents": "read"})
    issue = world.ask_for()
    said = world.wait_comment(issue, "accepts the App's new permissions").body
    assert "`/honk retry`" in said
    assert "contents: write" in said
    world.wait_status("needs_human")
    hub.grant_permissions(installation, None)
    world.when(replies=[calls(submit())])
    world.rob.comment(issue, "/honk retry")
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\n"


@shows("W81")
def test_a_repository_that_is_given_to_an_owner_with_the_app_goes_on_there(world: World) -> None:
    hub = world.stack.hub
    world.ask_for()
    pull = world.wait_ready()
    head = pull.head_sha
    hub.transfer_repository(world.repo, f"new-{world.repo.owner.login}")
    world.stack.install(world.repo)
    _moved(world)
    world.rob.comment(pull.issue, "/honk say more")
    world.wait_new_head(pull, head)
    world.wait_ready()
    session = world.session
    assert session is not None
    assert (session.repo.full_name, session.repo.installation_id) == (world.repo.full_name, _installation(world).id)
    assert len(world.ours()) == 1


@shows("W81")
def test_a_repository_that_is_given_to_an_owner_without_the_app_rests_until_that_has_it(world: World) -> None:
    hub = world.stack.hub
    world.when(replies=[world.hold_model(bash("echo hello > hello.txt")), calls(submit())])
    issue = world.ask_for()
    world.wait_thinking()
    gate = world.repo.full_name
    hub.transfer_repository(world.repo, f"new-{world.repo.owner.login}")
    assert world.stack.model is not None
    world.stack.model.closed_gates.discard(gate)
    world.wait_status("needs_human")
    world.rest()
    assert world.branches() == []
    world.stack.install(world.repo)
    _moved(world)
    world.when(replies=[calls(submit())])
    world.rob.comment(issue, "/honk retry")
    assert world.text(world.wait_ready().head_sha, "hello.txt") == "hello\n"


@shows("W81")
def test_a_repository_that_becomes_private_or_public_is_the_same(world: World) -> None:
    world.repo.private = False
    world.ask_for()
    pull = world.wait_ready()
    for private in (True, False):
        world.repo.private = private
        head = pull.head_sha
        world.rob.comment(pull.issue, f"/honk say more (private: {private})")
        world.wait_new_head(pull, head)
        world.wait_ready()
    assert world.turns() == 3


@shows("W81", "W64")
def test_an_archived_repository_is_left_alone_until_it_is_none(world: World) -> None:
    world.when(replies=[world.hold_model(bash("echo hello > hello.txt")), calls(submit())])
    issue = world.ask_for()
    world.wait_thinking()
    world.repo.archived = True
    world.let_model_go()
    world.wait_status("needs_human")
    world.rest()
    assert world.branches() == []
    session = world.session
    assert session is not None
    assert "archived" in session.waiting_for
    world.repo.archived = False
    world.when(replies=[calls(submit())])
    world.rob.comment(issue, "/honk retry")
    assert world.text(world.wait_ready().head_sha, "hello.txt") == "hello\n"
