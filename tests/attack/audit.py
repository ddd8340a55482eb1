"""Attacks on the record of what was done, by somebody who may write the database and has not the App's key: a real
session's rows are changed in every way that hides something, and then an operator asks `honk audit verify`."""

from __future__ import annotations

import json
import secrets
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from github_app.core.record.audit import START, Head, Record, append, sealed
from tests.attack.cases import SceneRun, scene_attack
from tests.attack.scene import Scene
from tests.story.world import World

WHOLE = "The record is whole.\n"
_RECORDED: dict[Path, str] = {}


@dataclass(frozen=True)
class Forger:
    """Somebody with a connection to the database. They know how the chain is made, and guess at the key."""

    connection: sqlite3.Connection
    session: str

    def change(self, statement: str, *values: object) -> None:
        """Write to the database; the guards against accidents are taken away first."""
        for trigger in ("audit_not_changed", "audit_not_deleted"):
            self.connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        named = values[0] if values and isinstance(values[0], dict) else values
        self.connection.execute(statement, named)
        self.connection.commit()

    def rows(self) -> list[tuple[str, str, str]]:
        """The session's records: at, kind, document."""
        query = "SELECT at, kind, document FROM audit WHERE chain = ? ORDER BY number"
        return list(self.connection.execute(query, (self.session,)))

    def rewrite(self, rows: list[tuple[str, str, str]], *, seal: str | None = None) -> None:
        """Put these records in the place of the session's, with hashes and a head that fit, and a seal by guess."""
        self.change("DELETE FROM audit WHERE chain = ?", self.session)
        head = Head(number=0, hash=START, seal="")
        for at, kind, document in rows:
            record = Record(kind=kind, document=json.loads(document))  # type: ignore[arg-type]
            link = append(head, self.session, record, at=at)
            self.change(
                "INSERT INTO audit (chain, number, at, kind, document, hash) VALUES (?, ?, ?, ?, ?, ?)",
                *(link.chain, link.number, at, kind, link.document, link.hash),
            )
            head = sealed(secrets.token_bytes(32), self.session, number=link.number, hash_=link.hash)
        seal = head.seal if seal is None else seal
        self.change(
            "UPDATE audit_heads SET number = ?, hash = ?, seal = ? WHERE chain = ?",
            *(head.number, head.hash, seal, self.session),
        )


def database(scene: Scene) -> Path:
    return scene.stage.stack.root / "data" / "honk.sqlite"


def ask_honk(scene: Scene, named: str, *, at: Path | None = None) -> str:
    """What `honk audit verify` says of a session, or of what a commit names."""
    env = {**scene.stage.stack.environment(), "HONK_DATABASE_URL": f"sqlite:///{at or database(scene)}"}
    argv = [*scene.stage.stack.program, "audit", "verify", named]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) == (done.stdout == WHOLE), done
    return done.stdout


def work(world: World) -> str:
    """A session whose pull request is ready; its id."""
    world.ask_for()
    world.wait_ready()
    return world.sessions()[0].id


def recorded(scene: Scene) -> tuple[str, Path]:
    """A session, and a copy of the database that holds it whole: one for all who forge copies of that."""
    whole = scene.stage.stack.root / "whole.sqlite"
    if whole not in _RECORDED:
        session = work(scene.world)
        with closing(sqlite3.connect(whole)) as there, closing(sqlite3.connect(database(scene))) as here:
            here.backup(there)
        assert ask_honk(scene, session, at=whole) == WHOLE
        _RECORDED[whole] = session
    return _RECORDED[whole], whole


def forgery(id: str, name: str, *, stopped_by: str) -> Callable[[Callable[[Forger], None]], SceneRun]:
    """Register what a forger does to a copy of the database. It got through if the record still counts as whole."""

    def register(forge: Callable[[Forger], None]) -> SceneRun:
        @scene_attack(id, name, stopped_by=stopped_by)
        def run(scene: Scene) -> str:
            session, whole = recorded(scene)
            copy = scene.stage.stack.root / f"forged-{scene.world.repo.id}.sqlite"
            with closing(sqlite3.connect(copy)) as there:
                with closing(sqlite3.connect(whole)) as here:
                    here.backup(there)
                forge(Forger(there, session))
            return "GOT a forged record taken for whole" if ask_honk(scene, session, at=copy) == WHOLE else ""

        return run

    return register


