"""The worlds of these tests are those of the stories."""

from __future__ import annotations

from tests.story.conftest import (  # noqa: F401 - fixtures, and what ends the Honk that they share
    make_world,
    pytest_runtest_teardown,
    shared_stack,
    stack,
    world,
)
