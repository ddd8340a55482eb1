"""First a plan, then the work: what the agent would do is people's to change, and begins on `go` alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import RemoveLabel, RunTurn, Say
from github_app.core.facts import Need, PlanComment, needs
from github_app.core.machine import Decision, decide
from github_app.core.messages import plans
from github_app.core.model import Actor, Permission
from github_app.core.plans import Plan, written
from github_app.core.policy import Policy
from github_app.core.record import records
from github_app.core.record.audit import digest
from github_app.core.session import Cause, Session
from tests.core.scene import (
    ALICE,
    AT_REST,
    BOB,
    CAROL,
    CLOSED,
    ISSUE,
    ME,
    NEEDS_HUMAN,
    NONE,
    NOT_OPEN,
    NOW,
    OPEN,
    PULL,
    ROBOT,
    TERMINAL,
    WORKING,
    Row,
    cases,
    check,
    command,
    event,
    facts,
    first_turn,
    issue,
    pull,
    row,
    rows_of,
    session,
    words,
)

STARTS = "React ShowProgress RunTurn"
PLAN = Plan(turn_id="7-12-1/turn-1", summary="The beak is shut.", items=("Open it in `goose.py`", "Test it"))
PLANNING = first_turn(turn_cause=Cause.PLAN)
DRAFTED = event(ev.PlanDrafted, turn_id="7-12-1/turn-1")


def waiting(**more: Any) -> Session:
    """A session whose plan waits for people."""
    usual = {"turn_id": None, "turn_cause": Cause.PLAN, "stuck_on": "plan", "plan": PLAN, "waiting_for": plans.WAITS}
    return replace(first_turn(), status=NEEDS_HUMAN, **{**usual, **more})


def stands(body: str = plans.comment(PLAN, PLANNING), editor: Actor | None = None, **more: Any) -> PlanComment:
    return PlanComment(body=body, editor=editor, **more)


ROWS = [
    # Asking for one
    rows_of(NOT_OPEN, "a plan", command("plan"), to=WORKING, does=STARTS, why="asked for it and may"),
    rows_of(NOT_OPEN, "the label for a plan", event(ev.IssueLabeled, label="Honk:Plan"), to=WORKING,
            does="React RemoveLabel ShowProgress RunTurn", why="asked for it and may"),
    rows_of(NOT_OPEN, "the label for a plan by somebody who may not",
            event(ev.IssueLabeled, label="honk:plan", actor=BOB), facts=facts(Permission.READ),
            does="Say RemoveLabel", why="read access only"),
    rows_of(NOT_OPEN, "the label for a plan that is off again",
            event(ev.IssueLabeled, label="honk:plan", issue=issue(updated_at=NOW)),
            facts=facts(issue=issue(updated_at=NOW, labels=("honk",))), does="", why="was taken off again"),
    rows_of([NONE], "a plan on somebody else's pull request", command("plan", is_pull=True, number=PULL),
            facts=facts(pull=pull()), does="React Say RemoveLabel", why="not worked on as it stands"),
    rows_of([CLOSED], "a plan for what is still open", command("plan"), facts=facts(pull=pull()),
            does="React Say RemoveLabel", why="comes before the work"),
    rows_of([WORKING], "a plan", command("plan"), does="React Say", why="while a turn runs"),
    rows_of(AT_REST, "a plan for what is published", command("plan"), does="React Say", why="no turn starts"),
    row(waiting(stuck_on="", turn_cause=Cause.IMPLEMENT, plan=None), "a plan before anything is published",
        command("plan"), to=WORKING, does=STARTS, why="asked for a plan"),
    rows_of(OPEN, "a plan by somebody who may not", command("plan", actor=BOB), facts=facts(Permission.READ),
            does="React Say", why="read access only"),
    # It is there
    row(PLANNING, "it is written", DRAFTED, to=NEEDS_HUMAN, does="Say ShowProgress", why="a plan waits"),
    row(replace(PLANNING, feedback=(words(),)), "it is written, and somebody spoke meanwhile", DRAFTED,
        to=WORKING, does="ShowProgress RunTurn", why="spoke while the agent planned"),
    rows_of([WORKING, *AT_REST], "one of a turn that is not in force", event(ev.PlanDrafted, turn_id="7-12-1/turn-9"),
            does="", why="not in force"),
    rows_of(NOT_OPEN, "one that comes too late", DRAFTED, does="", why="no open session"),
    # Answers
    row(waiting(), "go", command("go"), to=WORKING, does="React Say ShowProgress RunTurn", why="accepted the plan"),
    row(waiting(), "go with the plan as it stands", command("go"), facts=facts(plan_comment=stands()),
        to=WORKING, does=STARTS, why="`alice` accepted the plan"),
    row(waiting(), "go with nothing left of it", command("go"),
        facts=facts(plan_comment=stands("- [ ]  \n", CAROL, permission=Permission.WRITE)),
        does="React Say", why="nothing left in the plan"),
    row(waiting(), "go with more than anybody reads", command("go"),
        facts=facts(plan_comment=stands("x" * 20_001, CAROL, permission=Permission.WRITE)),
        does="React Say", why="20,000 characters"),
    row(waiting(), "go by somebody who may not", command("go", actor=BOB), facts=facts(Permission.READ),
        does="React Say", why="read access only"),
    row(waiting(), "go by a bot that may give work", command("go", actor=ROBOT),
        facts=facts(policy=Policy(bots=(ROBOT.id,))), does="", why="no bot"),
    row(waiting(), "other words", command(text="Use a horn"), to=WORKING, does=STARTS, why="gave an instruction"),
    row(waiting(), "a bare command", command(), does="React Say", why="the plan waits"),
    row(waiting(), "retry", command("retry"), does="React Say", why="the plan waits"),
    row(waiting(), "another plan", command("plan"), to=WORKING, does=STARTS, why="asked for a plan"),
    row(waiting(), "time passes", event(ev.Ticked), does="", why="nothing has changed"),
    row(waiting(stuck_on=""), "an answer to a question about it", command(text="Both"), to=WORKING, does=STARTS,
        why="gave an instruction"),
    rows_of([NONE, *TERMINAL], "go without a plan", command("go"), does="React Say", why="no plan waits"),
    *(row(session(status, plan=PLAN), "go once more", command("go"), does="React Say", why="no plan of mine waits")
      for status in OPEN),
    rows_of(OPEN, "go without a plan", command("go"), does="React Say", why="no plan of mine waits"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_planning(each: Row, before: Session | None):
    check(each, before)


def turn_of(decision: Decision) -> Cause:
    [run] = [effect for effect in decision.effects if isinstance(effect, RunTurn)]
    return run.cause


@pytest.mark.parametrize(
    "happened",
    [command("plan"), event(ev.IssueLabeled, label="honk:plan")],
    ids=["by command", "by label"],
)
def test_a_plan_is_a_turn_of_its_own_kind(happened: ev.Event):
    assert turn_of(decide(None, happened, facts())) is Cause.PLAN


def test_the_label_for_a_plan_is_taken_off_so_that_the_next_one_is_a_fresh_act():
    decision = decide(None, event(ev.IssueLabeled, label="Honk:plan"), facts())
    assert RemoveLabel(number=ISSUE, label="Honk:plan") in decision.effects


def test_the_plan_is_one_comment_with_a_checkbox_for_each_item_and_nothing_in_it_acts():
    said = replace(DRAFTED, summary="cc @everybody", items=("Open\n\n# the beak", "Closes #1"))
    decision = decide(PLANNING, said, facts())
    [say] = [effect for effect in decision.effects if isinstance(effect, Say)]
    assert say.number == ISSUE
    assert say.tag == "plan:7-12-1/turn-1"
    assert say.body.count("\n- [ ] ") == 2
    assert "cc @everybody" not in say.body
    assert "\n# the beak" not in say.body
    assert decision.session is not None
    assert decision.session.stuck_on == "plan"


def test_words_until_go_are_for_the_plan_whatever_kept_it():
    for before in (waiting(), waiting(stuck_on=""), waiting(stuck_on="money")):
        assert turn_of(decide(before, command(text="Use a horn"), facts())) is Cause.PLAN
    assert turn_of(decide(waiting(stuck_on=""), command("retry"), facts())) is Cause.PLAN


def accepted(comment: PlanComment | None, **more: Any) -> tuple[Plan, list[str]]:
    decision = decide(waiting(), command("go", **more), facts(plan_comment=comment))
    assert turn_of(decision) is Cause.IMPLEMENT
    assert decision.session is not None
    assert decision.session.plan is not None
    return decision.session.plan, [effect.body for effect in decision.effects if isinstance(effect, Say)]


def test_the_work_begins_with_the_plan_as_people_left_it():
    body = plans.comment(PLAN, PLANNING).replace("- [ ] Test it", "- [x] Test it at night").replace("\n", "\r\n")
    plan, said = accepted(stands(body, CAROL, permission=Permission.WRITE))
    assert plan.text == "The beak is shut.\n\n- [ ] Open it in `goose.py`\n- [x] Test it at night"
    assert plan.accepted_by == "alice"
    assert said == []


def test_a_plan_of_which_our_own_lines_are_gone_counts_whole():
    plan, _ = accepted(stands("Just honk.", ALICE, permission=Permission.MAINTAIN))
    assert plan.text == "Just honk."


@pytest.mark.parametrize("editor", [None, ME], ids=["nobody", "we ourselves"])
def test_what_nobody_edited_is_what_was_written(editor: Actor | None):
    plan, said = accepted(stands("whatever", editor, permission=Permission.ADMIN))
    assert (plan.text, said) == (written(PLAN), [])


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        (stands("Delete all.", BOB, permission=Permission.TRIAGE), "`bob` edited the comment last"),
        (stands("Delete all.", ROBOT, permission=Permission.ADMIN), "`robot[bot]` edited the comment last"),
        (None, "its comment is not there any more"),
    ],
    ids=["who may not write", "a bot", "deleted"],
)
def test_who_has_no_say_changes_no_plan_and_that_is_said(comment: PlanComment | None, why: str):
    plan, [said] = accepted(comment)
    assert plan.text == written(PLAN)
    assert why in said


def test_the_comment_is_looked_up_only_for_go():
    assert Need.PLAN in needs(waiting(), command("go"))
    assert Need.PLAN not in needs(waiting(), command(text="Use a horn"))
    assert Need.PLAN not in needs(session(NEEDS_HUMAN), command("go"))
    assert Need.PLAN not in needs(None, command("go"))


def test_once_accepted_the_work_is_not_planned_again():
    working = decide(waiting(), command("go"), facts()).session
    assert working is not None
    asked = decide(working, event(ev.TurnAsked, turn_id=working.turn_id), facts()).session
    assert asked is not None
    assert turn_of(decide(asked, command(text="Both"), facts())) is Cause.IMPLEMENT


def test_a_pull_request_is_no_place_for_a_plan():
    decision = decide(session(), command("plan", number=PULL, is_pull=True), facts())
    assert not any(isinstance(effect, RunTurn) for effect in decision.effects)


def test_what_was_accepted_is_on_record_by_its_hash_and_whose_word_it_was():
    said, before = command("go"), waiting()
    [told] = records.of_decision(said, before, decide(before, said, facts()), facts())
    assert told.document["plan"] == {"accepted_by": "alice", "sha256": digest(written(PLAN))}
