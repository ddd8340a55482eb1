"""Databases, a store and a clock for the engine's tests. What takes a database takes both kinds, one after the
other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from github_app.engine.audit import Audit
from github_app.engine.database import connect
from github_app.engine.migrations import migrate
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts
from tests.engine.values import AUDIT_KEY, MovingClock
from tests.fakes.databases import fresh_database, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'honk.sqlite'}"
        return
    with fresh_database(request.getfixturevalue("postgresql")) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[sa.Engine]:
    engine = connect(database_url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def audit(database: sa.Engine, clock: MovingClock) -> Audit:
    return Audit(database, clock, key=AUDIT_KEY)


@pytest.fixture
def store(database: sa.Engine, clock: MovingClock, audit: Audit) -> Store:
    return Store(database, clock, audit)


@pytest.fixture
def transcripts(database: sa.Engine, clock: MovingClock, audit: Audit) -> Transcripts:
    return Transcripts(database, clock, audit)
