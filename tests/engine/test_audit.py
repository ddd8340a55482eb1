"""The audit in its tables, on both databases: written with what it tells of, guarded against accidents, and whatever is
done to it behind our back is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from github_app.core.decisions import Decision
from github_app.core.effects import Publish, RunTurn, Say
from github_app.core.errors import Stopped
from github_app.core.events import IssueLabeled, Published, Ticked
from github_app.core.model import Permission, Usage
from github_app.core.ports import Step
from github_app.core.record.audit import Record, document_of, pin
from github_app.core.record.records import Source
from github_app.core.session import Cause, Status
from github_app.engine.audit import Audit, chain_of_repo
from github_app.engine.database import transaction
from github_app.engine.retention import forget
from github_app.engine.store import Conflict
from tests.engine.values import ANN, AUDIT_KEY, FACTS, ISSUE, REPO, a_session

SESSION, TURN = "7-1-1", "7-1-1/turn-1"
LABELED = IssueLabeled(id="d-1", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
PUBLISH = Publish(turn_id=TURN, change_set_id="c" * 64)


@pytest.fixture
def session(store):
    run = RunTurn(turn_id=TURN, cause=Cause.IMPLEMENT)
    asked = replace(FACTS, permission=Permission.WRITE)
    store.commit(LABELED, None, Decision(session=a_session(), effects=(run,), why="asked for"), REPO, asked)
    return store.session(SESSION)


@pytest.fixture
def recorded(audit, store, transcripts, session):
    """The audit of a session with a record of each kind that the store writes."""
    source = Source(kind="issue", name="#1", text="It is one.", author="ann", permission=Permission.WRITE)
    transcripts.begin_turn(TURN, session, base_sha="b" * 40, task="{}", sources=[source])
    transcripts.add_step(TURN, SESSION, Step(number=0, role="user", content=()), None)
    reply = Step(number=1, role="assistant", content=(), usage=Usage(cost_micro_usd=7), request_id="req_1", model="m")
    transcripts.add_step(TURN, SESSION, reply, None)
    store.commit(
        Ticked(id="t-1", session_id=SESSION),
        session,
        Decision(session=session, effects=(PUBLISH,), why="w"),
        REPO,
        FACTS,
    )
    pushed = Published(id="p", session_id=SESSION, turn_id=TURN, head_sha="1" * 40, pull_number=5)
    store.finish_effect("t-1/0", result=pushed)
    return audit


@pytest.fixture
def tamper(database):
    """What somebody does who may write the database: the guards are no obstacle to them."""

    def tamper(*statements: str, **values: object) -> None:
        with transaction(database) as connection:
            for name in ("audit_not_changed", "audit_not_deleted"):
                on = " ON audit" if database.dialect.name == "postgresql" else ""
                connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}{on}"))
            for statement in statements:
                connection.execute(sa.text(statement), values)

    return tamper


def kinds(audit: Audit, chain: str = SESSION) -> list[str]:
    return [link.kind for link in audit.read(chain)]


def test_what_is_done_is_on_record_in_its_order(recorded):
    assert kinds(recorded) == ["decision", "prompt", "told", "model", "decision", "change_set", "push"]
    assert kinds(recorded, chain_of_repo(7)) == ["opened"]
    assert recorded.verify() == []
    first, model = recorded.read(SESSION)[0], recorded.read(SESSION)[3]
    assert document_of(first)["permission"] == "write"
    assert (document_of(model)["request"], document_of(model)["cost_micro_usd"]) == ("req_1", 7)


def test_what_was_not_stored_is_not_on_record(store, transcripts, recorded):
    before = kinds(recorded)
    with pytest.raises(Conflict):
        store.commit(LABELED, store.session(SESSION), Decision(session=None, why="again"), REPO, FACTS)
    with pytest.raises(Stopped):
        transcripts.add_step(TURN, SESSION, Step(number=1, role="user", content=()), None)
    transcripts.begin_turn(TURN, store.session(SESSION), base_sha="b" * 40, task="{}", sources=())
    assert kinds(recorded) == before


def test_a_refusal_is_on_the_repositorys_record(audit, store):
    refusal = Decision(session=None, effects=(Say(number=1, tag="t", body="No."),), why="`eve` may not")
    store.commit(LABELED, None, refusal, REPO, FACTS)
    assert kinds(audit, chain_of_repo(7)) == ["decision"]
    assert audit.verify() == []


def test_a_commit_names_the_record_that_let_its_change_set_out(recorded):
    let_out = recorded.read(SESSION)[5]
    assert recorded.pin_of(SESSION, change_set_id="c" * 64) == pin(let_out)
    recorded.note(SESSION, [Record(kind="network", document={})])
    assert recorded.pin_of(SESSION, change_set_id="c" * 64) == pin(let_out), "a commit made again is the same commit"
    with pytest.raises(LookupError):
        recorded.pin_of(SESSION, change_set_id="d" * 64)


def test_nothing_to_record_is_no_record(audit):
    audit.note(SESSION, [])
    assert audit.read(SESSION) == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET at = 'x'", "DELETE FROM audit"])
def test_by_accident_nobody_changes_a_record(database, recorded, statement):
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), transaction(database) as connection:
        connection.execute(sa.text(statement))
    assert recorded.verify() == []


def test_transcripts_go_and_the_record_stays(database, store, recorded):
    session = store.session(SESSION)
    ended = replace(session, status=Status.MERGED, turn_id=None)
    store.commit(Ticked(id="t-2", session_id=SESSION), session, Decision(session=ended, why="m"), REPO, FACTS)
    before = kinds(recorded)
    forget(database, datetime(2027, 1, 1, tzinfo=UTC))
    assert kinds(recorded) == before
    assert recorded.verify() == []


def test_many_write_to_one_chain_and_none_waits_for_ever(recorded):
    before = len(kinds(recorded))

    def write(n: int) -> None:
        recorded.note(SESSION, [Record(kind="command", document={"n": n}), Record(kind="network", document={"n": n})])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    added = recorded.read(SESSION)[before:]
    assert sorted(document_of(link)["n"] for link in added) == sorted([*range(40), *range(40)])
    assert all(a.kind == "command" and b.kind == "network" for a, b in zip(added[::2], added[1::2], strict=True))
    assert recorded.verify() == []


def test_it_is_whole_at_every_moment_also_while_it_grows(recorded):
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(
            lambda: [recorded.note(SESSION, [Record(kind="command", document={"n": n})]) for n in range(100)]
        )
        while not writing.done():
            assert recorded.verify() == []
    assert len(writing.result()) == 100


NO_CHAIN = ["DELETE FROM audit WHERE chain = '7-1-1'", "DELETE FROM audit_heads WHERE chain = '7-1-1'"]


@pytest.mark.parametrize(
    ("found", "statements"),
    [
        ("record 4 is not what", ["UPDATE audit SET document = '{}' WHERE chain = '7-1-1' AND number = 4"]),
        ("record 4 is missing", ["DELETE FROM audit WHERE chain = '7-1-1' AND number = 4"]),
        ("it ends with record 6, and its head says 7", ["DELETE FROM audit WHERE chain = '7-1-1' AND number = 7"]),
        ("its head is not under our seal", ["UPDATE audit_heads SET number = 6 WHERE chain = '7-1-1'"]),
        ("its head is missing", ["DELETE FROM audit_heads WHERE chain = '7-1-1'"]),
        ("there is no record", NO_CHAIN),
        (
            "repo-7 saw it open, and there is no record of it",
            [*NO_CHAIN, "DELETE FROM sessions WHERE id = '7-1-1'"],
        ),
        (
            "no repository's record saw it open",
            ["DELETE FROM audit WHERE chain = 'repo-7'", "DELETE FROM audit_heads WHERE chain = 'repo-7'"],
        ),
    ],
)
def test_what_is_done_behind_our_back_is_found(recorded, tamper, found, statements):
    tamper(*statements)
    [problem] = recorded.verify()
    assert str(problem).startswith(f"{SESSION}: {found}")
    assert problem in recorded.verify(SESSION)
    assert [each.chain for each in recorded.verify("7-2-1")] == ["7-2-1"], "of which there is no record"


def test_what_is_no_text_is_found_and_not_taken_for_a_database_that_is_away(recorded, tamper, database):
    if database.dialect.name == "postgresql":
        pytest.skip("PostgreSQL takes nothing that is no text")
    tamper("UPDATE audit SET document = CAST(x'ff' AS TEXT) WHERE chain = '7-1-1' AND number = 4")
    [problem] = recorded.verify()
    assert str(problem).startswith(f"{SESSION}: record 4 is not what")


def test_going_on_after_it_does_not_cover_it_up(recorded, tamper):
    """The end is cut off and the head made to fit, without the key; then the session goes on."""
    kept = recorded.read(SESSION)[4]
    tamper(
        "DELETE FROM audit WHERE chain = '7-1-1' AND number > 5",
        "UPDATE audit_heads SET number = 5, hash = :hash WHERE chain = '7-1-1'",
        hash=kept.hash,
    )
    recorded.note(SESSION, [Record(kind="command", document={})])
    assert kinds(recorded)[5:] == ["doubt", "command"]
    [problem] = recorded.verify()
    assert str(problem).startswith(f"{SESSION}: record 6 follows a head that somebody else made")


def test_a_chain_begun_anew_is_no_sessions(recorded, tamper):
    tamper(*NO_CHAIN)
    recorded.note(SESSION, [Record(kind="command", document={})])
    assert [str(each) for each in recorded.verify()] == [f"{SESSION}: record 1 is not how a session begins"]


def test_after_a_change_of_the_apps_key_the_former_one_vouches_for_the_past(database, clock, recorded):
    renewed = Audit(database, clock, key=b"the new key")
    assert {problem.chain for problem in renewed.verify()} == {SESSION, "repo-7"}
    renewed.note(SESSION, [Record(kind="command", document={})])
    assert kinds(recorded)[-2:] == ["doubt", "command"]
    assert renewed.verify(former_keys=[AUDIT_KEY]) == []
