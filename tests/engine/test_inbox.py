"""The door's recorder: many deliveries, few commits, nothing answered before it is on disk."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace

import pytest

from github_app.core.errors import Rejected, Transient
from github_app.core.events import IssueLabeled, Ticked
from github_app.engine.database import DatabaseAway
from github_app.engine.entries import Entry
from github_app.engine.inbox import GroupRecorder, read
from github_app.engine.store import Store
from tests.edge.cases import shows
from tests.engine.values import delivery
from tests.webhook import deliveries


class SlowEntries:
    """An inbox whose commits wait for a signal, and that may be away."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.batches: list[int] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.failure: Exception | None = None

    def add(self, rows):
        self.entered.release()
        assert self.gate.acquire(timeout=30)
        if self.failure is not None:
            raise self.failure
        self.batches.append(len(rows))
        return self.store.entries.add(rows)


@pytest.fixture
def slow(store):
    return SlowEntries(store)


@pytest.fixture
def recorder(slow):
    woken = []
    recorder = GroupRecorder(entries=slow, on_recorded=lambda: woken.append(True))
    recorder.start()
    yield recorder
    slow.gate.release(1000)
    recorder.stop()


def one(key: str):
    return delivery(key, "issues", {"action": "opened"})


async def entered(slow: SlowEntries) -> None:
    assert await asyncio.to_thread(slow.entered.acquire, timeout=30)


async def test_what_comes_in_during_a_commit_shares_the_next_one(recorder, slow):
    first = asyncio.create_task(recorder.record(one("0")))
    await entered(slow)
    rest = [asyncio.create_task(recorder.record(one(str(n)))) for n in range(1, 21)]
    await asyncio.sleep(0)  # all have been put into the queue
    slow.gate.release(2)
    assert await asyncio.gather(first, *rest) == [True] * 21
    assert slow.batches == [1, 20]


async def test_nobody_is_answered_before_the_commit(recorder, slow, store):
    waiting = asyncio.create_task(recorder.record(one("a")))
    await entered(slow)
    assert not waiting.done()
    assert store.entries.counts() == {}
    slow.gate.release()
    assert await waiting
    assert store.entries.counts() == {"new": 1}


@shows("W01")
async def test_a_doubled_delivery_is_new_once_within_one_commit(recorder, slow):
    first = asyncio.create_task(recorder.record(one("0")))
    await entered(slow)
    twins = [asyncio.create_task(recorder.record(one("twin"))) for _ in range(2)]
    await asyncio.sleep(0)
    slow.gate.release(2)
    await first
    assert await asyncio.gather(*twins) == [True, False]


@shows("W03")
async def test_the_same_event_for_two_apps_on_one_database_is_there_for_each(recorder, slow, store):
    slow.gate.release(3)
    both = [replace(one("a"), app_id=app_id) for app_id in (1, 2)]
    assert [await recorder.record(each) for each in (*both, both[0])] == [True, True, False]
    assert sorted(entry.id for entry in store.entries.new(9)) == ["1:a", "2:a"]


async def test_a_delivery_is_stored_even_if_nobody_waits_any_more(recorder, slow, store):
    blocking = asyncio.create_task(recorder.record(one("0")))
    await entered(slow)
    patient, impatient = (asyncio.create_task(recorder.record(one(key))) for key in ("patient", "impatient"))
    await asyncio.sleep(0)
    impatient.cancel()
    slow.gate.release(2)
    await asyncio.gather(blocking, patient)
    assert sorted(entry.id for entry in store.entries.new(9)) == ["1:0", "1:impatient", "1:patient"]


@pytest.mark.parametrize("failure", [DatabaseAway("the database does not answer"), ValueError("a bug")])
@shows("W02")
async def test_the_door_hears_of_a_failure_and_the_next_delivery_finds_the_recorder_alive(recorder, slow, failure):
    slow.failure = failure
    slow.gate.release()
    with pytest.raises(type(failure)):
        await recorder.record(one("a"))
    slow.failure = None
    slow.gate.release()
    assert await recorder.record(one("a"))


def test_a_database_that_is_away_is_for_the_sender_to_try_again():
    assert issubclass(DatabaseAway, Transient)


async def test_stopping_writes_what_is_waiting_first(recorder, slow, store):
    tasks = [asyncio.create_task(recorder.record(one(str(n)))) for n in range(5)]
    await entered(slow)
    slow.gate.release(1000)
    await asyncio.to_thread(recorder.stop)
    assert await asyncio.gather(*tasks) == [True] * 5
    assert store.entries.counts() == {"new": 5}


class TestRead:
    def entry(self, event: str, payload) -> Entry:
        found = delivery("d", event, payload)
        return Entry(id="d", source="github", name=event, body=found.body)

    def test_a_delivery_becomes_an_event(self):
        payload = deliveries.payload("labeled", issue=deliveries.issue(), label={"name": "honk"})
        event = read(self.entry("issues", payload), trigger_label="honk")
        assert isinstance(event, IssueLabeled)
        assert event.id == "d"

    def test_what_means_nothing_says_why(self):
        why = read(self.entry("star", {"action": "created"}), trigger_label="honk")
        assert isinstance(why, str)
        assert "star" in why

    def test_a_payload_of_the_wrong_shape_is_refused(self):
        with pytest.raises(Rejected, match="issue"):
            read(self.entry("issues", deliveries.payload("opened", issue=None)), trigger_label="honk")

    def test_an_event_of_our_own_comes_back(self, store):
        store.entries.add_event(Ticked(id="t", session_id="7-1-1"))
        assert read(store.entries.get("t"), trigger_label="honk") == Ticked(id="t", session_id="7-1-1")


@pytest.mark.parametrize("action", [["created"], {"a": 1}, 7, True, None])
def test_an_action_that_is_no_word_means_nothing(action):
    body = json.dumps({"action": action}).encode()
    entry = Entry(id="g-1", source="github", name="issue_comment", body=body)
    assert read(entry, trigger_label="honk") == "nothing follows from issue_comment"
