"""Where Claude Code is on this machine, if it is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

HOW_TO_GET = "HONK_ENGINE=claude needs Claude Code: `pip install --require-hashes -r requirements-claude.lock`"


def find_folder() -> Path | None:
    """The folder that holds it and nothing else; None where it is not installed."""
    found = find_spec("claude_agent_sdk")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "_bundled"
    return folder if (folder / "claude").is_file() else None
