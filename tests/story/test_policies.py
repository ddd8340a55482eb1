"""Whoever changes the policy sees on the pull request what that comes to; all other pull requests stay as they are."""

from __future__ import annotations

from github_app.localhub.values import CheckRun, Pull
from tests.story.world import World

PATH = ".github/honk.yml"


def _said(world: World, pull: Pull) -> list[CheckRun]:
    world.rest()
    return [run for run in world.repo.check_runs(pull.head_sha) if run.name == "honk policy"]


def test_a_pull_request_that_edits_the_policy_is_told_what_it_comes_to(world: World) -> None:
    world.rob.push(world.repo, "stricter", {PATH: "limits:\n  usd: 2\n  step: 10\n"}, "Spend less")
    pull = world.rob.open_pull(world.repo, "Spend less", head="stricter")
    [run] = _said(world, pull)
    assert run.conclusion == "failure"
    [note] = run.output["annotations"]
    assert (note["path"], note["start_line"], note["annotation_level"]) == (PATH, 3, "failure")
    assert "unknown key `limits.step`" in note["message"]

    world.rob.push(world.repo, "stricter", {PATH: "limits:\n  usd: 2\n  steps: 10\n"}, "Mend it")
    [run] = _said(world, pull)
    assert (run.conclusion, run.output["title"]) == ("success", "Nothing wrong: 2 values in force would change")
    assert "| `limits.usd` | `5` | `2` | `line 2` |" in run.output["summary"]

    hub = world.stack.hub
    fork = hub.import_repository(f"eve-{world.repo.owner.login}/{world.repo.name}", world.repo.git_dir)
    owner = hub.person(fork.owner.login)
    hub.grant(world.repo, fork.owner.login, "read")
    owner.push(fork, "looser", {PATH: "judge: 'off'\n"}, "Look less")
    theirs = owner.open_pull(world.repo, "Look less", head=f"{fork.owner.login}:looser")
    [run] = _said(world, theirs)
    assert "| `judge` | `advise` | `off` | `line 1` |" in run.output["summary"]

    world.rob.push(world.repo, "words", {"words.txt": "honk\n"}, "Words")
    other = world.rob.open_pull(world.repo, "Words", head="words")
    assert _said(world, other) == []
    assert [each.comments for each in (pull.issue, theirs.issue, other.issue)] == [[], [], []]
