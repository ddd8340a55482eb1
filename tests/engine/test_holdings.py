"""What pages are told of repositories, lessons and what waits, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_app.core.decisions import Decision
from github_app.core.effects import RunTurn
from github_app.core.events import Ticked
from github_app.core.holdings import Use
from github_app.core.lessons import Proposal
from github_app.core.model import Permission
from github_app.core.record.records import Hand
from github_app.core.session import Cause, Status
from github_app.engine.holdings import Holdings
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts
from tests.engine.values import ANN, FACTS, REPO, MovingClock, a_session, delivery

OTHER = replace(REPO, id=8, full_name="acme/other")
SAID = Proposal(number=1, text="Be brief.", cites="t", source="/acme/thing/pull/5#r1", said_by="rob")
HAND = Hand(actor=ANN, permission=Permission.WRITE)


@pytest.fixture
def holdings(store: Store, clock: MovingClock) -> Holdings:
    for number, status in ((1, Status.WORKING), (2, Status.WORKING), (3, Status.MERGED)):
        session = a_session(number, status=status, pull_number=5, lessons=(SAID,) if number == 3 else ())
        run = RunTurn(turn_id=f"7-{number}-1/turn-1", cause=Cause.IMPLEMENT)
        decision = Decision(session=session, why="w", effects=(run,))
        event = Ticked(id=f"t-{number}", session_id=session.id)
        store.commit(event, None, decision, REPO, replace(FACTS, now=clock.now()))
    return Holdings(store=store, clock=clock)


def test_what_repositories_use_is_of_the_last_thirty_days(holdings: Holdings, clock: MovingClock):
    assert holdings.uses([REPO, OTHER]) == {7: Use(open_sessions=2, turns=3), 8: Use()}
    clock.pass_s(31 * 86_400)
    assert holdings.uses([REPO]) == {7: Use(open_sessions=2)}


def test_a_proposal_is_kept_in_other_words_and_dropped(holdings: Holdings, clock: MovingClock):
    assert holdings.taught(REPO).proposals == [(5, SAID)]
    assert holdings.keep(REPO, "5-1", "Be `short`.", HAND)
    ((lesson, is_expired),) = holdings.taught(REPO).lessons
    assert (lesson.text, lesson.kept_by, lesson.source, is_expired) == ("Be 'short'.", "ann", SAID.source, False)
    assert holdings.taught(REPO).proposals == []
    assert holdings.uses([REPO])[7].lessons == 1
    clock.pass_s(181 * 86_400)
    assert holdings.taught(REPO).lessons[0][1]
    assert holdings.keep(REPO, "5-1", "Be short.", HAND), "an expired one is in force again"
    assert not holdings.taught(REPO).lessons[0][1]
    holdings.drop(REPO, "5-1", HAND)
    holdings.drop(REPO, "5-1", HAND)
    assert holdings.taught(REPO).lessons == []
    assert not holdings.keep(REPO, "9-9", "x", HAND)
    assert not holdings.keep(OTHER, "5-1", "x", HAND)


async def test_what_waits_and_runs_is_counted(holdings: Holdings, store: Store, clock: MovingClock):
    session = store.session("7-1-1")
    assert session is not None
    transcripts = Transcripts(store.engine, clock, store.audit)
    transcripts.begin_turn("7-1-1/turn-1", session, base_sha="b", task="{}", sources=[])
    came = delivery("d-1", "issues", {"action": "opened"})
    store.entries.add([(came.id, "github", came.event, came.body)])
    clock.pass_s(9)
    queue = holdings.queue()
    assert (queue.inbox, round(queue.oldest_s), queue.lanes) == (1, 9, 0)
    assert (queue.turns_running, queue.turns_waiting, queue.waits) == (1, 1, 0)
    assert queue.workers == []
