"""Fixtures of the tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adapters.hub_stage import Stage
from tests.adapters.sandbox_room import Room, open_room


@pytest.fixture
def room(open_tmp_path: Path) -> Room:
    """Give a real sandbox with an empty tree."""
    return open_room(open_tmp_path)


@pytest.fixture
def open_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Open stages with a local GitHub; at the end GitHub's documents must have agreed with all that was said there."""
    opened: list[Stage] = []

    def open_it(**settings: object) -> Stage:
        stage = Stage(tmp_path / str(len(opened)), **settings)  # type: ignore[arg-type] # the stage checks them
        opened.append(stage)
        return stage

    yield open_it
    for stage in opened:
        stage.close()
    assert [violation for stage in opened for violation in stage.github.violations] == []


@pytest.fixture
def stage(open_stage: Callable[..., Stage]) -> Stage:
    """Give the usual stage."""
    return open_stage()
