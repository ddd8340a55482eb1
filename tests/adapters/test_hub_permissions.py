"""The app asks its users for exactly what its calls need."""

from __future__ import annotations

from pathlib import Path

import yaml

from github_app.adapters.hub.permissions import PERMISSIONS
from tests.adapters.hub_stage import APP_PERMISSIONS

LEVELS = ("read", "write")


def test_the_manifest_grants_what_the_calls_need_and_no_more():
    manifest = yaml.safe_load((Path(__file__).parents[2] / "github_app" / "app.yml").read_text())
    needed: dict[str, str] = {}
    for wanted in PERMISSIONS.values():
        for name, level in wanted.items():
            needed[name] = max(needed.get(name, "read"), level, key=LEVELS.index)
    assert manifest["default_permissions"] == needed == APP_PERMISSIONS
