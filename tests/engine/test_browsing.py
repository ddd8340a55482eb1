"""What pages are told of the sessions, on both databases; and who can read what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from github_app.core.commands import Command
from github_app.core.decisions import Decision
from github_app.core.errors import Gone, Transient
from github_app.core.events import CommandIssued, Ticked
from github_app.core.model import Actor, Permission, Repo, Usage
from github_app.core.names import inquiry_id
from github_app.core.outcomes import outcomes
from github_app.core.ports import Step
from github_app.core.record.story import rows_of
from github_app.core.reports import Inquiry
from github_app.core.session import Session, Status
from github_app.engine.browsing import Browsing
from github_app.engine.lanes import lane_of
from github_app.engine.readers import Readers
from github_app.engine.store import Store
from github_app.engine.transcripts import Transcripts
from tests.engine.values import ANN, FACTS, REPO, MovingClock, a_session

OTHER = replace(REPO, id=8, full_name="acme/other")
ROB = Actor(id=6, login="rob")


@pytest.fixture
def browsing(store: Store, clock: MovingClock) -> Browsing:
    for number, repo, status, actor, micro_usd in (
        (1, REPO, Status.MERGED, ANN, 500),
        (2, REPO, Status.WORKING, ROB, 70),
        (3, OTHER, Status.CLOSED, ANN, 9),
    ):
        session = a_session(number, repo=repo, status=status, requested_by=actor, usage=Usage(cost_micro_usd=micro_usd))
        clock.pass_s(60)
        event = Ticked(id=f"t-{number}", session_id=session.id)
        store.commit(event, None, Decision(session=session, why="w"), repo, replace(FACTS, now=clock.now()))
    return Browsing(store)


def event_at(number: int) -> CommandIssued:
    return CommandIssued(
        id="c", repo=REPO, actor=ANN, command=Command(verb="explain"), number=number, is_pull=True,
        comment_id=1, source="issue_comment",
    )  # fmt: skip


def issues(found: list[Session]) -> list[int]:
    return [session.issue_number for session in found]


def test_repositories_and_sessions_are_listed(browsing: Browsing):
    assert sorted(repo.full_name for repo in browsing.repositories()) == ["acme/other", REPO.full_name]
    assert issues(browsing.sessions([REPO, OTHER], (), "", skip=0, limit=10)) == [3, 2, 1]
    assert issues(browsing.sessions([REPO, OTHER], (), "", skip=1, limit=1)) == [2]
    assert issues(browsing.sessions([REPO], (), "ann", skip=0, limit=10)) == [1]
    assert issues(browsing.sessions([REPO, OTHER], (Status.CLOSED,), "ann", skip=0, limit=10)) == [3]
    assert issues(browsing.sessions([], (), "", skip=0, limit=10)) == []


def test_pages_follow_each_other_and_tokens_are_known_on_both_databases(browsing: Browsing):
    first, place = browsing.page([REPO, OTHER], (), "", after=None, limit=2)
    rest, end = browsing.page([REPO, OTHER], (), "", after=place, limit=2)
    assert (issues(first), issues(rest), end) == ([3, 2], [1], None)
    assert issues(browsing.page([REPO, OTHER], (Status.MERGED,), "ann", after=place, limit=2)[0]) == [1]
    tokens = browsing.store.tokens
    made, secret = tokens.create(ANN, "read", name="n", lives_for=timedelta(days=1))
    assert tokens.find(secret) == made
    (known,) = tokens.of(ANN)
    assert known == replace(made, used_at=known.used_at)
    assert known.used_at is not None
    assert (tokens.of(ROB), tokens.revoke(made.id, actor=ROB), tokens.revoke(made.id)) == ([], False, True)
    assert tokens.find(secret) is None


def test_sums_are_of_the_repositories_that_are_asked_for(browsing: Browsing):
    by_repo = {each.group: each for each in outcomes(browsing.tallies([REPO, OTHER], by="repository"))}
    assert (by_repo[REPO.full_name].micro_usd, by_repo[REPO.full_name].merged) == (570, 1)
    assert by_repo["acme/other"].closed == 1
    by_person = {each.group: each.micro_usd for each in outcomes(browsing.tallies([REPO], by="person"))}
    assert by_person == {"ann": 500, "rob": 70}


def test_reports_are_no_work_that_ends_well_or_badly(browsing: Browsing, clock: MovingClock):
    asked = event_at(7)
    first = lane_of(asked, browsing.store)
    report = a_session(7, id=inquiry_id(REPO.id, 7, 1), status=Status.CLOSED, inquiry=Inquiry(question="Why?"))
    own = Ticked(id="t-7", session_id=report.id)
    browsing.store.commit(own, None, Decision(session=report, why="w"), REPO, replace(FACTS, now=clock.now()))
    (found,) = outcomes(browsing.tallies([REPO], by="repository"))
    assert (found.merged, found.closed) == (1, 0)
    # One lane from the first question on, or two questions at once would both be the first.
    assert first == lane_of(asked, browsing.store) == lane_of(own, browsing.store)


def test_a_session_comes_with_its_record(browsing: Browsing):
    found = browsing.story("7-1-1")
    assert found is not None
    assert [link.kind for link in found.links] == ["decision"]
    assert browsing.story("9-9-9") is None
    assert (browsing.repository_of("7-1-1"), browsing.repository_of("9-9-9")) == (REPO, None)


def test_a_record_comes_with_the_step_that_it_is_about_and_what_was_called_before(
    browsing: Browsing, store: Store, clock: MovingClock
):
    """From the last number that somebody has on, each once; however few at a time."""
    transcripts, session = Transcripts(store.engine, clock, store.audit), store.session("7-2-1")
    assert session is not None
    turn = str(session.turn_id)
    transcripts.begin_turn(turn, session, base_sha="b", task="{}", sources=[])
    call = {"type": "tool_use", "id": "c", "name": "bash", "input": {"command": "make"}}
    answer = {"type": "tool_result", "tool_use_id": "c", "content": "made"}
    transcripts.add_step(turn, session.id, Step(number=0, role="assistant", content=(call,)), None)
    transcripts.add_step(turn, session.id, Step(number=1, role="user", content=(answer,)), None)

    whole = browsing.story(session.id)
    assert whole is not None
    seen, last = [], 0
    while (part := browsing.story(session.id, after=last, limit=1)) and part.links:
        seen += [(link.number, link.kind) for link in part.links]
        last = part.links[-1].number
    assert seen == [(link.number, link.kind) for link in whole.links]
    assert [kind for _, kind in seen] == ["decision", "prompt", "model", "told"]
    assert browsing.lengths([session.id, "9-9-9"]) == {session.id: 4}
    last_one = browsing.story(session.id, after=3)
    assert last_one is not None
    (row,) = rows_of(last_one, str)
    assert [(each.title, each.text) for each in row.excerpts] == [("bash answers", "made")]
    alone = replace(browsing, has_steps=False).story(session.id)
    assert alone is not None
    assert (alone.links, alone.steps) == (whole.links, {})


class Asked:
    """A hub that is only asked who may do what."""

    def __init__(self) -> None:
        self.answers: dict[str, Permission | Exception] = {}
        self.count = 0

    def permission(self, repo: Repo, _actor: Actor) -> Permission:
        self.count += 1
        answer = self.answers[repo.full_name]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_what_somebody_can_read_is_asked_once_a_minute(asked: Asked):
    clock = MovingClock()
    readers = Readers(asked, clock)
    asked.answers = {REPO.full_name: Permission.READ, "acme/other": Permission.NONE}
    assert readers.readable(ANN, [REPO, OTHER]) == [REPO]
    asked.answers[REPO.full_name] = Permission.NONE
    clock.pass_s(59)
    assert readers.readable(ANN, [REPO]) == [REPO]
    clock.pass_s(1)
    assert readers.readable(ANN, [REPO]) == []
    assert asked.count == 3


def test_writing_somewhere_is_known_for_a_minute_and_what_one_may_is_asked_at_once_where_it_matters(asked: Asked):
    readers = Readers(asked, MovingClock())
    asked.answers = {REPO.full_name: Permission.READ, "acme/other": Permission.TRIAGE}
    assert not readers.may_write_somewhere(ANN, [REPO, OTHER])
    assert readers.may_write_somewhere(ROB, []) is False
    asked.answers["acme/other"] = Permission.WRITE
    assert not readers.may_write_somewhere(ANN, [REPO, OTHER])
    assert readers.may_write_somewhere(ROB, [REPO, OTHER])
    assert readers.permission(ANN, OTHER) is Permission.WRITE
    asked.answers["acme/other"] = Gone("gone", what="repository")
    assert readers.permission(ANN, OTHER) is Permission.NONE


def test_what_github_does_not_show_is_not_shown_and_silence_is_no_answer(asked: Asked):
    readers = Readers(asked, MovingClock())
    asked.answers = {REPO.full_name: Gone("gone", what="repository"), "acme/other": Transient("down")}
    assert readers.readable(ANN, [REPO]) == []
    with pytest.raises(Transient):
        readers.readable(ANN, [REPO, OTHER])
