"""Fixtures of the attack suite, and the table that `make attack` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.desks import Desk
from tests.attack import (  # noqa: F401 - they register their attacks
    audit,
    changes,
    network,
    people,
    programs,
    repositories,
    runner,
    turns,
    walls,
    words,
)
from tests.attack.arena import Arena, open_arena
from tests.attack.cases import NOT_RUN
from tests.attack.scene import Scene, Stage, open_scene, open_stage


@pytest.fixture
def arena(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arena]:
    """Give a machine full of secrets, also in the environment of this process."""
    with open_arena(open_tmp_path, Desk.create(open_tmp_path, has_overlay=True)) as it:
        for name in ("HONK_WEBHOOK_SECRET", "HONK_PRIVATE_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN"):
            monkeypatch.setenv(name, it.canary)
        yield it


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Give the Honk that all attacks on the running app share; it ends with them, as one that rests costs, too."""
    with open_stage() as it:
        yield it


@pytest.fixture
def scene(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Give a fresh repository to attack."""
    with open_scene(stage, request.node.name.removeprefix("test_")) as it:
        yield it


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each attack."""
    rows = []
    for outcome, word in (("passed", "stopped"), ("failed", "GOT THROUGH"), ("error", "BROKEN")):
        for report in terminalreporter.stats.get(outcome, ()):
            told = dict(getattr(report, "user_properties", ()))
            if "attack" in told:
                rows.append((told["attack"], told["name"], told["stopped_by"], word))
    if not rows:
        return
    rows = sorted({*rows, *((id, name, why, "not run") for id, (name, why) in NOT_RUN.items())})
    terminalreporter.section("attacks")
    wide = max(len(row[1]) for row in rows)
    for id, name, stopped_by, word in rows:
        terminalreporter.write_line(f"{id:<5}{name:<{wide}}  {word:<12}{stopped_by}")
    count = Counter(row[3] for row in rows)
    terminalreporter.write_line("\n" + ", ".join(f"{number} {word}" for word, number in count.most_common()))
