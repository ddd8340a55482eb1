"""What Prometheus reads."""

from __future__ import annotations

import re
from typing import Any

from github_app.core.traffic import Traffic
from github_app.web.metrics import metrics_text

TRAFFIC = Traffic(
    sent=70, unchanged=63, limited=1, kept_back=5, left={(3, "core"): 4_993, (3, "graphql"): 5_000, (0, "core"): 4_999}
)


def told(**numbers: Any) -> str:
    """The text, of nothing but these numbers."""
    nothing: dict[str, Any] = {"inbox": {}, "oldest_s": 0, "sessions": {}, "waiting": 0, "secrets_removed": 0}
    nothing |= {"silent_s": 0, "day_usd": 0, "turn_s": {}}
    return metrics_text(**nothing | {"workers": {}, "traffic": None, "tallies": {}} | numbers)


def test_one_process_that_does_all_names_no_workers():
    text = told(inbox={"done": 2}, sessions={"merged": 1})
    assert 'honk_inbox{state="done"} 2\n' in text
    assert 'honk_inbox{state="failed"} 0\n' in text
    assert "worker" not in text


def test_workers_are_counted_while_they_live_and_shown_after():
    text = told(workers={"two": (600.0, 1), 'o"n\\e\n': (0.4, 0)})
    assert "honk_workers_alive 1\n" in text
    assert 'honk_worker_heartbeat_age_seconds{worker="o\\"n\\\\e\\n"} 0.4\n' in text
    assert 'honk_worker_heartbeat_age_seconds{worker="two"} 600.0\n' in text
    assert 'honk_worker_takeovers_total{worker="two"} 1\n' in text


def test_each_number_has_a_meaning_and_a_kind():
    text = told(inbox={"new": 2}, sessions={"working": 1}, traffic=TRAFFIC, workers={"one": (1.0, 0)}, turn_s={0.5: 9})
    lines = text.splitlines()
    numbers = [line for line in lines if not line.startswith("#")]
    for kind in ("HELP", "TYPE"):
        named = {line.split()[2] for line in lines if line.startswith(f"# {kind} ")}
        assert named == {re.split("[ {]", line)[0] for line in numbers}
    assert all(re.fullmatch(r'\w+({\w+="[\w.]+"(,\w+="\w+")*})? [\d.]+', line) for line in numbers)


def test_what_is_left_is_told_by_installation():
    text = told(traffic=TRAFFIC)
    assert 'honk_github_budget_remaining{installation="3",resource="core"} 4993\n' in text
    assert "honk_github_unchanged_total 63\n" in text


def test_a_process_that_asks_nothing_of_github_tells_nothing_of_it():
    text = told(waiting=3)
    assert "github" not in text
    assert "honk_sessions_waiting 3\n" in text


def test_what_second_looks_said_is_counted():
    text = told(tallies={"judge_veto": 2, "judge_overruled": 1})
    assert 'honk_judge_total{said="veto"} 2\n' in text
    assert 'honk_judge_total{said="nothing"} 0\n' in text
    assert "honk_judge_overruled_total 1\n" in text


def test_what_became_of_failed_checks_is_counted():
    text = told(tallies={"flaky": 3, "of another version": 1})
    assert "honk_checks_flaky_total 3\n" in text
    assert "honk_checks_rerun_total 0\n" in text
    assert "another" not in text


def test_money_time_and_ends_of_turns_are_told():
    text = told(silent_s=61.4, day_usd=12.345678, turn_s={0.9: 300.0, 0.5: 12.34}, tallies={"turn_broken": 2})
    assert "honk_working_silent_seconds 61\n" in text
    assert "honk_spent_day_usd 12.345678\n" in text
    assert 'honk_turn_duration_seconds{quantile="0.5"} 12.3\n' in text
    assert 'honk_turns_total{end="broken"} 2\n' in text
    assert 'honk_turns_total{end="asked"} 0\n' in text
    assert "honk_effects_failed_total 0\n" in text
    assert "duration" not in told()
