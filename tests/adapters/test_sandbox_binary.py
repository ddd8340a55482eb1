"""The bwrap of this machine is found, and moved within reach where it must be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from github_app.adapters.sandbox import binary as sandbox_binary
from github_app.adapters.sandbox.binary import ask_binary, find_binaries


def test_bwrap_that_can_overlay_comes_first(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = open_tmp_path / "bwrap"
    old.write_text("#!/bin/sh\necho bubblewrap 0.8.0\n")
    old.chmod(0o755)
    monkeypatch.setattr(sandbox_binary, "_PATH", str(open_tmp_path))

    found = find_binaries(open_tmp_path, os.geteuid(), os.getegid())

    assert found[-1] == old
    assert ask_binary(old) == sandbox_binary.Answers(version="0.8.0", has_overlay=False)
    assert [ask_binary(binary).has_overlay for binary in found] == [True, False]


def test_wheel_out_of_reach_is_copied_with_its_library(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_binary, "is_reachable", lambda *_: False)

    (copy,) = [each for each in find_binaries(open_tmp_path, 60737, 60737) if each.is_relative_to(open_tmp_path)]

    assert subprocess.run([copy, "--version"], env={}, capture_output=True, check=True).stdout.startswith(b"bubblewrap")


def test_program_that_does_not_start_has_no_version(open_tmp_path: Path) -> None:
    assert ask_binary(open_tmp_path / "absent").version == "0"
