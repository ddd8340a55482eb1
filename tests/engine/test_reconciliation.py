"""What was not told is found by looking, in whatever order the two come, and by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from github_app.core.commands import Command
from github_app.core.decisions import Decision
from github_app.core.errors import AccessDenied, Gone, RateLimited, Transient
from github_app.core.events import CommandIssued, IssueLabeled
from github_app.core.missed import Act, Change, Edit, Remark
from github_app.core.model import Actor, Permission
from github_app.core.session import Status
from github_app.engine import reconciliation
from github_app.engine.leases import Lease
from github_app.engine.looks import Look, Looks
from github_app.engine.reconciliation import Reconciliation
from github_app.engine.store import Conflict, Store
from tests.core.scene import command
from tests.edge.cases import shows
from tests.engine.stage import Open, eventually, work
from tests.engine.values import ANN, FACTS, ISSUE, REPO, MovingClock, a_session
from tests.fakes.hub import ME, RecordingHub, StillListing

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
EVE = Actor(id=2, login="eve")
OTHER = replace(REPO, id=8, full_name="acme/other")


class Scene:
    """A reconciliation over a real store, and a GitHub on which things stand. `pass_s` and `look` tell the story."""

    def __init__(self, store: Store, database: sa.Engine, clock: MovingClock) -> None:
        self.store, self.database, self.clock = store, database, clock
        self.hub = RecordingHub(permissions={"ann": Permission.WRITE, "rob": Permission.WRITE})
        self.listing = StillListing(installed={3: clock.now() - DAY}, repos=(REPO,))
        self.leases: dict[str, Lease] = {}
        self.process = self.start()
        self.looks = self.process.looks

    def start(self, worker: str = "one") -> Reconciliation:
        """A process over the same tables; if this worker had one, that is dead now."""
        if worker in self.leases:
            self.leases[worker].release()
        lease = self.leases[worker] = Lease(database=self.database, name=worker)
        lease.take()
        return Reconciliation(
            store=self.store, hub=self.hub, listing=self.listing, looks=Looks(self.database, self.clock, lease),
            clock=self.clock, trigger_label="honk",
        )  # fmt: skip

    def look(self) -> list[str]:
        """Look, when some minutes have passed; the ids of what is new in the inbox."""
        before = {entry.id for entry in self.all()}
        self.clock.pass_s(300)
        assert self.process.run()
        return [entry.id for entry in self.all() if entry.id not in before]

    def all(self) -> list[Any]:
        with self.database.connect() as connection:
            return list(connection.execute(sa.text("SELECT * FROM inbox ORDER BY seq")))

    def labelled(self, number: int = 1, *, at: datetime | None = None, **changes: Any) -> Change:
        """An issue that got the label, by ann."""
        when = at or self.clock.now()
        self.listing.record[number] = (Act(id=90 + number, kind="labeled", actor=ANN, at=when, label="honk"),)
        found = replace(ISSUE, number=number, updated_at=when, **changes)
        return self.change(found, when)

    def change(self, issue: Any, at: datetime, **changes: Any) -> Change:
        found = Change(issue=issue, is_pull=False, node_id=f"I_{issue.number}", created_at=at, updated_at=at, **changes)
        self.listing.changed = (*self.listing.changed, found)
        return found

    def say(self, body: str, id: int = 500, *, author: Actor = ANN, **changes: Any) -> Remark:
        at = self.clock.now()
        usual = Remark(
            id=id, source="issue_comment", number=1, is_pull=False, node_id=f"IC_{id}", author=author, body=body,
            created_at=at, updated_at=at,
        )  # fmt: skip
        self.listing.said = (*self.listing.said, replace(usual, **changes))
        return self.listing.said[-1]

    def hear(self, kind: str, number: int) -> None:
        with self.database.begin() as connection:
            connection.execute(
                sa.text("INSERT INTO heard VALUES (7, :k, :n, 'a delivery', '')"), {"k": kind, "n": number}
            )

    def open_session(self, number: int = 1, **more: Any) -> None:
        session = a_session(number, created_at=self.clock.now(), **more)
        with self.database.begin() as connection:
            self.store._save_session(connection, None, session)

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        return [asked for asked in self.listing.asked if asked[0] == name]


@pytest.fixture
def scene(store: Store, database: sa.Engine, clock: MovingClock) -> Iterator[Scene]:
    it = Scene(store, database, clock)
    it.look()
    it.clock.pass_s(60)
    yield it
    for lease in it.leases.values():
        lease.release()


class TestLabels:
    @shows("W07")
    def test_a_label_that_nobody_told_us_of_is_found(self, scene: Scene):
        scene.labelled()
        assert scene.look() == ["look:labeled:91"]
        assert scene.look() == [], "and found once"

    def test_a_label_on_a_pull_request_is_found_where_it_would_begin_work(self, scene: Scene):
        scene.labelled(1)
        scene.labelled(2)
        scene.labelled(3, is_open=False)
        scene.listing.changed = tuple(replace(each, is_pull=True) for each in scene.listing.changed)
        scene.open_session(9, pull_number=2)
        assert scene.look() == ["look:labeled:91"]
        assert b'"is_pull":true' in bytes(scene.all()[-1].body)

    def test_the_label_for_a_plan_is_found_as_well(self, scene: Scene):
        scene.labelled(labels=("bug", "Honk:plan"))
        [act] = scene.listing.record[1]
        scene.listing.record[1] = (replace(act, label="Honk:plan"),)
        assert scene.look() == ["look:labeled:91"]
        assert b'"label":"Honk:plan"' in bytes(scene.all()[-1].body)

    def test_what_is_found_waits_a_little_for_a_delivery_that_is_only_late(self, scene: Scene):
        scene.labelled()
        scene.look()
        assert scene.store.entries.new(10) == []
        scene.clock.pass_s(6)
        assert [entry.name for entry in scene.store.entries.new(10)] == ["IssueLabeled"]

    def test_a_first_look_takes_up_nothing_that_is_older(self, store: Store, database: sa.Engine, clock: MovingClock):
        fresh = Scene(store, database, clock)
        fresh.labelled(at=clock.now() - 1000 * DAY)
        fresh.labelled(2, at=clock.now() - MINUTE)
        fresh.say("/honk", created_at=clock.now() - MINUTE)
        assert fresh.look() == []
        fresh.clock.pass_s(1)
        fresh.labelled(3)
        assert fresh.look() == ["look:labeled:93"]

    def test_a_repository_that_is_new_to_us_is_taken_up_from_the_last_look_at_all(self, scene: Scene):
        scene.listing.repos = (OTHER,)
        scene.labelled(1, at=scene.clock.now() - DAY)
        scene.labelled(2)
        assert scene.look() == ["look:labeled:92"]

    def test_an_app_that_was_installed_anew_does_not_take_up_what_was_before(self, scene: Scene):
        scene.labelled()
        scene.clock.pass_s(60)
        scene.listing.installed = {3: scene.clock.now()}
        assert scene.look() == []

    def test_an_outage_of_weeks_loses_nothing(self, scene: Scene):
        scene.labelled(1)
        scene.say("/honk", number=2)
        scene.change(replace(ISSUE, number=2, labels=(), updated_at=scene.clock.now()), scene.clock.now())
        scene.clock.pass_s(20 * 86_400)
        scene.process = scene.start()
        assert scene.look() == ["look:labeled:91", "look:issue_comment:500"]

    def test_an_issue_that_is_worked_on_costs_nothing_more(self, scene: Scene):
        scene.open_session()
        scene.labelled()
        assert scene.look() == []
        assert scene.asked("acts") == []

    def test_who_took_the_label_off_ends_the_work(self, scene: Scene):
        scene.open_session()
        scene.clock.pass_s(60)
        at = scene.clock.now()
        scene.listing.record[1] = (Act(id=70, kind="unlabeled", actor=ANN, at=at, label="honk"),)
        scene.change(replace(ISSUE, labels=(), updated_at=at), at)
        assert scene.look() == ["look:unlabeled:70"]

    def test_work_that_words_began_has_no_label_and_goes_on(self, scene: Scene):
        scene.open_session()
        scene.change(replace(ISSUE, labels=(), updated_at=scene.clock.now()), scene.clock.now())
        assert scene.look() == []

    @pytest.mark.parametrize(("editor", "expected"), [("eve", "eve"), ("rob", "ann"), ("ann", "ann")])
    def test_a_label_is_worth_what_who_changed_the_words_after_it_may(self, scene: Scene, editor: str, expected: str):
        scene.labelled()
        who = {"eve": EVE, "rob": Actor(id=4, login="rob"), "ann": ANN}[editor]
        scene.listing.edited = {"I_1": Edit(editor=who, at=scene.clock.now() + MINUTE)}
        scene.look()
        assert f'"actor":{{"id":{who.id if expected == editor else 1}' in scene.all()[-1].body.decode()

    def test_a_bot_that_changed_the_words_leaves_an_answer_to_who_asked(self, scene: Scene):
        scene.labelled()
        bot = Actor(id=5, login="tidy[bot]", is_bot=True)
        scene.listing.edited = {"I_1": Edit(editor=bot, at=scene.clock.now() + MINUTE)}
        scene.look()
        assert '"login":"tidy[bot]","is_bot":false' in scene.all()[-1].body.decode()


class TestWords:
    def seen(self, scene: Scene, number: int = 1) -> None:
        scene.change(replace(ISSUE, number=number, labels=(), updated_at=scene.clock.now()), scene.clock.now())

    def test_a_command_that_nobody_told_us_of_is_found(self, scene: Scene):
        self.seen(scene)
        scene.say("hello", 501)
        scene.say("/honk", 502)
        scene.say("/honk mine", 503, author=ME)
        scene.say("/honk", 504, number=9, is_pull=True)
        assert scene.look() == ["look:issue_comment:502", "look:issue_comment:504"]
        assert scene.look() == []

    def test_a_command_that_was_heard_is_not_found_again(self, scene: Scene):
        self.seen(scene)
        scene.say("/honk", 502)
        scene.hear("issue_comment", 502)
        assert scene.look() == []

    def test_a_command_on_an_issue_that_is_not_in_the_list_is_found_unless_the_issue_is_gone(self, scene: Scene):
        long_ago = scene.clock.now() - timedelta(days=40)
        scene.change(replace(ISSUE, labels=(), updated_at=long_ago), long_ago)
        scene.say("/honk", 502)
        scene.say("/honk", 503, number=2)
        assert scene.look() == ["look:issue_comment:502"]

    @pytest.mark.parametrize(("editor", "worth"), [(EVE, 2), (Actor(id=4, login="rob"), 1), (ANN, 1)])
    def test_an_edited_comment_is_worth_what_its_least_hand_may(self, scene: Scene, editor: Actor, worth: int):
        self.seen(scene)
        said = scene.say("/honk", 502)
        scene.listing.said = (replace(said, updated_at=said.created_at + MINUTE),)
        scene.listing.edited = {"IC_502": Edit(editor=editor, at=said.created_at + MINUTE)}
        scene.look()
        assert f'"actor":{{"id":{worth},' in scene.all()[-1].body.decode()

    def test_a_command_in_a_new_issue_is_found_unless_it_was_heard(self, scene: Scene):
        for number in (1, 2, 3):
            issue = replace(ISSUE, number=number, labels=(), body="/honk", updated_at=scene.clock.now())
            scene.change(replace(issue, is_open=number != 3), scene.clock.now())
        scene.hear("issue", 1)
        assert scene.look() == ["look:issue:7:2"]


class TestPulls:
    def reviewed(self, scene: Scene, **changes: Any) -> None:
        at = scene.clock.now()
        pull = replace(ISSUE, number=12, labels=(), updated_at=at, **changes)
        scene.listing.changed = (Change(issue=pull, is_pull=True, node_id="PR_12", created_at=at, updated_at=at),)
        usual: dict[str, Any] = {"number": 12, "is_pull": True, "created_at": at, "updated_at": at}
        scene.listing.reviewed = (
            Remark(id=50, source="review", node_id="PRR_50", author=ANN, body="Louder", **usual),
            Remark(id=51, source="review", node_id="PRR_51", author=ME, body="mine", **usual),
        )
        scene.listing.inline = (
            Remark(id=60, source="review_comment", node_id="PRRC_60", author=ANN, body="/honk why", **usual),
            Remark(id=61, source="review_comment", node_id="PRRC_61", author=ANN, body="why", **usual),
        )

    def test_a_review_and_a_command_in_its_lines_are_found(self, scene: Scene):
        scene.open_session(status=Status.AWAITING_REVIEW, pull_number=12, turn_id=None)
        self.reviewed(scene)
        assert scene.look() == ["look:review_comment:60", "look:review:50"]

    def test_a_review_that_was_heard_is_not_found_again(self, scene: Scene):
        scene.open_session(status=Status.AWAITING_REVIEW, pull_number=12, turn_id=None)
        self.reviewed(scene)
        scene.hear("review", 50)
        scene.hear("review_comment", 60)
        assert scene.look() == []

    def test_pull_requests_of_others_are_theirs(self, scene: Scene):
        self.reviewed(scene)
        assert scene.look() == []
        assert scene.asked("reviews") == []

    def test_a_pull_request_that_has_ended_has_its_session_look_at_it(self, scene: Scene):
        scene.open_session(status=Status.AWAITING_REVIEW, pull_number=12, turn_id=None)
        self.reviewed(scene, is_open=False)
        [found] = scene.look()
        assert found.startswith("7-1-1/look-")

    def test_a_pull_request_whose_session_has_ended_too_is_nothing_new(self, scene: Scene):
        scene.open_session(status=Status.MERGED, pull_number=12, turn_id=None)
        self.reviewed(scene, is_open=False)
        assert scene.look() == []


class TestTurns:
    def test_only_one_process_looks_at_a_time_and_soon_after_another(self, scene: Scene):
        other = scene.start("two")
        assert scene.looks.claim(done_before=scene.clock.now())
        assert not other.run(), "somebody else is at it"
        scene.clock.pass_s(121)
        assert other.run(), "who was at it stands still"
        assert other.run(), "who starts looks twice: the first time, its door may not be open yet"
        scene.clock.pass_s(60)
        assert not other.run(), "it was done a minute ago"
        assert scene.start("three").run(), "but who starts looks at once"

    def test_a_worker_that_died_at_it_looks_as_soon_as_it_is_back(self, scene: Scene):
        assert scene.looks.claim(done_before=scene.clock.now())
        assert scene.start().run()

    def test_a_turn_that_was_lost_is_not_given_back(self, scene: Scene):
        assert scene.looks.claim(done_before=scene.clock.now())
        scene.clock.pass_s(121)
        other = scene.start("two").looks
        assert other.claim(done_before=scene.clock.now())
        scene.looks.release()
        assert not scene.looks.claim(done_before=scene.clock.now()), "another worker is at it"

    def test_a_process_with_many_repositories_looks_at_each_less_often(self, scene: Scene, monkeypatch):
        monkeypatch.setattr(reconciliation, "_EACH", MINUTE)  # Ten are many, then.
        scene.listing.repos = tuple(replace(REPO, id=number) for number in range(1000, 1010))
        scene.look()
        asked = len(scene.asked("changes"))
        scene.look()
        assert len(scene.asked("changes")) == asked, "ten minutes for ten"
        scene.look()
        assert len(scene.asked("changes")) == asked + 10

    @pytest.mark.parametrize("error", [RateLimited("slow down", retry_after_s=60), Transient("502")])
    def test_an_installation_that_must_wait_holds_up_no_other(self, scene: Scene, error: Exception):
        scene.listing.installed = {3: scene.clock.now() - DAY, 4: scene.clock.now() - DAY}
        scene.listing.repos = (REPO, replace(OTHER, installation_id=4))
        scene.listing.fail[REPO.id] = [error]
        scene.labelled()
        assert scene.look() == ["look:labeled:91"]
        before = scene.looks.of(REPO.id)
        scene.look()
        assert before is not None
        assert (found := scene.looks.of(REPO.id)) is not None
        assert found[0].issues_at > before[0].issues_at, "it was looked at later, from where it was left"

    @pytest.mark.parametrize("error", [AccessDenied("no"), Gone("no", what="repository")])
    def test_a_repository_that_is_closed_to_us_holds_up_no_other(self, scene: Scene, error: Exception):
        scene.listing.repos = (REPO, OTHER)
        scene.listing.fail[REPO.id] = [error]
        scene.labelled()
        assert scene.look() == ["look:labeled:91"]

    def test_what_nobody_foresaw_in_a_repository_holds_up_no_other(self, scene: Scene, caplog):
        scene.listing.installed = {3: scene.clock.now() - DAY, 4: scene.clock.now() - DAY}
        scene.listing.repos = (OTHER, REPO, replace(REPO, id=9, installation_id=4))
        for repo in (8, 9):
            scene.listing.fail[repo] = [KeyError("node_id")] * 2
        scene.labelled()
        assert scene.look() == ["look:labeled:91"]
        assert "a repository cannot be looked at" in caplog.text
        scene.listing.repos = (replace(REPO, id=9, installation_id=4),)
        scene.look()
        scene.listing.record[1] = (replace(scene.listing.record[1][0], id=95),)
        assert scene.look() == ["look:labeled:95"], "it goes on where it was to begin"

    def test_deliveries_that_cannot_be_asked_for_do_not_keep_us_from_looking(self, scene: Scene):
        scene.hub.fail("redeliver_failed", Transient("502"))
        scene.labelled()
        assert scene.look() == ["look:labeled:91"]

    def test_the_record_is_read_from_where_nothing_was_left_to_ask_for(self, scene: Scene):
        scene.hub.asked.clear()
        scene.process, scene.hub.lost = scene.start(), [100, 100, 100, 7]
        for _ in range(6):
            scene.look()
        asked = [asked[1:] for asked in scene.hub.asked if asked[0] == "redeliver_failed"]
        ago = [(round((scene.clock.now() - since) / MINUTE), again) for since, again in asked]
        days = 3 * 24 * 60
        assert ago == [
            (days + 25, True), (days + 20, True), (days + 15, False), (days + 10, False), (days + 5, False),
            (10, False),
        ]  # fmt: skip

    def test_a_look_is_left_where_it_ended(self, scene: Scene):
        begun = scene.clock.now()
        look = Look(begins_at=begun, issues_at=begun + MINUTE, comments_at=begun + 2 * MINUTE)
        scene.looks.note(99, look)
        scene.looks.note(99, replace(look, begins_at=begun + DAY, issues_at=begun + DAY))
        found = scene.looks.of(99)
        assert found is not None
        assert found[0] == replace(look, issues_at=begun + DAY), "where it begins is settled once"


class TestBothOrders:
    """The same thing by its delivery and by a look, whichever comes first."""

    @pytest.mark.parametrize("first", ["delivery", "look"])
    @shows("W04")
    def test_a_label_is_one_session(self, open_stage: Open, first: str):
        stage = open_stage(*work())
        found = Act(id=91, kind="labeled", actor=ANN, at=stage.clock.now(), label="honk")
        for source in ("delivery", "look") if first == "delivery" else ("look", "delivery"):
            if source == "delivery":
                stage.label()
            else:
                event = IssueLabeled(id=f"look:labeled:{found.id}", repo=REPO, actor=ANN, issue=ISSUE, label="honk")
                stage.store.entries.add_found([event], delay_s=0)
                stage.engine.wake()
            stage.wait_status(Status.AWAITING_CHECKS)
        eventually(lambda: set(stage.store.entries.counts()) == {"done"})
        assert len(stage.hub.commits) == 1
        assert stage.hub.acts_of("react") == [("issue", 1, "eyes")]

    @pytest.mark.parametrize("first", ["delivery", "look"])
    def test_a_command_is_one_turn(self, open_stage: Open, first: str):
        stage = open_stage(*work())
        for source in ("delivery", "look") if first == "delivery" else ("look", "delivery"):
            if source == "delivery":
                stage.comment("/honk please")
            else:
                event = CommandIssued(
                    id="look:issue_comment:500", repo=REPO, actor=ANN, number=1, is_pull=False,
                    command=Command(verb="do", text="please"), comment_id=500, source="issue_comment",
                    issue_text=(ISSUE.title, ISSUE.body),
                )  # fmt: skip
                stage.store.entries.add_found([event], delay_s=0)
                stage.engine.wake()
            stage.wait_status(Status.AWAITING_CHECKS)
        eventually(lambda: set(stage.store.entries.counts()) == {"done"})
        assert "these words were heard before" in stage.whys()
        assert stage.hub.acts_of("react") == [("issue_comment", 500, "eyes")]
        assert len(stage.hub.commits) == 1


def test_the_same_words_decided_on_at_once_are_decided_on_once(store: Store):
    said = Decision(session=None, why="said")
    store.commit(command(id="one", comment_id=5), None, said, REPO, FACTS)
    with pytest.raises(Conflict):
        store.commit(command(id="two", comment_id=5), None, said, REPO, FACTS)
    store.commit(command(id="two", comment_id=5), None, said, REPO, replace(FACTS, is_heard=True))
