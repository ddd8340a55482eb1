"""A pull request is merged on the word of a person who may, for one commit, with two people behind it where that is
wanted; and whatever comes between takes it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.authors import UNKNOWN
from github_app.core.commands import Command, parse_command
from github_app.core.effects import Say, Ship, Unship
from github_app.core.facts import Facts, Need, needs
from github_app.core.machine import decide
from github_app.core.messages import shipping as texts
from github_app.core.messages.account import tracking
from github_app.core.messages.chat import progress
from github_app.core.model import Actor, Checks, Permission
from github_app.core.policy import Floor, Policy, tighten
from github_app.core.session import Pause, Round, Session
from github_app.core.shipments import Approvals, Shipment, Shipped, Shipping
from tests.core.scene import (
    ALICE,
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BOB,
    CAROL,
    CLOSED,
    EVENT_KINDS,
    HEAD,
    ME,
    MERGED,
    NEEDS_HUMAN,
    NEW,
    NONE,
    OPEN,
    PULL,
    ROBOT,
    TERMINAL,
    WORKING,
    Row,
    adopted,
    cases,
    check,
    checks,
    command,
    effects_of,
    event,
    facts,
    first_turn,
    pull,
    row,
    rows_of,
    session,
    words,
)

DAVE = Actor(id=6, login="dave")  # may write
ON = Shipping(is_allowed=True)
SHIP = command("ship", is_pull=True, number=PULL, actor=CAROL)
BY_CAROL = Shipment(actor=CAROL, head_sha=HEAD, asked_in="e")
WAITS = replace(BY_CAROL, missing="review")


def here(
    rules: Shipping = ON, *, approvals: Approvals | None = None, permission: Permission = Permission.WRITE, **more: Any
) -> Facts:
    """Green, ready and allowed, unless said otherwise."""
    usual: dict[str, Any] = {"pull": pull(is_draft=False), "checks": checks("passed"), "policy": Policy(ship=rules)}
    return facts(permission, approvals=approvals or Approvals(), **{**usual, **more})


def of_pull(**changes: Any) -> Facts:
    return here(pull=pull(**{"is_draft": False, **changes}))


def ready(**changes: Any) -> Session:
    return session(AWAITING_REVIEW, can_ship=True, **changes)


def shipped(shipment: Shipment = WAITS, **changes: Any) -> Session:
    return ready(shipment=shipment, **changes)


NOT = {"does": "React Say", "why": "not to be shipped now"}
ROWS = [
    row(ready(), "ship", SHIP, facts=here(), does="React Ship ShowProgress", why="`carol` shipped 1111111"),
    row(ready(), "ship on the issue", command("ship", actor=CAROL), facts=here(), does="React Ship ShowProgress",
        why="shipped"),
    row(ready(), "ship from Slack", command("ship", actor=CAROL, source="slack", comment_id=0), facts=here(),
        does="Ship ShowProgress", why="shipped"),
    row(ready(), "ship in a review", event(ev.ReviewSubmitted, actor=CAROL, command=Command(verb="ship")),
        facts=here(), does="Ship ShowProgress", why="shipped"),
    row(ready(), "ship where nothing checks commits", SHIP, facts=here(checks=checks("none")),
        does="React Ship ShowProgress", why="shipped"),
    row(ready(), "ship by somebody who may not", replace(SHIP, actor=BOB), facts=here(permission=Permission.READ),
        does="React Say", why="read access only"),
    row(ready(), "ship by who lost the right", SHIP, facts=here(permission=Permission.NONE), does="React Say",
        why="none access only"),
    row(ready(), "ship by a bot that may give work", replace(SHIP, actor=ROBOT),
        facts=here(policy=Policy(bots=(ROBOT.id,), ship=ON)), does="", why="no bot"),
    row(ready(), "ship by the API", replace(SHIP, source="api"), facts=here(), does="", why="left to people"),
    row(ready(), "ship where it is not allowed", SHIP, facts=here(Shipping()), **NOT),
    row(ready(), "ship where the operator does not allow it", SHIP, facts=here(replace(ON, is_withheld=True)), **NOT),
    row(ready(), "ship while the policy is wrong", SHIP, facts=here(obstacle="line 3 is wrong"), **NOT),
    row(ready(), "ship while paused", SHIP, facts=here(pause=Pause(login="alice")), **NOT),
    row(ready(), "ship after a push", SHIP, facts=of_pull(head_sha=NEW), **NOT),
    row(ready(), "ship of a draft", SHIP, facts=of_pull(is_draft=True), **NOT),
    row(ready(), "ship with conflicts", SHIP, facts=of_pull(has_conflicts=True), **NOT),
    row(ready(), "ship into another branch", SHIP, facts=of_pull(base_branch="next"), **NOT),
    row(ready(), "ship of what is closed", SHIP, facts=of_pull(is_open=False), **NOT),
    row(ready(), "ship of what is merged", SHIP, facts=of_pull(is_open=False, is_merged=True), **NOT),
    row(ready(), "ship while checks run", SHIP, facts=here(checks=checks("pending")), **NOT),
    row(ready(), "ship while checks are red", SHIP, facts=here(checks=checks("failed")), **NOT),
    row(ready(), "ship while a reviewer wants changes", SHIP, facts=here(approvals=Approvals(refused_by=(DAVE,))),
        **NOT),
    row(shipped(), "ship once more", SHIP, facts=here(), **NOT),
    row(shipped(BY_CAROL), "ship at the same moment", replace(SHIP, actor=ALICE), facts=here(), **NOT),
    row(adopted(AWAITING_REVIEW), "ship of somebody else's", replace(SHIP, actor=ALICE), facts=here(), **NOT),
    row(first_turn(), "ship before there is a pull request", SHIP, facts=here(pull=None), **NOT),
    rows_of([WORKING, AWAITING_CHECKS, NEEDS_HUMAN], "ship too early", SHIP, facts=here(), **NOT),
    rows_of(TERMINAL, "ship after the end", SHIP, facts=here(), **NOT),
    rows_of([NONE], "ship", command("ship", actor=CAROL), facts=here(), does="React Say", why="no work to speak of"),
    # What comes of it
    *(row(session(status, shipment=BY_CAROL), "it is merged", event(Shipped), to=MERGED,
          does="Say ShowProgress RemoveLabel DiscardWorkspace", why="as `carol` had it shipped") for status in OPEN),
    row(shipped(BY_CAROL), "GitHub waits", event(Shipped, missing="rules"), does="Say ShowProgress",
        why="waits for: rules"),
    row(ready(), "GitHub waits, and it was taken back", event(Shipped, missing="rules"), does="",
        why="taken back meanwhile"),
    rows_of([CLOSED], "it was merged before the end", event(Shipped), does="Say", why="merged before"),
    rows_of([MERGED], "it is merged, which is known", event(Shipped), does="", why="had ended"),
    rows_of([CLOSED], "GitHub waits after the end", event(Shipped, missing="rules"), does="", why="had ended"),
    rows_of([NONE], "it is merged", event(Shipped), does="", why="no open session"),
    row(shipped(BY_CAROL), "GitHub refuses", event(ev.EffectFailed, effect_id="e/1", effect_kind="Ship"),
        does="Say ShowProgress", why="Ship was not possible"),
    row(ready(), "it cannot be taken back", event(ev.EffectFailed, effect_kind="Unship"), does="Say ShowProgress",
        why="Unship was not possible"),
    *(row(session(CLOSED), f"{kind} fails after the end", event(ev.EffectFailed, effect_kind=kind), does="Say",
          why="not possible") for kind in ("Ship", "Unship")),
    row(shipped(), "GitHub merges it", event(ev.PullRequestClosed, is_merged=True, actor=ME), to=MERGED,
        does="Say ShowProgress RemoveLabel DiscardWorkspace", why="GitHub merged"),
    # What takes it back
    row(shipped(), "stop", command("stop"), to=CLOSED,
        does="React Say ShowProgress RemoveLabel DiscardWorkspace Unship", why="taken back"),
    row(shipped(), "a push", event(ev.BranchPushed, actor=ALICE), facts=here(pull=pull(head_sha=NEW)),
        to=AWAITING_CHECKS, does="ShowProgress Unship Say", why="taken back"),
    row(shipped(), "a push by a stranger", event(ev.BranchPushed, actor=ROBOT), facts=here(pull=pull(head_sha=NEW)),
        to=NEEDS_HUMAN, does="Say ShowProgress Unship Say", why="taken back"),
    row(shipped(), "more work", command(), facts=here(), to=WORKING, does="React ShowProgress RunTurn Unship Say",
        why="taken back"),
    row(shipped(), "a draft", event(ev.PullRequestDraftChanged), does="ShowProgress Unship Say", why="taken back"),
    row(shipped(), "GitHub let go of it", event(ev.Ticked), facts=here(is_merging=False), does="Say ShowProgress",
        why="taken back"),
    row(shipped(), "time passes", event(ev.Ticked), facts=here(is_merging=True), does="", why=""),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_shipping(each: Row, before: Session | None):
    check(each, before)


def said(before: Session, happened: ev.Event, known: Facts) -> tuple[Session, str]:
    decision = decide(before, happened, known)
    [told] = [effect.body for effect in decision.effects if isinstance(effect, Say)]
    assert decision.session is not None
    return decision.session, told


def refusal(known: Facts, before: Session | None = None, happened: ev.Event = SHIP) -> str:
    return said(before or ready(), happened, known)[1]


def test_one_commit_is_shipped_and_who_did_it_is_known():
    known = here(replace(ON, method="squash"), approvals=Approvals(approved_by=(DAVE,)))
    decision = decide(ready(), SHIP, known)
    [effect] = [each for each in decision.effects if isinstance(each, Ship)]
    assert effect == Ship(pull_number=PULL, head_sha=HEAD, method="squash")
    assert decision.session is not None
    assert decision.session.shipment == replace(BY_CAROL, approved_by=("dave",))
    assert texts.trailer(BY_CAROL) == "Shipped-by: carol"


def test_each_refusal_says_what_is_missing_and_who_could_mend_it():
    assert "writes `ship:` into `.github/honk.yml`" in refusal(here(Shipping()))
    assert "the operator of this Honk" in refusal(here(replace(ON, is_withheld=True)))
    assert "line 3 is wrong" in refusal(here(obstacle="line 3 is wrong"))
    assert "have not ended" in refusal(here(checks=checks("pending")))
    assert "not green (failed: `test`)" in refusal(here(checks=checks("failed")))
    assert "have not ended" in refusal(here(checks=Checks(head_sha=NEW, state="passed")), session(AWAITING_CHECKS))
    assert "`/honk rebase` first" in refusal(of_pull(has_conflicts=True))
    assert "a draft again" in refusal(of_pull(is_draft=True))
    assert "merged already" in refusal(of_pull(is_open=False, is_merged=True))
    assert "#34 is not open" in refusal(of_pull(is_open=False))
    assert "only into `main`" in refusal(of_pull(base_branch="next"))
    assert "`dave` asks for changes" in refusal(here(approvals=Approvals(refused_by=(DAVE,))))
    assert "`carol` has shipped it already; GitHub waits for an approval" in refusal(here(), shipped())
    assert "`carol` has shipped it already; GitHub is being asked" in refusal(here(), shipped(BY_CAROL))


def test_who_asked_for_the_work_does_not_ship_it_alone():
    by_alice = replace(SHIP, actor=ALICE)
    told = refusal(here(), happened=by_alice)
    assert "`alice` asked for some of it" in told
    assert "approves `1111111`, or ships it" in told
    own = Approvals(approved_by=(ALICE,))
    assert "two people" in refusal(here(approvals=own), happened=by_alice)
    assert effects_of(decide(ready(), by_alice, here(approvals=Approvals(approved_by=(CAROL,))))) == (
        "React Ship ShowProgress"
    )
    assert effects_of(decide(ready(), by_alice, here(replace(ON, two_people=False)))) == "React Ship ShowProgress"


def test_nor_does_whoever_else_asked_for_some_of_it():
    told = decide(ready(), command(text="Louder", actor=CAROL), here()).session
    assert told is not None
    assert told.authors == (CAROL.id,)
    assert "`carol` asked for some of it" in refusal(here(), ready(authors=told.authors))
    reviewed = decide(ready(), event(ev.ReviewSubmitted, actor=CAROL), here()).session
    assert reviewed is not None
    assert reviewed.authors == (CAROL.id,)


def test_who_only_had_it_tried_again_or_brought_up_to_date_may():
    again = decide(session(NEEDS_HUMAN), command("retry", actor=CAROL), here()).session
    assert again is not None
    assert (again.status, again.authors) == (WORKING, ())


def test_who_lets_a_plan_begin_stands_for_its_words():
    planned = first_turn(status=NEEDS_HUMAN, stuck_on="plan", turn_id=None)
    begun = decide(planned, command("go", actor=CAROL), here(pull=None)).session
    assert begun is not None
    assert begun.authors in ((CAROL.id,), ())  # without a plan nothing begins


def test_who_pushed_stands_for_it_and_an_unknown_one_wants_an_approval():
    pushed = decide(ready(), event(ev.BranchPushed, actor=CAROL), here(pull=pull(head_sha=NEW))).session
    assert pushed is not None
    assert pushed.authors == (CAROL.id,)
    while_working = decide(session(WORKING), event(ev.BranchPushed, actor=CAROL), here(pull=pull(head_sha=NEW))).session
    assert while_working is not None
    assert while_working.authors == (CAROL.id,)
    seen = decide(ready(), event(ev.Ticked), here(pull=pull(head_sha=NEW))).session
    assert seen is not None
    assert seen.authors == (UNKNOWN,)
    told = refusal(here(), ready(authors=(UNKNOWN,)), replace(SHIP, actor=DAVE))
    assert "I was not told who" in told
    assert "or ships it" not in told
    ours = decide(session(WORKING), event(ev.Published), here(checks=checks("none", NEW))).session
    assert ours is not None
    assert ours.authors == ()


def test_those_of_the_work_before_on_the_same_pull_request_still_count():
    left = session(CLOSED, leaves_pull=True, authors=(DAVE.id,))
    said = command(text="Louder", actor=CAROL)
    begun = decide(left, replace(said, is_pull=True, number=PULL), here()).session
    assert begun is not None
    assert begun.authors == (ALICE.id, DAVE.id, CAROL.id)
    anew = decide(replace(left, pull_number=PULL + 1), said, here(pull=None)).session
    assert anew is not None
    assert anew.authors == (CAROL.id,)


def test_approvals_are_counted_without_those_who_asked():
    rules = replace(ON, approvals=1)
    told = refusal(here(rules, approvals=Approvals(approved_by=(ALICE,))))
    assert "wants 1 approval of `1111111`" in told
    assert "has 0; who asked for any of it does not count" in told
    for known in (
        here(rules, approvals=Approvals(approved_by=(DAVE,))),
        here(replace(rules, own_approval=True), approvals=Approvals(approved_by=(ALICE,))),
    ):
        assert effects_of(decide(ready(), SHIP, known)) == "React Ship ShowProgress"
    assert "does not count" not in refusal(here(replace(rules, own_approval=True)))


def test_the_rules_are_asked_of_the_default_branch_and_approvals_of_github():
    wanted = needs(ready(), SHIP)
    assert Need.APPROVALS | Need.CHECKS | Need.PERMISSION | Need.POLICY | Need.PULL in wanted
    assert Need.APPROVALS not in needs(ready(), command("undo"))
    assert Need.APPROVALS not in needs(session(CLOSED), SHIP)
    assert Need.SHIPMENT in needs(shipped(), event(ev.Ticked))
    assert Need.SHIPMENT not in needs(shipped(BY_CAROL), event(ev.Ticked))


def test_the_operator_allows_it_or_nobody_ships():
    assert not tighten(Policy(ship=ON), Floor()).ship.is_on
    assert tighten(Policy(ship=ON), Floor(allows_ship=True)).ship.is_on
    assert not tighten(Policy(), Floor(allows_ship=True)).ship.is_on


def test_the_end_says_who_shipped_and_a_merge_by_hand_is_nobodys_shipment():
    by_us, told = said(shipped(), event(ev.PullRequestClosed, is_merged=True, actor=ME), here())
    assert told.startswith("#34 is merged, as `carol` shipped it.")
    assert "as `carol` shipped it. Thank you" in tracking(by_us)
    by_hand, told = said(shipped(), event(ev.PullRequestClosed, is_merged=True, actor=DAVE), here())
    assert told.startswith("#34 is merged. Nothing")
    assert by_hand.shipment is None
    seen, _ = said(shipped(), event(ev.Ticked), of_pull(is_open=False, is_merged=True, merged_by=ME.login))
    assert seen.shipment == WAITS
    closed, _ = said(shipped(), event(ev.IssueClosed), of_pull(is_open=False, is_merged=True, merged_by="dave"))
    assert closed.shipment is None


def test_whoever_waits_is_told_for_what_and_what_takes_it_back():
    now, told = said(shipped(BY_CAROL), event(Shipped, missing="review"), here())
    assert told == (
        "`carol` shipped it. GitHub merges it by itself and waits for an approval that the branch's rules want. "
        "Another push, more work or `/honk stop` takes that back."
    )
    assert now.shipment == WAITS
    assert "GitHub merges it by itself and waits for an approval" in tracking(now)
    assert "GitHub is being asked to merge it" in tracking(shipped(BY_CAROL))
    _, told = said(shipped(), event(ev.BranchPushed, actor=ALICE), here(pull=pull(head_sha=NEW)))
    assert told.startswith("I took back what `carol` shipped: somebody pushed to the branch since.")
    _, told = said(shipped(), event(ev.PullRequestDraftChanged), here())
    assert "made it a draft" in told
    _, told = said(shipped(), command(), here())
    assert "something else to do first" in told
    _, told = said(shipped(), event(ev.Ticked), here(is_merging=False))
    assert "GitHub does not hold it for a merge any more" in told
    _, told = said(shipped(), command("stop"), here())
    assert "What `carol` shipped is taken back." in told


def test_a_stop_that_came_too_late_is_told():
    now, told = said(session(CLOSED, leaves_pull=True), event(Shipped), here())
    assert told == "#34 was merged already when that came, as `carol` had it shipped."
    assert (now.status, now.leaves_pull) == (CLOSED, False)


def test_what_github_refuses_can_be_tried_again_and_what_it_keeps_is_said_loudly():
    failed = event(ev.EffectFailed, effect_id="e/1", effect_kind="Ship", reason="Merge commits are not allowed.")
    now, told = said(shipped(BY_CAROL), failed, here())
    assert told == "I did not ship it: Merge commits are not allowed."
    assert now.shipment is None
    newer, _ = said(shipped(replace(BY_CAROL, asked_in="f")), failed, here())
    assert newer.shipment is not None
    _, told = said(ready(), event(ev.EffectFailed, effect_kind="Unship", reason="no answer"), here())
    assert "GitHub may still merge #34 by itself" in told


def test_a_button_is_there_while_it_may_be_pressed():
    def labels(of: Session) -> list[str]:
        return [button.label for button in progress(of).buttons]

    assert labels(ready()) == ["Ship", "Undo the last commit", "Stop"]
    assert "Ship" not in labels(replace(ready(), can_ship=False))
    assert "Ship" not in labels(shipped())
    assert "or write `/honk ship`" in tracking(ready())
    became = decide(session(AWAITING_CHECKS), event(ev.ChecksChanged), here()).session
    assert became is not None
    assert became.can_ship


def test_the_two_words_that_people_say_anyway_are_no_instruction():
    assert parse_command("/honk ship it!") == Command(verb="ship")
    assert parse_command("/honk ship the docs, too") == Command(verb="do", text="ship the docs, too")


@pytest.mark.parametrize("status", AT_REST)
def test_nothing_but_a_persons_word_leads_to_a_merge(status: Any):
    """Every kind of event, with everything allowed: only the one command has the effect."""
    undoable = (Round(head_sha=HEAD, title="Honk", summary="It honks."),)
    for kind in EVENT_KINDS:
        happened = event(kind)
        decision = decide(session(status, published=undoable, feedback=(words(),)), happened, here())
        assert not [each for each in decision.effects if isinstance(each, Ship)], kind
    assert [each for each in decide(ready(), SHIP, here()).effects if isinstance(each, Ship)]
    assert not [each for each in decide(ready(), SHIP, here()).effects if isinstance(each, Unship)]
