"""Work on a pull request that somebody else opened: commits on their branch, and nothing else of it changes."""

from __future__ import annotations

from tests.story.play import bash, calls, submit, write
from tests.story.world import World


def test_somebody_elses_pull_request_is_worked_on_and_stays_theirs(world: World) -> None:
    world.ci.will_say("failure", "success")
    theirs = world.rob.push(world.repo, "robs-idea", {"idea.txt": "x\n"}, "An idea")
    pull = world.rob.open_pull(world.repo, "An idea", head="robs-idea", body="Just an idea.", draft=True)
    world.stack.hub.settle()
    world.when("fix the failing test", replies=[calls(write("test.txt", "hello\n"), submit("Fix the test"))])
    world.wait_reaction(world.ann.comment(pull.issue, "/honk fix the failing test"))
    world.wait_new_head(pull, theirs)
    world.wait_status("awaiting_review")
    world.rest()
    assert world.subjects(pull.head_sha) == ["An idea", "Fix the test"]
    prompt = world.prompts()[0]
    for told in ("pull request #1 of `rob`", "idea.txt (added, +1 -0)", "+x", "nobody said hello", "Just an idea."):
        assert told in prompt
    assert "This stays the pull request of `rob`" in world.tracking(pull.issue).body
    world.wait_comment(pull.issue, "**Fix the test**")

    # What its author pushes meanwhile is kept, and ours goes on top.
    hold = world.hold_model(bash("echo loud >> test.txt"))
    world.when("say it louder", replies=[hold, calls(submit("Say it louder"))])
    before = len(world.requests())
    world.ann.comment(pull.issue, "/honk say it louder")
    world.wait_thinking(before + 1)
    world.rob.push(world.repo, "robs-idea", {"robs.txt": "mine\n"}, "Go on")
    world.let_model_go()
    world.wait("our commit on top", lambda: "Say it louder" in world.subjects(pull.head_sha))
    world.wait_status("awaiting_review")
    world.rest()
    assert world.subjects(pull.head_sha) == ["An idea", "Fix the test", "Go on", "Say it louder"]

    # What fails on a commit of theirs is theirs.
    turns = world.turns()
    world.ci.will_say("failure")
    broken = world.rob.push(world.repo, "robs-idea", {"robs.txt": "broken\n"}, "Break it")
    world.wait("the news to be shown", lambda: "not a commit of mine" in world.tracking(pull.issue).body)
    world.rest()
    assert (pull.head_sha, world.turns()) == (broken, turns)

    # Undo takes back what is ours, stop lets go.
    world.ci.will_say("success")
    world.ann.comment(pull.issue, "/honk undo")
    undone = world.wait_new_head(pull, broken)
    world.rest()
    assert world.subjects(undone)[-1] == 'Revert "Say it louder"'
    assert (world.text(undone, "test.txt"), world.text(undone, "robs.txt")) == ("hello\n", "broken\n")
    world.ann.comment(pull.issue, "/honk stop")
    assert "stay as they are" in world.wait_end(pull.issue)
    world.rest()
    assert (pull.issue.title, pull.issue.body, pull.draft) == ("An idea", "Just an idea.", True)
    assert (pull.issue.state, pull.head_sha, world.branches(), world.ours()) == ("open", undone, [], [])
