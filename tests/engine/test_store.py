"""What is recorded is there, once, in order; decisions are all or nothing. On both databases."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from github_app.core.aftermath import Aftermath
from github_app.core.decisions import Decision
from github_app.core.effects import React, RunTurn, ShowProgress
from github_app.core.errors import Misconfigured, Transient
from github_app.core.events import EffectFailed, IssueLabeled, Published, Ticked
from github_app.core.failures import Failure
from github_app.core.session import Cause, Status
from github_app.core.subjects import Subject
from github_app.engine.database import DatabaseAway, connect, flows_url, transaction
from github_app.engine.migrations import migrate
from github_app.engine.store import Conflict, Store
from github_app.engine.tallies import read_tallies
from tests.engine.values import ANN, FACTS, ISSUE, REPO, MovingClock, a_session

LABELED = IssueLabeled(id="d-1", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
EFFECTS = (React(target="issue", target_id=1), RunTurn(turn_id="7-1-1/turn-1", cause=Cause.IMPLEMENT))


def states(store: Store) -> dict[str, int]:
    return store.entries.counts()


def record(store: Store, *keys: str) -> list[bool]:
    return store.entries.add([(key, "github", "issues", b"{}") for key in keys])


def begin(store: Store, **more):
    """A session as its first decision stores it."""
    decision = Decision(session=a_session(**more), effects=EFFECTS, why="asked for")
    store.commit(LABELED, None, decision, REPO, FACTS)
    found = store.session("7-1-1")
    assert found is not None
    return found


class TestInbox:
    def test_a_delivery_is_new_only_once(self, store):
        assert record(store, "a", "b", "a") == [True, True, False]
        assert record(store, "b", "c") == [False, True]
        assert [entry.id for entry in store.entries.new(10)] == ["a", "b", "c"]

    def test_one_delivery_sent_to_many_threads_at_once_is_new_for_one(self, store):
        barrier = threading.Barrier(8)

        def send(_):
            barrier.wait()
            return record(store, "same")[0]

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(send, range(8))) == [False] * 7 + [True]

    def test_bodies_come_back_byte_by_byte(self, store):
        body = bytes(range(256)) * 300
        store.entries.add([("a", "github", "issues", body)])
        assert store.entries.get("a").body == body

    def test_the_oldest_come_first_and_no_more_than_asked_for(self, store):
        record(store, *"edcba")
        assert [entry.id for entry in store.entries.new(3)] == ["e", "d", "c"]

    def test_queued_rows_are_nobodys_business_until_they_are_lost(self, store, clock):
        record(store, "a", "b")
        store.entries.queue([(each, "7-1") for each in store.entries.new(1)])
        assert [entry.id for entry in store.entries.new(9)] == ["b"]
        assert store.entries.requeue(queued_before=clock.now() - timedelta(minutes=15)) == 0
        clock.pass_s(3600)
        assert store.entries.requeue(queued_before=clock.now() - timedelta(minutes=15)) == 1
        assert [(entry.id, entry.attempts) for entry in store.entries.new(9)] == [("a", 1), ("b", 0)]

    def test_a_postponed_row_comes_back_when_its_time_has_come(self, store, clock):
        record(store, "a", "b")
        first = store.entries.new(1)[0]
        store.entries.postpone(first, delay_s=60, note="GitHub answers 502")
        assert [entry.id for entry in store.entries.new(9)] == ["b"]
        clock.pass_s(61)
        assert [(entry.id, entry.attempts) for entry in store.entries.new(9)] == [("a", 1), ("b", 0)]

    def test_a_row_that_was_postponed_before_it_was_noted_as_queued_is_not_lost(self, store, clock):
        """The flow may be faster than the dispatcher that started it."""
        record(store, "a")
        entries = store.entries.new(9)
        store.entries.postpone(entries[0], delay_s=1, note="later")
        store.entries.queue([(each, "7-1") for each in entries])
        clock.pass_s(2)
        assert [entry.id for entry in store.entries.new(9)] == ["a"]

    def test_a_row_that_ended_before_it_was_noted_as_queued_stays_ended(self, store):
        record(store, "a")
        entries = store.entries.new(9)
        store.entries.end("a", "done")
        store.entries.queue([(each, "7-1") for each in entries])
        store.entries.postpone(entries[0], delay_s=0, note="too late")
        assert states(store) == {"done": 1}

    def test_a_lane_gives_its_rows_in_the_order_of_their_arrival_until_they_end(self, store, clock):
        record(store, *"cab")
        lanes = {"c": "7-1", "a": "7-2", "b": "7-1"}
        store.entries.queue([(each, lanes[each.id]) for each in reversed(store.entries.new(9))])
        assert sorted(store.entries.queued_lanes()) == ["7-1", "7-2"]
        assert store.entries.queued_lanes(queued_before=clock.now() - timedelta(minutes=1)) == []
        assert sorted(store.entries.queued_lanes(queued_before=clock.now())) == ["7-1", "7-2"]
        taken = []
        while (entry := store.entries.next_in_lane("7-1")) is not None:
            taken.append(entry.id)
            store.entries.end(entry.id, "done")
        assert taken == ["c", "b"]
        assert store.entries.queued_lanes() == ["7-2"]

    def test_the_first_end_of_a_row_stays(self, store):
        record(store, "a")
        store.entries.end("a", "failed", "why")
        store.entries.end("a", "done")
        assert states(store) == {"failed": 1}

    def test_an_event_of_our_own_is_one_however_often_it_is_added(self, store):
        for _ in range(2):
            store.entries.add_event(Ticked(id="t", session_id="7-1-1"))
        assert [(entry.source, entry.name) for entry in store.entries.new(9)] == [("self", "Ticked")]


class TestDecisions:
    def test_a_decision_stores_session_reason_and_effects_together(self, store):
        record(store, "d-1")
        assert store.decision_of("d-1") is None
        pending = store.commit(
            LABELED, None, Decision(session=a_session(), effects=EFFECTS, why="asked for"), REPO, FACTS
        )
        assert [(each.id, each.effect) for each in pending] == [("d-1/0", EFFECTS[0]), ("d-1/1", EFFECTS[1])]
        assert store.decision_of("d-1") == pending
        assert store.session("7-1-1") == a_session(version=1)

    def test_a_decision_without_effects_is_known_too(self, store):
        store.commit(LABELED, None, Decision(session=None, why="means nothing"), REPO, FACTS)
        assert store.decision_of("d-1") == []

    def test_what_a_decision_shows_of_checks_is_counted_with_it_and_so_once(self, store):
        session = begin(store)
        assert read_tallies(store.engine) == {}
        failed = Failure(head_sha="c" * 40, name="test", source="workflow 1", mark="0", gist="1 != 2")
        for number, has_passed in enumerate((False, True, True)):
            known = tuple(replace(failed, name=name, has_passed=has_passed) for name in ("one", "two"))
            after = replace(session, turns=number + 5, failures=known)
            tick = Ticked(id=f"t{number}", session_id=session.id)
            store.commit(tick, session, Decision(session=after, why="looked"), REPO, FACTS)
            with pytest.raises(Conflict):
                store.commit(tick, session, Decision(session=after, why="looked"), REPO, FACTS)
            session = store.session(session.id)
        assert read_tallies(store.engine) == {"flaky": 2}

    def test_effects_that_are_done_are_not_pending(self, store):
        begin(store)
        store.finish_effect("d-1/0")
        assert [each.id for each in store.pending_effects("d-1")] == ["d-1/1"]

    def test_what_came_of_an_effect_is_recorded_with_it(self, store):
        begin(store)
        result = Published(id="p", session_id="7-1-1", turn_id="t", head_sha="c" * 40, pull_number=2)
        for _ in range(2):
            store.finish_effect("d-1/1", result=result)
        assert [entry.id for entry in store.entries.new(9)] == ["p"]

    def test_who_decided_on_an_older_version_must_look_again(self, store):
        session = begin(store)
        tick = Ticked(id="t1", session_id=session.id)
        store.commit(tick, session, Decision(session=replace(session, turns=2), why="first"), REPO, FACTS)
        late = EffectFailed(id="t2", session_id=session.id, effect_id="e", effect_kind="Say", reason="r")
        decision = Decision(session=replace(session, turns=3), effects=(ShowProgress(),), why="second")
        with pytest.raises(Conflict):
            store.commit(late, session, decision, REPO, FACTS)
        assert store.decision_of("t2") is None, "nothing of it may be stored"
        assert store.session(session.id) == replace(session, turns=2, version=2)

    def test_of_two_who_begin_the_same_session_one_must_look_again(self, store):
        begin(store)
        with pytest.raises(Conflict):
            store.commit(replace(LABELED, id="d-2"), None, Decision(session=a_session(), why="too"), REPO, FACTS)

    def test_an_event_is_decided_once(self, store):
        begin(store)
        with pytest.raises(Conflict):
            store.commit(LABELED, store.session("7-1-1"), Decision(session=None, why="again"), REPO, FACTS)

    def test_an_effect_without_a_repository_is_a_bug_and_stores_nothing(self, store):
        with pytest.raises(ValueError, match="no repository"):
            store.commit(LABELED, None, Decision(session=None, effects=EFFECTS, why="?"), None, FACTS)
        assert store.decision_of("d-1") is None


class TestSessions:
    @pytest.mark.parametrize(
        "subject",
        [
            Subject(session_id="7-1-1"),
            Subject(repo_id=7, issue_number=1),
            Subject(repo_id=7, pull_number=12),
            Subject(repo_id=7, branch="honk/1-make-it-two"),
            Subject(repo_id=7, branch="honk/1-make-it-two", pull_number=12),
            Subject(repo_id=7, head_sha="c" * 40),
            Subject(repo_id=7, branch="main", head_sha="c" * 40),
        ],
        ids=str,
    )
    def test_a_session_is_found_by_whatever_an_event_says(self, store, subject):
        session = begin(store, pull_number=12, head_sha="c" * 40)
        assert store.find_session(subject) == session

    @pytest.mark.parametrize(
        "subject",
        [
            Subject(session_id="7-1-2"),
            Subject(repo_id=8, issue_number=1),
            Subject(repo_id=7, pull_number=13),
            Subject(repo_id=7, branch="honk/1-somebody-else-made-this"),
            Subject(repo_id=7, branch="main", head_sha="d" * 40),
            Subject(repo_id=8, branch="main", head_sha="c" * 40),
            Subject(installation_id=3),
        ],
        ids=str,
    )
    def test_a_session_is_not_found_by_something_else(self, store, subject):
        begin(store, pull_number=12, head_sha="c" * 40)
        assert store.find_session(subject) is None

    def test_a_session_on_a_branch_of_others_is_found_by_it_while_it_is_open(self, store):
        session = begin(store, pull_number=12, branch="theirs")
        subject = Subject(repo_id=7, branch="theirs")
        assert store.find_session(subject) == session
        assert store.find_session(replace(subject, repo_id=8)) is None
        ended = Decision(session=replace(session, status=Status.CLOSED), why="stopped")
        store.commit(replace(LABELED, id="d-2"), session, ended, REPO, FACTS)
        assert store.find_session(subject) is None

    def test_the_newest_session_of_an_issue_is_the_one(self, store):
        begin(store, status=Status.CLOSED)
        second = a_session(id="7-1-2", generation=2)
        store.commit(
            replace(LABELED, id="d-2"), store.session("7-1-1"), Decision(session=second, why="again"), REPO, FACTS
        )
        found = store.find_session(Subject(repo_id=7, issue_number=1))
        assert found is not None
        assert (found.id, found.version) == ("7-1-2", 1)

    def test_open_sessions_are_those_that_have_not_ended(self, store):
        session = begin(store)
        assert store.open_sessions() == [session] == store.open_sessions(installation_id=3)
        assert store.open_sessions(installation_id=4) == []
        ended = replace(session, status=Status.MERGED)
        store.commit(Ticked(id="t", session_id=session.id), session, Decision(session=ended, why="merged"), REPO, FACTS)
        assert store.open_sessions() == []
        assert [each.id for each in store.sessions()] == ["7-1-1"]
        assert store.count_sessions() == {"merged": 1}

    def test_a_session_is_due_when_its_status_has_lasted_and_then_not_again(self, store, clock):
        session = begin(store)

        def due(status=Status.WORKING):
            return store.due_sessions({status.value: clock.now() - timedelta(minutes=10)})

        assert due() == []
        clock.pass_s(601)
        assert due(Status.AWAITING_CHECKS) == []
        assert due() == ["7-1-1"]
        assert due() == []
        clock.pass_s(601)
        waiting = replace(session, status=Status.AWAITING_CHECKS)
        store.commit(Ticked(id="t", session_id=session.id), session, Decision(session=waiting, why="w"), REPO, FACTS)
        assert due(Status.AWAITING_CHECKS) == [], "a new status has its time before it"
        clock.pass_s(601)
        assert due(Status.AWAITING_CHECKS) == ["7-1-1"]

    def test_a_merge_is_looked_at_ever_more_rarely_until_its_watch_is_over(self, store, clock):
        session, soon = begin(store), timedelta(seconds=90)
        watch = Aftermath(look_at=clock.now() + soon)
        merged = replace(session, status=Status.MERGED, aftermath=watch)
        store.commit(Ticked(id="t", session_id=session.id), session, Decision(session=merged, why="w"), REPO, FACTS)
        assert store.due_watches(soon=soon) == []
        clock.pass_s(3_600)
        assert store.due_watches(soon=soon) == ["7-1-1"]
        clock.pass_s(400)
        assert store.due_watches(soon=soon) == [], "an eighth of the time that nothing has changed"
        clock.pass_s(60)
        assert store.due_watches(soon=soon) == ["7-1-1"]
        before = store.session("7-1-1")
        over = replace(before, aftermath=replace(watch, look_at=None))
        store.commit(Ticked(id="u", session_id=session.id), before, Decision(session=over, why="w"), REPO, FACTS)
        clock.pass_s(36_000)
        assert store.due_watches(soon=soon) == []


class TestDatabases:
    def test_readers_do_not_wait_for_a_writer(self, database, store):
        record(store, "a")
        with transaction(database) as writer:
            writer.execute(sa.text("UPDATE inbox SET note = 'x'"))
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(store.entries.counts).result(timeout=10) == {"new": 1}

    def test_a_database_that_is_not_there_is_away(self, tmp_path, audit):
        folder = tmp_path / "gone"
        engine = connect(f"sqlite:///{folder}/honk.sqlite")
        shutil.rmtree(folder)
        with pytest.raises(DatabaseAway):
            Store(engine, MovingClock(), audit).entries.counts()
        nobody = connect("postgresql://nobody@127.0.0.1:1/none")
        with pytest.raises(Transient):
            Store(nobody, MovingClock(), audit).entries.counts()

    @pytest.mark.parametrize("url", ["mysql://x/y", "not a url", ""])
    def test_another_database_is_refused(self, url):
        with pytest.raises(Misconfigured, match="HONK_DATABASE_URL"):
            connect(url)

    def test_sqlite_survives_a_crash_of_the_machine(self, tmp_path):
        engine = connect(f"sqlite:///{tmp_path / 'honk.sqlite'}")
        with transaction(engine, reads=True) as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        engine.dispose()

    def test_flows_lie_beside_our_own_tables(self, tmp_path):
        assert flows_url(f"sqlite:///{tmp_path}/honk.sqlite") == f"sqlite:///{tmp_path}/honk-flows.sqlite"
        assert flows_url("postgresql://me:secret@db/honk") == "postgresql+psycopg://me:secret@db/honk"


def test_no_other_user_of_the_machine_can_read_the_database(tmp_path):
    url = f"sqlite:///{tmp_path}/data/honk.sqlite"
    engine = connect(url)
    migrate(engine)
    flows_url(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM inbox"))
        found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    assert {"honk.sqlite", "honk.sqlite-wal", "honk-flows.sqlite"} <= set(found)
    assert set(found.values()) == {0o600}
