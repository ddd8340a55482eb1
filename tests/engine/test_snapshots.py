"""Workers with disks of their own take turns at a session: whatever lies on a worker's disk, its workspace holds what
the transcript says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from github_app.core.errors import Transient
from github_app.core.model import ChangeSet, FileChange
from github_app.core.session import Status
from github_app.engine.snapshots import restore
from tests.agent.parts import SHA, LocalWorkspace, call, reply, submit
from tests.engine.stage import Open, Stage, eventually
from tests.fakes.hub import BASE

SUBMIT = submit(unverified_reason="there is nothing to verify it with")
BY_FIRST = "echo first > a.py; echo first > stale.py; echo first > both.py; mkdir target; echo built > target/cache"
BY_SECOND = "echo 'x = 1' > a.py; rm stale.py; echo second > both.py; echo second > new.py"


class Disks:
    """Where the work is done: each worker has the workspaces on its own disk, and only there."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.root = stage.rooms.root
        self.leaving: list[threading.Thread] = []
        self.move("one")

    def move(self, worker: str) -> None:
        self.stage.rooms.root = self.root / worker

    def run_and_leave(self, command: str) -> Callable[[Any], Any]:
        """The model has a command run, and the worker ends when it has."""

        def answer(_request: Any) -> Any:
            leaving = threading.Thread(target=self.stage.stop)
            leaving.start()
            eventually(self.stage.engine._stopping.is_set)
            self.leaving.append(leaving)
            return reply(call("bash", command=command))

        return answer

    def go_on_at(self, worker: str) -> None:
        eventually(lambda: self.leaving)
        self.leaving.pop().join(30)
        self.move(worker)
        self.stage.start()

    def files(self, worker: str) -> dict[str, str]:
        folder = self.root / worker / "7-1-1" / BASE
        return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


BY_BOTH = {"a.py": "x = 1\n", "both.py": "second\n", "new.py": "second\n"}


def test_a_worker_that_gets_a_turn_back_goes_on_from_where_the_other_left_it(open_stage: Open):
    stage = open_stage()
    disks = Disks(stage)
    stage.model.script += [disks.run_and_leave(BY_FIRST), disks.run_and_leave(BY_SECOND), SUBMIT]
    stage.label()
    disks.go_on_at("two")
    disks.go_on_at("one")
    stage.wait_status(Status.AWAITING_CHECKS)
    assert disks.files("one") == {**BY_BOTH, "target/cache": "built\n"}, "what git ignores may stay"


def test_a_worker_that_did_the_last_turn_in_part_begins_the_next_with_all_of_it(open_stage: Open):
    stage = open_stage()
    disks = Disks(stage)
    second = [reply(call("bash", command=BY_SECOND)), reply(call("ask", question="Which one?"))]
    stage.model.script += [disks.run_and_leave(BY_FIRST), *second, SUBMIT]
    stage.label()
    disks.go_on_at("two")
    stage.wait_status(Status.NEEDS_HUMAN)
    disks.move("one")
    stage.comment("/honk the second")
    stage.wait_status(Status.AWAITING_CHECKS)
    assert disks.files("one") == {**BY_BOTH, "target/cache": "built\n"}


def test_what_a_call_that_was_cut_short_left_is_gone(open_stage: Open):
    stage = open_stage()
    disks = Disks(stage)
    stage.model.script += [disks.run_and_leave("echo first > new.py"), SUBMIT]
    stage.label()
    eventually(lambda: disks.leaving)
    disks.leaving[0].join(30)
    (disks.root / "one" / "7-1-1" / BASE / "half.py").write_text("x =")
    disks.go_on_at("one")
    stage.wait_status(Status.AWAITING_CHECKS)
    assert disks.files("one") == {"a.py": "x = 1\n", "new.py": "first\n"}


class Watched(LocalWorkspace):
    """Says what was written over it."""

    written: list[ChangeSet]

    async def apply(self, changes: ChangeSet) -> None:
        self.written = [*getattr(self, "written", []), changes]
        await super().apply(changes)


async def test_where_nothing_differs_nothing_is_written(tmp_path: Path):
    workspace = Watched.of(tmp_path / "room", {"a.py": "x = 1\n"})
    await workspace.write("b.py", b"y = 1\n")
    await restore(workspace, await workspace.changes())
    assert not hasattr(workspace, "written")


async def test_a_workspace_that_cannot_be_brought_back_is_thrown_away(tmp_path: Path):
    workspace = LocalWorkspace.of(tmp_path / "room", {"a.py": "x = 1\n"})
    workspace.max_files = 0
    change = FileChange(path="b.py", mode="100644", content=b"y = 1\n")
    with pytest.raises(Transient, match="last snapshot"):
        await restore(workspace, ChangeSet(base_sha=SHA, changes=(change,)))
    assert workspace.discarded
