"""What earlier code left, in the middle of everything, goes on with this code: each session to its right end, nothing
paid or published twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from github_app.core.model import Checks
from github_app.core.session import Status
from github_app.engine.database import connect, flows_url
from tests.engine.stage import Stage, eventually, work
from tests.engine.values import MovingClock
from tests.upgrades.kept import NAMES, Kept
from tests.webhook import deliveries

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(params=NAMES)
def kept(request: pytest.FixtureRequest) -> Kept:
    return Kept.load(request.param)


@pytest.fixture
def stage(kept: Kept, database_url: str, tmp_path: Path, flows_template: Path, monkeypatch) -> Iterator[Stage]:
    """This code over what was kept, an hour later."""
    engine = connect(database_url)
    kept.put_into(engine, monkeypatch)
    engine.dispose()
    flows = flows_url(database_url)
    if flows.startswith("sqlite"):
        shutil.copy(flows_template, flows.removeprefix("sqlite:///"))
    stage = Stage(
        folder=tmp_path, database_url=database_url, flows_url=flows, hub=kept.hub(), clock=MovingClock(kept.now)
    )
    stage.clock.pass_s(3600)
    stage.comment_ids = count(10_000)  # those that were heard then are known
    stage.model.script += [_go_on] * 100
    stage.start()
    yield stage
    stage.close()


def _go_on(request: Any) -> Any:
    """First an edit, then the hand-in, wherever a turn stands."""
    edit, hand_in = work("after")
    last = request.messages[-1]["content"]
    return hand_in if any(block["type"] == "tool_result" for block in last) else edit


def test_every_session_goes_on_to_its_right_end(stage: Stage, kept: Kept):
    n, hub = kept.issues, stage.hub
    if not kept.has_audit:
        session = stage.wait_status(Status.NEEDS_HUMAN, n["publishing"])
        assert "kept no record yet; `/honk retry`" in session.waiting_for
        stage.comment("/honk retry", n["publishing"])
    for name in ("working", "publishing", "unread", "deciding"):
        session = stage.wait_status(Status.AWAITING_CHECKS, n[name])
        assert stage.pull_of(session).head_sha == session.head_sha, name

    for name in ("awaiting_checks", "working"):
        session = stage.wait_status(Status.AWAITING_CHECKS, n[name])
        hub.found_checks[session.head_sha] = Checks(head_sha=session.head_sha, state="passed")
        stage.deliver("status", sha=session.head_sha, state="success", branches=[])
        stage.wait_status(Status.AWAITING_REVIEW, n[name])

    stage.comment("/honk Of the first kind.", n["needs_human"])
    stage.wait_status(Status.AWAITING_CHECKS, n["needs_human"])
    for name in ("awaiting_review", "working"):
        _merge(stage, n[name])
        stage.wait_status(Status.MERGED, n[name])
    for name in ("merged", "closed"):
        assert stage.wait_status(Status[name.upper()], n[name]).generation == 1
        stage.label(n[name])
        eventually(partial(_is_published, stage, f"7-{n[name]}-2"), f"{name} to be begun anew")


def _is_published(stage: Stage, session_id: str) -> bool:
    session = stage.store.session(session_id)
    return session is not None and session.status is Status.AWAITING_CHECKS


def _merge(stage: Stage, number: int) -> None:
    session = stage.session(number)
    assert session is not None
    pull = stage.pull_of(session)
    stage.hub.pulls[pull.number] = replace(pull, is_open=False, is_merged=True)
    repo = {"id": 7, "full_name": "acme/thing", "default_branch": "main"}
    head = {"ref": session.branch, "sha": pull.head_sha, "repo": repo}
    told = deliveries.pull(number=pull.number, merged=True, draft=False, head=head)
    stage.deliver("pull_request", "closed", pull_request=told)


def test_what_was_paid_and_published_is_not_paid_and_published_again(stage: Stage, kept: Kept):
    before = set(kept.document["world"]["commits"])
    names = ("working", "unread", "deciding", *(("publishing",) if kept.has_audit else ()))
    for name in names:
        stage.wait_status(Status.AWAITING_CHECKS, kept.issues[name])
    new = {f"7-{kept.issues[name]}-1/turn-1" for name in names}
    assert set(stage.hub.commits) == before | new
    assert len(stage.hub.acts_of("publish")) == len(new)
    assert len(stage.model.requests) == 5, "one to end the turn that was under way, two for each that begins now"


def test_what_was_recorded_before_is_on_record_after(stage: Stage, kept: Kept):
    stage.wait_status(Status.AWAITING_CHECKS, kept.issues["working"])
    for row in kept.document["rows"]["sessions"]:
        session = stage.store.session(row["id"])
        assert session is not None
        assert session.branch == row["branch"]
    links = stage.store.audit.read
    for row in kept.document["rows"].get("audit", ()):
        assert any(link.hash == row["hash"] for link in links(row["chain"])), row
