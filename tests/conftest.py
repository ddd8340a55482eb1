"""What tests of every room share."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.edge.cases import CASES

# The same examples in every run, and no failure because a machine is slow.
settings.register_profile("honk", derandomize=True, deadline=None, database=None)
settings.load_profile("honk")


LONG = ("attack", "crash", "edge", "workers", "upgrades", "story")
"""The rooms whose files take minutes: begun last, one of them would run on alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""
    rooms = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: rooms.get(item.path.parent.name, len(rooms)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have a test's report say which of the edge cases it shows."""
    for mark in item.iter_markers("edge"):
        item.user_properties.extend(("edge", id) for id in mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print a line for each edge case, if they are what was asked for (`make edge`)."""
    if config.option.markexpr != "edge":
        return
    ended: dict[str, list[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, id in getattr(report, "user_properties", ()):
                if name == "edge":
                    ended.setdefault(id, []).append(outcome)
    terminalreporter.section("GitHub as it is")
    for id, words in CASES.items():
        outcomes = ended.get(id, [])
        word = "NOT SHOWN" if not outcomes else "holds" if set(outcomes) <= {"passed", "skipped"} else "BROKEN"
        terminalreporter.write_line(f"{id}  {word:<10}{len(outcomes):>3} tests  {words}")


@pytest.fixture
def open_tmp_path() -> Iterator[Path]:
    """Give a fresh directory that any uid can enter, unlike pytest's `tmp_path`, and remove it afterwards.

    For files that a sandbox must reach: it runs under an unprivileged uid where the tests run as root.
    """
    path = Path(tempfile.mkdtemp(prefix="honk-", dir=_open_temp_dir()))
    path.chmod(0o755)
    yield path
    _remove(path)


def _open_temp_dir() -> Path:
    candidates = [Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")]
    for candidate in candidates:
        if all(each.stat().st_mode & stat.S_IXOTH for each in (candidate, *candidate.parents)):
            return candidate
    raise RuntimeError(f"no temporary directory that other users can enter: {candidates}")


def _remove(path: Path) -> None:
    # overlayfs leaves directories of mode 0 behind; a walk from the top opens each before it looks into it.
    for parent, directories, _ in os.walk(path):
        for name in directories:
            directory = Path(parent, name)
            if not directory.is_symlink():
                with contextlib.suppress(PermissionError):  # another uid's, and we are not root: rmtree will tell
                    directory.chmod(0o700)
    shutil.rmtree(path)
