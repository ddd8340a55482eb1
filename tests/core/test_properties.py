"""Whatever happens, in whatever order: nobody is left waiting, nothing said is lost, no stranger steers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from github_app.core import events as ev
from github_app.core.builds import Delivered
from github_app.core.commands import Command
from github_app.core.effects import Deliver, Publish, RunTurn, Say, Ship
from github_app.core.facts import Facts
from github_app.core.machine import Decision, decide
from github_app.core.model import Actor, Permission
from github_app.core.policy import Policy, Quota
from github_app.core.quotas import Load, Share
from github_app.core.session import Feedback, Pause, Session, Status
from github_app.core.shipments import Shipped, Shipping
from tests.core.scene import (
    ALICE,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BOB,
    BRANCH,
    CAROL,
    EVENT_KINDS,
    HEAD,
    ISSUE,
    ME,
    NEEDS_HUMAN,
    NEW,
    NOW,
    PROTECTED,
    PULL,
    REPLIES,
    ROBOT,
    SUBMISSION,
    TERMINAL,
    WEAKER,
    WORKING,
    checks,
    command,
    event,
    facts,
    issue,
    pull,
    thread,
    words,
)

THIRD = "3" * 40
FULL = Load(shares=(Share(whose="person", name="alice", quota=Quota(turns=1), turns=1),), number=2)
WITH_REPLIES = replace(SUBMISSION, summary="", replies=REPLIES)
HERE = "here"  # stands for the head that the session knows
PERMISSIONS = {ALICE: Permission.WRITE, CAROL: Permission.ADMIN, BOB: Permission.READ, ROBOT: Permission.ADMIN}
TURN_ENDS = (ev.TurnFinished, ev.TurnAsked, ev.TurnStopped, ev.PlanDrafted)
REQUESTS = (
    ev.IssueLabeled,
    ev.IssueUnlabeled,
    ev.IssueEdited,
    ev.CommandIssued,
    ev.ReviewSubmitted,
    ev.PullRequestReopened,
)

shas = st.sampled_from([HERE, HERE, HERE, HEAD, NEW, THIRD])
new_shas = st.sampled_from([HEAD, NEW, THIRD])
often = st.sampled_from([True, True, True, True, True, True, False])
verbs = st.sampled_from([Command(verb="do", text="Louder"), Command(verb="do"), Command(verb="retry")])
approvals = st.sampled_from([Command(verb="approve", text="all"), Command(verb="approve", text="tests")])
all_verbs = (
    verbs
    | approvals
    | st.sampled_from([Command(verb=it) for it in ("help", "status", "stop", "undo", "revert", "plan", "go", "ship")])
)
details: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    ev.IssueLabeled: {"label": st.sampled_from(["honk", "bug"]), "issue": st.builds(issue, is_open=st.booleans())},
    ev.IssueUnlabeled: {"label": st.sampled_from(["honk", "bug"])},
    ev.CommandIssued: {
        "command": all_verbs,
        "comment_id": st.integers(1, 4),
        "source": st.sampled_from(["issue_comment", "review_comment"]),
        "is_pull": st.booleans(),
    },
    ev.ReviewSubmitted: {
        "command": st.none() | all_verbs,
        "review_id": st.integers(1, 4),
        "state": st.sampled_from(["approved", "changes_requested", "commented"]),
        "body": st.sampled_from(["", "Louder"]),
        "pull_number": st.sampled_from([PULL, 99]),
    },
    ev.ChecksChanged: {"head_sha": shas},
    ev.BranchPushed: {
        "after": st.sampled_from([HEAD, NEW, THIRD, HEAD, NEW, THIRD, None]),
        "branch": st.sampled_from([BRANCH, "main"]),
    },
    ev.PullRequestClosed: {"is_merged": st.booleans(), "pull_number": st.sampled_from([PULL, 99])},
    ev.PullRequestReopened: {"pull_number": st.sampled_from([PULL, 99])},
    ev.PullRequestDraftChanged: {"is_draft": st.booleans()},
    ev.InstallationChanged: {"action": st.sampled_from(["suspended", "unsuspended", "removed", "added"])},
    ev.TurnFinished: {
        "change_set_id": st.none() | st.just("blob"),
        "submission": st.sampled_from([SUBMISSION, WITH_REPLIES]),
        "findings": st.sampled_from([(), (), (WEAKER,), (WEAKER, PROTECTED)]),
    },
    ev.TurnStopped: {"limit": st.sampled_from(["", "steps", "money"])},
    ev.Published: {"head_sha": new_shas},
    ev.ChangeSetHeld: {"findings": st.sampled_from([(WEAKER,), (WEAKER, PROTECTED)])},
    ev.Undone: {"commit_sha": shas, "head_sha": new_shas},
    Shipped: {"missing": st.sampled_from([None, "rules", "queue"])},
    ev.EffectFailed: {"head_sha": st.none() | new_shas},
}


OWN = (ev.Undone, ev.Reverted, Delivered)
"""What comes of effects that belong to no turn."""


@dataclass(frozen=True)
class Step:
    """Something that happens, and how the world looks then. `pick` chooses among what is under way."""

    kind: type
    detail: dict[str, Any]
    actor: Actor
    pick: int
    minutes: int
    world: dict[str, Any]


PULLS = [
    *[pull(head_sha=HERE)] * 6,
    pull(head_sha=NEW),
    pull(head_sha=THIRD),
    pull(head_sha=HERE, is_open=False),
    pull(head_sha=HERE, is_open=False, is_merged=True),
]
STATES = ["none", "pending", "passed", "failed", "blocked"]
KINDS = [
    *(kind for kind in EVENT_KINDS if kind is not ev.PullRequestPushed),  # That one is about no work.
    ev.PullRequestClosed,
    *[ev.TurnFinished, ev.Published, ev.ChecksChanged, ev.ReviewSubmitted, ev.Ticked] * 6,
]

worlds = st.fixed_dictionaries(
    {
        "pull": st.sampled_from([None, *PULLS]),
        "issue": st.none() | st.builds(issue, is_open=often),
        "checks": st.none() | st.builds(checks, st.sampled_from(STATES), shas),
        "threads": st.sampled_from([(), (), (thread(1),), (thread(2), thread(3, author=BOB, key="T2"))]),
        "obstacle": st.sampled_from(["", "", "", "The repository is empty."]),
        "pause": st.sampled_from([*[None] * 8, Pause(login="carol")]),
        "load": st.sampled_from([*[None] * 8, FULL]),
        "is_merging": st.sampled_from([None, True, False]),
    }
)
actors = st.sampled_from([ALICE, ALICE, CAROL, BOB, ROBOT, ME])
minutes = st.sampled_from([0, 1, 5, 120, 600])


def step_of(kind: type) -> st.SearchStrategy[Step]:
    detail = st.fixed_dictionaries(details.get(kind, {}))
    return st.builds(Step, st.just(kind), detail, actors, st.integers(0, 9), minutes, worlds)


def went(kind: type, world: dict[str, Any] | None = None, **detail: Any) -> Step:
    return Step(kind, detail, ALICE, 0, 1, world or {})


# Lives begin at each status, then anything may happen.
PUBLISHED = [went(ev.TurnFinished), went(ev.Published, head_sha=NEW)]
GREEN = [*PUBLISHED, went(ev.ChecksChanged, {"checks": checks("passed", HERE)}, head_sha=HERE)]
REVIEWED = [*GREEN, went(ev.ReviewSubmitted, {"threads": (thread(9),)}, review_id=9)]
SHIP = {"checks": checks("passed", HERE), "pull": pull(head_sha=HERE, is_draft=False)}
SHIPPED = [*GREEN, went(ev.CommandIssued, SHIP, command=Command(verb="ship"), is_pull=True)]
BEGINNINGS = [
    [],
    PUBLISHED,
    GREEN,
    REVIEWED,
    [*REVIEWED, went(ev.TurnFinished), went(ev.Published, head_sha=THIRD)],
    [*PUBLISHED, went(ev.ChecksChanged, {"checks": checks("failed", HERE)}, head_sha=HERE)],
    [went(ev.TurnAsked)],
    [went(ev.TurnFinished, findings=(WEAKER, PROTECTED))],
    [
        *GREEN,
        went(ev.CommandIssued, command=Command(verb="do"), is_pull=True),
        went(ev.TurnFinished, findings=(WEAKER,)),
    ],
    [went(ev.TurnFinished), went(ev.ChangeSetHeld)],
    [*GREEN, went(ev.PullRequestClosed, is_merged=True)],
    SHIPPED,
    [*SHIPPED, went(Shipped, missing="rules")],
    [*GREEN, went(ev.IssueUnlabeled)],
]
kinds = st.sampled_from(KINDS)
lives = st.builds(
    lambda beginning, rest: [*beginning, *rest],
    st.sampled_from(BEGINNINGS),
    st.lists(kinds.flatmap(step_of), min_size=1, max_size=20),
)


@dataclass
class Life:
    """Plays a life from the first label on: what was decided is under way until an event says how it ended."""

    session: Session | None = None
    under_way: dict[str, str] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    accepted: dict[str, dict[str, Feedback]] = field(default_factory=dict)
    minute: int = 0
    count: int = 0

    def facts(self, **world: Any) -> Facts:
        anybody_ships = Policy(ship=Shipping(is_allowed=True, two_people=False))
        return replace(facts(), policy=anybody_ships, now=NOW + timedelta(minutes=self.minute), **world)

    def happen(self, happened: ev.Event, known: Facts) -> Decision:
        before = self.session
        decision = decide(before, happened, known)
        assert decide(before, happened, known) == decision, "the same three values give the same decision"
        assert decision.why.strip()
        self._account(before, decision, known)
        self._ship(happened, decision, known)
        self._hear(before, happened, decision)
        self.session = decision.session
        self._check()
        return decision

    def play(self, step: Step) -> None:
        self.minute += step.minutes
        self.count += 1
        happened = self._event_of(step)
        if happened is not None:
            permission = PERMISSIONS.get(step.actor, Permission.NONE)
            self.happen(happened, self.facts(**self._here(step.world), permission=permission))

    def _here(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values with the head that the session knows where they mean it."""
        head = self.session.head_sha if self.session is not None else ""
        known = dict(values)
        for key, value in values.items():
            if value == HERE:
                known[key] = head
            elif getattr(value, "head_sha", "") == HERE:
                known[key] = replace(value, head_sha=head)
        return known

    def _event_of(self, step: Step) -> ev.Event | None:
        detail: dict[str, Any] = {**self._here(step.detail), "id": f"e{self.count}"}
        if step.kind is ev.CommandIssued:
            detail["number"] = PULL if step.detail["is_pull"] else ISSUE
        wanted = "RunTurn" if step.kind in TURN_ENDS else "Publish"
        if step.kind in (*TURN_ENDS, ev.Published, ev.ChangeSetHeld, ev.EffectFailed):
            going = [turn for turn, kind in self.under_way.items() if kind == wanted or step.kind is ev.EffectFailed]
            if not going:
                return None
            turn = going[step.pick % len(going)]
            kind = self.under_way.pop(turn)
            if step.kind is not ev.Published:
                self.sent.discard(turn)  # What did not get out may go again.
            if self.session is None or not turn.startswith(f"{self.session.id}/"):
                return None  # It goes to the session that has ended; the store keeps them apart.
            detail["turn_id"] = turn
            if step.kind is ev.EffectFailed:
                detail["effect_kind"] = kind
            elif step.kind in TURN_ENDS:
                held = [feedback.id for feedback in self.session.feedback]
                detail["consumed"] = tuple(held[: step.pick])
        elif step.kind is Shipped:
            shipment = self.session.shipment if self.session is not None else None
            detail["asked_in"] = shipment.asked_in if shipment is not None else "earlier"
        elif step.kind not in (*OWN, ev.ChecksChanged, ev.Ticked, ev.Reported, ev.InquiryStopped):
            detail["actor"] = step.actor
        happened: ev.Event = event(step.kind, **detail)
        return happened

    def _account(self, before: Session | None, decision: Decision, known: Facts) -> None:
        now = decision.session
        if before is not None:
            assert now is not None, "a session is never forgotten"
            if before.status.is_terminal and now.id == before.id:
                assert now.status is before.status, "terminal stays terminal"
            if now.id != before.id:
                assert before.status.is_terminal, "one open session an issue"
                assert now.generation == before.generation + 1
        runs = [effect for effect in decision.effects if isinstance(effect, RunTurn)]
        assert not runs or (known.pause, known.load) == (None, None), "nothing starts while it is held"
        pushes = [effect for effect in decision.effects if isinstance(effect, Publish)]
        assert len(runs) + len(pushes) <= 1, "one thing at a time"
        for run in runs:
            assert run.turn_id not in self.begun, "each turn has one name for ever"
            self.begun.add(run.turn_id)
            self.under_way[run.turn_id] = "RunTurn"
        for push in pushes:
            assert push.turn_id not in self.sent, "each turn publishes once"
            self.sent.add(push.turn_id)
            self.under_way[push.turn_id] = "Publish"
        looks = [effect.head_sha for effect in decision.effects if isinstance(effect, Deliver)]
        assert before is None or before.delivered_sha not in looks, "what CI made of a head is looked for once"
        for turn_id in [*(run.turn_id for run in runs), *(push.turn_id for push in pushes)]:
            assert now is not None
            assert turn_id == now.turn_id, "no effect in the name of a turn that is not in force"

    def _ship(self, happened: ev.Event, decision: Decision, known: Facts) -> None:
        for effect in (effect for effect in decision.effects if isinstance(effect, Ship)):
            assert isinstance(happened, ev.CommandIssued | ev.ReviewSubmitted), "only words of somebody ship"
            assert happened.command == Command(verb="ship")
            assert not happened.actor.is_bot
            assert known.permission >= Permission.WRITE
            assert known.pull is not None
            assert known.pull.head_sha == effect.head_sha, "and the commit that stands there"
        shipment = decision.session.shipment if decision.session is not None else None
        if shipment is not None and decision.session is not None and decision.session.status is not Status.MERGED:
            assert decision.session.head_sha == shipment.head_sha
            assert decision.session.status is AWAITING_REVIEW, "what was shipped is nothing else's"

    def _hear(self, before: Session | None, happened: ev.Event, decision: Decision) -> None:
        """What stops is said, once; but for where the app was not let in any more."""
        now = decision.session
        if before is None or now is None or before.status.is_terminal or now.status is before.status:
            return
        reasons = ("ask:", "held:", "ending:", "plan:")
        said = [effect for effect in decision.effects if isinstance(effect, Say) and effect.tag.startswith(reasons)]
        must_be_said = now.status in (NEEDS_HUMAN, *TERMINAL) and not isinstance(happened, ev.InstallationChanged)
        assert len(said) == must_be_said, "nobody is left in silence, and nothing is said twice"

    def _check(self) -> None:
        now = self.session
        if now is None:
            return
        assert (now.status is WORKING) == (now.turn_id is not None)
        assert now.status is not WORKING or now.turn_id in self.under_way, "we work, and nothing is under way"
        assert now.status is not NEEDS_HUMAN or now.waiting_for.strip()
        assert now.status is NEEDS_HUMAN or not now.stuck_on
        assert now.stuck_on != "approval" or now.held is not None
        if now.status in (AWAITING_CHECKS, AWAITING_REVIEW):
            assert now.pull_number is not None
            assert now.head_sha
        accepted = self.accepted.setdefault(now.id, {})
        accepted.update({feedback.id: feedback for feedback in now.feedback})
        if not now.status.is_terminal:
            kept = {*now.seen, *(feedback.id for feedback in now.feedback)}
            lost = {key for key, feedback in accepted.items() if feedback.kind != "checks"} - kept
            assert not lost, "what somebody said is lost"


