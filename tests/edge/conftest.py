"""The worlds of these tests are those of the stories."""

from __future__ import annotations

from tests.story.conftest import make_world, stack, world  # noqa: F401 - fixtures
