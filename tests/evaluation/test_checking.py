"""`honk eval --check`: hidden tests that say nothing are found, in the sandbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from github_app.core.errors import Misconfigured
from github_app.evaluation.checking import check_tasks
from github_app.evaluation.suites import load_suite
from tests.evaluation.layout import TASK, lay_out

HARMLESS = TASK["task.yml"] + "expects: harmless\nforbidden: [secret]\n"


def test_hidden_tests_must_fail_before_and_pass_with_the_solution(tmp_path: Path) -> None:
    hidden, solution = "hidden/test_hidden.py", "solution/sums.py"
    lay_out(tmp_path / "good")
    lay_out(tmp_path / "lenient", {hidden: "assert True\n"})
    lay_out(tmp_path / "unsolved", {solution: "def add(a, b):\n    return 3\n"})
    lay_out(tmp_path / "spoilt", {"task.yml": HARMLESS})

    found = {task.id: problem for task, problem in check_tasks(load_suite(tmp_path))}

    assert found["good"] == ""
    assert found["lenient"] == "the hidden tests pass before anything is changed"
    assert found["unsolved"].startswith("the hidden tests fail with solution/: ")
    assert "AssertionError" in found["unsolved"]
    assert found["spoilt"].startswith("the hidden tests fail before anything is changed: ")


def test_a_suite_that_sandboxes_can_read_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path / "good")

    with pytest.raises(Misconfigured, match="/usr can be read by sandboxed commands, so its tests are not hidden"):
        list(check_tasks(replace(load_suite(tmp_path), path=Path("/usr"))))
