"""What open work is likely to cost is told by what ended work in the same repository did."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from github_app.core.decisions import Decision
from github_app.core.effects import RunTurn
from github_app.core.estimates import Estimate
from github_app.core.events import IssueLabeled
from github_app.core.session import Cause, Session, Status
from github_app.engine.costs import estimate_of
from github_app.engine.database import transaction
from tests.engine.values import ANN, FACTS, ISSUE, REPO, a_session


def test_ended_work_of_the_same_repository_counts_with_all_its_turns(store, database):
    def work(issue: int, status: Status, *costs: int) -> Session:
        event = IssueLabeled(id=f"d{issue}", repo=REPO, actor=ANN, issue=replace(ISSUE, number=issue), label="honk")
        session, before = a_session(issue, status=status), None
        for turn, cost in enumerate(costs, 1):
            run = RunTurn(turn_id=f"{session.id}/turn-{turn}", cause=Cause.IMPLEMENT)
            decision = Decision(session=session, effects=(run,), why="w")
            store.commit(replace(event, id=f"d{issue}-{turn}"), before, decision, REPO, FACTS)
            before = store.session(session.id)
            with transaction(database) as connection:
                spend = sa.text("UPDATE starts SET cost_micro_usd = :c WHERE turn_id = :t")
                connection.execute(spend, {"c": cost, "t": run.turn_id})
        return session

    for issue in range(1, 6):
        work(issue, Status.MERGED, issue * 10, issue * 100)
    work(6, Status.AWAITING_REVIEW, 9_000)
    now = work(7, Status.WORKING, 50)
    assert estimate_of(database, now) == Estimate(low_micro_usd=220, high_micro_usd=440, count=5)
    assert estimate_of(database, replace(now, repo=replace(REPO, id=99))) is None
    assert estimate_of(database, replace(now, status=Status.CLOSED)) is None
