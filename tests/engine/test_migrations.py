"""Whoever starts first makes the tables; nobody makes them twice."""

from __future__ import annotations

import subprocess
import sys

import sqlalchemy as sa

from github_app.engine.database import connect
from github_app.engine.migrations import migrate, scripts

_MIGRATE = """
import sys
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


def test_no_number_is_given_twice():
    numbers = [number for number, _ in scripts()]
    assert numbers == sorted(set(numbers))
