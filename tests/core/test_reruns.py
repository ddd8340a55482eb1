"""Before the agent is paid: what may be chance runs once more, what is no matter of the code is put to people, and what
outlives two attempts is not tried a third time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.attempts import KEPT, changed_paths, happened, with_failures
from github_app.core.decisions import Decision
from github_app.core.effects import LookAgain, RerunChecks, RunTurn, Say
from github_app.core.facts import Facts, Need, needs
from github_app.core.machine import decide
from github_app.core.messages import account
from github_app.core.model import Checks, FailedCheck
from github_app.core.session import Round, Session, Status
from tests.core.scene import (
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BASE,
    HEAD,
    NEEDS_HUMAN,
    NOW,
    WORKING,
    Row,
    cases,
    check,
    command,
    event,
    facts,
    pull,
    row,
    session,
)

CHANGED = event(ev.ChecksChanged)
REFUSED = event(ev.EffectFailed, effect_kind="RerunChecks", turn_id="")
OURS = "FAILED tests/test_goose.py::test_honk - assert 'honk' in ''"
CHANCE = "FAILED tests/test_duck.py::test_quack - assert 1 == 2"
LOST = "The hosted runner lost communication with the server."


def red(log: str = CHANCE, *more: FailedCheck, attempt: int = 1, run_id: int = 70, **how: Any) -> Checks:
    first = FailedCheck(name="test", conclusion="failure", source="workflow 1", log=log, run_id=run_id, attempt=attempt)
    return Checks(head_sha=HEAD, state="failed", failed=(replace(first, **how), *more))


def known(checks: Checks, **changes: Any) -> Facts:
    return facts(checks=checks, **changes)


GREEN = Checks(head_sha=HEAD, state="passed", passed=1)
PENDING = Checks(head_sha=HEAD, state="pending", pending=("test",))
ROUND = Round(head_sha=HEAD, title="Make it honk", summary="It does.", paths=("goose.py",))
WAITING = session(AWAITING_CHECKS, published=(ROUND,))
LINT = FailedCheck(name="lint", conclusion="failure", source="workflow 2", log="goose.py:3: E501", run_id=71, attempt=1)
SERVICE = FailedCheck(name="scan", conclusion="failure", source="app 9", log="503 Service Unavailable")


def after(before: Session, happened: ev.Event, facts: Facts) -> Session:
    decided = decide(before, happened, facts).session
    assert decided is not None
    return decided


RUNS_AGAIN = after(WAITING, CHANGED, known(red()))
LOST_AGAIN = after(after(WAITING, CHANGED, known(red(LOST))), CHANGED, known(red(LOST, attempt=2)))

ROWS = [
    row(WAITING, "red, and nothing names the change", CHANGED, facts=known(red()),
        does="RerunChecks ShowProgress", why="once more"),
    row(session(AWAITING_REVIEW, published=(ROUND,)), "red while people review, and nothing names the change", CHANGED,
        facts=known(red()), to=AWAITING_CHECKS, does="RerunChecks ShowProgress", why="once more"),
    row(WAITING, "red, and it names the change", CHANGED, facts=known(red(OURS)),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(WAITING, "one of two names the change", CHANGED, facts=known(red(CHANCE, LINT)),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(replace(WAITING, published=()), "red, and who knows what was changed", CHANGED, facts=known(red()),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(WAITING, "red by chance, but by another app", CHANGED, facts=known(red(run_id=0, attempt=0)),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(WAITING, "red again, after people ran it again", CHANGED, facts=known(red(attempt=2)),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(WAITING, "the runner was lost", CHANGED, facts=known(red(LOST)),
        does="RerunChecks ShowProgress", why="once more"),
    row(WAITING, "the runner was lost, and another service is away", CHANGED, facts=known(red(LOST, SERVICE)),
        does="RerunChecks ShowProgress", why="once more"),
    row(WAITING, "time ran out", CHANGED, facts=known(red("", conclusion="timed_out")),
        does="RerunChecks ShowProgress", why="once more"),
    row(WAITING, "another service is away, and cannot be asked again", CHANGED,
        facts=known(Checks(head_sha=HEAD, state="failed", failed=(SERVICE,))),
        to=NEEDS_HUMAN, does="Say ShowProgress", why="did not come to a verdict"),
    row(RUNS_AGAIN, "still as it was, as GitHub is slow", CHANGED, facts=known(red()), does="", why="has not begun"),
    row(RUNS_AGAIN, "it runs", CHANGED, facts=known(PENDING), does="ShowProgress", why="not ended"),
    row(RUNS_AGAIN, "green in the second run", CHANGED, facts=known(GREEN),
        to=AWAITING_REVIEW, does="MarkReady ShowProgress", why="all checks passed"),
    row(RUNS_AGAIN, "red in the second run, too", CHANGED, facts=known(red(attempt=2)),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(RUNS_AGAIN, "another one is red meanwhile", CHANGED, facts=known(red(CHANCE, LINT, attempt=2)),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(RUNS_AGAIN, "it never began", event(ev.Ticked),
        facts=replace(known(red(), pull=pull()), now=NOW + timedelta(minutes=11)),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(RUNS_AGAIN, "it must not be run again", REFUSED, facts=known(red()),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(after(WAITING, CHANGED, known(red(LOST))), "what lost its runner must not be run again", REFUSED,
        facts=known(red(LOST)), to=NEEDS_HUMAN, does="Say ShowProgress", why="did not come to a verdict"),
    row(RUNS_AGAIN, "it was refused, as it runs already", REFUSED, facts=known(PENDING),
        does="ShowProgress", why="not ended"),
    row(WAITING, "a refusal of what nobody waits for", REFUSED, facts=known(red()), does="", why="nothing waits"),
    row(session(WORKING, rerun=RUNS_AGAIN.rerun), "a refusal while a turn runs", REFUSED, facts=known(red()),
        does="", why="nothing waits"),
    row(after(WAITING, CHANGED, known(red(LOST))), "the runner was lost twice", CHANGED,
        facts=known(red(LOST, attempt=2)), to=NEEDS_HUMAN, does="Say ShowProgress", why="did not come to a verdict"),
    row(after(WAITING, CHANGED, known(red("", conclusion="timed_out"))), "time ran out twice", CHANGED,
        facts=known(red("", attempt=2, conclusion="timed_out")),
        to=WORKING, does="ShowProgress RunTurn", why="checks failed"),
    row(LOST_AGAIN, "as people know", CHANGED, facts=known(red(LOST, attempt=2)),
        does="", why="nothing here is to be mended"),
    row(LOST_AGAIN, "people ran it again, and it is green", CHANGED, facts=known(GREEN),
        to=AWAITING_REVIEW, does="MarkReady ShowProgress MinimiseComments", why="all checks passed"),
    row(LOST_AGAIN, "people ran it again, and now it is the change", CHANGED, facts=known(red(OURS, attempt=3)),
        to=WORKING, does="ShowProgress RunTurn MinimiseComments", why="checks failed"),
    row(session(WORKING), "a runner is lost while a turn runs", CHANGED, facts=known(red(LOST)),
        does="", why="a turn runs"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_failures_that_may_not_be_the_changes(each: Row, before: Session):
    check(each, before)


def test_all_runs_that_failed_run_again_and_each_once():
    other = replace(red().failed[0], name="other")
    third = replace(red().failed[0], name="third", run_id=69)
    (again, _) = decide(WAITING, CHANGED, known(red(CHANCE, other, third))).effects
    assert again == RerunChecks(run_ids=(69, 70))


def test_what_passed_on_the_same_commit_is_called_flaky_and_costs_nothing():
    assert "| Runs once more | `test` (perhaps by chance) |" in account.tracking(RUNS_AGAIN)
    green = after(RUNS_AGAIN, CHANGED, known(GREEN))
    assert f"| Flaky | `test` on `{HEAD[:7]}`: failed, then passed on the same commit |" in account.tracking(green)
    assert happened(WAITING, RUNS_AGAIN) == ("rerun",)
    assert happened(RUNS_AGAIN, green) == ("flaky",)
    assert happened(green, after(green, event(ev.Ticked), known(GREEN, pull=pull()))) == ()
    assert (green.fix_rounds, green.feedback, green.turns) == (0, (), WAITING.turns)


def test_what_passed_while_another_failed_twice_is_flaky_too():
    duck = replace(red().failed[0], name="other")
    both = after(WAITING, CHANGED, known(red(CHANCE, duck)))
    fixing = after(both, CHANGED, known(red(attempt=2)))
    assert happened(both, fixing) == ("flaky",)
    assert [(each.name, each.has_passed, each.is_handed) for each in fixing.failures] == [
        ("test", False, True),
        ("other", True, False),
    ]
    assert "It has run 2 times on this commit" in fixing.feedback[0].body


def test_a_lost_runner_is_not_called_flaky():
    lost = after(WAITING, CHANGED, known(red(LOST)))
    assert "(its runner was lost)" in account.tracking(lost)
    green = after(lost, CHANGED, known(GREEN))
    assert happened(lost, green) == ()
    assert "Flaky" not in account.tracking(green)


def test_the_agent_is_told_only_of_what_it_can_mend():
    fixing = after(WAITING, CHANGED, known(red(OURS, SERVICE, replace(LINT, conclusion="cancelled"))))
    assert [each.id for each in fixing.feedback] == [f"check:{HEAD}:test"]


def test_green_while_the_turn_that_was_to_mend_it_runs_is_flaky():
    fixing = after(RUNS_AGAIN, CHANGED, known(red(attempt=2)))
    assert happened(fixing, after(fixing, CHANGED, known(GREEN))) == ("flaky",)


def test_what_failed_on_a_commit_whose_failure_the_agent_knows_is_not_run_again():
    answered = replace(WAITING, checked_sha=HEAD)
    assert not any(isinstance(it, RerunChecks) for it in decide(answered, CHANGED, known(red())).effects)


SETTLES = 10.0


def at(checks: Checks, after_s: float, **changes: Any) -> Facts:
    usual: dict[str, Any] = {"checks_settle_s": SETTLES, "pull": pull()}
    return replace(known(checks, **usual | changes), now=NOW + timedelta(seconds=after_s))


@pytest.mark.parametrize(("checks", "to"), [(GREEN, AWAITING_REVIEW), (red(OURS), WORKING)], ids=["green", "red"])
def test_nothing_is_concluded_before_it_has_been_quiet_for_a_while(checks: Checks, to: Status):
    first = decide(WAITING, CHANGED, at(checks, 0))
    assert first.effects == (LookAgain(head_sha=HEAD, after_s=SETTLES),)
    assert first.session is not None
    assert first.session.status is AWAITING_CHECKS
    for news in (CHANGED, event(ev.Ticked)):
        again = decide(first.session, news, at(checks, SETTLES - 1))
        assert (again.session, again.effects) == (first.session, ())
    assert after(first.session, CHANGED, at(checks, SETTLES)).status is to


def test_a_check_that_begins_late_joins_the_same_round():
    waiting = after(WAITING, CHANGED, at(red(OURS), 0))
    waiting = after(waiting, CHANGED, at(PENDING, 5))
    assert waiting.settling is None
    both = red(OURS, LINT)
    waiting = after(waiting, CHANGED, at(both, 20))
    assert decide(waiting, CHANGED, at(both, 25)).effects == ()
    fixing = after(waiting, CHANGED, at(both, 20 + SETTLES))
    assert [each.id.rpartition(":")[2] for each in fixing.feedback] == ["test", "lint"]


def test_one_that_ends_within_the_while_lets_it_begin_anew():
    waiting = after(WAITING, CHANGED, at(GREEN, 0))
    more = replace(GREEN, passed=2)
    assert decide(waiting, CHANGED, at(more, 9)).effects == (LookAgain(head_sha=HEAD, after_s=SETTLES),)


def test_what_people_know_already_needs_no_while():
    reviewing = session(AWAITING_REVIEW, checks=GREEN)
    assert decide(reviewing, CHANGED, at(GREEN, 0)).session == reviewing
    asked = session(NEEDS_HUMAN, stuck_on="checks", checked_sha=HEAD)
    assert decide(asked, CHANGED, at(red(OURS), 0)).effects == ()


def test_a_late_check_of_what_people_review_takes_nothing_back_before_it_is_sure():
    reviewing = session(AWAITING_REVIEW, published=(ROUND,))
    first = decide(reviewing, CHANGED, at(red(OURS), 0))
    assert first.session is not None
    assert (first.session.status, first.effects) == (AWAITING_REVIEW, (LookAgain(head_sha=HEAD, after_s=SETTLES),))
    assert after(first.session, CHANGED, at(red(OURS), SETTLES)).status is WORKING


def head(number: int) -> str:
    return f"{number:x}" * 40


def lived(*logs: str, rounds: int = 9) -> tuple[Session, Decision]:
    """The session and the last decision, after CI said these, one for each commit, each mended as far as it was."""
    lives = replace(WAITING, head_sha=head(1), published=(replace(ROUND, head_sha=head(1)),))
    policy = replace(facts().policy, fix_rounds=rounds)
    decided = Decision(session=lives, why="")
    for number, log in enumerate(logs, start=1):
        now_red = replace(red(log), head_sha=head(number))
        decided = decide(lives, event(ev.ChecksChanged, head_sha=head(number)), known(now_red, policy=policy))
        assert decided.session is not None
        lives = decided.session
        if not any(isinstance(it, RunTurn) for it in decided.effects):
            break
        published = (*lives.published, replace(ROUND, head_sha=head(number + 1), title=f"Attempt {number}"))
        lives = replace(lives, status=AWAITING_CHECKS, head_sha=head(number + 1), published=published, feedback=())
    return lives, decided


def test_the_same_failure_after_two_attempts_is_put_to_people_with_what_was_tried():
    lives, decided = lived(*[OURS] * 5)
    assert (lives.status, lives.stuck_on, lives.fix_rounds) == (NEEDS_HUMAN, "checks", 2)
    assert isinstance(say := decided.effects[0], Say)
    assert "just as they did before my last 2 attempts" in say.body
    assert say.body.count("FAILED tests/test_goose.py::test_honk") == 2
    for number in (1, 2):
        assert f"- `{head(number)[:7]}`: `test` said" in say.body
        assert f"I pushed `{head(number + 1)[:7]}`, `Attempt {number}`" in say.body


def test_of_a_failure_that_tells_nothing_nobody_knows_that_it_is_the_same():
    lives, _ = lived(*[""] * 9, rounds=3)
    assert lives.fix_rounds == 3


def test_a_failure_that_moves_is_tried_as_often_as_policy_allows():
    lives, decided = lived(*[f"{OURS} and {number}" for number in range(9)], rounds=4)
    assert lives.fix_rounds == 4
    assert isinstance(say := decided.effects[0], Say)
    assert "still red after 4 attempts" in say.body
    assert say.body.count("I pushed") == 4


def test_people_who_give_advice_allow_two_more_attempts():
    stuck, _ = lived(*[OURS] * 3)
    told = replace(after(stuck, command(text="Look at the beak"), facts()), status=AWAITING_CHECKS, head_sha=head(4))
    again = after(told, event(ev.ChecksChanged, head_sha=head(4)), known(replace(red(OURS), head_sha=head(4))))
    assert (again.status, again.fix_rounds) == (WORKING, 1)


def test_paths_are_known_only_of_our_own_commits():
    assert changed_paths(WAITING) == ("goose.py",)
    two = replace(WAITING, published=(replace(ROUND, head_sha=BASE, paths=("duck.py", "goose.py")), ROUND))
    assert changed_paths(two) == ("duck.py", "goose.py")
    assert changed_paths(replace(two, head_sha=BASE)) is None
    assert changed_paths(replace(two, published=(replace(ROUND, paths=()), ROUND))) is None


def test_memory_of_failures_has_an_end():
    many = tuple(FailedCheck(name=f"test {number}", conclusion="failure") for number in range(3 * KEPT))
    assert [each.name for each in with_failures(WAITING, many).failures] == [it.name for it in many[-KEPT:]]


def test_nothing_is_counted_for_a_session_that_begins():
    assert happened(None, WAITING) == happened(WAITING, None) == happened(replace(WAITING, id="1-2-3"), WAITING) == ()


def test_checks_are_looked_up_when_they_could_not_be_run_again():
    assert needs(WAITING, REFUSED) == Need.CHECKS | Need.POLICY
    assert needs(WAITING, event(ev.EffectFailed)) == Need.NOTHING
