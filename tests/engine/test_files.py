"""The embedded database's files shrink again when what was in them is deleted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from github_app.engine.database import connect, flows_url, transaction
from github_app.engine.files import files_of, give_back

SIZE = 20_000_000


def fill(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS things (content BLOB)"))
        for _ in range(20):
            connection.execute(sa.text("INSERT INTO things VALUES (zeroblob(:n))"), {"n": SIZE // 20})


def empty(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(sa.text("DELETE FROM things"))


@pytest.mark.parametrize("is_old", [False, True])
def test_free_pages_go_back_to_the_disk(tmp_path: Path, is_old: bool):
    path = tmp_path / "honk.sqlite"
    if is_old:  # made before files could shrink
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE first (a)")
        connection.close()
    engine = connect(f"sqlite:///{path}")
    fill(engine)
    give_back(path)
    assert path.stat().st_size > SIZE
    empty(engine)
    with transaction(engine, reads=True) as reader:  # others are at work meanwhile
        reader.execute(sa.text("SELECT count(*) FROM things")).scalar_one()
    give_back(path)
    assert path.stat().st_size < SIZE / 4
    assert Path(f"{path}-wal").stat().st_size == 0
    fill(engine)
    engine.dispose()


def test_the_runtimes_file_is_looked_after_too(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'honk.sqlite'}"
    connect(url).dispose()
    assert [path.name for path in files_of(sa.make_url(url))] == ["honk.sqlite"]
    engine = sa.create_engine(flows_url(url))
    fill(engine)
    empty(engine)
    engine.dispose()
    for path in files_of(sa.make_url(url)):
        give_back(path)
    assert (tmp_path / "honk-flows.sqlite").stat().st_size < SIZE / 4
    assert files_of(sa.make_url("postgresql://host/honk")) == []
