"""What is left of what tools print. The logs (`../data/logs`) are what real tools printed on the small projects of the
`.case` files beside them, kept by `scripts/record_logs.py`; NAME.txt is what is made of NAME.log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from github_app.core.distill.distillate import MAX_CHARS, MAX_FAILURES, MAX_LINES, Distillate, distill
from github_app.core.distill.lines import MAX_LINE_CHARS
from scripts.record_logs import read_case

LOGS = Path(__file__).parent.parent / "data/logs"
NAMES = sorted(path.stem for path in LOGS.glob("*.log"))

PYTEST = (LOGS / "pytest_short.log").read_text("utf-8")


def golden(found: Distillate) -> str:
    names = "".join(f"\n- {name}" for name in found.failures) or " none known"
    return f"{found.text}\n\nfailures:{names}\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_lines_that_matter_of_a_real_log(name: str):
    found = distill((LOGS / f"{name}.log").read_bytes())
    path = LOGS / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(golden(found), "utf-8")
    assert golden(found) == path.read_text("utf-8")


def test_every_log_has_its_case():
    recorded = [name for case in LOGS.glob("*.case") for name in read_case(case.read_text("utf-8"))[0]]
    assert sorted(recorded) == NAMES
    assert {path.stem for path in LOGS.glob("*.txt")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_distilled_says_the_same_when_it_is_distilled_again(name: str):
    once = distill((LOGS / f"{name}.log").read_bytes())
    again = distill(once.text)
    assert len(again.text) <= len(once.text)
    if "more lines of this kind" not in once.text:
        assert set(again.failures) == set(once.failures)


def test_line_ends_colours_and_times_of_ci_change_nothing():
    plain = distill(PYTEST)
    assert distill(PYTEST.replace("\n", "\r\n")) == plain
    assert distill("\n".join(f"\x1b[31m{line}\x1b[0m" for line in PYTEST.split("\n"))) == plain
    stamped = "\n".join(f"2026-11-26T10:00:0{n % 10}.1234567Z {line}" for n, line in enumerate(PYTEST.split("\n")))
    assert distill(stamped).failures == plain.failures


def test_of_a_job_of_ci_the_step_that_failed_is_told():
    def step(command: str, output: str) -> str:
        return f"##[group]Run {command}\n{command}\nshell: /usr/bin/bash -e {{0}}\n##[endgroup]\n{output}"

    log = step("ruff check", "app.py:1:8: F401 unused\n") + step("pytest", PYTEST)
    log += "##[error]Process completed with exit code 1.\nPost job cleanup.\nerror: nothing to do with it\n"
    found = distill(log.encode())
    assert found.failures == distill(PYTEST).failures
    assert found.text.endswith("##[error]Process completed with exit code 1.")
    assert "F401" not in found.text


def test_what_wraps_a_program_of_no_known_kind_does_not_hide_what_it_said():
    found = distill("checked 1\nchecked 2\nthe tables differ in 3 rows\nmake: *** [Makefile:3: test] Error 4\n")
    assert "the tables differ in 3 rows" in found.text
    known = distill(f"{PYTEST}\nthe tables differ in 3 rows\nmake: *** [Makefile:3: test] Error 4\n")
    assert "the tables differ in 3 rows" in known.text


def test_what_a_program_says_last_is_kept_beside_what_is_known():
    assert distill(f"{PYTEST}\ntables: 3 rows differ\n").text.endswith("tables: 3 rows differ")


def test_output_of_no_known_kind_leaves_what_looks_wrong_and_its_end():
    lines = [f"row {n}" for n in range(1_000)]
    lines[10] = "cannot reach the database"
    text = distill("\n".join(lines)).text
    assert text.startswith("cannot reach the database\n[…]\nrow 960")
    assert text.endswith("row 999")


@pytest.mark.parametrize("output", ["", b"", "\n \n\r\n\t\n"])
def test_nothing_printed_leaves_nothing(output: str | bytes):
    assert distill(output) == Distillate(text="")


def test_more_failures_than_there_is_room_for_are_cut_in_the_middle_and_named():
    found = distill("\n".join(f"FAILED tests/test_calc.py::test_{n} - it is wrong" for n in range(1_000)))
    assert found.text.startswith("FAILED tests/test_calc.py::test_0 ")
    assert "more lines of this kind …]" in found.text
    assert "::test_999 " in found.text
    assert len(found.text.splitlines()) <= MAX_LINES + 1
    assert len(found.failures) == MAX_FAILURES


def test_a_giant_line_is_cut():
    assert len(distill("E   assert " + "x" * 1_000_000).text) < 2 * MAX_LINE_CHARS


def test_a_progress_bar_is_as_it_stood_last():
    assert distill("  0%\r 50%\r100%\rE   assert 1 == 2\r\n").text == "E   assert 1 == 2"


def test_a_failure_has_the_same_name_wherever_it_stands_and_however_long_it_took():
    one = distill("--- FAIL: TestA (0.00s)\na.py:3:1: F401 `os` imported\n✖ adds (1.5ms)\n")
    other = distill("--- FAIL: TestA (1.21s)\na.py:9:1: F401 [*] `os` imported\n✖ adds (23.4ms)\n")
    assert one.failures == other.failures == ("TestA", "a.py: F401 `os` imported", "adds")


def test_the_format_of_dotnet():
    # After its documented form: no .NET could be had to record one.
    found = distill("  Failed Calc.Tests.Divides [3 ms]\n  Error Message:\n   Assert.Equal() Failure\n  Expected: 1\n")
    assert found.failures == ("Calc.Tests.Divides",)
    assert "Assert.Equal() Failure" in found.text


# --- whatever is printed

PIECES = st.sampled_from(
    ["\n", "\r", "\x1b[31m", "\x1b]8;;", "E   ", "FAILED a::b", "  1) ", "##[error]", "at ", ":1:2: ", "error", " ",
     "(", "make: *** ", "FAIL ", "\u2028", "\ud800", "\x00", "━", "  ● ", "--> a.rs:1:1", "error: x", "a.py:1: error: "]
)  # fmt: skip
ANYTHING = st.one_of(
    st.text(max_size=300), st.binary(max_size=300), st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join)
)


@settings(max_examples=100, deadline=None)
@given(ANYTHING)
def test_any_output_is_read_and_little_is_left(output: str | bytes):
    found = distill(output)
    assert len(found.text.splitlines()) <= MAX_LINES + 1
    assert len(found.text) <= MAX_CHARS + 2 * MAX_LINE_CHARS
    assert "\x1b" not in found.text
    assert len(distill(found.text).text) <= len(found.text) + 10
    found.text.encode()  # what goes into a request


@pytest.mark.parametrize(
    "piece",
    [
        "\n",
        "a",
        "=",
        " at ",
        "\x1b[",
        "\x1b]",
        "(" * 10,
        "_ ",
        "at a.b.c:1:1 ",
        "\n  1) x\n       y",
        ":1:",
        "E   \n",
        "❯ ",
    ],
)
def test_output_that_is_made_to_take_long_leaves_little(piece: str):
    assert len(distill(piece * (100_000 // len(piece))).text) <= MAX_CHARS + 2 * MAX_LINE_CHARS
