"""The base is merged into our branch on a word, once there is something to merge and nothing comes before it; and
conflicts that come by themselves are shown, and cost nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.commands import Command
from github_app.core.effects import Publish, RunTurn, Say, Undo
from github_app.core.facts import Facts, Need, needs
from github_app.core.machine import decide
from github_app.core.merges import Comparison, Conflict, unresolved
from github_app.core.merging import towards_base
from github_app.core.messages.account import merge_message, tracking
from github_app.core.model import ChangeSet, FileChange, Permission
from github_app.core.policy import Policy
from github_app.core.session import Cause, Round, Session
from tests.core.scene import (
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BASE,
    BOB,
    CLOSED,
    HEAD,
    MERGED,
    NEEDS_HUMAN,
    NEW,
    NONE,
    OPEN,
    PROTECTED,
    PULL,
    ROBOT,
    SUBMISSION,
    WORKING,
    Row,
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

THEIRS = "7" * 40
BEHIND = Comparison(base_sha=THEIRS, merge_base_sha=BASE, behind_by=2)
EVEN = replace(BEHIND, behind_by=0)
REBASE = command("rebase", is_pull=True, number=PULL)


def here(found: Comparison | None = BEHIND, *, permission: Permission = Permission.WRITE, **of_pull: Any) -> Facts:
    return facts(permission, pull=pull(**of_pull), comparison=found)


def merging(status: Any = WORKING, **more: Any) -> Session:
    """A session in a turn that merges, or after one that did not get there."""
    return session(status, turn_cause=Cause.MERGE_BASE, merging=THEIRS, base_sha=THEIRS, **more)


LEFT = session(CLOSED, leaves_pull=True)

ROWS = [
    rows_of(AT_REST, "rebase", REBASE, facts=here(), to=WORKING, does="React ShowProgress RunTurn",
            why="`alice` had the base merged"),
    row(session(AWAITING_REVIEW), "rebase on the issue", command("rebase"), facts=here(), to=WORKING,
        does="React ShowProgress RunTurn", why="had the base merged"),
    row(session(AWAITING_REVIEW), "rebase in a review", event(ev.ReviewSubmitted, command=Command(verb="rebase")),
        facts=here(), to=WORKING, does="ShowProgress RunTurn", why="had the base merged"),
    row(session(NEEDS_HUMAN, stuck_on="checks"), "rebase where checks fail", REBASE, facts=here(), to=WORKING,
        does="React ShowProgress RunTurn", why="had the base merged"),
    row(LEFT, "rebase of what a stopped session left", REBASE, facts=here(), to=WORKING,
        does="React ShowProgress RunTurn", why="asked for it and may"),
    rows_of(AT_REST, "rebase where the branch has it all", REBASE, facts=here(EVEN), does="React Say", why="nothing"),
    rows_of(AT_REST, "rebase where the base is gone", REBASE, facts=here(None), does="React Say", why="nothing"),
    rows_of(AT_REST, "rebase of what goes elsewhere", REBASE, facts=here(base_branch="next"), does="React Say",
            why="nothing"),
    rows_of([*AT_REST, CLOSED, MERGED], "rebase of what has ended", REBASE, facts=here(is_open=False),
            does="React Say", why="nothing"),
    row(first_turn(), "rebase before there is a pull request", command("rebase"), does="React Say", why="nothing"),
    rows_of([WORKING], "rebase while a turn runs", REBASE, facts=here(), does="React Say", why="nothing"),
    *(row(session(NEEDS_HUMAN, stuck_on=what), f"rebase while {what} comes first", REBASE, facts=here(),
          does="React Say", why="nothing") for what in ("money", "permission", "push", "installation", "approval")),
    rows_of(AT_REST, "rebase after somebody pushed", REBASE, facts=here(head_sha=NEW), does="React Say", why="nothing"),
    row(LEFT, "rebase where the branch has it all", REBASE, facts=here(EVEN), does="React Say", why="nothing"),
    row(replace(LEFT, adopted=BOB), "rebase of what we worked on for others", REBASE, facts=here(), does="React Say",
        why="nothing"),
    rows_of([NONE], "rebase", command("rebase"), does="React Say", why="no work to speak of"),
    rows_of(OPEN, "rebase by somebody who may not", replace(REBASE, actor=BOB),
            facts=here(permission=Permission.READ), does="React Say", why="read access only"),
    row(session(AWAITING_REVIEW), "rebase by a bot that may give work", replace(REBASE, actor=ROBOT),
        facts=replace(here(), policy=Policy(bots=(ROBOT.id,))), does="", why="no bot"),
    # What came of it
    row(merging(), "it is published", event(ev.Published), facts=facts(checks=checks("none", NEW)),
        to=AWAITING_CHECKS, does="Say ShowProgress", why=""),
    row(merging(), "it is left to people", event(ev.TurnStopped, limit="merge", reason="submodules conflict"),
        to=AWAITING_CHECKS, facts=facts(checks=checks("pending")), does="Say ShowProgress", why="cannot be merged"),
    row(merging(feedback=(words(),)), "it is left to people, and words wait",
        event(ev.TurnStopped, limit="merge", reason="submodules conflict"), does="Say ShowProgress RunTurn", why=""),
    row(merging(), "something in it wants a human", event(ev.ChangeSetHeld), to=NEEDS_HUMAN, does="Say ShowProgress",
        why="human"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_merging(each: Row, before: Session | None) -> None:
    check(each, before)


def after(before: Session, happened: ev.Event, found: Facts) -> Session:
    now = decide(before, happened, found).session
    assert now is not None
    return now


def said(before: Session, happened: ev.Event, found: Facts) -> str:
    [body] = [each.body for each in decide(before, happened, found).effects if isinstance(each, Say)]
    return body


def test_the_newest_base_is_what_the_work_is_measured_by_from_here_on() -> None:
    now = after(session(AWAITING_REVIEW, fix_rounds=2, base_branch="master"), REBASE, here())
    assert (now.turn_cause, now.merging, now.base_sha, now.head_sha) == (Cause.MERGE_BASE, THEIRS, THEIRS, HEAD)
    assert (now.fix_rounds, now.base_branch) == (0, "main")
    again = after(LEFT, REBASE, here())
    assert (again.generation, again.turn_cause, again.merging, again.base_sha) == (2, Cause.MERGE_BASE, THEIRS, THEIRS)
    assert towards_base(again, facts()) == (again, Cause.FOLLOW_UP)


def test_only_a_rebase_has_the_branches_compared() -> None:
    assert Need.BASE in needs(session(AWAITING_REVIEW), REBASE)
    assert Need.BASE in needs(session(), event(ev.ReviewSubmitted, command=Command(verb="rebase")))
    assert Need.BASE not in needs(session(AWAITING_REVIEW), command("retry"))
    assert Need.BASE not in needs(session(), event(ev.ReviewSubmitted, command=Command(verb="retry")))


def test_one_comment_says_what_was_merged_and_the_round_says_so_too() -> None:
    before = merging(submission=replace(SUBMISSION, summary="`goose.py`: kept both."), has_conflicts=True)
    body = said(before, event(ev.Published), facts(checks=checks("none", NEW)))
    assert body == f"I merged `main` ({THEIRS}) into the branch: {NEW}.\n\n`goose.py`: kept both."
    now = after(before, event(ev.Published), facts(checks=checks("none", NEW)))
    assert (now.merging, now.has_conflicts, now.published[-1].merges) == ("", False, THEIRS)
    assert said(merging(), event(ev.Published), facts(checks=checks("none", NEW))).endswith(f"{NEW}.")


def test_a_merge_without_a_change_of_ours_is_published_all_the_same() -> None:
    decision = decide(merging(), event(ev.TurnFinished), facts())
    assert isinstance(decision.effects[0], Publish)


def test_what_people_answer_to_a_question_goes_on_with_the_merge() -> None:
    asked = after(merging(), event(ev.TurnAsked), facts(pull=pull()))
    again = after(asked, command("do", "Keep both"), facts(pull=pull()))
    assert (again.turn_cause, again.merging) == (Cause.MERGE_BASE, THEIRS)
    retried = after(asked, command("retry"), facts(pull=pull()))
    assert (retried.turn_cause, retried.merging) == (Cause.MERGE_BASE, THEIRS)


def test_what_we_cannot_merge_is_told_once_and_left() -> None:
    stopped = event(ev.TurnStopped, limit="merge", reason="submodules conflict: merge it by hand")
    assert Need.CHECKS in needs(merging(), stopped)
    found = facts(pull=pull(), checks=checks("passed"))
    assert said(merging(), stopped, found) == "I merged nothing: submodules conflict: merge it by hand."
    now = after(merging(), stopped, found)
    assert (now.status, now.merging) == (AWAITING_REVIEW, "")


def test_other_work_leaves_the_merge_behind() -> None:
    asked = after(merging(), event(ev.TurnAsked), facts(pull=pull()))
    failed = replace(asked, status=AWAITING_CHECKS, waiting_for="", checks=None)
    mended = after(failed, event(ev.ChecksChanged), facts(pull=pull(), checks=checks("failed")))
    assert (mended.turn_cause, mended.merging) == (Cause.FIX_CHECKS, "")


def test_once_it_is_merged_trying_again_is_about_what_came_after() -> None:
    done = session(AWAITING_REVIEW, turn_cause=Cause.MERGE_BASE)
    now = after(done, command("retry"), facts(pull=pull()))
    assert now.turn_cause is Cause.FOLLOW_UP


def test_who_pushes_first_has_the_merge_made_again_on_top() -> None:
    moved = event(ev.EffectFailed, effect_kind="Publish", head_sha=NEW, turn_id="7-12-1/turn-2")
    decision = decide(merging(), moved, facts())
    now = decision.session
    assert now is not None
    assert (now.turn_cause, now.merging, now.head_sha) == (Cause.MERGE_BASE, THEIRS, NEW)
    assert RunTurn(turn_id="7-12-1/turn-3", cause=Cause.MERGE_BASE) in decision.effects


def test_undo_passes_over_merges_and_takes_back_what_is_ours() -> None:
    ours = Round(head_sha=BASE, title="Make the goose honk", summary="It honks now.")
    merged = Round(head_sha=HEAD, title="Bring the branch up to date", summary="Done.", merges=THEIRS)
    undo = command("undo", is_pull=True, number=PULL)
    both = session(AWAITING_REVIEW, published=(ours, merged))
    [effect] = [each for each in decide(both, undo, here()).effects if isinstance(each, Undo)]
    assert effect.commit_sha == BASE
    assert "no commit of mine stands" in said(session(AWAITING_REVIEW, published=(merged,)), undo, here())


def test_a_held_merge_waits_for_who_may_accept_it() -> None:
    held = after(merging(), event(ev.TurnFinished, findings=(PROTECTED,)), facts())
    assert (held.status, held.stuck_on, held.merging) == (NEEDS_HUMAN, "approval", THEIRS)


# Conflicts that come by themselves


@pytest.mark.parametrize("status", AT_REST)
def test_a_conflict_is_shown_once_and_nothing_is_done_about_it(status: Any) -> None:
    found = facts(pull=pull(has_conflicts=True), checks=checks("pending"))
    decision = decide(session(status), event(ev.Ticked), found)
    assert effects_of(decision) == "ShowProgress"
    now = decision.session
    assert now is not None
    assert "| Conflicts | with `main`; write `/honk rebase`, and I resolve them |" in tracking(now)
    assert decide(now, event(ev.Ticked), found).effects == ()
    gone = decide(now, event(ev.Ticked), facts(pull=pull(has_conflicts=False), checks=checks("pending")))
    assert effects_of(gone) == "ShowProgress"
    assert gone.session is not None
    assert "Conflicts" not in tracking(gone.session)


def test_a_comment_that_is_shown_anyway_is_not_shown_twice() -> None:
    moved = facts(pull=pull(has_conflicts=True, head_sha=NEW), checks=checks("pending", NEW))
    decision = decide(session(AWAITING_REVIEW), event(ev.Ticked), moved)
    assert effects_of(decision) == "ShowProgress"
    assert "the new head is checked; the base conflicts with the branch" in decision.why


@pytest.mark.parametrize(
    ("before", "of_pull"),
    [
        (session(AWAITING_REVIEW), {"has_conflicts": None}),
        (session(AWAITING_REVIEW), {"has_conflicts": False}),
        (session(WORKING), {"has_conflicts": True}),
        (session(AWAITING_REVIEW), {"has_conflicts": True, "is_open": False, "is_merged": True}),
    ],
    ids=["GitHub has not looked", "none", "a turn runs", "it has ended"],
)
def test_nothing_is_said_of_conflicts(before: Session, of_pull: dict[str, Any]) -> None:
    now = after(before, event(ev.Ticked), facts(pull=pull(**of_pull), checks=checks("pending")))
    assert not now.has_conflicts


# What is left to be resolved


def changed(path: str, content: bytes | None) -> ChangeSet:
    return ChangeSet(base_sha=BASE, changes=(FileChange(path=path, mode="100644", content=content),))


CONFLICTS = (Conflict(path="a", how="both changed it"),)


@pytest.mark.parametrize(
    ("content", "base", "is_left"),
    [
        (b"<<<<<<< x\nours\n=======\ntheirs\n>>>>>>> y\n", b"theirs\n", True),
        (b"ours\n>>>>>>> y\r\n", b"theirs\n", True),
        (b"||||||| y\n", b"theirs\n", True),
        (b"<<<<<<<\n", None, True),
        (b"ours\n=======\ntheirs\n", b"theirs\n", False),
        (b"a << b\n <<<<<<< x\n<<<<<<<<< x\n", b"theirs\n", False),
        (b"<<<<<<< x\nours\n", b"<<<<<<< x\n", False),
        (None, b"theirs\n", False),
    ],
    ids=["all", "the end", "the middle", "bare", "a heading", "others", "the base has it", "deleted"],
)
def test_no_marker_is_left(content: bytes | None, base: bytes | None, is_left: bool) -> None:
    assert unresolved(changed("a", content), CONFLICTS, {"a": base}) == (("a",) if is_left else ())


def test_other_files_may_hold_what_they_want() -> None:
    assert unresolved(changed("b", b"<<<<<<< x\n"), CONFLICTS, {}) == ()


def test_what_git_records_names_the_commit_that_was_merged() -> None:
    message = merge_message(SUBMISSION, "main", THEIRS)
    assert message == (f"Merge main into this branch\n\nMerges {THEIRS}.\n\nMake the goose honk\n\nIt honks now.")


def test_words_that_wait_are_dealt_with_by_the_turn_that_merges() -> None:
    now = after(session(NEEDS_HUMAN, feedback=(words(),)), REBASE, here())
    assert now.feedback == (words(),)
