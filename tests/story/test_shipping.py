"""Somebody ships what others asked for: GitHub merges it by its own rules, and whatever comes between takes it back."""

from __future__ import annotations

from github_app.localhub import git
from tests.story.conftest import merges_asked
from tests.story.world import World


def test_a_second_person_ships_and_github_merges_when_its_rules_are_met(world: World) -> None:
    world.may_merge = True
    issue = world.ask_for()
    pull = world.wait_ready()
    world.rob.comment(pull.issue, "/honk ship")
    world.wait_comment(pull.issue, "this repository does not let me")
    world.ann.push(world.repo, "main", {".github/honk.yml": "ship: on\n"}, "Let people ship")
    world.repo.required_approvals = 1
    world.ann.comment(pull.issue, "/honk ship")
    world.wait_comment(pull.issue, "`ann` asked for some of it, and this repository wants two people behind a merge")
    world.eve.comment(pull.issue, "/honk ship")
    world.wait_comment(pull.issue, "`eve`, I take instructions only from")
    assert merges_asked(world) == []

    world.rob.comment(pull.issue, "/honk ship")
    world.wait_comment(pull.issue, "GitHub merges it by itself and waits for an approval")
    world.rest()
    assert pull.auto_merge is not None
    assert "`rob` shipped it" in world.tracking(issue).body
    before = pull.head_sha
    world.ann.push(world.repo, pull.head_ref, {"mine.txt": "mine\n"}, "Mine, too")
    world.wait_comment(pull.issue, "I took back what `rob` shipped: somebody pushed to the branch since.")
    world.wait_status("awaiting_review")
    world.rest()
    assert not pull.auto_merge
    assert pull.merged_at is None
    assert pull.head_sha != before

    world.rob.comment(pull.issue, "/honk ship")
    world.wait("it to wait", lambda: pull.auto_merge)
    world.rest()
    world.ann.review(pull, "APPROVE")
    world.wait_status("merged")
    world.wait_comment(issue, "is merged, as `rob` shipped it.")
    assert pull.merged_by is not None
    assert pull.merged_by.login == "honk[bot]"
    merge = git.commit(world.repo.git_dir, world.repo.refs["refs/heads/main"])
    assert merge.message.strip().endswith("Shipped-by: rob")
    assert len(merges_asked(world)) == 2
