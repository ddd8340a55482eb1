"""Broker and runner as two processes of two users: all works as before, and whoever is the runner gets nothing."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from github_app.adapters.sandbox.bubblewrap import Bubblewrap
from github_app.demo.stack import Stack
from tests.fakes.users import BROKER, RUNNER, RunnerProcess, environment, python_as, run_as, runner_process, why_not
from tests.story.conftest import FILES, running, world_in
from tests.story.play import bash, calls, submit
from tests.story.world import World

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "can be run")

# The broker's data directory is made by root, as an installation does it.
_MAKE_DATA = f'mkdir -p data && chown {BROKER}:{BROKER} data && chmod 700 data && exec "$@"'


@dataclass(frozen=True, kw_only=True)
class Two:
    """A story with its runner."""

    world: World
    runner: RunnerProcess

    @property
    def broker_data(self) -> Path:
        """Where the broker keeps its files."""
        return self.world.stack.root / "data"


@pytest.fixture(scope="module")
def parts() -> Iterator[tuple[Stack, RunnerProcess]]:
    """Give a Honk that is two processes of two users."""
    program = ("sh", "-c", _MAKE_DATA, "sh", *python_as(BROKER), "-m", "github_app")
    with tempfile.TemporaryDirectory(prefix="honk-", dir="/tmp") as name:
        top = Path(name)
        top.chmod(0o755)
        with runner_process(top) as runner:
            settings = environment(HONK_RUNNER_SOCKET=str(runner.socket), HOME="/nonexistent")
            with running(program, **settings) as stack:
                yield stack, runner


@pytest.fixture
def two(parts: tuple[Stack, RunnerProcess], request: pytest.FixtureRequest) -> Iterator[Two]:
    """Give a fresh repository in its world."""
    stack, runner = parts
    with world_in(stack, request.node.name.removeprefix("test_"), FILES) as world:
        yield Two(world=world, runner=runner)


def test_a_story_from_label_to_merge_by_two_users(two: Two) -> None:
    world = two.world
    world.ci.will_say("failure", "success")
    issue = world.ask_for()
    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\nmended\n"
    world.rob.merge(pull)
    world.wait_end(issue)
    world.rest()

    assert not (two.broker_data / "checkouts").exists()
    assert not (two.broker_data / "sandbox-etc").exists()  # no sandbox was ever tried there
    assert not list((two.runner.data_dir / "workspaces").glob(f"{world.sessions()[0].id}*"))
    store = two.runner.data_dir / f"mirrors/{world.repo.id}.git"
    assert store.stat().st_uid == RUNNER
    assert "url" not in (store / "config").read_text()
    hub = world.stack.hub.world
    with hub.lock:
        tokens = list(hub.tokens)
    assert tokens
    assert not [
        path
        for path in two.runner.data_dir.rglob("*")
        if path.is_file() and not path.is_symlink()
        if any(token.encode() in path.read_bytes() for token in tokens)
    ]


def test_work_goes_on_when_the_runner_was_killed_in_the_middle(two: Two) -> None:
    world = two.world
    again = "test -e ~/was && echo hello > hello.txt"  # home outlives commands, and runners
    world.when(replies=[calls(bash("touch ~/was; sleep 600")), calls(bash(again)), calls(submit())])
    world.ask_for()
    world.wait("the command to run", lambda: list(two.runner.data_dir.glob("workspaces/*/home/was")))

    two.runner.stop(how=signal.SIGKILL)
    two.runner.start()

    pull = world.wait_ready()
    assert world.text(pull.head_sha, "hello.txt") == "hello\n"


_SEARCH = """
import os, sys
broker, *paths = sys.argv[1:]
for name in ("environ", "mem", "maps", "fd", "cwd", "root"):
    paths.append(f"/proc/{broker}/{name}")
for path in paths:
    try:
        print("GOT", path, os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(100_000))
    except OSError:
        pass
try:
    os.kill(int(broker), 19)
    print("GOT the broker stopped")
except OSError:
    pass
print("TRIED")
"""


def test_the_runners_user_finds_nothing_of_a_running_broker(two: Two) -> None:
    two.world.ask_for()
    two.world.wait_ready()
    data = two.broker_data
    process = two.world.stack._process
    assert process is not None
    assert f"Uid:\t{BROKER}\t" in Path(f"/proc/{process.pid}/status").read_text()

    printed = run_as(RUNNER, _SEARCH, str(process.pid), str(data), str(data / "honk.sqlite"), str(data / "mirrors"))

    assert printed == "TRIED\n"


def test_in_one_process_of_root_the_sandboxes_user_finds_nothing_either(world: World) -> None:
    world.ask_for()
    world.wait_ready()
    data = world.stack.root / "data"
    process = world.stack._process
    assert process is not None
    assert Path(f"/proc/{process.pid}").stat().st_uid == 0
    [checkout] = {each.stat().st_uid for each in data.glob("checkouts/*/*") if each.is_dir()}
    assert checkout == Bubblewrap.probe(state_dir=data).sandbox_uid != 0

    kept = [data, data / "honk.sqlite", *data.glob("mirrors"), *data.glob("checkouts"), data / "workspaces"]
    printed = run_as(checkout, _SEARCH, str(process.pid), *map(str, kept))

    assert printed == "TRIED\n"
