"""A backup is whole or refused, private, and never in anybody's way; a restore loses nothing that was there."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from github_app.core.errors import Misconfigured, Refused
from github_app.engine.backup import back_up, restore
from github_app.engine.database import connect, flows_url, transaction
from github_app.engine.migrations import migrate


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with one blob in it, closed."""
    url = f"sqlite:///{tmp_path / 'data' / 'honk.sqlite'}"
    engine = connect(url)
    migrate(engine)
    put(engine, "first")
    engine.dispose()
    return url


def put(engine: sa.Engine, key: str) -> None:
    with transaction(engine) as connection:
        connection.execute(sa.text("INSERT INTO blobs (id, content, created_at) VALUES (:k, '', '')"), {"k": key})


def blobs(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT id FROM blobs ORDER BY id")]
    finally:
        connection.close()


def test_a_copy_is_made_while_others_write(url: str, tmp_path: Path):
    engine = connect(url)
    with engine.connect() as writer, writer.begin():
        writer.execute(sa.text("INSERT INTO blobs (id, content, created_at) VALUES ('half', '', '')"))
        assert back_up(url, tmp_path / "copy") == 0
    put(engine, "later")
    engine.dispose()
    assert blobs(tmp_path / "copy") == ["first"]
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "data"]


def test_what_was_there_is_kept_and_the_runtimes_file_is_made_anew(url: str, tmp_path: Path):
    back_up(url, tmp_path / "copy")
    engine = connect(url)
    put(engine, "later")
    engine.dispose()
    flows_url(url)
    _, kept = restore(url, tmp_path / "copy")
    assert blobs(tmp_path / "data/honk.sqlite") == ["first"]
    assert blobs(kept[0]) == ["first", "later"]
    assert sorted(path.name.partition(".before")[0] for path in kept) == ["honk-flows.sqlite", "honk.sqlite"]
    assert sorted(path.name for path in (tmp_path / "data").glob("honk*.sqlite")) == ["honk.sqlite"]
    assert stat.S_IMODE((tmp_path / "data/honk.sqlite").stat().st_mode) == 0o600
    again = connect(url)
    put(again, "goes on")
    again.dispose()


def test_a_restore_waits_for_nobody_who_works(url: str, tmp_path: Path):
    back_up(url, tmp_path / "copy")
    engine = connect(url)
    with engine.connect(), pytest.raises(Refused, match="stop Honk first"):
        restore(url, tmp_path / "copy")
    put(engine, "nothing was lost")
    engine.dispose()
    assert blobs(tmp_path / "data/honk.sqlite") == ["first", "nothing was lost"]


def test_a_wrecked_database_is_replaced(url: str, tmp_path: Path):
    back_up(url, tmp_path / "copy")
    (tmp_path / "data/honk.sqlite").write_bytes(b"wrecked" * 10_000)
    restore(url, tmp_path / "copy")
    assert blobs(tmp_path / "data/honk.sqlite") == ["first"]


def test_a_damaged_backup_is_refused_before_anything_is_touched(url: str, tmp_path: Path):
    back_up(url, tmp_path / "copy")
    content = bytearray((tmp_path / "copy").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = b"x" * 4096
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(Refused, match=r"damaged|no backup"):
        restore(url, tmp_path / "copy")
    assert blobs(tmp_path / "data/honk.sqlite") == ["first"]


def test_a_backup_of_a_newer_version_is_refused(url: str, tmp_path: Path):
    back_up(url, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy") as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, '')")
    connection.close()
    with pytest.raises(Refused, match="newer Honk"):
        restore(url, tmp_path / "copy")


def test_a_file_that_is_there_is_not_overwritten(url: str, tmp_path: Path):
    (tmp_path / "copy").write_text("mine")
    with pytest.raises(Refused, match="exists"):
        back_up(url, tmp_path / "copy")
    with pytest.raises(Refused, match="no backup"):
        restore(url, tmp_path / "copy")
    with pytest.raises(Refused, match="no file"):
        restore(url, tmp_path / "nothing")
    assert (tmp_path / "copy").read_text() == "mine"


def test_postgresql_has_its_own_commands(tmp_path: Path):
    with pytest.raises(Misconfigured, match="pg_dump"):
        back_up("postgresql://host/honk", tmp_path / "copy")
    with pytest.raises(Misconfigured, match="pg_restore"):
        restore("postgresql://host/honk", tmp_path / "copy")
