"""Which webhooks are asked for again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from github_app.adapters.hub.deliveries import ALWAYS, select_missed
from tests.adapters.test_hub_clients import API, a_hub
from tests.adapters.wire import Answer, Asked
from tests.edge.cases import shows


def attempt(id: int, guid: str, status_code: int, event: str = "issues", at: str = "12:00") -> dict[str, Any]:
    """One entry of GitHub's record."""
    return {
        "id": id, "guid": guid, "status_code": status_code, "event": event, "delivered_at": f"2026-03-01T{at}:00Z",
    }  # fmt: skip


@shows("W14", "W15")
def test_only_what_never_arrived_and_what_we_want_is_chosen_oldest_first():
    record = [  # newest first, as GitHub lists it
        attempt(9, "late-success", 202),
        attempt(8, "twice-lost", 502),
        attempt(7, "lost", 0),
        attempt(6, "twice-lost", 500),
        attempt(5, "late-success", 500),
        attempt(4, "unwanted", 500, event="star"),
        attempt(3, "always", 500, event="installation"),
        attempt(2, "early-success", 200),
    ]
    assert select_missed(record, wanted={"issues", *ALWAYS}) == [3, 7, 8]


def test_what_was_refused_for_good_or_again_is_left_alone():
    record = [
        {**attempt(10, "wrong-secret-again", 401), "redelivery": True},
        attempt(9, "malformed", 400),
        attempt(8, "too-large", 413),
        {**attempt(7, "again", 503), "redelivery": True},
        attempt(6, "again", 0),
        attempt(5, "wrong-secret", 401),
    ]
    assert select_missed(record, wanted={"issues"}) == [5, 7, 10]
    assert select_missed(record, wanted={"issues"}, again=False) == [5, 7], "the door was away when it came again"


@shows("W15")
def test_the_record_is_read_over_all_pages_back_to_the_time_asked_for():
    pages = {
        None: [attempt(9, "a", 500, at="12:03"), attempt(8, "b", 202, at="12:02")],
        "2": [attempt(7, "c", 500, at="12:01"), attempt(6, "old", 500, at="11:00")],
    }
    again: list[str] = []

    def answer(asked: Asked) -> Answer:
        path, _, query = asked.path.removeprefix(API).partition("?")
        if path == "/app/hook/deliveries":
            cursor = "2" if "cursor=2" in query else None
            assert cursor or "cursor" not in query
            link = {"link": f'<{host[0]}{API}/app/hook/deliveries?cursor={2 if cursor is None else 3}>; rel="next"'}
            return Answer(pages[cursor], headers=link)
        if path.endswith("/attempts"):
            again.append(path)
            return Answer({}, 202) if "/7/" in path else Answer({"message": "Not Found"}, 404)  # 9 has expired
        known = {"/app": {"id": 12, "slug": "honk", "events": ["issues"]}, "/app/installations": []}
        return Answer(known.get(path, {"id": 5, "login": "honk[bot]", "type": "Bot"}))

    with a_hub(answer) as (hub, wire, _):
        host = [wire.url]
        assert hub.redeliver_failed(since=datetime(2026, 3, 1, 12, tzinfo=UTC), again=True) == 1
    assert again == ["/app/hook/deliveries/7/attempts", "/app/hook/deliveries/9/attempts"]
