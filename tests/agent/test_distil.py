"""What is left of what verifiers print. The logs are what the tools printed on a small project; those of Maven's tests
and of Go are written after their formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_app.agent.distil import MAX_LINES, distil
from github_app.agent.untrusted import show
from tests.agent.golden import check_golden

LOGS = sorted((Path(__file__).parent / "logs").glob("*.log"))


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_the_lines_that_matter(log: Path):
    check_golden(f"distil_{log.stem}.txt", distil(show(log.read_text(encoding="utf-8")), 1))


def test_a_pass_says_nothing():
    assert distil("FAILED tests/test_calc.py::test_zero", 0) == ""


def test_unknown_output_leaves_its_end():
    text = distil("\n".join(f"line {n}" for n in range(100)), 3)
    assert text.splitlines()[0] == "line 70"
    assert text.splitlines()[-1] == "line 99"


def test_no_output_is_said():
    assert distil("", 3) == "(it printed nothing)"


def test_many_failures_are_cut_in_the_middle():
    text = distil("\n".join(f"FAILED tests/test_calc.py::test_{n}" for n in range(1_000)), 1)
    assert len(text.splitlines()) == MAX_LINES
    assert text.startswith("FAILED tests/test_calc.py::test_0\n")
    assert "[… 941 more lines of this kind …]" in text
    assert text.endswith("::test_999")


def test_a_giant_line_is_cut():
    assert len(distil("error: " + "x" * 500_000, 1)) < 400


@pytest.mark.parametrize("text", ["\n" * 1_000_000, "a" * 1_000_000, "=" * 1_000_000, " at " * 250_000])
def test_hostile_output_takes_no_time(text: str):
    assert len(distil(text, 1)) < 1_000
