"""Nothing changes on the outside, and no money is spent, that the fence was not asked about just before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from github_app.adapters.model.claude import ClaudeModel
from github_app.adapters.repository.mirrors import Mirrors
from github_app.adapters.repository.publisher import PushPublisher
from github_app.core.access import ModelAccess
from github_app.core.errors import Transient
from github_app.core.model import ChangeSet, FileChange
from github_app.core.ports import GitAuth, Unfenced
from github_app.localhub.deeds.reviews import Inline
from github_app.localhub.model import create_model_app
from github_app.localhub.script import Script
from tests.adapters.hub_stage import PIN, Stage
from tests.adapters.origins import LOCAL_GIT, Origin
from tests.adapters.test_models import REQUEST, serving
from tests.engine.values import REPO
from tests.fakes.hub import RecordingHub


@dataclass
class Gate:
    """A fence that counts, and lets nothing pass once it is shut."""

    asked: int = 0
    shut: bool = False

    def require(self) -> None:
        self.asked += 1
        if self.shut:
            raise Transient("nobody knows whose work this is")


def test_each_request_to_github_that_changes_something_passes_the_fence(stage: Stage):
    gate = Gate()
    pull, issue, before = stage.pull(), stage.issue(labels=["honk"]), len(stage.github.exchanges)
    stage.maintainer.review(pull, "COMMENT", inline=[Inline(path="fix.py", line=1, body="why?")])
    number, reply_to = pull.issue.number, pull.threads[0].comments[0].id
    hub, repo = stage.make_hub(fence=gate), stage.repo
    hub.react(repo, "issue", issue.number, "eyes")
    hub.say(repo, issue.number, "a", "one")
    hub.say(repo, issue.number, "a", "two")
    hub.edit_pull(repo, number, body="better")
    hub.mark_ready(repo, number)
    hub.reply_thread(repo, number, reply_to=reply_to, key="k", body="because")
    hub.resolve_thread(repo, f"PRRT_{pull.threads[0].id}")
    hub.request_review(repo, number, ["mia"])
    hub.remove_label(repo, issue.number, "honk")
    hub.publish(
        repo,
        ChangeSet(base_sha=stage.base, changes=(FileChange(path="a", mode="100644", content=b"1"),)),
        parent_sha=stage.base, branch="honk/3-y", message="Fix it", key="k", audit=PIN,
    )  # fmt: skip
    hub.open_pull(repo, branch="honk/3-y", base="main", title="Fix it", body="Please")
    hub.redeliver_failed(since=datetime(2026, 1, 1, tzinfo=UTC), again=True)
    sent = [each for each in stage.github.exchanges[before:] if each.method != "GET"]
    assert len(sent) > 12
    assert gate.asked == len(sent)


def test_a_shut_fence_lets_nothing_pass_but_looks(stage: Stage):
    gate, issue = Gate(), stage.issue()
    hub = stage.make_hub(fence=gate)
    hub.say(stage.repo, issue.number, "a", "one")
    hub.head_of(stage.repo, "main")  # a token to look with is asked for by POST, too
    gate.shut = True
    with pytest.raises(Transient, match="whose work"):
        hub.say(stage.repo, issue.number, "b", "two")
    assert hub.head_of(stage.repo, "main") == stage.base
    assert [comment.body.partition("\n")[0] for comment in issue.comments] == ["one"]


def test_nothing_is_pushed_past_a_shut_fence(tmp_path: Path):
    gate, origin = Gate(), Origin.create(tmp_path / "origin.git")
    base = origin.commit({})

    class Hub(RecordingHub):
        def git_auth(self, *_: object, **__: object) -> GitAuth:
            return origin.auth

    mirrors = Mirrors(root=tmp_path / "mirrors", git=LOCAL_GIT)
    publisher = PushPublisher(git=LOCAL_GIT, mirrors=mirrors, hub=Hub(), fence=gate)
    changes = ChangeSet(base_sha=base, changes=(FileChange(path="a", mode="100644", content=b"1"),))

    def publish(branch: str) -> str:
        return publisher.publish(REPO, changes, parent_sha=base, branch=branch, message="Fix it", key="k", audit=PIN)

    sha = publish("honk/1")
    gate.shut = True
    with pytest.raises(Transient, match="whose work"):
        publish("honk/2")
    assert (origin.tip("honk/1"), origin.tip("honk/2")) == (sha, "")


async def test_each_request_to_the_model_passes_the_fence_repeated_ones_too():
    gate = Gate()
    app = create_model_app(Script.of({"text": "Hi.", "faults": [{"status": 529, "retry_after_s": 0.01}]}))
    with serving(app) as url:
        model = ClaudeModel(ModelAccess(api_key="k", base_url=url), fence=gate)
        await model.reply(REQUEST)
        assert gate.asked == len(app.state.model.log) == 2
        gate.shut = True
        with pytest.raises(Transient, match="whose work"):
            await model.reply(REQUEST)
        assert len(app.state.model.log) == 2
        await model.close()


def test_who_works_alone_is_never_held_up():
    Unfenced().require()
