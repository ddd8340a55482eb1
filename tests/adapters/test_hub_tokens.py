"""Tokens that end, are withdrawn, or are not known everywhere yet, in the middle of work: git and API alike."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import github.Auth
import pytest

from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.publisher import PushPublisher
from github_app.core.errors import AccessDenied
from tests.adapters.hub_stage import PIN, Stage, changed
from tests.adapters.origins import LOCAL_GIT
from tests.edge.cases import shows


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(root=tmp_path / "mirrors", git=LOCAL_GIT)


@shows("W73")
def test_work_that_takes_longer_than_a_token_lives(
    stage: Stage, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.share_the_clock()
    monkeypatch.setattr(github.Auth, "time", SimpleNamespace(time=stage.times.seconds))
    issue = stage.issue()
    for n in range(120):
        stage.maintainer.comment(issue, f"word {n}")
    publisher = PushPublisher(git=LOCAL_GIT, mirrors=mirrors, hub=stage.hub)

    def an_hour_passes() -> None:
        stage.times.ahead_s += timedelta(minutes=61).total_seconds()

    mirrors.ensure(stage.repo.id, stage.base, lambda: stage.hub.git_auth(stage.repo))
    an_hour_passes()
    changes = changed(stage.base, {"fix.py": b"fixed\n"})
    sha = publisher.publish(
        stage.repo, changes, parent_sha=stage.base, branch="honk/1-fix", message="Fix it", key="turn-1", audit=PIN
    )
    assert stage.tip("honk/1-fix") == sha
    an_hour_passes()
    stage.hub.say(stage.repo, issue.number, "progress", "working")
    an_hour_passes()
    assert len(stage.hub.comments(stage.repo, issue.number)) == 120
    refused = [each for each in stage.github.exchanges if each.status == 401]
    assert refused == [], "none of them was even tried with a token that had ended"


@shows("W73", "W74")
@pytest.mark.parametrize("is_young", [True, False])
def test_git_gets_no_token_that_github_does_not_take(stage: Stage, mirrors: Mirrors, is_young: bool) -> None:
    stage.hub.git_auth(stage.repo)
    if is_young:
        stage.github.faults.add("GET /installation/repositories", "unauthorized", count=2)
    else:
        stage.times.ahead_s = 600
        stage.github.world.tokens.clear()
    mirrors.ensure(stage.repo.id, stage.base, lambda: stage.hub.git_auth(stage.repo))
    assert stage.times.slept == ([1.0, 2.0] if is_young else [])


@shows("W74")
def test_a_token_that_is_refused_long_after_it_was_made_is_no_lag(stage: Stage) -> None:
    stage.hub.head_of(stage.repo, "main")
    stage.times.ahead_s = 60
    stage.github.faults.add("GET .*/heads/main$", "unauthorized", count=9)
    with pytest.raises(AccessDenied):
        stage.hub.head_of(stage.repo, "main")
    assert sum(stage.times.slept) <= 7, "one new token is tried, as a young one"
