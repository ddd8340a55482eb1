"""The power goes: what was answered with 202 is on the disk, and all else below the data directory can be lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from github_app.demo.stack import Stack
from tests.adapters.damage import DAMAGES
from tests.crash.scene import EDIT, SUBMIT, THINKING, knock, scene

TRACED = "write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_delivery_is_synced_to_the_disk_before_it_is_answered(tmp_path: Path) -> None:
    with scene(apart=True) as it:
        knock(it.stack, "00000000-0000-0000-0000-000000000000")  # the log of the database is there now
        with _traced(it.stack, tmp_path / "calls"):
            assert knock(it.stack, "11111111-2222-3333-4444-555555555555") == 202
        calls = (tmp_path / "calls").read_text("utf-8", "replace")
        written = [m.end() for m in re.finditer(r"pwrite64\(\d+<[^>]*honk\.sqlite-wal>", calls)]
        answered = calls.index("HTTP/1.1 202")
        synced = [m.end() for m in re.finditer(r"fdatasync\(\d+<[^>]*honk\.sqlite-wal>\)\s+= 0", calls)]
        last_written = max(at for at in written if at < answered)
        assert any(last_written < at < answered for at in synced), calls


@contextmanager
def _traced(stack: Stack, calls: Path) -> Iterator[None]:
    assert stack._process is not None
    command = [
        "strace",
        "-f",
        "-y",
        "-s",
        "200",
        "-e",
        f"trace={TRACED}",
        "-o",
        str(calls),
        "-p",
        str(stack._process.pid),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracing:
        assert tracing.stderr is not None
        said = tracing.stderr.readline()
        if b"attached" not in said:
            tracing.kill()
            pytest.skip(f"strace may not look here: {said.decode().strip()}")
        try:
            yield
        finally:
            tracing.send_signal(signal.SIGINT)
            tracing.communicate()


def test_a_torn_end_of_the_log_loses_nothing_that_was_answered() -> None:
    with scene() as it:
        guids = [f"00000000-0000-0000-0000-{number:012}" for number in range(50)]
        assert {knock(it.stack, guid) for guid in guids} == {202}
        # The only process: another would share the log through a file that is gone, and no power loss leaves one.
        it.stack.stop_honk(how=signal.SIGKILL)
        data = it.stack.root / "data"
        for wal in data.glob("*.sqlite-wal"):
            with wal.open("ab") as log:  # the beginning of a write that never came to its sync
                log.write(wal.read_bytes()[32:4000] + os.urandom(3000))
        for shared in data.glob("*.sqlite-shm"):
            shared.unlink()
        it.stack.start_honk()
        with sqlite3.connect(data / "honk.sqlite") as database:
            assert {row[0] for row in database.execute("SELECT id FROM inbox")} >= set(guids)
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert knock(it.stack, guids[0]) == 200


@pytest.mark.parametrize(
    "damage", ["a pack with a hole", "an empty HEAD", "locks of a killed git", "a half-made mirror"]
)
def test_a_turn_goes_on_from_the_database_whatever_is_left_of_the_caches(damage: str) -> None:
    with scene(EDIT, THINKING) as it:
        issue = it.open_issue()
        it.kill_when("the second reply to be asked for", lambda: it.asked() == [0, 1])
        it.say(EDIT, SUBMIT)
        data = it.stack.root / "data"
        [mirror] = (data / "mirrors").glob("*.git")
        DAMAGES[damage](mirror)
        for folder in ("checkouts", "workspaces"):
            for path in (data / folder).rglob("*"):
                if path.is_file() and not path.is_symlink():
                    path.write_bytes(b"another boot" if path.name.endswith("lock") else b"")
        it.stack.start_honk()
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1, 1]
