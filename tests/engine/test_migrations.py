"""Whoever starts first makes the tables; nobody makes them twice."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import sqlalchemy as sa

from github_app.engine import migrations
from github_app.engine.database import connect
from github_app.engine.migrations import migrate, scripts

_MIGRATE = """
import sys
from github_app.engine import migrations
from github_app.engine.database import connect
from github_app.engine.migrations import migrate
sys.stdin.read(1)
print(migrate(connect(sys.argv[1])))
"""


def test_migrating_again_changes_nothing(database_url):
    engine = connect(database_url)
    newest = migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO blobs (id, content, created_at) VALUES ('a', :c, '')"), {"c": b"kept"})
    assert migrate(engine) == newest == scripts()[-1][0]
    with engine.connect() as connection:
        assert bytes(connection.execute(sa.text("SELECT content FROM blobs")).scalar_one()) == b"kept"
        applied = connection.execute(sa.text("SELECT number FROM migrations")).scalars().all()
    assert sorted(applied) == [number for number, _ in scripts()]
    engine.dispose()


def test_processes_that_start_at_once_do_not_trip_over_each_other(database_url):
    command = [sys.executable, "-c", _MIGRATE, database_url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:  # all are up and wait for this
        assert process.stdin is not None
        process.stdin.write("g")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [answer for answer, _ in answers] == [f"{scripts()[-1][0]}\n"] * 4, answers


def test_numbers_have_neither_gaps_nor_doubles():
    numbers = [number for number, _ in scripts()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(("number", "text"), scripts()[1:], ids=lambda value: value if isinstance(value, int) else "")
def test_a_migration_only_adds(number: int, text: str):
    """What an older worker, still there while newer ones come up, reads and writes is not touched."""
    made = re.findall(r"CREATE TABLE (\w+)", text)
    for statement in (each.strip() for each in migrations._statements(text)):
        if statement == "{refusal}":
            continue
        kind = re.match(r"CREATE TABLE|CREATE INDEX|CREATE TRIGGER|ALTER TABLE \w+ ADD COLUMN|UPDATE|INSERT", statement)
        assert kind, f"{number} does more than add: {statement}"
        if kind[0] == "CREATE TRIGGER":
            assert any(f" ON {table} " in statement for table in made), (
                f"{number} guards what others write: {statement}"
            )
        if "ADD COLUMN" in kind[0]:
            assert "DEFAULT" in statement or "NOT NULL" not in statement, f"older workers cannot insert: {statement}"


def test_sessions_that_are_older_than_quotas_count_their_open_pull_requests(database_url, monkeypatch):
    engine, all_of_them = connect(database_url), scripts()
    monkeypatch.setattr(migrations, "scripts", lambda: all_of_them[:1])
    migrate(engine)
    with engine.begin() as connection:
        for number, (status, pull) in enumerate([("working", 12), ("needs_human", None), ("merged", 13)], 1):
            connection.execute(
                sa.text(
                    "INSERT INTO sessions (id, repo_id, installation_id, issue_number, generation, branch, "
                    "pull_number, head_sha, status, version, document, updated_at, ticked_at) "
                    "VALUES (:id, 7, 3, :id, 1, 'b', :pull, '', :status, 1, '{}', '', '')"
                ),
                {"id": number, "status": status, "pull": pull},
            )
    monkeypatch.setattr(migrations, "scripts", lambda: all_of_them)
    migrate(engine)
    with engine.connect() as connection:
        held = connection.execute(sa.text("SELECT holds_pull FROM sessions ORDER BY issue_number")).scalars().all()
    assert held == [1, 0, 0]
    engine.dispose()
