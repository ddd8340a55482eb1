"""Several workers on one database: limits and order hold, and what one of them leaves, dead or standing still, goes on
with another within half a minute, once."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator

import pytest

from github_app.demo.stack import Stack
from github_app.engine.leases import SUPERSEDED, Lease
from github_app.localhub.script import Script
from tests.fakes.databases import fresh_database, postgresql_server
from tests.workers.fleet import Fleet, Place, fleet, make_place, most_at_once, of_bot

PER_REPO, IN_ALL = 2, 3
FAILOVER_S = 30.0
EDIT = {"call": {"edit": {"path": "b.py", "old_text": "", "new_text": "y = 2\n"}}}
SUBMIT = {"call": {"submit": {"title": "Add it", "summary": "As asked.", "unverified_reason": "no tests here"}}}
SCRIPT = {
    "scenes": [
        {"name": "held", "when": ["Held"], "replies": [EDIT, {**SUBMIT, "gate": "held"}]},
        {"name": "usual", "replies": [{**EDIT, "latency_s": 0.3}, {**SUBMIT, "latency_s": 0.3}]},
    ]
}


@pytest.fixture(scope="module")
def workers() -> Iterator[Fleet]:
    with postgresql_server() as server, fresh_database(server) as url:
        limits = {"HONK_TURNS": str(IN_ALL), "HONK_TURNS_PER_REPO": str(PER_REPO)}
        with fleet(Script.parse(SCRIPT), url, **limits) as it:
            it.start("one", "two", "three")
            yield it


@pytest.fixture(scope="module", autouse=True)
def doubles(workers: Fleet) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Second processes of a name, on PostgreSQL and on SQLite: they have their time to give up meanwhile."""
    lease = Lease(database=workers.database, name="held")
    lease.take()
    with Stack(script=None) as alone:
        alone.start_honk()
        env = alone.environment()
        on_sqlite = subprocess.Popen([*alone.program, "worker"], env=env, stderr=subprocess.PIPE)
        on_server = workers.launch("held").process
        yield [on_sqlite, on_server]
        for process in (on_sqlite, on_server):
            process.kill()
            process.communicate()
    lease.release()


@pytest.fixture
def place(workers: Fleet, request: pytest.FixtureRequest) -> Place:
    return make_place(workers.stack, f"acme/{request.node.name[5:35].strip('_').replace('_', '-')}")


@pytest.mark.timeout(240)
def test_limits_and_order_hold_while_a_worker_dies(workers, place):
    stack, there = workers.stack, make_place(workers.stack, "acme/elsewhere")
    issues = [place.ask(f"Number {number}") for number in range(4)] + [
        there.ask(f"Other {number}") for number in range(3)
    ]
    place.ann.comment(issues[0], "/honk and one more thing")
    workers.kill(workers.worker_on(issues[0]))
    for issue in issues:
        stack.wait_for(f"#{issue.number} to be done", lambda issue=issue: workers.is_done(issue), timeout_s=120)
    most, most_in = most_at_once(
        [each for each in workers.asked if each.repo in (place.repo.full_name, "acme/elsewhere")]
    )
    assert 1 < most <= IN_ALL
    assert max(most_in.values()) <= PER_REPO
    stack.wait_for("the inbox to be empty", lambda: not workers.unsettled())
    assert [fault for issue in issues for fault in workers.faults_of(issue)] == []
    assert workers.decided_out_of_order() == []


@pytest.mark.timeout(240)
def test_a_stopped_worker_does_no_damage_when_it_wakes(workers, place):
    stack, hub = workers.stack, workers.stack.hub
    # It has asked whether its comment is there, and was told that it is not: next, it would post it.
    look = hub.faults.add(r"^GET .*/issues/\d+/comments", "slow", seconds=3.0, repo=place.repo.full_name)
    issue = place.ask("Held")
    stack.wait_for("the look", lambda: look not in hub.faults.rules)
    [(holder,)] = workers.rows(
        "SELECT DISTINCT executor_id FROM dbos.workflow_status WHERE name = 'intake' AND status = 'PENDING'"
    )
    name = holder.rpartition("#")[0]
    workers.stop(name)
    stack.wait_for("somebody else's comment", lambda: of_bot(issue.comments), timeout_s=FAILOVER_S)
    workers.go_on(name)
    assert workers.wait_end(name) == SUPERSEDED
    stack.wait_for("the pull request", lambda: workers.is_done(issue), timeout_s=60)
    assert workers.faults_of(issue) == []


@pytest.mark.timeout(120)
def test_a_name_works_in_one_process_at_a_time(workers, doubles):
    on_sqlite, on_server = doubles
    assert on_sqlite.wait(60) == on_server.wait(60) == 2
    words = "another process works as `{}`: give each worker its own HONK_WORKER_ID"
    assert words.format(platform.node()) in on_sqlite.stderr.read().decode()
    assert words.format("held") in (workers.stack.root / "held.log").read_text()
