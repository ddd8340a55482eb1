"""Events in, decisions and effects out: the engine as a whole, on real DBOS, with everything that may go wrong in
between."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS

from github_app.core.errors import AccessDenied, RateLimited, Transient
from github_app.core.model import Checks, FailedCheck, Permission
from github_app.core.policy import POLICY_PATH
from github_app.core.session import Status
from github_app.engine import codec, turns
from github_app.engine.database import flows_url, transaction
from github_app.engine.runtime import Capacity
from tests.agent.parts import call, reply
from tests.engine.stage import Open, Stage, eventually, work
from tests.engine.values import ISSUE, REPO
from tests.fakes.hub import BASE, RecordingHub


def test_a_label_becomes_a_draft_pull_request(open_stage: Open):
    stage = open_stage(*work())
    stage.label()
    session = stage.wait_status(Status.AWAITING_CHECKS)
    pull = stage.pull_of(session)
    assert (pull.is_draft, pull.head_sha) == (True, session.head_sha)
    assert stage.hub.acts_of("react") == [("issue", 1, "eyes")]
    assert stage.hub.acts_of("publish") == [(session.branch, BASE, "7-1-1/turn-1")]
    assert "`ann` asked for it and may" in stage.whys()
    assert stage.model.script == []
    # A flow that is run again finds other things left to do: what it did must not be known by its place.
    flows = DBOS.list_workflows()
    assert {flow.name for flow in flows} == {"intake", "turn"}
    assert [step for flow in flows for step in DBOS.list_workflow_steps(flow.workflow_id)] == []


def test_the_same_on_postgresql(postgresql, tmp_path):
    from tests.fakes.databases import fresh_database

    with fresh_database(postgresql) as url:
        stage = Stage(folder=tmp_path, database_url=url, flows_url=flows_url(url), script=work()).start()
        try:
            stage.label()
            session = stage.wait_status(Status.AWAITING_CHECKS)
            assert stage.pull_of(session).is_draft
        finally:
            stage.close()


class TestWhatMeansNothing:
    def test_an_unreadable_delivery_is_kept_as_that_and_holds_up_nobody(self, open_stage: Open):
        stage = open_stage(*work())
        key = stage.deliver("issues", "labeled", issue=None)
        stage.label()
        assert "issue" in stage.wait_entry(key, "unreadable")
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_an_ignored_one_says_why(self, open_stage: Open):
        stage = open_stage()
        key = stage.deliver("star", "created")
        assert "star" in stage.wait_entry(key, "ignored")

    def test_a_row_that_nobody_can_read_fails_alone(self, open_stage: Open):
        stage = open_stage(*work())
        stage.store.entries.add([("odd", "self", "Ticked", b"{")])
        stage.label()
        for attempt in range(1, 13):
            stage.wait_attempts("odd", attempt)
            stage.clock.pass_s(300)
        assert "cannot read this Ticked" in stage.wait_entry("odd", "failed")
        stage.wait_status(Status.AWAITING_CHECKS)


class TestNewerVersions:
    """An older worker beside newer ones, while a deploy is under way."""

    def test_an_event_that_only_newer_ones_know_waits_for_them(self, open_stage: Open):
        stage = open_stage(*work())
        stage.store.entries.add([("foreseen", "self", "Foreseen", b"{}")])
        stage.wait_attempts("foreseen", 1)
        entry = stage.store.entries.get("foreseen")
        stage.store.entries.queue([(entry, "7-1")])  # a newer worker's dispatcher has it, and our flow takes it up
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        stage.wait_attempts("foreseen", 2)

    def test_an_effect_that_only_newer_ones_know_waits_for_them(self, open_stage: Open):
        stage = open_stage()
        stage.hub.on["permission"] = lambda: _foresee(stage)
        key = stage.label()
        stage.wait_attempts(key, 1)
        assert stage.effects("pending") == {"Foreseen": ""}
        assert stage.hub.acts == []

    def test_a_field_that_only_newer_ones_know_outlives_our_writing(self, open_stage: Open):
        stage = open_stage(*work())
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        _change(stage, lambda document: document | {"from_the_future": 7})
        stage.comment("/honk stop")
        stage.wait_status(Status.CLOSED)
        assert _document(stage)["from_the_future"] == 7

    def test_a_status_that_only_newer_ones_know_keeps_nobody_from_starting(self, open_stage: Open):
        stage = open_stage(*work(), *work())
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        _change(stage, lambda document: document | {"status": "foreseen"}, status="working")
        stage.engine.stop()
        stage.start()
        stage.label(2)
        stage.wait_status(Status.AWAITING_CHECKS, 2)


def _document(stage: Stage) -> dict[str, Any]:
    with stage.database.connect() as connection:
        return dict(json.loads(connection.execute(sa.text("SELECT document FROM sessions")).scalar_one()))


def _change(stage: Stage, change: Callable[[dict[str, Any]], dict[str, Any]], **columns: str) -> None:
    """Write the session as a newer version would."""
    values = {"document": json.dumps(change(_document(stage))), **columns}
    sets = ", ".join(f"{name} = :{name}" for name in values)
    with transaction(stage.database) as connection:
        connection.execute(sa.text(f"UPDATE sessions SET {sets}"), values)  # noqa: S608 — our own words


def _foresee(stage: Stage) -> None:
    """A newer version decides on the delivery that we are about to decide on."""
    stage.hub.on.pop("permission")
    with transaction(stage.database) as connection:
        [event] = connection.execute(sa.text("SELECT id FROM inbox")).scalars()
        at = stage.clock.now().isoformat()
        connection.execute(
            sa.text(
                "INSERT INTO decisions (event_id, event_kind, status_before, status_after, why, decided_at) "
                "VALUES (:e, 'IssueLabeled', '', '', 'foreseen', :at)"
            ),
            {"e": event, "at": at},
        )
        connection.execute(
            sa.text(
                "INSERT INTO effects (id, event_id, position, kind, repo, document, state, decided_at) "
                "VALUES (:i, :e, 0, 'Foreseen', :repo, '{}', 'pending', :at)"
            ),
            {"i": f"{event}/0", "e": event, "repo": codec.dump(REPO), "at": at},
        )


class TestLater:
    def test_a_fact_that_cannot_be_had_now_is_asked_for_later(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("permission", Transient("GitHub answers 502"), Transient("GitHub answers 502"))
        key = stage.label()
        for attempt in (1, 2):
            stage.wait_attempts(key, attempt)
            stage.clock.pass_s(10)
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_who_waits_for_minutes_is_told_so_once(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("permission", *[Transient("GitHub answers 502")] * 8)
        key = stage.label()
        for attempt in range(1, 9):
            stage.wait_attempts(key, attempt)
            told = [body for _, tag, body in stage.hub.acts_of("say") if tag == f"failed:{key}"]
            words = "I have read this and cannot act on it yet: GitHub answers 502. I keep trying, and go on by myself."
            assert told == [words] * (attempt > 6)
            stage.clock.pass_s(310)
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_an_inbox_that_is_behind_is_the_operators_to_know(self, open_stage: Open, caplog):
        stage = open_stage(*work())
        stage.hub.fail("permission", RateLimited("wait", retry_after_s=3600))
        stage.wait_attempts(stage.label(), 1)
        stage.clock.pass_s(299)
        stage.engine.upkeep.tick()
        assert "the inbox is behind" not in caplog.text
        stage.clock.pass_s(301)
        for _ in range(2):
            stage.engine.upkeep.tick()
        assert caplog.text.count("the inbox is behind") == 1
        assert stage.store.entries.oldest_s() >= 600

    def test_a_rate_limit_holds_up_nobody_else(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("permission", RateLimited("wait", retry_after_s=3600))
        limited = stage.label(1)
        stage.wait_attempts(limited, 1)
        stage.label(2)
        stage.wait_status(Status.AWAITING_CHECKS, 2)
        assert stage.session(1) is None
        stage.clock.pass_s(3000)
        stage.engine.wake()
        assert stage.store.entries.get(limited).attempts == 1
        stage.model.script += work()
        stage.clock.pass_s(700)
        stage.wait_status(Status.AWAITING_CHECKS, 1)

    def test_an_effect_that_fails_for_now_is_done_later_and_once(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("open_pull", Transient("GitHub answers 502"))
        stage.label()
        stage.wait_attempts_of_turn(1)
        stage.clock.pass_s(10)
        session = stage.wait_status(Status.AWAITING_CHECKS)
        assert list(stage.hub.commits) == ["7-1-1/turn-1"], "the commit that was made stays the only one"
        assert list(stage.hub.pulls) == [session.pull_number]

    def test_an_acknowledgement_that_must_wait_does_not_hold_up_the_work(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("react", RateLimited("wait", retry_after_s=30))
        key = stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        assert stage.hub.acts_of("react") == []
        stage.clock.pass_s(60)
        stage.wait_entry(key, "done")
        assert len(stage.hub.acts_of("react")) == 1

    def test_an_effect_that_never_works_becomes_a_question(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("publish", *[Transient("GitHub answers 502")] * 50)
        stage.label()
        for attempt in range(1, 4):
            stage.wait_attempts_of_turn(attempt)
            stage.clock.pass_s(1800)
        session = stage.wait_status(Status.NEEDS_HUMAN)
        assert "502" in session.waiting_for

    def test_rows_of_one_session_wait_for_each_other_and_those_of_others_do_not(self, open_stage: Open):
        stage = open_stage(*work(), *work())
        gate, entered = threading.Event(), threading.Event()

        def hold() -> None:
            stage.hub.on.pop("permission", None)
            entered.set()
            assert gate.wait(30)

        stage.hub.on["permission"] = hold
        stage.label(1)
        assert entered.wait(30)
        second = stage.comment("/honk status", 1)
        stage.label(2)
        stage.wait_status(Status.AWAITING_CHECKS, 2)
        assert stage.store.decision_of(second) is None
        gate.set()
        stage.wait_status(Status.AWAITING_CHECKS, 1)
        stage.wait_entry(second, "done")

    def test_a_row_that_its_flow_lost_is_taken_up_again(self, open_stage: Open):
        stage = open_stage(*work())
        stage.store.entries.add([("lost", "self", "Ticked", b'{"id": "lost", "session_id": "7-1-1"}')])
        eventually(lambda: stage.store.entries.counts().get("done") == 1)
        with stage.database.begin() as connection:
            connection.exec_driver_sql("UPDATE inbox SET state = 'queued'")
        stage.engine.upkeep.tick()
        assert stage.store.entries.counts() == {"queued": 1}
        stage.clock.pass_s(30)
        stage.engine.upkeep.tick()
        eventually(lambda: stage.store.entries.counts() == {"done": 1})


class TestFailures:
    def test_a_best_effort_failure_is_for_the_log_alone(self, open_stage: Open, caplog):
        stage = open_stage(*work())
        stage.hub.fail("react", AccessDenied("the app may not react"))
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        assert stage.effects("failed") == {"React": "the app may not react"}
        assert "effect failed" in caplog.messages

    def test_a_lost_permission_becomes_a_question(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("publish", AccessDenied("the app may not write contents"))
        stage.label()
        assert "may not write contents" in stage.wait_status(Status.NEEDS_HUMAN).waiting_for

    @pytest.mark.parametrize("arm", ["publish", "open_pull"])
    def test_a_bug_in_an_effect_becomes_a_question_with_a_number_to_find_it_by(self, open_stage: Open, caplog, arm):
        stage = open_stage(*work())
        stage.hub.fail(arm, TypeError("a bug"))
        stage.label()
        said = stage.wait_status(Status.NEEDS_HUMAN).waiting_for
        error_id = next(record.error_id for record in caplog.records if getattr(record, "error_id", ""))
        assert error_id in said
        assert "a bug" not in said

    def test_a_bug_in_an_acknowledgement_does_not_hold_up_the_work(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("react", TypeError("a bug"))
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_a_bug_before_the_decision_is_said_to_who_asked(self, open_stage: Open):
        stage = open_stage()
        stage.hub.fail("permission", TypeError("a bug"))
        key = stage.label()
        why = stage.wait_entry(key, "failed")
        [said] = stage.hub.comments_by_tag.values()
        assert why.split("id ")[1][:8] in said

    def test_a_bug_while_deciding_what_the_session_waits_for_becomes_a_question(self, open_stage: Open):
        stage = open_stage(*work())
        stage.hub.fail("checks", TypeError("a bug"))
        stage.label()
        assert "an error of my own" in stage.wait_status(Status.NEEDS_HUMAN).waiting_for

    def test_a_model_that_refuses_our_key_becomes_a_question(self, open_stage: Open):
        stage = open_stage(AccessDenied("the model refuses our key"))
        stage.label()
        assert "refuses our key" in stage.wait_status(Status.NEEDS_HUMAN).waiting_for

    def test_a_model_that_is_away_is_asked_again(self, open_stage: Open, monkeypatch):
        waited = []

        async def note(_self, seconds, _is_stopping):
            waited.append(seconds)

        monkeypatch.setattr(turns.TurnRunner, "_wait", note)
        away = [Transient("overloaded"), RateLimited("slow down", retry_after_s=7)]
        stage = open_stage(*away, *work())
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        assert waited == [2.0, 7]

    def test_a_model_that_stays_away_becomes_a_question_and_its_price_is_counted(self, open_stage: Open, monkeypatch):
        async def no_wait(*_):
            pass

        monkeypatch.setattr(turns.TurnRunner, "_wait", no_wait)
        stage = open_stage(work()[0], *[Transient("overloaded")] * 50)
        stage.label()
        session = stage.wait_status(Status.NEEDS_HUMAN)
        assert "overloaded" in session.waiting_for
        assert session.usage.steps == 1
        assert session.usage.cost_micro_usd > 0


class TestTurns:
    def test_work_for_a_branch_that_is_not_ours_goes_to_another(self, open_stage: Open):
        stage = open_stage(*work("2"), *work("3"))
        stage.hub.heads["honk/1-make-it-two"] = "d" * 40
        stage.label()
        session = stage.wait_status(Status.AWAITING_CHECKS)
        assert stage.hub.acts_of("publish") == [
            ("honk/1-make-it-two", BASE, "7-1-1/turn-1"),
            ("honk/1-make-it-two-again", BASE, "7-1-1/turn-2"),
        ]
        assert session.branch == "honk/1-make-it-two-again"
        first_words = str(stage.model.requests[2].messages[0])
        assert "The workspace holds what your last turn changed." in first_words
        assert "Others pushed" not in first_words  # what lies on that branch is nothing to us

    def test_what_a_person_says_during_a_turn_joins_it(self, open_stage: Open):
        def interrupt(_request):
            stage.comment("/honk and call it y")
            eventually(lambda: (found := stage.session()) is not None and found.feedback)
            return work()[0]

        stage = open_stage(interrupt, work()[1])
        stage.label()
        session = stage.wait_status(Status.AWAITING_CHECKS)
        assert "and call it y" in str(stage.model.last_message(1))
        assert (session.turns, session.feedback) == (1, ())

    def test_stop_ends_a_running_command(self, open_stage: Open):
        stage = open_stage(reply(call("bash", command="sleep 1000")))
        stage.rooms.holds = True
        stage.label()
        eventually(lambda: stage.rooms.entered)
        stage.comment("/honk stop")
        stage.wait_status(Status.CLOSED)
        eventually(lambda: stage.rooms.left == stage.rooms.entered, "the command to be cancelled")
        eventually(lambda: stage.rooms.closed == 1)
        eventually(lambda: stage.rooms.discarded == ["7-1-1"])
        assert stage.hub.commits == {}

    def test_a_turn_of_an_ended_session_does_not_begin(self, open_stage: Open):
        """It was waiting for its turn when somebody stopped it."""
        stage = open_stage(reply(call("bash", command="sleep 1000")), capacity=Capacity(turns=1, turns_per_repo=1))
        stage.rooms.holds = True
        stage.label(1)
        eventually(lambda: stage.rooms.entered)
        stage.label(2)
        stage.wait_status(Status.WORKING, 2)
        stage.comment("/honk stop", 2)
        stage.wait_status(Status.CLOSED, 2)
        stage.comment("/honk stop", 1)
        stage.wait_status(Status.CLOSED, 1)
        eventually(lambda: sorted(stage.rooms.discarded) == ["7-1-1", "7-2-1"])
        assert len(stage.model.requests) == 1

    def test_no_more_turns_run_at_once_than_there_is_room_for(self, open_stage: Open):
        stage = open_stage(
            *[reply(call("bash", command="sleep 1000"))] * 2, capacity=Capacity(turns=4, turns_per_repo=2)
        )
        stage.rooms.holds = True
        for number in (1, 2, 3):
            stage.label(number)
            stage.wait_status(Status.WORKING, number)
        eventually(lambda: len(stage.rooms.entered) == 2)
        stage.model.script += [reply(call("bash", command="echo third"))]
        running = {request for request in (1, 2, 3) if stage.session(request)}
        assert running == {1, 2, 3}
        stage.comment("/honk stop", 1)
        stage.comment("/honk stop", 2)
        stage.comment("/honk stop", 3)
        for number in (1, 2, 3):
            stage.wait_status(Status.CLOSED, number)

    def test_red_checks_start_a_turn_that_knows_the_log(self, open_stage: Open):
        stage = open_stage(*work("2"), *work("3"))
        stage.label()
        session = stage.wait_status(Status.AWAITING_CHECKS)
        failed = FailedCheck(name="test", conclusion="failure", log="E assert 1 == 2")
        stage.hub.found_checks[session.head_sha] = Checks(head_sha=session.head_sha, state="failed", failed=(failed,))
        stage.clock.pass_s(120)
        stage.engine.upkeep.tick()
        eventually(lambda: len(stage.hub.commits) == 2)
        assert "E assert 1 == 2" in str(stage.model.requests[2].messages[0])


class TestPeople:
    def test_somebody_without_write_access_starts_nothing(self, open_stage: Open):
        stage = open_stage()
        stage.hub.permissions["eve"] = Permission.READ
        key = stage.label(by="eve")
        stage.wait_entry(key, "done")
        assert stage.session() is None
        assert [tag for _, tag in stage.hub.comments_by_tag] == ["refusal:2"]

    def test_an_installation_that_is_removed_ends_all_its_sessions(self, open_stage: Open):
        stage = open_stage(*work(), *work())
        for number in (1, 2):
            stage.label(number)
            stage.wait_status(Status.AWAITING_CHECKS, number)
        stage.deliver("installation", "deleted", repositories=[])
        for number in (1, 2):
            stage.wait_status(Status.CLOSED, number)
        eventually(lambda: sorted(stage.rooms.discarded) == ["7-1-1", "7-2-1"])


class TestOrder:
    def test_what_came_in_together_is_decided_in_the_order_of_its_arrival(self, open_stage: Open):
        stage = open_stage()
        stage.hub.permissions["ann"] = Permission.READ  # each gets its answer, and nothing runs
        keys = [stage.comment(f"/honk try {n}", 1) for n in range(30)]
        for key in keys:
            stage.wait_entry(key, "done")
        with stage.database.connect() as connection:
            rows = connection.execute(sa.text("SELECT event_id FROM decisions ORDER BY decided_at, rowid"))
            assert [row.event_id for row in rows] == keys


class TestTime:
    def test_what_github_did_not_tell_is_seen_by_looking(self, open_stage: Open):
        stage = open_stage(*work())
        stage.label()
        session = stage.wait_status(Status.AWAITING_CHECKS)
        pull = stage.pull_of(session)
        stage.hub.pulls[pull.number] = replace(pull, is_open=False, is_merged=True, merged_by="ann")
        stage.engine.upkeep.tick()
        assert stage.wait_status(Status.AWAITING_CHECKS), "it is not time yet"
        stage.clock.pass_s(61)
        stage.engine.upkeep.tick()
        stage.wait_status(Status.MERGED)

    def test_deliveries_that_did_not_arrive_are_asked_for_at_the_start_and_then_again(self, open_stage: Open):
        stage = open_stage()
        eventually(lambda: "redeliver_failed" in [asked[0] for asked in stage.hub.asked])
        for _ in range(2):
            stage.clock.pass_s(600)
            eventually(stage.engine.upkeep.reconciliation.run)
        asked = [asked[1:] for asked in stage.hub.asked if asked[0] == "redeliver_failed"]
        minutes = [(round((stage.clock.now() - since).total_seconds() / 60), again) for since, again in asked]
        days = 3 * 24 * 60
        assert minutes == [(days + 20, True), (days + 10, True), (15, False)], "twice all, then what is new"

    def test_github_that_is_away_at_the_start_stops_nothing(self, open_stage: Open):
        hub = RecordingHub(issues={1: ISSUE})
        hub.fail("redeliver_failed", Transient("502"))
        stage = open_stage(*work(), hub=hub)
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_what_lies_on_the_disk_is_tidied_from_the_start(self, open_stage: Open):
        stage = open_stage()
        eventually(lambda: stage.rooms.tidied == 1)

    def test_what_is_old_is_forgotten_and_what_may_be_asked_for_is_not(self, open_stage: Open):
        stage = open_stage(*work(), *work())
        for number in (1, 2):
            stage.label(number)
            stage.wait_status(Status.AWAITING_CHECKS, number)
        stage.comment("/honk stop", 1)
        stage.wait_status(Status.CLOSED, 1)
        eventually(lambda: set(stage.store.entries.counts()) == {"done"})
        stage.clock.pass_s(31 * 86400)
        stage.engine.retention.sweep()
        transcripts = stage.engine.runner.transcripts
        assert transcripts.steps("7-1-1/turn-1") == ()
        assert len(transcripts.steps("7-2-1/turn-1")) > 0
        assert [session.id for session in stage.store.sessions()] == ["7-1-1", "7-2-1"]
        assert stage.store.entries.counts().get("done", 0) <= 1, "only the look at the open session is new"
        turn = transcripts.turn("7-2-1/turn-1")
        assert turn is not None
        assert turn.snapshot_id is not None
        assert transcripts.changes(turn.snapshot_id).changes


class TestStopping:
    def test_a_turn_is_handed_over_between_two_steps_and_nothing_is_paid_twice(self, open_stage: Open):
        entered, gate = threading.Event(), threading.Event()

        def slow(_request):
            entered.set()
            assert gate.wait(30)
            return work()[0]

        stage = open_stage(slow, work()[1])
        stage.label()
        assert entered.wait(30)
        stopping = threading.Thread(target=stage.stop)
        stopping.start()
        eventually(stage.engine._stopping.is_set)
        gate.set()  # the reply comes in while we stop: it is stored and acted on, and nothing more is asked
        stopping.join(30)
        assert len(stage.model.requests) == 1
        stage.start()
        stage.wait_status(Status.AWAITING_CHECKS)
        assert len(stage.model.requests) == 2
        assert list(stage.hub.commits) == ["7-1-1/turn-1"]

    def test_who_is_still_deciding_when_the_runtime_is_gone_leaves_the_rest_to_the_next_start(self, open_stage: Open):
        stage = open_stage(*work())
        entered, gate = threading.Event(), threading.Event()

        def hold() -> None:
            stage.hub.on.pop("react")
            entered.set()
            assert gate.wait(30)

        stage.hub.on["react"] = hold
        key = stage.label()
        assert entered.wait(30)
        stage.engine.stop(timeout_s=0.1)
        gate.set()
        eventually(lambda: stage.hub.acts_of("react"))
        stage.wait_attempts(key, 1)
        assert stage.effects("failed") == {}
        stage.clock.pass_s(60)
        stage.start()
        stage.wait_status(Status.AWAITING_CHECKS)

    def test_a_command_that_takes_long_is_cut_and_the_turn_goes_on_after_the_next_start(self, open_stage: Open):
        stage = open_stage(reply(call("bash", command="sleep 1000")), *work())
        stage.rooms.holds = True
        stage.label()
        eventually(lambda: stage.rooms.entered)
        stage.engine.stop(timeout_s=0.2)
        assert stage.rooms.left == stage.rooms.entered
        stage.rooms.holds = False
        stage.start()
        stage.wait_status(Status.AWAITING_CHECKS)
        assert "interrupted" in str(stage.model.last_message(1)).lower()

    def test_what_was_recorded_while_nobody_worked_is_done_after_the_start(self, open_stage: Open):
        stage = open_stage(*work())
        stage.stop()
        stage.label()
        stage.start()
        stage.wait_status(Status.AWAITING_CHECKS)


class TestPolicyThatIsWrong:
    def test_a_turn_of_an_open_session_ends_once_and_says_why(self, open_stage: Open):
        """The file at a commit never changes; what we understand of it may, with another version or another floor."""
        stage = open_stage(*work())
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        stage.hub.files[POLICY_PATH, BASE] = b"rounds:\n  cheks: 1\n"
        stage.comment("/honk say more")
        stage.wait_status(Status.NEEDS_HUMAN)
        [asked] = eventually(lambda: [each[2] for each in stage.hub.acts_of("say") if each[1].startswith("ask:")])
        assert "`.github/honk.yml`, line 2: unknown key `rounds.cheks`" in asked
        assert len(stage.hub.acts_of("publish")) == 1