def lived(steps: list[Step]) -> Life:
    life = Life()
    life.happen(event(ev.IssueLabeled, id="e0"), life.facts())
    for step in steps:
        life.play(step)
    return life


def at_head(life: Life, **rest: Any) -> Facts:
    """The world exactly as the session believes it to be."""
    now = life.session
    assert now is not None
    stands = None if now.pull_number is None else pull(head_sha=now.head_sha, number=now.pull_number)
    return life.facts(pull=stands, issue=issue(), **rest)


def test_every_life_keeps_the_rules():
    """And the lives get everywhere: a property over lives that end where they began would prove nothing."""
    statuses: set[Status] = set()
    published: list[int] = []

    @given(lives)
    @settings(max_examples=200)
    def live(steps: list[Step]) -> None:
        life = lived([])
        for step in steps:
            life.play(step)
            if life.session is not None:
                statuses.add(life.session.status)
        published.append(len(life.sent))

    live()
    assert statuses == set(Status)
    assert max(published) >= 2


@given(lives, st.sampled_from(STATES))
@settings(max_examples=60)
def test_nobody_waits_for_ever(steps: list[Step], state: Any):
    """Wherever a life stands: time alone gets it out of our and CI's hands, and words get it out of people's."""
    life = lived(steps)
    now = life.session
    assert now is not None
    life.minute += 7 * 24 * 60
    if now.status is WORKING:
        silent = life.happen(event(ev.Ticked, id="late"), at_head(life)).session
        assert silent is not None
        assert silent.status is NEEDS_HUMAN
    elif now.status is AWAITING_CHECKS:
        late = life.happen(event(ev.Ticked, id="late"), at_head(life, checks=checks(state, now.head_sha)))
        assert late.session is not None
        assert late.session.status is not AWAITING_CHECKS
    elif now.status is AWAITING_REVIEW:
        review = event(ev.ReviewSubmitted, id="late", review_id=77, body="Louder")
        woken = life.happen(review, at_head(life)).session
        assert woken is not None
        assert woken.status is WORKING or "reviews" in woken.waiting_for


