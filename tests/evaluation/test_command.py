"""`honk eval` as it is typed: exit codes, files, and what is said where it cannot begin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from github_app.__main__ import main
from github_app.evaluation import command
from github_app.evaluation.reports import Report
from github_app.evaluation.scoring import Outcome, score
from github_app.evaluation.suites import Suite, Task
from tests.evaluation.cards import done
from tests.evaluation.layout import lay_out


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("HONK_MODEL", raising=False)


@pytest.fixture
def suite(tmp_path: Path) -> str:
    for name in ("one", "two"):
        lay_out(tmp_path / "sums" / name)
    return str(tmp_path / "sums")


def play(monkeypatch: pytest.MonkeyPatch, **outcomes: Outcome) -> list[tuple[str, int]]:
    """Have tasks end like this, without running anything; what was asked for is in the list."""
    asked: list[tuple[str, int]] = []

    def evaluate(suite: Suite, *, model: str, at_once: int, console: object) -> Report:
        del console  # nothing is said while nothing runs
        asked.append((model, at_once))

        def ended(task: Task) -> Outcome:
            return outcomes.get(task.id, done(changed=("sums.py",)))

        return Report(
            suite=suite.name,
            model=model,
            began_at="2026-11-26T16:00:00+00:00",
            scores=tuple(score(task, ended(task)) for task in suite.tasks),
        )

    monkeypatch.setattr(command, "evaluate", evaluate)
    return asked


def test_all_resolved_is_0_and_reports_are_written(
    suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = play(monkeypatch)
    files = {"--json": tmp_path / "report.json", "--page": tmp_path / "report.html"}

    code = main(["eval", suite, "--at-once", "3", *(str(word) for pair in files.items() for word in pair)])

    assert code == 0
    assert asked == [("scripted model", 3)]
    assert json.loads(files["--json"].read_text())["sum"]["resolved"] == 2
    assert "2 of 2" in files["--page"].read_text()
    said = capsys.readouterr().out
    assert "honk eval sums: 2 tasks, scripted model" in said
    assert "2 of 2 resolved" in said


def test_one_that_is_not_resolved_is_1(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, two=done(hidden="failed"))

    assert main(["eval", suite]) == 1
    assert main(["eval", suite, "--task", "one"]) == 0


def test_a_key_plays_the_real_model(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = play(monkeypatch)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")

    main(["eval", suite])
    monkeypatch.setenv("HONK_MODEL", "claude-haiku-5-5")
    main(["eval", suite])
    main(["eval", suite, "--model", "claude-opus-5-5"])

    assert [model for model, _ in asked] == ["claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "claude-opus-5-5"], "--model needs ANTHROPIC_API_KEY"),
        (["--task", "three"], "sums has no task `three`; there are: one, two"),
        (["--at-once", "0"], "--at-once must be a whole number from 1 to 32"),
        (["--check", "--json", "x"], "--check runs no model and writes no report"),
    ],
)
def test_what_cannot_begin_is_2(suite: str, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(["eval", suite, *words]) == 2
    assert said in capsys.readouterr().err


def test_a_wrong_suite_is_2(suite: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(tmp_path / "nowhere")]) == 2
    lay_out(tmp_path / "sums/two", {"script.yml": None})
    (tmp_path / "sums/two/script.yml").unlink()
    assert main(["eval", suite]) == 2
    assert "two: no script.yml, and no ANTHROPIC_API_KEY for a real model" in capsys.readouterr().err


def test_workflows_that_nothing_runs_are_2(
    suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch)
    monkeypatch.setattr(command, "find_act", lambda: None)
    assert main(["eval", suite]) == 0
    lay_out(tmp_path / "sums/two", {"repository/.github/workflows/ci.yml": "on: push\n"})
    assert main(["eval", suite]) == 2
    assert "two: `act`, which runs their workflows, is not installed (extra `demo`)" in capsys.readouterr().err


def test_a_check_says_which_task_is_wrong(
    suite: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = {"one": "", "two": "the hidden tests pass before anything is changed"}
    monkeypatch.setattr(command, "check_tasks", lambda suite: [(task, problems[task.id]) for task in suite.tasks])

    assert main(["eval", suite, "--check"]) == 2
    assert capsys.readouterr().out == "✓ one\n✗ two: the hidden tests pass before anything is changed\n"
    assert main(["eval", suite, "--check", "--task", "one"]) == 0