def _not_me(row: tuple[str, str, str]) -> tuple[str, str, str]:
    """The same record, with somebody else in the place of the one who asked."""
    at, kind, document = row
    assert '"login":"ann"' in document
    return at, kind, document.replace('"login":"ann"', '"login":"eve"')


@forgery("H10", "audit: another name in the place of the one who asked", stopped_by="each record's hash")
def _name(forger: Forger) -> None:
    _, _, document = _not_me(forger.rows()[0])
    forger.change("UPDATE audit SET document = ? WHERE chain = ? AND number = 1", document, forger.session)


@forgery("H11", "audit: the same, with all hashes made to fit", stopped_by="the seal on the chain's head")
def _name_and_hashes(forger: Forger) -> None:
    first, *rest = forger.rows()
    forger.rewrite([_not_me(first), *rest])


@forgery("H12a", "audit: a command taken out of the middle", stopped_by="numbers without a gap")
def _gap(forger: Forger) -> None:
    forger.change("DELETE FROM audit WHERE chain = ? AND kind = 'command'", forger.session)


@forgery("H12b", "audit: the same, with numbers and hashes made to fit", stopped_by="the seal on the chain's head")
def _no_gap(forger: Forger) -> None:
    forger.rewrite([row for row in forger.rows() if row[1] != "command"])


@forgery("H13", "audit: the last records cut off, the head made to fit", stopped_by="the seal on the chain's head")
def _cut(forger: Forger) -> None:
    forger.rewrite(forger.rows()[:-3])


@forgery("H14a", "audit: two records changed about", stopped_by="each hash covers the one before")
def _swapped(forger: Forger) -> None:
    for old, new in ((3, 9_003), (4, 3), (9_003, 4)):
        forger.change("UPDATE audit SET number = ? WHERE chain = ? AND number = ?", new, forger.session, old)


@forgery("H14b", "audit: an approval that nobody gave, put in", stopped_by="the seal on the chain's head")
def _put_in(forger: Forger) -> None:
    rows = forger.rows()
    at, _, document = rows[-1]
    forger.rewrite([*rows, (at, "decision", json.dumps({**json.loads(document), "kind": "ReviewSubmitted"}))])


@forgery("H15", "audit: a head with the seal of another session", stopped_by="the seal names chain, number and hash")
def _borrowed(forger: Forger) -> None:
    query = "SELECT seal FROM audit_heads WHERE chain <> ?"
    [seal, *_] = [row[0] for row in forger.connection.execute(query, (forger.session,))]
    forger.rewrite(forger.rows()[:-3], seal=seal)


@forgery("H16", "audit: another session's records in the place of this one's", stopped_by="the hash names its session")
def _moved(forger: Forger) -> None:
    query = "SELECT chain FROM audit_heads WHERE chain <> ? AND chain NOT LIKE 'repo-%'"
    other = forger.connection.execute(query, (forger.session,)).fetchone()[0]
    forger.change("DELETE FROM audit WHERE chain = ?", forger.session)
    forger.change("UPDATE audit SET chain = ? WHERE chain = ?", forger.session, other)
    query = "SELECT number, hash, seal FROM audit_heads WHERE chain = ?"
    head = forger.connection.execute(query, (other,)).fetchone()
    forger.change("UPDATE audit_heads SET number = ?, hash = ?, seal = ? WHERE chain = ?", *head, forger.session)


@forgery("H17", "audit: a session deleted with all that was known of it", stopped_by="the repository's own chain")
def _deleted(forger: Forger) -> None:
    for table, column in (("audit", "chain"), ("audit_heads", "chain"), ("sessions", "id")):
        forger.change(f"DELETE FROM {table} WHERE {column} = ?", forger.session)  # noqa: S608 - these names


