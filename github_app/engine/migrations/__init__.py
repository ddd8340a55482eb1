"""Numbered migrations of Honk's own tables, as SQL files: applied in order, once, each in a transaction, by whoever
starts first. `{serial}`, `{bytes}` and `{refuse}` (of a trigger; `{refusal}` prepares it) stand for what SQLite and
PostgreSQL call differently."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

import sqlalchemy as sa

from github_app.engine.database import transaction

_WORDS = {
    "sqlite": {
        "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "bytes": "BLOB",
        "refusal": "SELECT 1",
        "refuse": "BEGIN SELECT RAISE(ABORT, 'rows of this table are never changed'); END",
    },
    "postgresql": {
        "serial": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "bytes": "BYTEA",
        "refusal": "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'rows of this table are never changed'; END $$",
        "refuse": "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    },
}

_LOCK = 0x686F6E6B
"""Any number, the same in all processes: the advisory lock under which PostgreSQL is migrated."""


def migrate(engine: sa.Engine) -> int:
    """Bring the tables to the newest schema and return its number. Safe when several processes start at once.

    Raises `DatabaseAway`.
    """
    words = _WORDS[engine.dialect.name]
    with transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        connection.execute(
            sa.text("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)")
        )
        applied = set(connection.execute(sa.text("SELECT number FROM migrations")).scalars())
        for number, text in scripts():
            if number in applied:
                continue
            for statement in _statements(text):
                connection.execute(sa.text(statement.format(**words)))
            connection.execute(
                sa.text("INSERT INTO migrations (number, applied_at) VALUES (:number, :at)"),
                {"number": number, "at": datetime.now(UTC).isoformat()},
            )
    return scripts()[-1][0]


def scripts() -> list[tuple[int, str]]:
    """All migrations, as (number, SQL), in order."""
    files = [entry for entry in resources.files(__package__).iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name[:4]), entry.read_text("utf-8")) for entry in files)


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [statement for statement in "\n".join(lines).split(";") if statement.strip()]
