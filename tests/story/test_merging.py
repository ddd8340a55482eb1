"""The base moves on under a pull request, and `/honk rebase` merges it: at no cost where nothing conflicts, by the
agent where something does, and never by force."""

from __future__ import annotations

from github_app.localhub import git, shapes_code
from github_app.localhub.values import Pull
from tests.story.play import bash, calls, submit
from tests.story.world import World


def parents(world: World, sha: str) -> tuple[str, ...]:
    return git.commit(world.repo.git_dir, sha).parents


def mergeable(world: World, pull: Pull) -> object:
    return shapes_code.pull(world.stack.hub.world, pull)["mergeable"]


def test_what_conflicts_with_the_base_is_resolved_by_a_merge_commit(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    ours = pull.head_sha
    # What the base itself changed is no change of the agent's, protected as it may be.
    moved = {"hello.txt": "good day\n", ".github/CODEOWNERS": "* @ann\n", "other.txt": "other\n"}
    base = world.rob.push(world.repo, "main", moved, "Say good day")
    assert mergeable(world, pull) is False
    world.when(
        "These files do not merge by themselves",
        replies=[
            calls(submit("Say both")),
            calls(bash("grep -v '^[<=>]\\{7\\}' hello.txt > both && mv both hello.txt"), submit("Say both")),
        ],
    )
    said = world.rob.comment(pull.issue, "/honk rebase")
    world.wait_reaction(said)
    merged = world.wait_new_head(pull, ours)
    world.wait_ready()
    assert parents(world, merged) == (ours, base)
    assert world.text(merged, "hello.txt") == "hello\ngood day\n"
    assert world.text(merged, "other.txt") == "other\n"
    assert world.subjects(merged)[-1] == "Merge main into this branch"
    assert mergeable(world, pull) is True
    told = world.wait_comment(pull.issue, f"I merged `main` ({base}) into the branch: {merged}.")
    assert "Say both, as asked." in told.body
    first, refused = world.prompts()[-2:]
    assert "hello.txt: both changed it" in first
    assert "conflict markers are left in `hello.txt`" in refused
    world.rob.comment(pull.issue, "/honk rebase")
    world.wait_comment(pull.issue, "I merged nothing: `main` has nothing that the branch does not have already.")
    world.ann.merge(pull)
    assert world.wait_status("merged")
    assert world.text("main", "hello.txt") == "hello\ngood day\n"


def test_what_does_not_conflict_is_merged_without_a_call_of_the_model(world: World) -> None:
    world.ask_for()
    pull = world.wait_ready()
    ours, asked = pull.head_sha, len(world.requests())
    base = world.rob.push(world.repo, "main", {"other.txt": "other\n"}, "Something else")
    world.rob.comment(pull.issue, "/honk rebase")
    merged = world.wait_new_head(pull, ours)
    world.wait_ready()
    assert parents(world, merged) == (ours, base)
    assert world.text(merged, "other.txt") == "other\n"
    assert len(world.requests()) == asked
    world.wait_comment(pull.issue, "Nothing conflicted.")
    world.rob.comment(pull.issue, "/honk undo")
    world.wait_comment(pull.issue, "I took back `Say hello`")
    assert world.text(pull.head_sha, "other.txt") == "other\n", "what others did is not ours to take back"
