"""Databases, a store and a clock for the engine's tests. What takes a database takes both kinds, one after the
other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from github_app.engine.audit import Audit
from github_app.engine.database import connect, flows_url
from github_app.engine.migrations import migrate
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts
from tests.engine.stage import Open, Stage
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


@pytest.fixture(scope="session")
def flows_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DBOS's tables as they are after a first start: making them takes longer than most of these tests."""
    folder = tmp_path_factory.mktemp("template")
    stage = Stage(
        folder=folder, database_url=f"sqlite:///{folder}/honk.sqlite", flows_url=f"sqlite:///{folder}/f.sqlite"
    )
    stage.start().close()
    return folder / "f.sqlite"


@pytest.fixture
def open_stage(tmp_path: Path, flows_template: Path) -> Iterator[Open]:
    opened: list[Stage] = []

    def open_it(*script, **more) -> Stage:
        url = f"sqlite:///{tmp_path}/honk.sqlite"
        flows = flows_url(url)
        shutil.copy(flows_template, flows.removeprefix("sqlite:///"))
        stage = Stage(folder=tmp_path, database_url=url, flows_url=flows, script=list(script), **more)
        opened.append(stage.start())
        return stage

    yield open_it
    for stage in opened:
        stage.close()
