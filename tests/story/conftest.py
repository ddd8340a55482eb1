"""One running Honk for all stories of a process, one repository for each. Starting Honk takes seconds, a repository
milliseconds; so stories share the first and never the second. It ends with the last of them: at rest it takes a
fifteenth of a core, and there is one for each process of the tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa

from github_app.demo.stack import PROGRAM, Stack
from github_app.localhub.people import Files
from github_app.localhub.runner import ActRunner, find_act
from github_app.localhub.script import Script
from github_app.localhub.server import Certificate, Exchange
from tests.story.ci import WORKFLOW, WORKFLOW_PATH, Ci, StoryRunner
from tests.story.collector import the_collector
from tests.story.play import bash, calls, submit
from tests.story.world import World

FILES: Files = {"README.md": "# App\n", WORKFLOW_PATH: WORKFLOW}
_numbers = count(1)
_shared = ExitStack()


@contextmanager
def running(program: tuple[str, ...] = PROGRAM, tls: Certificate | None = None, /, **settings: str) -> Iterator[Stack]:
    """A Honk of its own with these settings, for what the shared one cannot show."""
    act = find_act()
    runner = StoryRunner(ActRunner(act) if act else None)
    # A long grace: in these stories CI is never late by chance. Those of repositories without CI set their own.
    usual = {"HONK_CHECKS_GRACE_S": "600", "HONK_TURNS_PER_REPO": "4"}
    with Stack(
        script=Script(()), runner=runner, settings=usual | settings, program=program, tls=tls, with_chat=True
    ) as stack:
        stack.start_honk()
        yield stack


@cache
def _shared_stack() -> Stack:
    """The operator of the shared Honk lets repositories ship; none does so unless its story says so."""
    folder = Path(_shared.enter_context(TemporaryDirectory()))
    floor = folder / "floor.yml"
    floor.write_text("ship: on\n")
    settings = {"HONK_POLICY_FILE": str(floor)}
    telling = {"OTEL_EXPORTER_OTLP_ENDPOINT": the_collector().url, "OTEL_BSP_SCHEDULE_DELAY": "300"}
    return _shared.enter_context(running(**settings, **telling))


def _end_shared_stack() -> None:
    _shared_stack.cache_clear()
    _shared.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """End the Honk that the stories of a folder share after the last of them."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path.parent != item.path.parent:
            _end_shared_stack()


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[Callable[[], Stack]]:
    """Give what starts the shared Honk, or finds it; that it ends is seen to even where the tests stop halfway."""
    yield _shared_stack
    _end_shared_stack()


@pytest.fixture
def stack(shared_stack: Callable[[], Stack]) -> Stack:
    """Give the Honk that all stories share."""
    return shared_stack()


@contextmanager
def world_in(stack: Stack, name: str, files: Files | None, *, database_url: str = "") -> Iterator[World]:
    """Make a repository with its people and Honk installed; hold all that was said there against GitHub's documents."""
    hub = stack.hub
    owner = f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:30].strip('-')}-{next(_numbers)}"
    repo = hub.create_repository(f"{owner}/app", files)
    hub.create_label(repo, "honk")
    ci = Ci()
    ci.let_go()
    assert isinstance(stack.runner, StoryRunner)
    stack.runner.of[repo.full_name] = ci
    # Never makes the file: that is Honk's to do.
    file = f"file:{stack.environment()['HONK_DATA_DIR']}/honk.sqlite?mode=rw&uri=true"
    url = sa.make_url(database_url or f"sqlite:///{file}")
    database = sa.create_engine(url.set(drivername="postgresql+psycopg") if database_url else url)
    log_begin = stack.log_path.stat().st_size
    world = World(
        stack=stack, database=database, repo=repo, ci=ci,
        ann=hub.grant(repo, "ann", "admin"), rob=hub.grant(repo, "rob", "write"),
        tim=hub.grant(repo, "tim", "triage"), eve=hub.grant(repo, "eve", "read"),
    )  # fmt: skip
    stack.install(repo)
    _play_the_usual(world)
    try:
        yield world
        ci.let_go()
        hub.settle()
        assert hub.violations == []
        errors = _errors(stack, log_begin)
        assert errors == [] or world.may_log_errors, errors
        assert merges_asked(world) == [] or world.may_merge, "Honk merges nothing unless somebody ships it"
    finally:
        ci.let_go()
        assert stack.model is not None
        stack.model.closed_gates.clear()
        hub.faults.clear()
        hub.violations.clear()
        database.dispose()


def merges_asked(world: World) -> list[Exchange]:
    """The requests by which Honk has asked GitHub for a merge in this repository."""
    asked = [each for each in list(world.stack.hub.exchanges) if each.repo == world.repo.full_name]
    ways = (b"enablePullRequestAutoMerge", b"enqueuePullRequest", b"mergePullRequest", b"mergeBranch")
    return [
        each for each in asked if each.path.endswith(("/merge", "/merges")) or any(way in each.body for way in ways)
    ]


def _play_the_usual(world: World) -> None:
    """What the model does unless the story says otherwise: a file for the issue, a line for each thing after it."""
    world.when(replies=[calls(bash("echo hello >> hello.txt"), submit())])
    world.when("<check", replies=[calls(bash("echo mended >> hello.txt"), submit("Mend what CI found"))])
    world.when("<comment", "This is new:", replies=[calls(bash("echo more >> hello.txt"), submit("Do what was asked"))])
    world.when("<review", replies=[calls(bash("echo reviewed >> hello.txt"), submit("Address the review"))])
    world.when(
        "<thread",
        replies=[calls(bash("echo answered >> hello.txt"), submit("Address the review", answers=("Done.",)))],
    )


def _errors(stack: Stack, begin: int) -> list[str]:
    """What Honk logged as its own defects since."""
    with stack.log_path.open("rb") as log:
        log.seek(begin)
        lines = log.read().decode("utf-8", "replace").splitlines()
    found = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            found.append(line)  # a traceback that escaped the log's form
            continue
        if record["level"] in ("error", "critical"):
            found.append(line)
    return found


@pytest.fixture
def world(stack: Stack, request: pytest.FixtureRequest) -> Iterator[World]:
    """Give a fresh repository with a workflow file, its people, and Honk."""
    with world_in(stack, request.node.name.removeprefix("test_"), FILES) as it:
        yield it


@pytest.fixture
def make_world(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Callable[[Mapping[str, str] | None], World]]:
    """Give a function that makes a world with other files (None: an empty repository)."""
    with ExitStack() as opened:
        name = request.node.name.removeprefix("test_")
        yield lambda files: opened.enter_context(world_in(stack, name, files))
