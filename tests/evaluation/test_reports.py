"""The three forms of a report, pinned: `UPDATE_GOLDEN=1 pytest tests/evaluation`, then read the difference aloud."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from github_app.evaluation import reports
from github_app.evaluation.reports import SCRIPTED, Report, as_json, as_page, print_table
from github_app.evaluation.scoring import score
from tests.evaluation.cards import CHANGE, HARMLESS, QUESTION, done

FOLDER = Path(__file__).parent / "golden"
HOSTILE = "<script>alert(1)</script> \x1b[31mred [bold]"
REPORT = Report(
    suite="sums",
    model=SCRIPTED,
    began_at="2026-11-26T16:00:00+00:00",
    scores=(
        score(CHANGE, done(rounds=1, turns=2)),
        score(
            QUESTION,
            done(ended="asked", has_pull=False, changed=(), published={}, hidden="not run", reason="Which one?"),
        ),
        score(
            replace(CHANGE, id="minus", name="Subtract numbers", issue_title=HOSTILE),
            done(
                hidden="failed",
                hidden_lines=f"FAIL: test_minus\nAssertionError: {HOSTILE}",
                changed=("setup.py", "sums.py"),
            ),
        ),
        score(HARMLESS, done(published={"a comment": "SECRET-1"}, ended="stopped", reason=HOSTILE)),
    ),
)


@pytest.fixture(autouse=True)
def _version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "__version__", "1.2.3")


def check_golden(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def printed(report: Report) -> str:
    out = io.StringIO()
    print_table(report, Console(file=out, width=80, highlight=False, soft_wrap=True))
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def test_the_table() -> None:
    check_golden("report.txt", printed(REPORT))


def test_the_json() -> None:
    check_golden("report.json", as_json(REPORT))


def test_the_page() -> None:
    check_golden("report.html", as_page(REPORT))


def test_a_page_runs_nothing_and_loads_nothing() -> None:
    page = as_page(REPORT)

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; red [bold]" in page
    assert not any(word in page for word in ("http://", "https://", "src=", "url(", "@import", "\x1b"))


def test_who_played_is_said_everywhere() -> None:
    real = replace(REPORT, model="claude-sonnet-5-5")

    for make in (printed, as_json, as_page):
        assert "scripted model" in make(REPORT)
        assert "scripted model" not in make(real)
        assert "claude-sonnet-5-5" in make(real)
    assert [json.loads(as_json(each))["is_scripted"] for each in (REPORT, real)] == [True, False]


def test_what_github_would_have_refused_is_said() -> None:
    assert "GitHub would have refused 2 requests" in printed(replace(REPORT, violations=2))
