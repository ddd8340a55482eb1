"""Fixtures of the tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.sandbox_room import Room, open_room


@pytest.fixture
def room(open_tmp_path: Path) -> Room:
    """Give a real sandbox with an empty tree."""
    return open_room(open_tmp_path)