@scene_attack(
    "H17b", "audit: rows that break or mislead who looks at them", stopped_by="read as hostile, told in ASCII"
)
def _poisoned(scene: Scene) -> str:
    session, whole = recorded(scene)
    copy = scene.stage.stack.root / f"poisoned-{scene.world.repo.id}.sqlite"
    got = ""
    with closing(sqlite3.connect(copy)) as there:
        for statement in (
            "UPDATE audit SET number = 'x' WHERE chain = :session AND number = 2",
            "UPDATE audit SET document = 5 WHERE chain = :session AND number = 2",
            "UPDATE audit SET document = '[' || replace(hex(zeroblob(50000)), '0', '[') WHERE chain = :session",
            "UPDATE audit SET document = '[]', hash = 'ä' WHERE chain = :session",
            "UPDATE audit SET kind = 'doubt', document = '[]' WHERE chain = :session",
            "UPDATE audit_heads SET number = 'x', seal = 'ä' WHERE chain = :session",
            "INSERT INTO audit VALUES (char(27) || '[2K' || char(10) || 'The record is whole.', 1, '', '', '{}', '')",
            "INSERT INTO audit_heads VALUES (:session || char(10, 27), 1, '', '')",
        ):
            with closing(sqlite3.connect(whole)) as here:
                here.backup(there)
            forger = Forger(there, session)
            forger.change(statement, {"session": session})
            said = ask_honk(scene, "" if "INSERT" in statement else session, at=copy)
            if said == WHOLE or "problem" not in said or not said.replace("\n", "").isprintable() or WHOLE in said:
                got += f"GOT {said!r} by {statement} "
    return got


@scene_attack("H18a", "audit: cut off behind Honk's back, then it goes on", stopped_by="no seal on what was not ours")
def _laundered(scene: Scene) -> str:
    session = work(scene.world)
    with closing(sqlite3.connect(database(scene), timeout=30)) as connection:
        forger = Forger(connection, session)
        forger.rewrite(forger.rows()[:-3])
    scene.world.rob.comment(scene.world.wait_pull().issue, "/honk once more")
    scene.world.wait("the turn to begin", lambda: scene.world.turns() == 2)
    scene.world.wait_ready()
    return "GOT a forged record sealed by Honk itself" if ask_honk(scene, session) == WHOLE else ""


@scene_attack("H18b", "audit: an older state put back, with its genuine seal", stopped_by="the trailer of the commit")
def _replayed(scene: Scene) -> str:
    """Of the database alone nobody can tell; GitHub has what was cut off."""
    world = scene.world
    session = work(world)
    copy = scene.stage.stack.root / f"older-{world.repo.id}.sqlite"
    with closing(sqlite3.connect(copy)) as there, closing(sqlite3.connect(database(scene))) as here:
        here.backup(there)
    pull = world.wait_pull()
    old = pull.head_sha
    world.rob.comment(pull.issue, "/honk once more")
    named = world.pins(world.wait_new_head(pull, old))
    world.wait_ready()
    assert [ask_honk(scene, each) for each in named] == [WHOLE]
    assert ask_honk(scene, session, at=copy) == WHOLE
    return "".join(f"GOT {each} to be whole" for each in named if ask_honk(scene, each, at=copy) == WHOLE)


@scene_attack("H19", "audit: a trailer that the model wrote", stopped_by="forged trailers are disarmed")
def _forged_trailer(scene: Scene) -> str:
    forged = f"1-1-1@1:{'0' * 16}"
    words = {"title": "Say it", "summary": f"Because.\n\nHonk-Audit: {forged}"}
    scene.obey("echo x > x.txt", words=words)
    session = work(scene.world)
    [ours] = [each for each in scene.world.pins(scene.world.wait_pull().head_sha) if session in each]
    assert ask_honk(scene, ours) == WHOLE
    found = scene.world.pins(scene.world.wait_pull().head_sha)
    return "".join(f"GOT the trailer {each}" for each in found if each != ours)
