"""What nobody will ask for any more is deleted; what is open, young or waited for stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from github_app.engine.database import transaction
from github_app.engine.retention import forget

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


def test_a_change_set_that_waits_for_a_person_stays(database, put, left):
    for number, status in enumerate(("needs_human", "closed"), start=1):
        rest = {
            "generation": 1,
            "branch": "honk/1-a",
            "head_sha": "",
            "version": 1,
            "ticked_at": OLD,
            "updated_at": OLD,
        }
        numbers = {"repo_id": 7, "installation_id": 1, "issue_number": number}
        blob = f"{number:064}"
        document = f'{{"held": {{"change_set_id": "{blob}"}}}}'
        put("sessions", id=f"s{number}", status=status, document=document, **numbers, **rest)
        put("blobs", id=blob, content=b"", created_at=OLD)

    forget(database, BEFORE)

    assert left("blobs") == {f"{1:064}"}


def test_transcripts_go_when_their_session_ended_long_ago_and_sessions_stay(database, put, left):
    ended = (("merged", OLD), ("closed", OLD), ("merged", YOUNG), ("needs_human", OLD))
    for number, (status, at) in enumerate(ended, start=1):
        rest = {"generation": 1, "branch": "honk/1-a", "head_sha": "", "version": 1, "document": "{}", "ticked_at": at}
        numbers = {"repo_id": 7, "installation_id": 1, "issue_number": number}
        put("sessions", id=f"s{number}", status=status, updated_at=at, **numbers, **rest)
        turn = {"cause": "implement", "base_sha": "b" * 40, "task": "{}", "started_at": OLD}
        put("turns", id=f"t{number}", session_id=f"s{number}", snapshot_id=f"b{number}", **turn)
        put("steps", turn_id=f"t{number}", number=1, role="user", document="{}", at=OLD)
        put("blobs", id=f"b{number}", content=b"", created_at=OLD)

    forget(database, BEFORE)

    assert left("turns") == {"t3", "t4"}
    assert left("steps", "turn_id") == {"t3", "t4"}
    assert left("blobs") == {"b3", "b4"}
    assert left("sessions") == {"s1", "s2", "s3", "s4"}
