"""What a person shipped is merged by GitHub: one commit, once, by GitHub's rules, with their name in the message."""

from __future__ import annotations

from contextlib import suppress

import pytest

from github_app.core.errors import Refused, Transient
from github_app.core.model import Actor
from github_app.core.shipments import Missing
from github_app.localhub import git
from github_app.localhub.faults import RequestFault
from github_app.localhub.values import Pull
from tests.adapters.hub_stage import Stage

WORDS = "Shipped-by: carol"


def ship(stage: Stage, pull: Pull, *, sha: str = "", method: str = "merge") -> Missing | None:
    return stage.hub.merger.ship(
        stage.repo,
        pull.issue.number,
        head_sha=sha or pull.head_sha,
        method="squash" if method == "squash" else "merge",
        trailer=WORDS,
    )


def message(stage: Stage) -> str:
    return git.commit(stage.place.git_dir, stage.tip("main")).message.strip()


def test_what_may_be_merged_is_merged_at_once_and_once(stage: Stage) -> None:
    pull = stage.pull(draft=False)
    assert ship(stage, pull) is None
    assert ship(stage, pull) is None
    assert pull.merged_by is stage.app.bot
    assert message(stage) == f"Merge pull request #1 from acme/honk/1-fix\n\nFix it\n\n{WORDS}"
    assert [each.status for each in stage.asked("/pulls/1/merge")] == [200]
    assert stage.hub.is_merging(stage.repo, 1)
    stage.hub.stop_merging(stage.repo, 1)


def test_a_squash_keeps_githubs_words_and_credits(stage: Stage) -> None:
    pull = stage.pull(draft=False)
    stage.maintainer.push(stage.place, pull.head_ref, {"b.py": "b\n"}, "B\n\nCo-authored-by: rob <rob@example.com>")
    assert ship(stage, pull, method="squash") is None
    assert message(stage).startswith("Fix it (#1)\n\n")
    assert message(stage).endswith(f"Fix it\n\n{WORDS}")


def test_what_github_does_not_let_in_yet_waits_and_can_be_taken_back(stage: Stage) -> None:
    stage.place.required_approvals = 1
    pull = stage.pull(draft=False)
    assert ship(stage, pull) == "review"
    assert ship(stage, pull) == "review"
    assert len(stage.asked("POST /api/graphql")) == 3
    assert stage.hub.is_merging(stage.repo, 1)
    stage.hub.stop_merging(stage.repo, 1)
    stage.hub.stop_merging(stage.repo, 1)
    assert not stage.hub.is_merging(stage.repo, 1)
    stage.github.grant(stage.place, "rob", "write").review(pull, "APPROVE")
    assert pull.merged_at is None


def test_an_auto_merge_follows_the_rules_by_itself(stage: Stage) -> None:
    stage.place.required_checks = {"test"}
    pull = stage.pull(draft=False)
    assert ship(stage, pull) == "rules"
    stage.github.add_check(stage.place, pull.head_sha, "test", "success")
    assert pull.merged_by is stage.app.bot
    assert message(stage).endswith(WORDS)


def test_what_a_person_set_to_merge_by_itself_is_left_alone(stage: Stage) -> None:
    stage.place.required_approvals = 1
    pull = stage.pull(draft=False)
    stage.maintainer.enable_auto_merge(pull)
    assert ship(stage, pull) == "review"
    stage.hub.stop_merging(stage.repo, 1)
    assert pull.auto_merge is not None


def test_a_merge_queue_takes_it_and_gives_it_back(stage: Stage) -> None:
    stage.place.merge_queue = True
    pull = stage.pull(draft=False)
    assert ship(stage, pull) == "queue"
    assert ship(stage, pull) == "queue"
    assert stage.hub.is_merging(stage.repo, 1)
    stage.hub.stop_merging(stage.repo, 1)
    assert not pull.in_queue


def test_where_auto_merge_is_off_the_rules_say_why_not(stage: Stage) -> None:
    stage.place.allow_auto_merge, stage.place.required_approvals = False, 1
    pull = stage.pull(draft=False)
    with pytest.raises(Refused, match="At least 1 approving review is required"):
        ship(stage, pull)


def test_another_commit_and_what_has_ended_are_not_merged(stage: Stage) -> None:
    pull = stage.pull(draft=False)
    with pytest.raises(Refused, match="somebody pushed"):
        ship(stage, pull, sha="1" * 40)
    stage.maintainer.close(pull.issue)
    with pytest.raises(Refused, match="#1 is not open"):
        ship(stage, pull)
    assert pull.merged_at is None
    assert not stage.hub.is_merging(stage.repo, 1)


@pytest.mark.parametrize("how", ["after", "hang"])
def test_a_merge_whose_answer_got_lost_is_found_and_not_made_again(stage: Stage, how: RequestFault) -> None:
    pull = stage.pull(draft=False)
    stage.github.faults.add("PUT .*/merge$", how)
    with suppress(Transient):
        ship(stage, pull)
    merged = stage.tip("main")
    assert ship(stage, pull) is None
    assert stage.tip("main") == merged


@pytest.mark.parametrize(
    ("status", "said"),
    [(409, "Head branch was modified. Review and try the merge again."), (405, "Base branch was modified.")],
)
def test_what_moved_at_the_same_moment_is_looked_at_again(stage: Stage, status: int, said: str) -> None:
    pull = stage.pull(draft=False)
    stage.github.faults.add("PUT .*/merge$", "before", status=status, text=said)
    with pytest.raises(Transient):
        ship(stage, pull)
    assert ship(stage, pull) is None


def test_approvals_are_of_this_commit_and_of_who_may_write(stage: Stage) -> None:
    pull = stage.pull(draft=False)
    rob = stage.github.grant(stage.place, "rob", "write")
    dan = stage.github.grant(stage.place, "dan", "write")
    eve = stage.github.grant(stage.place, "eve", "read")
    for person in (rob, dan, eve):
        person.review(pull, "APPROVE")
    dan.review(pull, "REQUEST_CHANGES", "No.")
    dan.review(pull, "COMMENT", "Still no.")
    found = stage.hub.approvals(stage.repo, 1, pull.head_sha)
    assert found.approved_by == (Actor(id=rob.user.id, login="rob"),)
    assert found.refused_by == (Actor(id=dan.user.id, login="dan"),)
    stage.maintainer.push(stage.place, pull.head_ref, {"b.py": "b\n"}, "B")
    assert stage.hub.approvals(stage.repo, 1, pull.head_sha).approved_by == ()
