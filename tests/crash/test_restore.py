"""The embedded database comes back from a backup that was made in the middle of a turn: the work goes on from there,
and what was done since is found on GitHub and not done twice."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest

from github_app.demo.stack import PROGRAM, Stack
from tests.crash.scene import EDIT, SUBMIT, scene

pytestmark = pytest.mark.timeout(180)


def honk(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the operator's, in Honk's environment."""
    command = [*PROGRAM, *arguments]
    return subprocess.run(command, env=stack.environment(), capture_output=True, text=True, timeout=60, check=False)


def wreck(stack: Stack) -> None:
    """Write over the database, and lose what lies beside it."""
    for path in (stack.root / "data").glob("honk*.sqlite*"):
        if path.is_file():
            path.write_bytes(b"wrecked" * 1_000)


def status(stack: Stack) -> str:
    """What Honk has the only session at."""
    connection = sqlite3.connect(f"file:{stack.root / 'data' / 'honk.sqlite'}?mode=ro", uri=True, timeout=30)
    try:
        return str(connection.execute("SELECT status FROM sessions").fetchone()[0])
    finally:
        connection.close()


def test_backed_up_in_mid_turn_wrecked_and_restored(tmp_path: Path):
    backup = tmp_path / "honk.backup"
    with scene(EDIT, {**SUBMIT, "gate": "closed"}) as it:
        model = it.stack.model
        assert model is not None
        model.closed_gates.add("closed")
        issue = it.open_issue()
        it.stack.wait_for("the second reply to be asked for", lambda: it.asked() == [0, 1])
        made = honk(it.stack, "backup", str(backup))
        assert (made.returncode, made.stderr) == (0, ""), made
        assert "1 session, whole" in made.stdout
        model.closed_gates.clear()
        it.assert_one_of_each(issue)  # all this is later than the backup

        refused = honk(it.stack, "restore", str(backup))
        assert refused.returncode == 1
        assert "stop Honk first" in refused.stderr
        it.stack.stop_honk()
        wreck(it.stack)
        restored = honk(it.stack, "restore", str(backup))
        assert restored.returncode == 0, restored
        assert "is kept" in restored.stdout
        it.stack.start_honk()
        it.stack.wait_for(
            "the turn to be published, as far as Honk knows", lambda: status(it.stack) == "awaiting_checks"
        )
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1, 1], "what was stored before the backup is not paid for again"