@given(lives, verbs)
@settings(max_examples=60)
def test_words_of_somebody_who_may_wake_every_session(steps: list[Step], said: Command):
    """Also one that has ended, if its pull request is still open or its issue is."""
    life = lived(steps)
    assert life.session is not None
    is_planned = life.session.stuck_on == "plan" and not said.text  # It begins on `go` alone.
    said = Command(verb="go") if is_planned else said
    life.happen(command(said.verb, said.text, id="late", comment_id=77), at_head(life))
    assert life.session.status is WORKING


@given(lives, st.sampled_from(REQUESTS), st.sampled_from([BOB, ROBOT, ME]), st.data())
@settings(max_examples=60)
def test_strangers_bots_and_we_ourselves_steer_nothing(
    steps: list[Step], kind: type, actor: Actor, data: st.DataObject
):
    life = lived(steps)
    before = life.session
    step = replace(data.draw(step_of(kind)), actor=actor)
    life.play(step)
    after = life.session
    assert before is not None
    assert after is not None
    assert (after.id, after.status, after.feedback) == (before.id, before.status, before.feedback)
    assert after.turn_id == before.turn_id


def test_decisions_change_nothing_they_are_given():
    before = Life()
    before.happen(event(ev.IssueLabeled, id="e0"), before.facts())
    now = before.session
    assert now is not None
    held = replace(now, feedback=(words(),))
    copy = replace(held)
    for kind in EVENT_KINDS:
        decide(held, event(kind), facts())
    assert held == copy
