"""A recorded turn and the same again: on what it was given then, with nothing of it in the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from github_app.core.decisions import Decision
from github_app.core.errors import Refused
from github_app.core.events import IssueLabeled, OwnEvent, TurnAsked, TurnFinished, TurnStopped
from github_app.core.model import ChangeSet, FileChange, Usage
from github_app.core.policy import Floor
from github_app.core.ports import ModelReply, Step, Workspace
from github_app.core.session import Session, Submission
from github_app.core.verdicts import Verdict
from github_app.engine.database import transaction
from github_app.engine.rerun import Conditions, Recorded, Run, read_first_turn, run_again
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts
from github_app.engine.turns import _TASK
from tests.agent.parts import LocalWorkspace, ScriptedModel, WordScanner, a_task, call, reply, submit
from tests.engine.values import ANN, FACTS, ISSUE, REPO, MovingClock, a_session
from tests.fakes.hub import BASE

TURN = "7-1-1/turn-1"
FILES = {"a.py": "x = 1\n", "b.py": "y = 1\n", ".github/honk.yml": "verify: [grep -q 2 a.py]\n"}


def file(path: str, content: str | None, *, base: bool = True) -> FileChange:
    raw = None if content is None else content.encode()
    return FileChange(path=path, mode="100644", content=raw, base_mode="100644" if base else None)


def finished() -> TurnFinished:
    submission = Submission(
        title="Make it two", summary="", verdicts=(Verdict(command="make", exit_code=0, duration_s=1),)
    )
    return TurnFinished(
        id=f"{TURN}/finished",
        session_id="7-1-1",
        turn_id=TURN,
        submission=submission,
        change_set_id=None,
        usage=Usage(steps=3, output_tokens=10, cost_micro_usd=50),
    )


@dataclass
class Archive:
    """A store in which a first turn is, or is not."""

    store: Store
    transcripts: Transcripts
    clock: MovingClock
    session: Session

    def begin(self) -> None:
        task = _TASK.dump_json(a_task()).decode()
        self.transcripts.begin_turn(TURN, self.session, base_sha=BASE, task=task, sources=())

    def end(self, event: OwnEvent, *changes: FileChange) -> None:
        said = Step(number=1, role="assistant", content=({"type": "text", "text": "so"},), model="claude-old")
        self.transcripts.add_step(TURN, "7-1-1", said, None)
        self.transcripts.keep(TURN, "7-1-1", ChangeSet(base_sha=BASE, changes=changes))
        self.clock.pass_s(90)
        self.store.entries.add_event(event)

    def read(self) -> Recorded:
        return read_first_turn(self.store, self.transcripts, self.session)


@pytest.fixture
def archive(store: Store, transcripts: Transcripts, clock: MovingClock) -> Archive:
    labeled = IssueLabeled(id="d-1", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
    store.commit(labeled, None, Decision(session=a_session(), why="asked for"), REPO, FACTS)
    session = store.session("7-1-1")
    assert session is not None
    return Archive(store, transcripts, clock, session)


def test_what_is_on_record_comes_back(archive: Archive) -> None:
    archive.begin()
    change = file("a.py", "x = 2\n")
    archive.end(finished(), change)
    found = archive.read()
    assert (found.base_sha, found.task) == (BASE, a_task())
    run = found.run
    assert (run.model, run.ended, run.told, run.usage.steps) == ("claude-old", "submitted", "Make it two", 3)
    assert run.seconds == pytest.approx(90, abs=1)
    assert run.changes.changes == (change,)
    assert [verdict.command for verdict in run.verdicts] == ["make"]


def test_what_is_not_on_record_is_said(archive: Archive) -> None:
    with pytest.raises(Refused, match="is not on record"):
        archive.read()
    archive.begin()
    with pytest.raises(Refused, match="has not ended"):
        archive.read()
    archive.end(finished())
    with transaction(archive.store.engine) as connection:
        connection.execute(sa.text("UPDATE turns SET task = '{}'"))
    with pytest.raises(Refused, match=r"cannot be read: (Missing|Field)"):
        archive.read()


@pytest.mark.parametrize(
    ("event", "ended", "told"),
    [
        (
            TurnAsked(id=f"{TURN}/finished", session_id="7-1-1", turn_id=TURN, question="Why?", usage=Usage()),
            "asked",
            "Why?",
        ),
        (
            TurnStopped(id=f"{TURN}/finished", session_id="7-1-1", turn_id=TURN, reason="too dear", usage=Usage()),
            "stopped",
            "too dear",
        ),
    ],
)
def test_a_turn_may_have_ended_otherwise(archive: Archive, event: OwnEvent, ended: str, told: str) -> None:
    archive.begin()
    archive.end(event)
    run = archive.read().run
    assert (run.ended, run.told, run.changes.changes, run.verdicts) == (ended, told, (), ())


class Place:
    """Where a turn runs again."""

    def __init__(self, root: Path, *script: ModelReply | Exception) -> None:
        self.root = root
        self.model = ScriptedModel(list(script))
        self.opened: list[tuple[str, str]] = []
        self.rooms: list[LocalWorkspace] = []
        self.files = dict(FILES)

    async def open_at(self, sha: str, word: str) -> Workspace:
        folder = self.root / f"{word}{len(self.opened)}"
        folder.mkdir()
        self.opened.append((sha, word))
        self.rooms.append(LocalWorkspace.of(folder, self.files))
        return self.rooms[-1]

    async def run(self, *then: FileChange) -> tuple[Run, str]:
        run = Run(
            model="old",
            ended="submitted",
            told="",
            usage=Usage(),
            seconds=1,
            changes=ChangeSet(base_sha=BASE, changes=then),
        )
        recorded = Recorded(turn_id=TURN, base_sha="f" * 40, task=a_task(), run=run)
        conditions = Conditions(
            model=self.model,
            model_name="claude-new",
            judge_name="",
            scanner=WordScanner(),
            floor=Floor(),
            clock=MovingClock(),
        )
        return await run_again(recorded, a_session(), conditions, self.open_at)


async def test_it_runs_under_the_policy_of_the_base_and_is_compared(tmp_path: Path) -> None:
    place = Place(tmp_path, reply(call("edit", path="a.py", old_text="1", new_text="2")), submit())
    place.files["gone.py"] = "z = 1\n"
    run, difference = await place.run(
        file("a.py", "x = 3\n"), file("b.py", "y = 2\n"), file("c.py", "new\n", base=False), file("gone.py", None)
    )
    assert (run.model, run.ended, run.told) == ("claude-new", "submitted", "Add what was missing")
    (verdict,) = run.verdicts
    assert (verdict.command, verdict.exit_code) == ("grep -q 2 a.py", 0)
    assert run.usage.steps == 2
    assert run.seconds > 0
    assert difference.splitlines() == [
        *("changed: a.py", "@@ from line 1 @@", "@@ -1,2 +1,2 @@", "-x = 3", "+x = 2", " "),
        *("changed: b.py", "@@ from line 1 @@", "@@ -1,2 +1,2 @@", "-y = 2", "+y = 1", " "),
        *("deleted: c.py", "@@ from line 1 @@", "@@ -1,2 +1 @@", "-new", " "),
        *("new: gone.py", "@@ from line 1 @@", "@@ -1 +1,2 @@", "+z = 1", " "),
    ]
    assert place.opened == [(BASE, "before"), ("f" * 40, "again")]
    assert all(room.discarded for room in place.rooms)


async def test_what_was_red_before_is_looked_up_again(tmp_path: Path) -> None:
    place = Place(tmp_path, reply(call("edit", path="b.py", old_text="1", new_text="2")), submit())
    run, _ = await place.run()
    (verdict,) = run.verdicts
    assert verdict.before is not None
    assert verdict.before.exit_code == 1
    assert [word for _, word in place.opened] == ["before", "again", "before"]
    assert all(room.discarded for room in place.rooms)


async def test_it_is_cleared_away_when_it_breaks(tmp_path: Path) -> None:
    place = Place(tmp_path, RuntimeError("no model"))
    with pytest.raises(RuntimeError, match="no model"):
        await place.run()
    assert [room.discarded for room in place.rooms] == [True, True]
