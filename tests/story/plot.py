"""The usual plot, for stories that are about something else: red, fixed, green, reviewed, answered, red once by chance,
merged, over."""

from __future__ import annotations

from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.values import Pull
from tests.story.world import BOT, World


def live_through(world: World) -> Pull:
    """Live through it all and find everything there exactly once."""
    world.ci.will_say("failure", "success", "chance", "success")
    issue = world.ask_for()
    world.wait_reaction(issue)
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\nmended\n"
    head = pull.head_sha
    world.rob.review(pull, "REQUEST_CHANGES", "One thing.", [Inline("hello.txt", "Why in lower case?", 1)])
    world.wait_new_head(pull, head)
    world.wait_ready()
    assert [each.user.login for each in pull.threads[0].comments] == ["rob", BOT]
    assert world.rob.user in pull.requested_reviewers
    world.rob.merge(pull)
    world.wait_end(issue)
    world.rest()
    assert world.labels(issue) == []
    assert "Merged" in world.tracking(issue).body
    assert len(world.said(issue)) == 2  # the tracking comment and the ending
    assert world.said(pull.issue) == []
    assert [reaction.content for reaction in issue.reactions] == ["eyes"]
    assert world.ours() == [pull]
    assert world.branches() == [pull.head_ref]
    assert world.turns() == 3
    assert [run.attempt for run in world.repo.runs] == [1, 1, 2]
    assert "| Flaky | `Tests` on" in world.tracking(issue).body
    return pull
