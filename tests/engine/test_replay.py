"""What was verified, verified again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from github_app.core.errors import Refused
from github_app.core.policy import Policy
from github_app.core.session import Round, Session, Submission
from github_app.core.verdicts import Verdict
from github_app.engine.replay import Comparison, verify_again
from github_app.replaying import line_of
from tests.agent.parts import LocalWorkspace
from tests.engine.values import a_session

HEAD = "d" * 40


def verdict(command: str, **more: object) -> Verdict:
    usual: dict[str, object] = {"exit_code": 0, "duration_s": 1.0}
    return Verdict(command=command, **{**usual, **more})  # type: ignore[arg-type]


def published(*verdicts: Verdict) -> Session:
    submission = Submission(title="Mend it", summary="It was broken.", verdicts=verdicts)
    return a_session(
        submission=submission, published=(Round(head_sha=HEAD, title="Mend it", summary="It was broken."),)
    )


class Scene:
    def __init__(self, root: Path) -> None:
        (root / "tree").mkdir()
        self.workspace = LocalWorkspace.of(root / "tree", {"a.py": "x = 1\n"})
        self.opened: list[str] = []

    async def again(self, session: Session, policy: Policy = Policy()) -> list[Comparison]:  # noqa: B008
        async def open_at(sha: str) -> LocalWorkspace:
            self.opened.append(sha)
            return self.workspace

        return [each async for each in verify_again(session, policy, open_at)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_the_recorded_verifiers_run_on_the_published_commit(scene: Scene):
    same = verdict("grep -q x a.py")
    other = verdict("grep -q y a.py")
    found = await scene.again(published(same, other), Policy(setup=("echo ready > ../log",)))
    assert [each.agrees for each in found] == [True, False]
    assert scene.opened == [HEAD]
    assert scene.workspace.discarded
    assert (scene.workspace.root.parent / "log").read_text() == "ready\n"


async def test_what_failed_must_fail_in_the_same_way(scene: Scene):
    command = "echo '--- FAIL: TestA (0.1s)'; false"
    same = verdict(command, exit_code=1, failures=("TestA",))
    other = verdict(command, exit_code=1, failures=("TestB",))
    missing = verdict("surely-not-installed", exit_code=127, could_not_run=True)
    assert [each.agrees for each in await scene.again(published(same, other, missing))] == [True, False, True]


@pytest.mark.parametrize(
    ("session", "said"),
    [
        (a_session(), "has published nothing"),
        (published(), "nothing was verified"),
        (replace(published(verdict("true")), submission=Submission(title="Later", summary="")), "is not published"),
    ],
)
async def test_where_there_is_nothing_to_compare_that_is_said(scene: Scene, session: Session, said: str):
    with pytest.raises(Refused, match=said):
        await scene.again(session)
    assert scene.opened == []


async def test_a_set_up_that_fails_is_said(scene: Scene):
    with pytest.raises(Refused, match=r"the set-up failed: false: it ended with exit code 1"):
        await scene.again(published(verdict("true")), Policy(setup=("false",)))


def test_a_line_says_both_and_obeys_nothing():
    shown = line_of(Comparison(then=verdict("echo \x1b[2J"), now=verdict("echo \x1b[2J", exit_code=3)))
    assert shown == "DIFFERS  echo \\x1b[2J: exit code 3 (1.0 s); then: passed (1.0 s)"
