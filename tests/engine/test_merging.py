"""A turn that merges the base: killed, it goes on with what is resolved; and what is left to people is told once."""

from __future__ import annotations

from github_app.core.errors import Refused
from github_app.core.merges import Comparison
from github_app.core.session import Session, Status
from tests.agent.parts import call, reply, submit
from tests.engine.stage import Open, Stage, eventually
from tests.engine.test_snapshots import SUBMIT, Disks
from tests.fakes.hub import BASE

THEIRS = "7" * 40


def published(stage: Stage) -> Session:
    """The session once its pull request is there and the base has moved on."""
    stage.model.script += [reply(call("bash", command="echo one > one.py")), SUBMIT]
    stage.label()
    session = stage.wait_status(Status.AWAITING_CHECKS)
    stage.hub.comparisons["main"] = Comparison(base_sha=THEIRS, merge_base_sha=BASE, behind_by=1)
    return session


def test_a_merge_that_is_killed_goes_on_with_what_is_resolved(open_stage: Open) -> None:
    stage = open_stage()
    disks = Disks(stage)
    before = published(stage)
    stage.merges.conflicts = ("a.py", "b.py")
    resolved = submit(unverified_reason="there is nothing to verify it with", title="Keep both")
    stage.model.script += [
        disks.run_and_leave("echo both > a.py"),
        SUBMIT,
        reply(call("bash", command="cat a.py b.py; echo both > b.py")),
        resolved,
    ]
    stage.comment("/honk rebase")
    disks.go_on_at("two")
    eventually(lambda: stage.merges.completed)
    session = stage.wait_status(Status.AWAITING_CHECKS)
    [changes] = stage.merges.completed
    assert {each.path: each.content for each in changes.changes} == {"a.py": b"both\n", "b.py": b"both\n"}
    said = str(stage.model.requests[-1].messages)
    assert "conflict markers are left in `b.py`" in said
    assert stage.hub.acts_of("publish")[-1][1:] == (before.head_sha, "7-1-1/turn-2", THEIRS)
    assert (session.merging, session.base_sha, session.published[-1].merges) == ("", THEIRS, THEIRS)


def test_what_we_cannot_merge_is_told_once_and_nothing_else_changes(open_stage: Open) -> None:
    stage = open_stage()
    before = published(stage)
    stage.merges.error = Refused("submodules conflict: merge it by hand")
    stage.comment("/honk rebase")
    told = "I merged nothing: submodules conflict: merge it by hand."
    eventually(lambda: [body for _, _, body in stage.hub.acts_of("say") if told in body])
    session = stage.wait_status(Status.AWAITING_CHECKS)
    assert (session.head_sha, session.merging) == (before.head_sha, "")
