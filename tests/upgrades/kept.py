"""Databases that earlier code left behind, killed in the middle of everything (`scripts/keep_schema.py`), put back into
SQLite or PostgreSQL; and the GitHub that they knew."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from github_app.core.model import Checks, Pull
from github_app.engine import migrations
from github_app.engine.database import transaction
from github_app.engine.migrations import migrate, scripts
from tests.engine.values import ISSUE
from tests.fakes.hub import ME, RecordingHub

FOLDER = Path(__file__).with_name("kept")
NAMES = sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


@dataclass(frozen=True)
class Kept:
    """One of them."""

    document: dict[str, Any]

    @classmethod
    def load(cls, name: str) -> Kept:
        return cls(json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes())))

    @property
    def now(self) -> datetime:
        """When it was left."""
        return datetime.fromisoformat(self.document["now"])

    @property
    def issues(self) -> dict[str, int]:
        """The issue of each situation."""
        return dict(self.document["issues"])

    @property
    def has_audit(self) -> bool:
        """Whether what was done was on record then."""
        return "audit" in self.document["rows"]

    def put_into(self, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the tables as they were then, and fill them. Fails if a migration is not what it was."""
        then: dict[str, str] = self.document["migrations"]
        known = [(number, text) for number, text in scripts() if str(number) in then]
        assert {str(number): hashlib.sha256(text.encode()).hexdigest() for number, text in known} == then
        with monkeypatch.context() as patch:
            patch.setattr(migrations, "scripts", lambda: known)
            migrate(engine)
        with transaction(engine) as connection:
            for table, rows in self.document["rows"].items():
                if table != "migrations":
                    for row in rows:
                        _insert(connection, table, row)

    def hub(self) -> RecordingHub:
        """GitHub as it was then."""
        world = self.document["world"]
        hub = RecordingHub(issues={number: _issue(number) for number in self.issues.values()})
        hub.pulls = {pull["number"]: Pull(**pull, base_branch="main", author=ME, body="") for pull in world["pulls"]}
        hub.heads, hub.commits = dict(world["heads"]), dict(world["commits"])
        hub.found_checks = {sha: Checks(head_sha=sha, state="pending") for sha in hub.commits.values()}
        hub.comments_by_tag = {(number, tag): body for number, tag, body in world["said"]}
        return hub


def _issue(number: int) -> Any:
    return replace(ISSUE, number=number)


def _insert(connection: sa.Connection, table: str, row: dict[str, Any]) -> None:
    # The order of the inbox is that of its rows; its numbers are the database's own business.
    values = {
        name: base64.b64decode(value["base64"]) if isinstance(value, dict) else value
        for name, value in row.items()
        if (table, name) != ("inbox", "seq")
    }
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)  # noqa: S608
