"""A change that needs a word: asked for with all that is needed to decide, kept, and published when it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from github_app.localhub.values import Issue
from tests.story.ci import WORKFLOW, WORKFLOW_PATH
from tests.story.play import ask, bash, calls, submit, write
from tests.story.world import World

MakeWorld = Callable[[Mapping[str, str | bytes] | None], World]

EVIL = ".github/workflows/nightly.yml"
REASON = "The issue asks for a nightly run."
HELD = "did not publish it"


def hold_back(world: World, path: str = EVIL, text: str = "on: push\n") -> Issue:
    """The model hands in a change of a protected file, knowing that; the issue, once people were asked."""
    world.when(replies=[calls(write(path, text), submit()), calls(submit(needs_approval=REASON))])
    issue = world.ask_for()
    world.wait_comment(issue, HELD)
    world.rest()
    assert world.branches() == []
    return issue


def test_a_change_of_protected_files_waits_for_an_approver(world: World) -> None:
    issue = hold_back(world)
    asked = world.wait_comment(issue, HELD).body
    assert EVIL in asked
    assert REASON in asked
    assert "`/honk approve protected`" in world.tracking(issue).body or "`protected`" in world.tracking(issue).body
    world.rob.comment(issue, "/honk approve all")  # may write, and does not maintain
    assert "people who maintain" in world.wait_comment(issue, "can be accepted by").body
    world.rest()
    assert world.branches() == []
    world.eve.comment(issue, "/honk approve all")
    world.wait_comment(issue, "I take instructions only from people with write access")
    world.ann.comment(issue, "/honk approve protected")
    pull = world.wait_ready()
    assert world.has(pull.head_ref, EVIL)
    assert "`ann` accepted `protected`: `.github/workflows/nightly.yml`" in (pull.issue.body or "")
    assert world.turns() == 1
    session = world.session
    assert session is not None
    assert [(a.login, a.kind) for a in session.published[0].approvals] == [("ann", "protected")]


def test_named_approvers_alone_accept_protected_files(make_world: MakeWorld) -> None:
    files = {"README.md": "# App\n", WORKFLOW_PATH: WORKFLOW, ".github/honk.yml": "approvers: [rob]\n"}
    world = make_world(files)
    issue = hold_back(world)
    world.ann.comment(issue, "/honk approve all")  # an admin, and not named
    world.wait_comment(issue, "can be accepted by `rob`")
    world.rob.comment(issue, "/honk approve all")
    pull = world.wait_ready()
    assert world.has(pull.head_ref, EVIL)


def test_an_approval_where_nothing_is_held_gets_one_answer(world: World) -> None:
    issue = world.ask_for()
    world.wait_ready()
    world.ann.comment(issue, "/honk approve all")
    world.wait_comment(issue, "I hold no change back")
    world.rest()
    assert world.turns() == 1


def test_other_words_instead_of_an_approval_go_on_from_the_change(world: World) -> None:
    issue = hold_back(world)
    world.when(
        "It was held back, and not published",
        replies=[calls(bash(f"rm {EVIL}; echo hello > hello.txt"), submit("Say hello only"))],
    )
    world.rob.comment(issue, "/honk leave CI alone")
    pull = world.wait_ready()
    assert not world.has(pull.head_ref, EVIL)
    world.ann.comment(issue, "/honk approve all")  # too late, and harmless
    world.wait_comment(issue, "I hold no change back")


def test_a_push_before_the_approval_voids_it(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    world.when(
        "This is new:", replies=[calls(write(EVIL, "on: push\n"), submit()), calls(submit(needs_approval=REASON))]
    )
    world.rob.comment(pull.issue, "/honk run it nightly")
    world.wait_comment(pull.issue, HELD)
    world.rob.push(world.repo, pull.head_ref, {"more.txt": "x\n"}, "More")
    world.rest()
    world.when("Somebody pushed", replies=[calls(submit()), calls(ask("Shall I still (EVIL)?"))])
    world.ann.comment(pull.issue, "/honk approve all")
    world.wait_comment(pull.issue, "Shall I still (EVIL)?")
    world.rest()
    assert not world.has(pull.head_ref, EVIL)


def test_a_weakened_test_is_shown_and_published_when_somebody_says_so(make_world: MakeWorld) -> None:
    test = "def test_hello():\n    assert hello() == 'hello'\n    assert hello('ann') == 'hello, ann'\n"
    world = make_world({"README.md": "# App\n", WORKFLOW_PATH: WORKFLOW, "tests/test_hello.py": test})
    loosen = bash("sed -i '/ann/d' tests/test_hello.py")
    why: dict[str, Any] = {
        "needs_approval": "Names are gone from the interface.",
        "unverified_reason": "There is no pytest here.",
    }
    world.when(replies=[calls(loosen, submit()), calls(submit(**why))])
    issue = world.ask_for()
    asked = world.wait_comment(issue, HELD).body
    assert "`test_hello` has fewer assertions: 2 before, 1 now" in asked
    assert "-    assert hello('ann') == 'hello, ann'" in asked
    assert any("[tests] `tests/test_hello.py`" in prompt for prompt in world.prompts())
    assert "tests/test_hello.py (words: " in world.prompts()[0], "the map of the repository"
    world.rob.comment(issue, "/honk approve tests")
    pull = world.wait_ready()
    assert "`rob` accepted `tests`: `tests/test_hello.py`: `test_hello` has fewer assertions" in (pull.issue.body or "")


def test_a_secret_is_held_back_and_shown_to_nobody(world: World) -> None:
    key = "ghp_" + "Zx81kQpL0aMv73NsYt5RcWb92DfGhJe64UiO"
    world.when(
        replies=[
            calls(write("src/settings.py", f"DEBUG = True\nTOKEN = '{key}'\n"), submit()),
            calls(submit(needs_approval="A made-up token for a test.")),
        ]
    )
    issue = world.ask_for()
    asked = world.wait_comment(issue, HELD).body
    assert "`src/settings.py`: line 2 holds what looks like a secret" in asked
    assert key not in world.story().split("--- log")[0]
    world.rob.comment(issue, "/honk approve secrets")
    pull = world.wait_ready()
    assert world.has(pull.head_ref, "src/settings.py")
    assert key not in (pull.issue.body or "")
