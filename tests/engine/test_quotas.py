"""What was used within a day is counted exactly, whoever looks at once; what waited is looked at again at its start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from github_app.core.effects import Say
from github_app.core.errors import Misconfigured
from github_app.core.events import IssueLabeled
from github_app.core.facts import Facts
from github_app.core.machine import decide
from github_app.core.model import Actor, Permission, Usage
from github_app.core.policy import Floor, Quota
from github_app.core.ports import Step
from github_app.core.session import Status
from github_app.engine.database import transaction
from github_app.engine.policies import read_floor
from github_app.engine.quotas import Quotas
from github_app.engine.retention import forget
from github_app.engine.store import Conflict, Store
from tests.engine.stage import Open, work
from tests.engine.values import ANN, ISSUE, REPO, MovingClock
from tests.fakes.hub import BASE, ME

ROB = Actor(id=8, login="rob")
OTHER = replace(REPO, id=9, full_name="acme/other")


@pytest.fixture
def quotas(database, clock):
    return Quotas(
        database=database, clock=clock, floor=Floor(per_person=Quota(turns=2, cost_micro_usd=100, open_pulls=9))
    )


class People:
    """Who label issues, as the engine would take that in."""

    def __init__(self, store: Store, quotas: Quotas, clock: MovingClock) -> None:
        self.store, self.quotas, self.clock = store, quotas, clock

    def facts(self, person: Actor, repo=REPO) -> Facts:
        return Facts(
            now=self.clock.now(), me=ME, permission=Permission.WRITE, base_sha=BASE, asker=person,
            told=self.quotas.told(repo, person), load=self.quotas.load(repo, person, None),
        )  # fmt: skip

    def label(self, number: int, person: Actor = ANN, *, repo=REPO, facts: Facts | None = None) -> str:
        """The words that came of it, or `starts`."""
        event = IssueLabeled(
            id=f"d{number}", repo=repo, actor=person, issue=replace(ISSUE, number=number), label="honk"
        )
        known = facts or self.facts(person, repo)
        decision = decide(None, event, known)
        pending = self.store.commit(event, None, decision, repo, known)
        said = [each.effect.body for each in pending if isinstance(each.effect, Say)]
        return "starts" if decision.session is not None else " ".join(said) or "no words"


@pytest.fixture
def people(store, quotas, clock):
    return People(store, quotas, clock)


def test_turns_are_counted_for_a_day(people, clock):
    assert [people.label(1), people.label(2)] == ["starts", "starts"]
    assert "2 turns of mine within 24 hours" in people.label(3)
    clock.pass_s(23 * 3600)
    assert people.label(4) == "no words"
    assert people.label(5, ROB) == "starts"
    clock.pass_s(3601)
    assert people.label(6) == "starts"


def test_when_there_is_room_again_is_told_exactly(people, quotas, clock):
    began = clock.time
    for number in (1, 2):
        people.label(number)
        clock.pass_s(3600)
    (share,) = quotas.load(REPO, ANN, None).shares
    assert share.turns_free_at - began < timedelta(hours=24, seconds=1)
    clock.time = share.turns_free_at
    assert people.label(3) == "starts"
    assert people.label(4) != "starts"


def test_money_is_counted_where_it_is_spent(people, quotas, transcripts, clock):
    people.label(1)
    step = Step(number=0, role="assistant", content=(), usage=Usage(cost_micro_usd=60, steps=1))
    transcripts.add_step("7-1-1/turn-1", "7-1-1", step, None)
    assert quotas.load(REPO, ANN, None).shares[0].cost_micro_usd == 60
    transcripts.add_step("7-1-1/turn-1", "7-1-1", replace(step, number=1), None)
    (share,) = quotas.load(REPO, ANN, None).shares
    assert share.cost_micro_usd == 120
    assert share.money_free_at > clock.now()
    assert "may spend" in people.label(2)


def test_money_of_a_month_is_free_again_after_thirty_days(store, database, clock, transcripts):
    floor = Floor(per_repository=Quota(cost_micro_usd=100, month_micro_usd=120))
    quotas = Quotas(database=database, clock=clock, floor=floor)
    people = People(store, quotas, clock)
    step = Step(number=0, role="assistant", content=(), usage=Usage(cost_micro_usd=90, steps=1))
    for number in (1, 2):
        assert people.label(number) == "starts"
        transcripts.add_step(f"7-{number}-1/turn-1", f"7-{number}-1", step, None)
        clock.pass_s(25 * 3600)
    load = quotas.load(REPO, ANN, None)
    assert load is not None
    (share,) = load.shares
    assert share.month_free_at is not None
    assert (share.cost_micro_usd, share.month_micro_usd) == (0, 180)
    assert "may spend $0.0001 within 30 days, and has spent it" in people.label(3)
    clock.time = share.month_free_at
    assert people.label(4) == "starts"


def test_a_month_is_not_counted_by_who_forgets_earlier(tmp_path):
    path = tmp_path / "floor.yml"
    path.write_text("quota: {person: {usd_a_month: 100}}")
    assert read_floor(path).per_person.month_micro_usd == 100_000_000
    with pytest.raises(Misconfigured, match="needs HONK_KEEP_DAYS of 30"):
        read_floor(path, kept=timedelta(days=29))


def test_each_share_is_its_own(store, database, clock):
    one = Quota(turns=1)
    for floor, same_repo, other_repo in (
        (Floor(per_person=one), "starts", "starts"),
        (Floor(per_repository=one), "1 turn of mine", "starts"),
        (Floor(per_organisation=one), "1 turn of mine", "1 turn of mine"),
    ):
        with transaction(database) as connection:
            for table in ("starts", "sessions", "decisions", "effects", "refusals"):
                connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608
        people = People(store, Quotas(database=database, clock=clock, floor=floor), clock)
        assert people.label(1, ANN) == "starts"
        assert same_repo in people.label(2, ROB)
        assert other_repo in people.label(3, Actor(id=77, login="tom"), repo=OTHER)


def test_without_limits_nothing_is_counted_up(store, database, clock):
    free = Quotas(database=database, clock=clock, floor=Floor())
    assert free.load(REPO, ANN, None) is None
    people = People(store, free, clock)
    assert [people.label(number) for number in range(1, 5)] == ["starts"] * 4


def test_open_pull_requests_are_counted_and_a_session_does_not_stand_in_its_own_way(store, database, clock):
    quotas = Quotas(database=database, clock=clock, floor=Floor(per_repository=Quota(open_pulls=1)))
    people = People(store, quotas, clock)
    assert people.label(1) == "starts"
    assert "1 pull request of mine open" in people.label(2)
    own = quotas.load(REPO, ANN, store.session("7-1-1"))
    assert own is not None
    assert own.shares[0].open_pulls == 0


def test_two_that_look_at_once_do_not_both_get_the_last_place(people):
    people.label(1)
    seen_by_both = people.facts(ANN)
    assert people.label(2, facts=seen_by_both) == "starts"
    with pytest.raises(Conflict):
        people.label(3, facts=seen_by_both)
    assert people.label(3) != "starts"


def test_two_that_refuse_at_once_say_it_once(people):
    people.label(1)
    people.label(2)
    seen_by_both = people.facts(ANN)
    assert "turns of mine" in people.label(3, facts=seen_by_both)
    with pytest.raises(Conflict):
        people.label(4, facts=seen_by_both)
    assert people.label(4) == "no words"


def test_many_at_once_start_as_many_as_they_may(people):
    barrier, outcomes = Barrier(4), []

    def label(number: int) -> None:
        barrier.wait()
        while True:
            try:
                outcomes.append(people.label(number))
                return
            except Conflict:
                continue

    threads = [Thread(target=label, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    words = [outcome for outcome in outcomes if outcome not in ("starts", "no words")]
    assert (outcomes.count("starts"), len(words), outcomes.count("no words")) == (2, 1, 1)


def test_old_counts_are_forgotten(people, database, clock):
    for number in (1, 2, 3):
        people.label(number)
    forget(database, clock.now() + timedelta(days=1))
    with transaction(database, reads=True) as connection:
        for table in ("starts", "refusals"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() == 0  # noqa: S608


class TestAtTheStartOfATurn:
    def test_who_lost_the_right_while_the_turn_waited_starts_nothing(self, open_stage: Open):
        stage = open_stage()
        permission, asked = stage.hub.permission, []

        def removed_meanwhile(repo, actor):
            asked.append(actor.login)
            return permission(repo, actor) if len(asked) == 1 else Permission.NONE

        stage.hub.permission = removed_meanwhile  # type: ignore[method-assign]
        stage.label()
        session = stage.wait_status(Status.NEEDS_HUMAN)
        assert (session.stuck_on, asked) == ("permission", ["ann", "ann"])
        assert "has no write access any more" in session.waiting_for
        assert stage.model.requests == []

    def test_money_that_others_spent_while_the_turn_waited_is_counted(self, open_stage: Open):
        stage = open_stage(floor=Floor(per_person=Quota(cost_micro_usd=5)))
        load = Quotas.load
        looks = []

        def spent_meanwhile(self, repo, person, session):
            looks.append(1)
            found = load(self, repo, person, session)
            assert found is not None
            spent = tuple(replace(share, cost_micro_usd=5 * (len(looks) > 1)) for share in found.shares)
            return replace(found, shares=spent)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Quotas, "load", spent_meanwhile)
            stage.label()
            session = stage.wait_status(Status.NEEDS_HUMAN)
        assert session.stuck_on == "quota"
        assert stage.model.requests == []

    def test_what_was_held_goes_on_by_itself_when_there_is_room(self, open_stage: Open):
        stage = open_stage(*work(), *work("3"), floor=Floor(per_person=Quota(turns=1)))
        stage.label()
        stage.wait_status(Status.AWAITING_CHECKS)
        stage.comment("/honk make it three")
        held = stage.wait_status(Status.NEEDS_HUMAN)
        assert (held.stuck_on, [feedback.body for feedback in held.feedback]) == ("quota", ["make it three"])
        stage.clock.pass_s(24 * 3600 + 1)
        stage.engine.upkeep.tick()
        session = stage.wait_status(Status.AWAITING_CHECKS)
        assert (session.turns, session.feedback) == (2, ())
