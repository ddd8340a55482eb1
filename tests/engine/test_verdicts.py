"""What verifiers said before a change: looked up once, in a workspace of its own, and never put down to the change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from github_app.agent.outlet import Outlet
from github_app.agent.verify import Verification, verify
from github_app.core.errors import Gone
from github_app.core.model import ChangeSet
from github_app.core.policy import Policy
from github_app.engine.database import connect
from github_app.engine.migrations import migrate
from github_app.engine.verdicts import StoredVerdicts
from tests.agent.parts import LocalWorkspace
from tests.engine.values import MovingClock, a_session

TESTS = """
import unittest
from app import add, name
class AppTest(unittest.TestCase):
    def test_add(self): self.assertEqual(add(1, 2), 3)
    def test_name(self): self.assertEqual(name(), "honk")
"""
APP = "def add(a, b): return a - b\ndef name(): return 'honk'\n"
SUITE = "python3 -m unittest -q"


class Scene:
    """A repository of which a test was red before the change."""

    def __init__(self, folder: Path, database: sa.Engine) -> None:
        self.folder = folder
        self.database = database
        self.policy = Policy(verify=(SUITE,))
        self.files = {"app.py": APP, "test_app.py": TESTS}
        self.workspace = self.room("now")
        self.opened: list[LocalWorkspace] = []
        self.deleted = 0
        self.known = self.turn()

    def room(self, name: str) -> LocalWorkspace:
        (self.folder / name).mkdir(parents=True)
        return LocalWorkspace.of(self.folder / name, self.files)

    def turn(self) -> StoredVerdicts:
        async def open_base() -> LocalWorkspace:
            self.opened.append(self.room(f"before{len(self.opened)}"))
            return self.opened[-1]

        async def discard_base() -> None:
            self.deleted += 1

        return StoredVerdicts(
            database=self.database,
            clock=MovingClock(),
            session=a_session(),
            policy=self.policy,
            open_base=open_base,
            discard_base=discard_base,
        )

    async def change(self, **files: str) -> None:
        for name, content in files.items():
            await self.workspace.write(f"{name}.py", content.encode())

    async def verify(self) -> Verification:
        return await verify(Outlet(self.workspace), self.policy, time_left_s=lambda: 60.0, known=self.known)


@pytest.fixture
def scene(tmp_path: Path, database_url: str) -> Iterator[Scene]:
    engine = connect(database_url)
    migrate(engine)
    yield Scene(tmp_path, engine)
    engine.dispose()


async def test_what_was_red_before_does_not_stand_against_the_change(scene: Scene):
    await scene.change(other="x = 1\n")
    found = await scene.verify()
    assert found.has_passed
    assert "as it did before your change, with the same failures" in found.text
    assert "test_add" in found.text


async def test_what_is_new_is_told_from_what_was_red_before(scene: Scene):
    await scene.change(app=APP.replace("'honk'", "'hink'"))
    found = await scene.verify()
    assert not found.has_passed
    assert "new with your change: test_name (test_app.AppTest.test_name); 1 failed before as well" in found.text


async def test_a_test_that_passed_before_stands_against_the_change(scene: Scene):
    scene.files["app.py"] = APP.replace("a - b", "a + b")
    await scene.change(app=APP + "\n")
    found = await scene.verify()
    assert not found.has_passed
    assert "and passed before your change" in found.text


async def test_before_is_looked_up_once_for_a_base_and_only_where_something_is_red(scene: Scene):
    await scene.change(app=APP.replace("a - b", "a + b"))
    assert (await scene.verify()).has_passed
    assert scene.opened == []
    await scene.change(app=APP, other="x = 1\n")
    for _ in range(2):
        await scene.verify()
    scene.known = scene.turn()
    await scene.verify()
    assert [len(each.commands) for each in scene.opened] == [1]


async def test_a_tree_that_passed_is_not_verified_again(scene: Scene):
    await scene.change(app=APP.replace("a - b", "a + b"))
    first = await scene.verify()
    scene.known = scene.turn()
    assert await scene.verify() == first
    assert len(scene.workspace.commands) == 1
    await scene.change(other="x = 1\n")
    await scene.verify()
    assert len(scene.workspace.commands) == 2


async def test_another_set_up_is_another_verdict(scene: Scene):
    await scene.change(app=APP.replace("a - b", "a + b"))
    await scene.verify()
    scene.policy = replace(scene.policy, setup=("true",))
    scene.known = scene.turn()
    await scene.verify()
    assert len(scene.workspace.commands) == 2


async def test_a_verifier_that_writes_files_has_not_passed_on_what_it_left(scene: Scene):
    scene.policy = Policy(verify=("echo x >> notes.txt",))
    scene.known = scene.turn()
    await scene.verify()
    await scene.verify()
    assert len(scene.workspace.commands) == 2


async def test_the_workspace_beside_is_set_up_and_deleted(scene: Scene):
    scene.policy = replace(scene.policy, setup=("echo ran >> ../log",))
    scene.known = scene.turn()
    await scene.change(other="x = 1\n")
    await scene.verify()
    await scene.known.close()
    await scene.known.close()
    assert (scene.folder / "log").read_text() == "ran\n"
    assert scene.opened[0].discarded
    assert scene.deleted == 1


@pytest.mark.parametrize("why", ["set-up", "tool", "commit"])
async def test_where_before_cannot_be_known_what_is_red_stands_against_the_change(scene: Scene, why: str):
    await scene.change(other="x = 1\n")
    if why == "set-up":
        scene.policy = replace(scene.policy, setup=("false",))
        scene.known = scene.turn()
    elif why == "tool":
        scene.policy = Policy(verify=("sh ./new.sh",))
        await scene.workspace.write("new.sh", b"exit 4")
        scene.files["new.sh"] = "exit 127"
        scene.known = scene.turn()
    else:

        async def gone() -> LocalWorkspace:
            raise Gone("it is not there", what="commit")

        scene.known.open_base = gone
    found = await scene.verify()
    assert not found.has_passed
    assert found.verdicts[0].before is None


async def test_without_a_change_nothing_is_compared(scene: Scene):
    found = await scene.verify()
    assert (found.has_passed, scene.opened) == (False, [])
    assert await scene.known.recall(ChangeSet(base_sha="a"), SUITE) is None
