"""A worker acts only while its work is its own: dead or standing still, it is superseded, and it finds out."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import pytest
import sqlalchemy as sa

from github_app.core.errors import Misconfigured
from github_app.engine import leases, slots
from github_app.engine.database import DatabaseAway, connect
from github_app.engine.leases import SUPERSEDED, Lease, beats, forget
from github_app.engine.migrations import migrate
from tests.engine.stage import eventually

BEAT_S, LEASE_S, OVER_S, SILENCE_S = 0.2, 0.6, 1.0, 2

_HOLD = f"""
import sys
from github_app.engine import leases, slots
from github_app.engine.database import connect
leases._BEAT_S, leases._LEASE_S, leases._OVER_S, slots.SILENCE_S = {BEAT_S}, {LEASE_S}, {OVER_S}, {SILENCE_S}
lease = leases.Lease(database=connect(sys.argv[1]), name="one")
lease.take()
print(lease.holder, flush=True)
sys.stdin.read(1)
lease.release()
"""


class Ended(Exception):
    """The process would have ended."""


def end() -> NoReturn:
    raise Ended


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_BEAT_S", BEAT_S)
    monkeypatch.setattr(leases, "_LEASE_S", LEASE_S)
    monkeypatch.setattr(leases, "_OVER_S", OVER_S)
    monkeypatch.setattr(slots, "SILENCE_S", SILENCE_S)


@pytest.fixture
def take(database_url: str) -> Iterator[Callable[[str], Lease]]:
    """Take a name as another process would: by an engine of its own."""
    with ExitStack() as stack:

        def take_it(name: str) -> Lease:
            engine = connect(database_url)
            migrate(engine)
            stack.callback(engine.dispose)
            lease = Lease(database=engine, name=name, end=end)
            lease.take()
            stack.callback(lease.release)
            return lease

        yield take_it


@pytest.fixture
def server_only(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("a lock of the kernel's is held exactly as long as its holder lives")


@contextmanager
def holding(database_url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that holds the name `one`, and what it is called."""
    engine = connect(database_url)
    migrate(engine)
    engine.dispose()
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, database_url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_what_a_living_worker_has_begun_is_its_own(database_url, take):
    with holding(database_url) as (_, holder):
        two = take("two")
        until = time.monotonic() + 2 * OVER_S
        while time.monotonic() < until:
            assert not two.supersede(holder)


def test_what_a_killed_worker_had_begun_is_soon_anybodys(database_url, take):
    two, three = take("two"), take("three")
    with holding(database_url) as (process, holder):
        process.kill()
        process.wait()
        eventually(lambda: two.supersede(holder), "the lease to be over")
        assert three.supersede(holder), "whoever comes second sees it, too"
    assert not two.supersede(three.holder)


def test_what_a_worker_left_that_ended_in_order_is_anybodys_at_once(database_url, take, monkeypatch):
    two = take("two")
    monkeypatch.setattr(leases, "_OVER_S", 600.0)
    two._steady_since = float("-inf")
    with holding(database_url) as (process, holder):
        process.communicate("x")
        eventually(lambda: two.supersede(holder), "the server to see the end of the connection")


@pytest.mark.usefixtures("server_only")
def test_a_worker_that_stands_still_loses_its_work_and_ends_when_it_wakes(database_url, take):
    two = take("two")
    with holding(database_url) as (process, holder):
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: two.supersede(holder), "the server to let go of its lock")
        again = take("one")
        assert again.holder != holder
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=30) == SUPERSEDED
        again.require()


@pytest.mark.usefixtures("server_only")
def test_a_worker_that_was_superseded_may_not_act(take, monkeypatch):
    monkeypatch.setattr(Lease, "_beat_forever", lambda _: None)
    one, two = take("one"), take("two")
    one.require()
    eventually(lambda: two.supersede(one.holder), "the lease to be over")
    with pytest.raises(Ended):
        one.require()


@pytest.mark.usefixtures("server_only")
def test_a_worker_whose_connection_broke_goes_on(take):
    one, two = take("one"), take("two")
    assert one._slot is not None
    broken = one._slot
    with two.database.begin() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
    eventually(lambda: one._slot not in (None, broken), "another connection")
    one.require()
    assert not two.supersede(one.holder)
    with pytest.raises(Misconfigured):
        slots.take_slot(two.database, "one", wait_s=0.2)


@pytest.mark.usefixtures("server_only")
def test_nobody_is_judged_right_after_the_database_was_away(database_url, take):
    two = take("two")
    with holding(database_url) as (process, holder):
        process.kill()
        process.wait()
        with two._renewing:  # as long as an outage: not one heartbeat gets through, of nobody
            time.sleep(2 * OVER_S)
            two._confirmed_at -= 10 * OVER_S
        begun = two._steady_since
        eventually(lambda: two._steady_since > begun, "a heartbeat")
        assert not two.supersede(holder)
        eventually(lambda: two.supersede(holder), "the same after some time")


def test_after_letting_go_nothing_passes(take):
    one = take("one")
    one.require()
    one.release()
    with pytest.raises(DatabaseAway, match="let go"):
        one.require()


def test_a_worker_takes_up_what_its_former_lives_left(take):
    one = take("one")
    former = one.holder
    one.release()
    again = take("one")
    assert again.epoch > one.epoch
    assert again.supersede(former)
    assert again.supersede("one"), "begun before there were epochs"
    assert not again.supersede(again.holder)
    assert again.supersede(f"one#{again.epoch + 3600}"), "the clock was put back since"


def test_of_a_worker_from_before_there_were_leases_the_lock_decides(take):
    two = take("two")
    old = slots.take_slot(two.database, "old")
    assert not two.supersede("old")
    old.release()
    assert two.supersede("old")


def test_names_that_are_long_gone_are_forgotten_and_get_no_epoch_twice(take):
    one, two = take("one"), take("two")
    former = one.epoch
    one.release()
    for _ in range(3):
        one = take("one")
        one.release()
    with two.database.begin() as connection:
        connection.execute(sa.text("UPDATE workers SET epoch = :e WHERE name = 'one'"), {"e": former - 100})
        connection.execute(sa.text("UPDATE workers SET heartbeat_at = 1 WHERE name = 'one'"))
    forget(two.database, but="two")
    assert take("one").epoch >= former


def test_who_comes_back_within_the_second_is_another_life(take):
    one = take("one")
    former = one.holder
    forget(one.database, but="one")
    one.release()
    again = take("one")
    assert again.holder != former
    assert again.supersede(former)


@pytest.mark.usefixtures("server_only")
def test_signs_of_life_and_takeovers_can_be_counted(database_url, take):
    two = take("two")
    with holding(database_url) as (process, holder):
        assert [beat.name for beat in beats(two.database)] == ["one", "two"]
        process.kill()
        process.wait()
        eventually(lambda: two.supersede(holder), "the lease to be over")
    one, two_again = beats(two.database)
    assert (one.takeovers, two_again.takeovers) == (1, 0)
    assert one.age_s > OVER_S > two_again.age_s


@pytest.mark.usefixtures("server_only")
def test_workers_from_before_leases_see_that_this_life_lives(take: Callable[[str], Lease], database_url: str):
    lease = take("one")
    engine = connect(database_url)
    assert slots.try_slot(engine, lease.holder) is None
    lease.release()
    slot = eventually(lambda: slots.try_slot(engine, lease.holder))
    slot.release()
    engine.dispose()
