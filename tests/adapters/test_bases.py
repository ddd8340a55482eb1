"""What the commit under a workspace had, whatever was done in the workspace, and whoever holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_app.core.errors import ToolFailed
from github_app.core.model import ChangeSet
from tests.adapters.desks import Desk
from tests.adapters.origins import File, link, program, submodule, text
from tests.adapters.runners import pretend_two_users, running

FILES: dict[str, File] = {
    "a b.py": text("one\n"),
    "run": program("#!/bin/sh\n"),
    "to": link("run"),
    "folder/file": text("x"),
    "sub": submodule("1" * 40),
}
SPOIL = """
echo two > "a b.py"; chmod -x run; rm to; echo file > to; rm -rf folder; echo now > folder; echo new > new
mkdir -p .git; rm -rf .git/objects
"""


def modes(changes: ChangeSet) -> dict[str, str | None]:
    return {change.path: change.base_mode for change in changes.changes}


MODES = {"a b.py": "100644", "folder": None, "folder/file": "100644", "new": None, "run": "100755", "to": "120000"}


@pytest.mark.parametrize("has_overlay", [True, False], ids=["overlay", "copy"])
async def test_what_was_there_is_told_whatever_came_of_it(open_tmp_path: Path, has_overlay: bool) -> None:
    workspace = await Desk.create(open_tmp_path, has_overlay=has_overlay).over(FILES)
    await workspace.exec(["sh", "-c", SPOIL])
    assert modes(await workspace.changes()) == MODES
    assert await workspace.read_base("a b.py") == b"one\n"
    assert await workspace.read_base("folder/file") == b"x"
    assert await workspace.read_base("a b.py", max_bytes=3) is None
    with pytest.raises(ToolFailed, match="cannot be read"):
        await workspace.read_base("new")
    await workspace.close(discard=True)


async def test_a_runner_has_no_say_in_it(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_two_users(monkeypatch)
    async with running(open_tmp_path) as pair:
        workspace = await pair.open(pair.origin.commit(FILES))
        await workspace.exec(["sh", "-c", SPOIL])
        assert modes(await workspace.changes()) == MODES
        assert await workspace.read_base("a b.py") == b"one\n"
        await workspace.close(discard=True)
