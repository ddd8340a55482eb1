"""The disk is full, or Honk may not use it: nothing is answered with 202 that is not stored, the operator is told, and
work goes on by itself when there is room again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from github_app.demo.stack import Stack
from github_app.localhub.script import Script
from tests.crash.scene import EDIT, THINKING, Scene, knock_again, knock_until_refused, problems, scene
from tests.crash.warm import ROOT
from tests.fakes.users import RUNNER, own, run_as
from tests.fakes.users import why_not as why_no_users

DISK_BYTES = 48 * 2**20


def _why_not() -> str:
    """Why there cannot be a disk of our own here; empty if there can."""
    program = "import sys; from pathlib import Path; from tests.crash.dying import mount_small_disk as mount; "
    command = [sys.executable, "-c", f"{program}mount(Path(sys.argv[1]), 2**20)", "/mnt"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(_why_not()), reason=_why_not())
def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_room() -> None:
    with scene(EDIT, THINKING, disk_bytes=DISK_BYTES) as it:
        issue = it.open_issue()
        it.stack.wait_for("the second reply to be asked for", lambda: it.asked() == [0, 1])
        with _full_disk(it):
            answers = knock_until_refused(it.stack)
            it.stack.wait_for("it to say so", lambda: "no room is left" in problems(it.stack))
            it.stack.wait_for("it to log so", lambda: "no room is left" in it.stack.log_tail(50))
            it.let_model_go()
            it.stack.wait_for("the turn to wait", lambda: "a step waits" in it.stack.log_tail(50))
        it.stack.wait_for("it to be ready again", it.stack.is_ready)
        it.assert_one_of_each(issue)
        assert it.asked() == [0, 1], "the reply that could not be stored was kept"
        knock_again(it.stack, answers)


@contextmanager
def _full_disk(it: Scene) -> Iterator[None]:
    """Fill the disk to the last byte, as it is seen by Honk."""
    assert it.stack._process is not None
    filler = Path(f"/proc/{it.stack._process.pid}/root{it.stack.root}/data/filler")
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    try:
        yield
    finally:
        filler.unlink()


START = "import sys; from github_app.__main__ import main; sys.exit(main(['serve', '--no-worker']))"


def test_a_file_in_the_place_of_the_data_directory_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with Stack(script=Script(())) as stack:
        environment = stack.environment() | {"HONK_DATA_DIR": str(tmp_path / "data" / "deep")}
    done = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"honk: HONK_DATA_DIR {tmp_path}/data/deep cannot be used (Not a directory): it must be a folder that uid "
        f"{os.geteuid()} may read, write and enter, on a disk with room\n"
    )


@pytest.mark.skipif(bool(why_no_users()), reason=why_no_users())
@pytest.mark.parametrize("mode", [0o555, 0o733], ids=["closed to writing", "closed to reading"])
def test_a_data_directory_of_somebody_else_is_named_at_the_start(open_tmp_path: Path, mode: int) -> None:
    data = open_tmp_path / "data"
    own(data, 0, mode=mode)
    with Stack(script=Script(())) as stack:
        settings = {k: v for k, v in stack.environment().items() if k.startswith(("HONK_", "ANTHROPIC_"))}
    script = f"import os; os.environ.update({settings | {'HONK_DATA_DIR': str(data)}!r}); {START}"
    said = run_as(RUNNER, script)
    assert f"HONK_DATA_DIR {data} cannot be used (Permission denied)" in said
    assert f"uid {RUNNER} may read, write and enter" in said
