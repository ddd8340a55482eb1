"""A second look by another model, from its advice to what people say of it; with a Honk of its own that takes one."""

from __future__ import annotations

from typing import Any

from github_app.localhub.script import Script
from tests.story.conftest import FILES, running, world_in
from tests.story.play import bash, calls, submit, write
from tests.story.world import World

CALM = {"in_scope": True, "complete": True, "tests_weakened": False, "confidence": "medium"}
CONFIG = ".github/honk.yml"


def judge_says(world: World, when: str, **more: Any) -> None:
    """From now on the judge says this of changes of this repository that hold that text."""
    assert world.stack.model is not None
    scene = {
        "name": f"{world.repo.full_name}: judge",
        "tool": "judge",
        "when": [f"Repository `{world.repo.full_name}`", when],
        "replies": [calls({"judge": {**CALM, **more}})],
    }
    made = Script.parse({"scenes": [scene]})
    world.stack.model.script = Script((*made.scenes, *world.stack.model.script.scenes))


def numbers(world: World) -> dict[str, int]:
    """What was counted of second looks."""
    rows = world.rows("SELECT name, times FROM tallies WHERE name LIKE 'judge%'")
    return {row.name: row.times for row in rows}


def test_a_second_look_advises_and_holds_back_where_policy_says_so() -> None:
    with running(HONK_JUDGE_MODEL="claude-haiku-5-5") as stack:
        with world_in(stack, "advice", FILES) as world:
            judge_says(
                world, "new: bye.txt", risks=[{"path": "bye.txt", "line": 1, "why": "Nobody asked to leave, @rob."}]
            )
            world.when(
                replies=[calls(write("bye.txt", "bye\n"), submit()), calls(submit(notes="The issue says hello."))]
            )
            world.ask_for()
            body = world.wait_ready().issue.body or ""
            assert "### What a second look found" in body
            assert "- risky (`bye.txt:1`): Nobody asked to leave" in body
            assert "@rob" not in body
            assert "The issue says hello." in body
            assert "a second look at your change found this" in world.prompts()[-1]
            session = world.session
            assert session is not None
            costs = world.rows("SELECT cost_micro_usd FROM starts")
            assert session.usage.cost_micro_usd in [row[0] for row in costs]
        with world_in(stack, "block", {**FILES, CONFIG: "judge: block\n"}) as world:
            judge_says(world, "deleted: README.md", in_scope=False, out_of_scope="It deletes the README.")
            world.when(
                replies=[
                    calls(bash("rm README.md; echo hello > hello.txt"), submit()),
                    calls(submit(notes="It was old.")),
                ]
            )
            issue = world.ask_for()
            asked = world.wait_comment(issue, "did not publish it").body
            assert "is doubted by a second look" in asked
            assert "out of scope: It deletes the README" in asked
            assert "> It was old." in asked
            world.rest()
            assert world.branches() == []
            world.rob.comment(issue, "/honk approve judge")
            pull = world.wait_ready()
            assert "`rob` accepted `judge`: out of scope: It deletes the README" in (pull.issue.body or "")
            assert numbers(world) == {"judge_advice": 1, "judge_veto": 1, "judge_overruled": 2}
