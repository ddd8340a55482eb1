"""The databases of these tests are those of the engine's."""

from __future__ import annotations

from tests.engine.conftest import database_url, flows_template, postgresql  # noqa: F401 - fixtures
