"""What nobody will ask for any more is deleted; what is open, young or waited for stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from github_app.core.errors import Transient
from github_app.engine.database import transaction
from github_app.engine.lessons import forget_before
from github_app.engine.retention import Ages, Retention, forget, forget_blobs, forget_lessons

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
OLD, YOUNG = (NOW - timedelta(days=31)).isoformat(), (NOW - timedelta(days=29)).isoformat()


@pytest.fixture
def put(database: sa.Engine):
    def put(table: str, **values: object) -> None:
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with transaction(database) as connection:
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)  # noqa: S608

    return put


@pytest.fixture
def left(database: sa.Engine):
    def left(table: str, column: str = "id") -> set[str]:
        with transaction(database, reads=True) as connection:
            return set(connection.execute(sa.text(f"SELECT {column} FROM {table}")).scalars())  # noqa: S608

    return left


def test_deliveries_that_are_done_with_go_and_those_that_wait_stay(database, put, left):
    for state in ("done", "ignored", "unreadable", "failed", "new", "queued"):
        for age, at in (("old", OLD), ("young", YOUNG)):
            row = {"id": f"{state} {age}", "state": state, "received_at": at, "not_before": at}
            put("inbox", source="github", name="push", body=b"{}", **row)

    forget(database, BEFORE)

    young = {f"{state} young" for state in ("done", "ignored", "unreadable", "failed", "new", "queued")}
    assert left("inbox") == {"new old", "queued old", *young}


def test_decisions_go_when_all_their_effects_have(database, put, left):
    for event, state, at in (("done", "done", OLD), ("pending", "pending", OLD), ("young", "done", YOUNG)):
        values = {"status_before": "", "status_after": "working", "why": "asked for"}
        put("decisions", event_id=event, event_kind="IssueLabeled", decided_at=at, **values)
        rest = {"position": 0, "kind": "Say", "repo": "{}", "document": "{}"}
        put("effects", id=f"{event}/0", event_id=event, state=state, decided_at=at, **rest)

    forget(database, BEFORE)

    assert left("decisions", "event_id") == {"pending", "young"}
    assert left("effects") == {"pending/0", "young/0"}


def test_lessons_go_when_they_were_shown_as_expired(database, put, left):
    for name, days in (("used", 179), ("expired", 209), ("gone", 211)):
        at = (NOW - timedelta(days=days)).isoformat()
        put("lessons", id=name, repo_id=7, words="", document="{}", last_used_at=at)

    assert forget_lessons(database, forget_before(NOW, timedelta(days=180))) == 1

    assert left("lessons") == {"used", "expired"}


def put_decision(put, event: str, session_id: str | None) -> None:
    values = {"status_before": "", "status_after": "", "why": "asked for", "decided_at": OLD}
    put("decisions", event_id=event, event_kind="Published", session_id=session_id, **values)


def test_what_was_decided_of_an_open_session_is_still_known(database, put, left):
    ended, going = ("merged", "closed"), ("working", "needs_human", "awaiting_review")
    for number, status in enumerate((*ended, *going), start=1):
        put_session(put, number, status, OLD)
        put_decision(put, f"{status}/turn-1/published", f"s{number}")
    put_decision(put, "of nobody", None)

    forget(database, BEFORE)

    assert left("decisions", "event_id") == {f"{status}/turn-1/published" for status in going}


def test_what_was_decided_of_an_event_that_waits_is_still_known(database, put, left):
    for state in ("new", "queued", "done"):
        row = {"id": state, "state": state, "received_at": OLD, "not_before": OLD}
        put("inbox", source="github", name="push", body=b"{}", **row)
        put_decision(put, state, None)
        put_decision(put, f"{state}@s1", None)

    forget(database, BEFORE)

    assert left("decisions", "event_id") == {"new", "new@s1", "queued", "queued@s1"}


def test_whose_turn_it_is_to_look_stays_when_nobody_has_looked_for_long(database, put, left):
    for repo_id in (0, 7):
        put("looks", repo_id=repo_id, begins_at=OLD, issues_at=OLD, comments_at=OLD, looked_at=OLD, held_until=OLD)

    forget(database, BEFORE)

    assert left("looks", "repo_id") == {0}


def put_session(put, number: int, status: str, at: str, document: str = "{}") -> None:
    rest = {"generation": 1, "branch": "honk/1-a", "head_sha": "", "version": 1, "ticked_at": at, "updated_at": at}
    numbers = {"repo_id": 7, "installation_id": 1, "issue_number": number}
    put("sessions", id=f"s{number}", status=status, document=document, **numbers, **rest)


def put_blob(put, number: int, at: str = OLD) -> str:
    blob = f"{number:064x}"
    put("blobs", id=blob, content=b"", created_at=at)
    return blob


def test_a_change_set_that_waits_for_a_person_stays(database, put, left):
    for number, status in enumerate(("needs_human", "closed"), start=1):
        blob = put_blob(put, number)
        put_session(put, number, status, OLD, f'{{"held": {{"change_set_id": "{blob}"}}}}')

    assert forget_blobs(database, BEFORE) == 1

    assert left("blobs") == {f"{1:064x}"}


def test_images_of_a_turn_that_may_go_on_stay(database, put, left):
    for number, status in enumerate(("working", "needs_human", "merged"), start=1):
        put_session(put, number, status, OLD)
        task = f'{{"pictures": {{"shown": [{{"sha256":"{put_blob(put, number)}"}}]}}}}'
        put(
            "turns", id=f"t{number}", session_id=f"s{number}", cause="implement", base_sha="", task=task, started_at=OLD
        )

    assert forget_blobs(database, BEFORE) == 2

    assert left("blobs") == {f"{1:064x}"}


def test_a_change_set_that_is_about_to_be_read_stays(database, put, left):
    at = {"decided_at": OLD, "position": 0, "kind": "Publish", "repo": "{}"}
    for number, state in enumerate(("pending", "done"), start=1):
        document = f'{{"change_set_id": "{put_blob(put, number)}"}}'
        put("effects", id=f"e{number}", event_id=f"e{number}", state=state, document=document, **at)
    for number, state in enumerate(("queued", "new", "failed"), start=3):
        body = f'{{"change_set_id": "{put_blob(put, number)}"}}'.encode()
        when = {"received_at": OLD, "not_before": OLD}
        put("inbox", id=f"i{number}", source="self", name="TurnFinished", body=body, state=state, **when)
    put_blob(put, 6)
    put_blob(put, 7, YOUNG)

    assert forget_blobs(database, BEFORE) == 3

    assert left("blobs") == {f"{number:064x}" for number in (1, 3, 4, 7)}


def test_of_a_turn_only_what_its_workspace_held_last_stays(database, put, left):
    put_session(put, 1, "working", OLD)
    put_blob(put, 1)
    last = put_blob(put, 2)
    turn = {"cause": "implement", "base_sha": "b" * 40, "task": "{}", "started_at": OLD}
    put("turns", id="t1", session_id="s1", snapshot_id=last, **turn)

    forget_blobs(database, BEFORE)

    assert left("blobs") == {last}


def test_more_than_one_batch_goes_at_once(database, put, left):
    for number in range(250):
        put_blob(put, number)
        put("starts", turn_id=f"t{number}", repo_id=7, installation_id=1, person_id=1, at=OLD)

    assert forget(database, BEFORE) == 250
    assert forget_blobs(database, BEFORE) == 250

    assert left("blobs") == left("starts", "turn_id") == set()


def test_transcripts_go_when_their_session_ended_long_ago_and_sessions_stay(database, put, left):
    ended = (("merged", OLD), ("closed", OLD), ("merged", YOUNG), ("needs_human", OLD))
    for number, (status, at) in enumerate(ended, start=1):
        put_session(put, number, status, at)
        turn = {"cause": "implement", "base_sha": "b" * 40, "task": "{}", "started_at": OLD}
        put("turns", id=f"t{number}", session_id=f"s{number}", snapshot_id=f"b{number}", **turn)
        put("steps", turn_id=f"t{number}", number=1, role="user", document="{}", at=OLD)
        put("blobs", id=f"b{number}", content=b"", created_at=OLD)

    forget(database, BEFORE)
    forget_blobs(database, BEFORE)

    assert left("turns") == {"t3", "t4"}
    assert left("steps", "turn_id") == {"t3", "t4"}
    assert left("blobs") == {"b3", "b4"}
    assert left("sessions") == {"s1", "s2", "s3", "s4"}


def test_what_fails_does_not_keep_the_rest_from_being_tidied(database, put, left):
    put_blob(put, 1)
    tidied: list[float] = []

    def fail(_before: datetime) -> None:
        raise Transient("the runtime is away")

    ages = Ages.of_days(14)
    Retention(database=database, forget_flows=fail, tidy=tidied.append, clock=Stopped(), ages=ages).sweep()

    assert left("blobs") == set()
    assert tidied == [7 * 86_400.0]


class Stopped:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def test_nothing_is_kept_longer_than_what_was_done():
    ages = Ages.of_days(0.5)
    assert {ages.done, ages.flows, ages.caches, ages.blobs} == {timedelta(hours=12)}
    assert Ages.of_days(30) == Ages()
