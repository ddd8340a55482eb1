"""First a plan that people edit, then the work, with the plan as they left it."""

from __future__ import annotations

from tests.story.play import bash, calls, submit, write
from tests.story.world import World


def test_a_plan_is_edited_by_people_and_the_work_begins_on_go(world: World) -> None:
    draft = {"plan": {"summary": "Nobody says hello.", "items": ["Write `hello.txt`", "Write `noise.txt`"]}}
    world.when("People want to know what you would do", replies=[calls(write("early.txt", "x\n")), calls(draft)])
    world.when("- [ ] Write `hej.txt`", replies=[calls(write("hej.txt", "hej\n"), submit("Say hej"))])
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file, please.", ["honk:plan"])
    comment = world.wait_comment(issue, "I would do this:")
    world.rest()
    assert "- [ ] Write `noise.txt`" in comment.body
    assert "`/honk go`" in world.tracking(issue).body
    assert (world.labels(issue), world.branches()) == ([], []), "nothing is begun, and the label can be put on again"

    world.rob.comment(issue, "/honk")
    world.wait_comment(issue, "the plan waits for `/honk go`")
    world.rob.edit_comment(
        comment, comment.body.replace("- [ ] Write `noise.txt`\n", "").replace("hello.txt", "hej.txt")
    )
    world.eve.comment(issue, "/honk go")
    world.wait_comment(issue, "`eve`, I take instructions only from")
    assert world.turns() == 1

    world.ann.comment(issue, "/honk go")
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hej.txt") == "hej\n"
    assert not world.has(pull.head_sha, "early.txt")
    told = world.prompts()[-1]
    assert "The plan that `ann` accepted" in told
    assert "noise.txt" not in told
    assert world.turns() == 2


def test_words_have_it_planned_anew(world: World) -> None:
    first, second = ({"plan": {"summary": said, "items": [f"{said} it"]}} for said in ("Shout", "Whisper"))
    world.when("People want to know what you would do", replies=[calls(first)])
    world.when("People want to know what you would do", "quietly, please", replies=[calls(second)])
    world.when("- [ ] Whisper it", replies=[calls(bash("echo psst > hello.txt"), submit("Whisper"))])
    issue = world.ann.open_issue(world.repo, "Say hello", "In a file, please.")
    world.ann.comment(issue, "/honk plan")
    world.wait_comment(issue, "- [ ] Shout it")
    world.rest()
    world.rob.comment(issue, "/honk quietly, please")
    world.wait_comment(issue, "- [ ] Whisper it")
    world.rest()
    world.rob.comment(issue, "/honk go")
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "psst\n"
