"""What pages show in numbers, where there is nothing yet."""

from __future__ import annotations

from github_app.core.holdings import Queue, Taught, Use


def test_where_nothing_is_nothing_is_shown():
    assert Use() == Use(open_sessions=0, lessons=0, turns=0, micro_usd=0)
    assert (Taught().lessons, Taught().proposals) == ((), ())
    queue = Queue(inbox=0, oldest_s=0.0, lanes=0, turns_running=0, turns_waiting=0, waits=0)
    assert queue.workers == ()
