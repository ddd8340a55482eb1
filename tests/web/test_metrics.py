"""What Prometheus reads."""

from __future__ import annotations

from github_app.web.metrics import metrics_text


def test_one_process_that_does_all_names_no_workers():
    text = metrics_text(inbox={"done": 2}, oldest_s=0, sessions={"merged": 1}, secrets_removed=0, workers={})
    assert 'honk_inbox{state="done"} 2\n' in text
    assert "worker" not in text


def test_workers_are_counted_while_they_live_and_shown_after():
    text = metrics_text(
        inbox={}, oldest_s=0, sessions={}, secrets_removed=0, workers={"two": (600.0, 1), 'o"n\\e\n': (0.4, 0)}
    )
    assert "honk_workers_alive 1\n" in text
    assert 'honk_worker_heartbeat_age_seconds{worker="o\\"n\\\\e\\n"} 0.4\n' in text
    assert 'honk_worker_heartbeat_age_seconds{worker="two"} 600.0\n' in text
    assert 'honk_worker_takeovers_total{worker="two"} 1\n' in text
