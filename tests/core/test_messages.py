"""What Honk says, word for word (`golden/`), and what may never be in it.

After a change of wording: `UPDATE_GOLDEN=1 pytest tests/core/test_messages.py`, then read the difference aloud.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core import consent
from github_app.core import reports as reports_of
from github_app.core.commands import parse_command
from github_app.core.estimates import Estimate
from github_app.core.explanation import explain
from github_app.core.failures import Failure, Rerun
from github_app.core.feedback import feedback_of_checks, feedback_of_edit, feedback_of_push
from github_app.core.holds import ACCEPTABLE, Approval, Finding, Hold
from github_app.core.judgements import Judgement, Remark
from github_app.core.lessons import Proposal
from github_app.core.messages import (
    account,
    adoption,
    answers,
    figures,
    lessons,
    merged,
    parts,
    plans,
    policies,
    proof,
    refusals,
    reports,
    stops,
    templates,
)
from github_app.core.model import Checks, FailedCheck, NetworkDecision, Permission, Usage
from github_app.core.plans import Plan
from github_app.core.policy import Policy
from github_app.core.policyfile import parse_floor, parse_policy
from github_app.core.proposals import Mistake
from github_app.core.proposals import Proposal as PolicyChange
from github_app.core.quotas import Shortage
from github_app.core.reports import Review
from github_app.core.session import Cause, Pause, Reply, Round, Session, Status, Submission
from github_app.core.simulation import rights_of
from github_app.core.verdicts import Before, Verdict
from github_app.core.waits import Wait
from tests.core.scene import (
    ANSWER,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BASE,
    CLOSED,
    HEAD,
    ISSUE,
    MERGED,
    NEEDS_HUMAN,
    NOW,
    PROTECTED,
    PULL,
    WEAKER,
    adopted,
    checks,
    first_turn,
    pull,
    session,
)

GOLDEN = Path(__file__).parent / "golden"
LEARNT = Proposal(
    number=1,
    text="Volumes are in decibels, never in 'loud'.",
    cites="thread:T1:905",
    source="/acme/goose/pull/34#discussion_r905",
    said_by="rob",
)
SPENT = Usage(input_tokens=1_200, output_tokens=310, cache_read_tokens=40_000, cost_micro_usd=123_400, steps=7)
WHOLE = Submission(
    title="Make the goose honk",
    summary="The goose was silent because its beak was never opened.\n\n`Goose.honk` opens it first.",
    notes="I left `Duck` alone.",
    verdicts=(
        Verdict(command="pytest -q", exit_code=0, duration_s=1.26),
        Verdict(
            command="ruff check",
            exit_code=1,
            duration_s=0.04,
            failures=("duck.py: F401 `os` imported but unused",),
            before=Before(exit_code=1, duration_s=0.05, failures=("duck.py: F401 `os` imported but unused",)),
        ),
    ),
    unverified_reason="`ruff` was red before, on lines that I did not touch.",
)
RED = Checks(
    head_sha=HEAD,
    state="failed",
    failed=tuple(FailedCheck(name=f"test ({number})", conclusion="failure") for number in range(1, 8)),
)

REFUSED = (
    NetworkDecision(host="evil.example", port=443, is_allowed=False, reason="not in the policy"),
    NetworkDecision(host="`@ann` closes #1 <!--" + "x" * 200, port=80, is_allowed=False, reason="plain HTTP", times=3),
    NetworkDecision(host="registries", port=0, is_allowed=False, reason="the registries are only read", times=2),
    NetworkDecision(host="(others)", port=0, is_allowed=False, times=12),
)
PARTS = ("The ducks", "The geese of the neighbours")
RERUN = Rerun(head_sha=HEAD, run_ids=(70,), asked_at=NOW)


def failure(sha: str, **changes: Any) -> Failure:
    usual = Failure(head_sha=sha, name="test", source="workflow 1", mark="0", gist="E  assert 'honk' in ''")
    return replace(usual, **changes)


def tried(rounds: int) -> Session:
    heads = [f"{number}" * 40 for number in range(1, rounds + 2)]
    return session(
        NEEDS_HUMAN,
        fix_rounds=rounds,
        head_sha=heads[-1],
        failures=tuple(failure(sha, is_handed=True) for sha in heads[:-1]),
        published=tuple(Round(head_sha=sha, title=f"Honk `{sha[0]}` @ann", summary="") for sha in heads),
    )


def lost(number: int) -> Session:
    each = (failure(HEAD, name=f"test ({n})", sign="its runner was lost") for n in range(1, number + 1))
    return session(NEEDS_HUMAN, failures=tuple(each))


FLAKY = (
    failure(HEAD, has_passed=True),
    failure(HEAD, name="lint", has_passed=True),
    failure(BASE, has_passed=True),
    failure(BASE, name="build", has_passed=True, sign="its runner was lost"),
)

PLAN = Plan(turn_id="7-12-1/turn-1", summary="The beak is shut.", items=("Open it", "Test it"))
TRACKING = {
    "running again": account.tracking(
        session(AWAITING_CHECKS, rerun=RERUN, failures=(failure(HEAD), *lost(1).failures), usage=SPENT)
    ),
    "flaky": account.tracking(session(AWAITING_REVIEW, failures=FLAKY, usage=SPENT)),
    "working, refused hosts": account.tracking(session(usage=SPENT, refused=REFUSED)),
    "conflicting": account.tracking(session(AWAITING_REVIEW, has_conflicts=True, usage=SPENT)),
    "merging": account.tracking(session(turn_cause=Cause.MERGE_BASE, merging="7" * 40, usage=SPENT)),
    "working, and not yet": account.tracking(session(waiting_for=stops.queued(3), usage=SPENT)),
    "working on the first turn": account.tracking(first_turn()),
    "working, seen at it": account.tracking(session(usage=SPENT), doing="running the tests"),
    "with an estimate": account.tracking(
        session(usage=SPENT), expected=Estimate(low_micro_usd=400_000, high_micro_usd=1_100_000, count=12)
    ),
    "fixing": account.tracking(session(turn_cause=Cause.FIX_CHECKS, checks=checks("failed"), usage=SPENT)),
    "addressing": account.tracking(session(turn_cause=Cause.ADDRESS_REVIEW, checks=checks("passed"), usage=SPENT)),
    "waiting for checks": account.tracking(session(AWAITING_CHECKS, checks=checks("pending"), usage=SPENT)),
    "waiting, none reported": account.tracking(session(AWAITING_CHECKS, checks=checks("none"), usage=SPENT)),
    "ready": account.tracking(session(AWAITING_REVIEW, checks=checks("passed"), usage=SPENT)),
    "asking": account.tracking(
        session(NEEDS_HUMAN, waiting_for=stops.checks_blocked(), checks=checks("blocked"), usage=SPENT)
    ),
    "with all boxes, and a plan that was accepted": account.tracking(
        session(
            NEEDS_HUMAN,
            waiting_for=stops.silence(3_600),
            published=(Round(head_sha=HEAD, title="Make it honk", summary="It honks."),),
            plan=replace(PLAN, text="Open it", accepted_by="alice"),
        ),
        plan_comment=77,
    ),
    "with a plan that waits": account.tracking(
        session(NEEDS_HUMAN, waiting_for=plans.WAITS, stuck_on="plan", plan=PLAN, pull_number=None)
    ),
    "with a plan that is written anew": account.tracking(first_turn(turn_cause=Cause.PLAN, plan=PLAN)),
    "merged": account.tracking(session(MERGED, usage=SPENT)),
    "merged, one part": account.tracking(session(MERGED, usage=SPENT, remaining=PARTS)),
    "closed": account.tracking(
        session(
            CLOSED,
            waiting_for=stops.stopped_by(
                "alice", "closed the pull request", "Reopen it, and I go on.", pull_number=PULL
            ),
        )
    ),
    "closed without a word": account.tracking(session(CLOSED)),
    "on a pull request of others": account.tracking(adopted(usage=SPENT)),
    "on a pull request of others, done": account.tracking(
        adopted(AWAITING_REVIEW, published=(Round(head_sha=HEAD, title="Fix", summary=""),), checks=checks("passed"))
    ),
    "on a pull request of others, at their commit": account.tracking(adopted(AWAITING_REVIEW, checks=checks("failed"))),
    "on a pull request of others, stopped": account.tracking(adopted(CLOSED)),
}
PLAIN = Submission(title="x", summary="It honks.")
DOUBTS = Judgement(
    remarks=(
        Remark(doubt="scope", text="It renames `Goose`, @alice.\n# Closes #1"),
        Remark(doubt="tests", text="`test_honk` expects less."),
        Remark(doubt="incomplete", text="Nothing honks on Windows."),
        Remark(doubt="risk", path="goose.py", line=7, text="The horn may be None"),
        Remark(doubt="risk", path="a`b.py", text="<img src=x> is read"),
        Remark(doubt="risk", text="Somewhere is a lock."),
    ),
    confidence="medium",
)
PULL_BODIES = {
    "whole": account.pull_body(session(submission=WHOLE, usage=SPENT)),
    "of three rounds": account.pull_body(
        session(
            submission=WHOLE,
            published=(
                Round(head_sha="1" * 40, title="Make it honk", summary="It was silent.", notes="The old horn is gone."),
                Round(head_sha="2" * 40, title="Honk on Windows, too", summary="CI said why.\n\nNow it does."),
            ),
            usage=SPENT,
        )
    ),
    "of two rounds, the first taken back": account.pull_body(
        session(
            submission=replace(WHOLE, notes="It is a horn now."),
            published=(
                Round(
                    head_sha="1" * 40,
                    title="Make it honk",
                    summary="It was silent.",
                    notes="The old horn is gone.",
                    undone_in="2" * 40,
                    undone_by="alice",
                ),
            ),
            usage=SPENT,
        )
    ),
    "of one round, taken back": account.pull_body(
        session(published=(Round(head_sha="1" * 40, title="Honk", summary="", undone_in="2" * 40, undone_by="alice"),))
    ),
    "refused hosts": account.pull_body(session(submission=WHOLE, usage=SPENT, refused=REFUSED)),
    "flaky": account.pull_body(session(submission=WHOLE, failures=FLAKY, usage=SPENT)),
    "without verifiers": account.pull_body(first_turn(submission=Submission(title="x", summary="It honks."))),
    "a second look found something": account.pull_body(session(submission=replace(WHOLE, judgement=DOUBTS))),
    "a second look found nothing": account.pull_body(first_turn(submission=replace(PLAIN, judgement=Judgement()))),
    "no second look": account.pull_body(
        first_turn(submission=replace(PLAIN, judgement=Judgement(missing="the model could not be had")))
    ),
    "lessons": account.pull_body(session(submission=PLAIN, lessons=(LEARNT, replace(LEARNT, number=2, kept_by="ann")))),
    "one part": account.pull_body(session(submission=PLAIN, remaining=PARTS, usage=SPENT)),
    "nothing handed in": account.pull_body(session()),
}
REVIEW = Review(
    summary="It opens the beak, @bob.",
    remarks=(
        reports_of.Remark(
            path="goose.py", first_line=3, last_line=3, severity="high", text="It stays shut.", suggestion="    open()"
        ),
        reports_of.Remark(path="a b.py", first_line=1, last_line=2, severity="low", text="Twice."),
    ),
    files=2,
)
URL = "https://github.com/acme/goose/issues/12"
REPORTS = {
    "answer": reports.answer(ANSWER, HEAD, url=URL),
    "review": reports.review(REVIEW, HEAD),
    "the lines of a review": "\n\n".join(each.body for each in reports.line_comments(REVIEW)),
    "a review that GitHub did not take": reports.review_as_comment(REVIEW, HEAD, url=URL),
    "nothing found": reports.nothing_found(replace(REVIEW, remarks=()), HEAD),
    "asked back": reports.asked_back("Which goose?"),
    "not made": reports.not_made("the model is overloaded."),
    "stopped": reports.stopped("alice"),
    "paused": reports.PAUSED,
    "spent": reports.SPENT,
    "gone": reports.GONE,
    "no pull request": reports.NO_PULL,
    "pull request ended": reports.PULL_ENDED,
}
ANSWERS = {
    "refusal": refusals.refusal("bob"),
    "refusal where admins rule": refusals.refusal("bob", needed="admin"),
    "obstacle": refusals.obstacle_refusal("`.github/honk.yml`: unknown key `limit`; known here: limits, rounds."),
    "closed issue": refusals.closed_issue_refusal(),
    "issue gone": refusals.issue_gone_refusal(),
    "nothing to undo": refusals.not_undone(refusals.NOTHING_TO_UNDO),
    "undo while a turn runs": refusals.not_undone(refusals.UNDO_WHILE_WORKING),
    "undo while a change is held": refusals.not_undone(refusals.UNDO_WHILE_HELD),
    "undo after a push": refusals.not_undone(refusals.UNDO_AFTER_PUSH),
    "undo while others push": refusals.not_undone(refusals.UNDO_OF_MOVED_BRANCH),
    "undo of what has ended": refusals.not_undone(refusals.undo_of_ended_pull(34)),
    "nothing to merge into": refusals.not_merged(refusals.NOTHING_TO_MERGE_INTO),
    "rebase while a turn runs": refusals.not_merged(refusals.MERGE_WHILE_WORKING),
    "rebase while something comes first": refusals.not_merged(refusals.MERGE_WHILE_WAITING),
    "rebase where the work has ended": refusals.not_merged(refusals.MERGE_AFTER_END),
    "rebase after a push": refusals.not_merged(refusals.MERGE_AFTER_PUSH),
    "rebase of what has ended": refusals.not_merged(refusals.merge_into_ended_pull(34)),
    "rebase of what goes elsewhere": refusals.not_merged(refusals.merge_of_other_base("next", "main")),
    "rebase where the base is gone": refusals.not_merged(refusals.base_gone("main")),
    "rebase where the branch has it all": refusals.not_merged(refusals.nothing_to_merge("main")),
    "the merge is another one": stops.effect_failed("Publish", refusals.MERGED_OTHERWISE),
    "conflict markers are left": stops.effect_failed("Publish", refusals.markers_left(["goose.py"])),
    "undo in vain": refusals.not_undone("later changes stand on it in `goose.py`: revert it by hand"),
    "a mistyped verb": answers.did_you_mean("stpo", "stop"),
    "no plan": plans.refusal(plans.NO_PLAN),
    "an empty plan": plans.refusal(plans.EMPTY),
    "a plan too long": plans.refusal(plans.TOO_LONG),
    "a plan waits": plans.refusal(plans.ALREADY_WAITS),
    "a plan for what is published": plans.refusal(plans.has_pull(34)),
    "the plan as it was written": plans.own_version(plans.edited_by_stranger("bob")),
    "the plan whose comment is gone": plans.own_version(plans.GONE),
    "foreign pull request": refusals.foreign_pull_refusal(),
    "pull request gone": refusals.pull_gone_refusal(),
    "nothing asked on a pull request": adoption.NOTHING_ASKED,
    "merged pull request": adoption.ended(pull(is_open=False, is_merged=True)),
    "closed pull request": adoption.ended(pull(is_open=False)),
    "pull request from a fork": adoption.from_fork(pull()),
    "pull request of a branch of ours": adoption.of_ours(pull(), 12),
    "pull request of a branch that is worked on": adoption.held(pull(head_branch="feature"), 12),
    "pull request of a protected branch": adoption.protected(pull(head_branch="re`lease")),
    "no session": answers.no_session_answer("honk"),
    "help": answers.help_text("honk"),
    "already working, first turn": answers.already_working(first_turn()),
    "already working": answers.already_working(session()),
    "status": answers.status_answer(session(AWAITING_REVIEW, checks=checks("passed"), usage=SPENT)),
    "ping": answers.here(
        "0.1", rights_of("alice", Permission.WRITE, Policy()), policy=Policy(), pause=None, obstacle=""
    ),
    "ping of one who may all, where it rests": answers.here(
        "0.1", rights_of("carol", Permission.ADMIN, Policy()), policy=Policy(), pause=Pause(login="carol"), obstacle=""
    ),
    "ping where no work would start": answers.here(
        "0.1", rights_of("alice", Permission.WRITE, Policy()), policy=Policy(), pause=None, obstacle="it is wrong."
    ),
    "nothing to fix": answers.nothing_to_fix(session(AWAITING_REVIEW, checks=checks("passed"))),
    "nothing to fix yet": answers.nothing_to_fix(session(AWAITING_CHECKS, checks=checks("pending"))),
    "what was spent": answers.what_was_spent(session(usage=SPENT)),
    "money allowed": answers.money_allowed(session(usage=SPENT, granted_micro_usd=2_500_000), 2_500_000),
    "too much money at once": refusals.too_much_at_once(500_000_000, 50_000_000),
    "lesson kept": lessons.kept((LEARNT,)),
    "lesson dropped": lessons.dropped((LEARNT,)),
    "lessons": lessons.listed((LEARNT, replace(LEARNT, number=2, kept_by="ann"))),
    "no lessons": lessons.listed(()),
    "no such lesson": lessons.unknown((LEARNT,)),
    "answer": answers.answer("The test was right; nothing has to be changed."),
    "answer without words": answers.answer(" "),
}
QUESTIONS = {
    "question": stops.question("Shall the goose honk at night, too?\n"),
    "stopped by money": stops.turn_stopped("the money is spent", limit="money"),
    "stopped by steps": stops.turn_stopped("100 steps are used up.", limit="steps"),
    "stopped by a failure": stops.turn_stopped("the model is overloaded.", limit=""),
    "nothing changed": stops.nothing_changed("The goose honks already."),
    "nothing changed, nothing said": stops.nothing_changed(""),
    "the base is merged": stops.merged(
        "main", "7" * 40, HEAD, summary=merged.submission("main", "7" * 40, could_run=True).summary
    ),
    "the base is merged, and could not be verified": merged.submission(
        "main", "7" * 40, could_run=False
    ).unverified_reason,
    "checks still failing": stops.checks_still_failing(session(fix_rounds=3), RED),
    "checks still failing after one": stops.checks_still_failing(tried(1), checks("failed")),
    "checks still failing after two": stops.checks_still_failing(tried(2), checks("failed")),
    "checks still failing, nothing was pushed": stops.checks_still_failing(
        replace(tried(1), published=()), checks("failed")
    ),
    "checks failing, no attempt allowed": stops.checks_still_failing(session(fix_rounds=0), checks("failed")),
    "checks unmoved": stops.checks_unmoved(tried(2), checks("failed")),
    "checks failed outside": stops.checks_outside(lost(1)),
    "checks failed outside, again, and many": stops.checks_outside(replace(lost(7), rerun=RERUN)),
    "checks were red before": stops.checks_red_before(RED, BASE),
    "locked out": stops.locked_out("the installation does not grant all of: checks: read."),
    "review rounds spent": stops.review_rounds_spent(10),
    "no review rounds": stops.review_rounds_spent(0),
    "checks blocked": stops.checks_blocked(),
    "checks silent": stops.checks_silent(("build", "test"), 6 * 3_600),
    "checks silent, nameless": stops.checks_silent((), 2_700),
    "publish failed": stops.effect_failed("Publish", "GitHub answered 403: protected branch."),
    "turn failed": stops.effect_failed("RunTurn", "the branch `main` does not exist"),
    "still a draft": stops.effect_failed("MarkReady", "GitHub answered 403"),
    "request waits": answers.request_waits("GitHub answered 502."),
    "request failed": answers.request_failed("GitHub answered 403: the app may not read checks."),
    "branch kept moving": stops.branch_kept_moving(),
    "silence": stops.silence(6_600),
    "queued": stops.queued(3),
    "queued, and nothing else is": stops.queued(0),
    "never begun": stops.never_begun(1, 86_400),
    "never begun, and nothing else is": stops.never_begun(0, 259_200),
    "reminder of a question": stops.reminder(session(NEEDS_HUMAN), 259_200),
    "reminder of a review": stops.reminder(session(AWAITING_REVIEW), 259_200),
    "threads not answered": stops.effect_failed("ReplyThreads", "GitHub answered 403"),
}
ENDINGS = {
    "merged": stops.ending(session(MERGED, usage=SPENT)),
    "merged, one part": stops.ending(session(MERGED, usage=SPENT, remaining=PARTS)),
    "stopped": stops.ending(
        session(
            CLOSED,
            usage=SPENT,
            waiting_for=stops.stopped_by("alice", "asked me to stop", stops.GO_ON, pull_number=PULL),
        )
    ),
    "stopped before a pull request": stops.ending(
        first_turn(
            status=CLOSED,
            waiting_for=stops.stopped_by("alice", "took the `honk` label off", stops.GO_ON, pull_number=None),
        )
    ),
    "closed, by whom we do not know": stops.stopped_by(
        "", "closed the pull request", stops.after_closed_pull(session()), pull_number=PULL
    ),
    "closed, of others": stops.stopped_by(
        "alice", "closed the pull request", stops.after_closed_pull(adopted()), pull_number=PULL
    ),
    "branch deleted": stops.branch_deleted(session(), "alice"),
    "branch of others deleted": stops.branch_deleted(adopted(), "alice"),
}
SECRET = Finding(kind="secrets", path="src/@goose.py", text="line 3 holds what looks like a secret (github-pat)")
FENCED = Finding(kind="tests", path="a.md", text="is edited", lines=("-```", "+````", " @alice"))
LARGE = Finding(kind="size", path="", text="120 files are changed; 100 are allowed in one change")
OPEN_HOLD = Hold(turn_id="7-12-1/turn-1", change_set_id="blob", findings=(PROTECTED, WEAKER, FENCED, SECRET, LARGE))
ACCEPTED = Hold(
    turn_id="7-12-1/turn-1",
    change_set_id="blob",
    findings=(PROTECTED, WEAKER),
    approvals=tuple(
        Approval(
            kind=kind,
            actor_id=2,
            login="alice",
            change_set_id="blob",
            at=datetime(2026, 1, 5, tzinfo=UTC),
            texts=consent.texts_of([finding]),
        )
        for kind, finding in zip(ACCEPTABLE, (PROTECTED, WEAKER), strict=False)
    ),
)
NAMED = Policy(approvers=("alice", "bob", "carol"))
HELD = {
    "everything": consent.held_back(OPEN_HOLD, reason="The old API is gone.\n\nSee #12, @bob.", policy=NAMED),
    "one thing, without a reason": consent.held_back(
        replace(OPEN_HOLD, findings=(PROTECTED,)), reason=" ", policy=Policy()
    ),
    "waiting": consent.waiting(OPEN_HOLD),
    "accepted in part": consent.still_open(
        replace(ACCEPTED, approvals=ACCEPTED.approvals[1:]), ["protected"], login="bob", policy=Policy()
    ),
    "nothing named": consent.still_open(OPEN_HOLD, [], login="bob", policy=NAMED),
    "nothing held": consent.nothing_held(),
    "in the pull request": account.pull_body(session(submission=WHOLE, held=ACCEPTED, usage=SPENT)),
}
PUSHED = {
    "whole": adoption.pushed(
        adopted(submission=WHOLE, lessons=(LEARNT, replace(LEARNT, number=2, kept_by="ann"))), HEAD
    ),
    "with what people accepted": adoption.pushed(adopted(submission=PLAIN, held=ACCEPTED), HEAD),
    "without words": adoption.pushed(adopted(), HEAD),
}
TO_THE_AGENT = {
    "edit": feedback_of_edit("The goose", "It should honk."),
    "push": feedback_of_push(HEAD),
    "check with a log": feedback_of_checks(checks("failed"))[0].body,
    "check without a log": feedback_of_checks(
        replace(RED, failed=(FailedCheck(name="test", conclusion="timed_out", url="https://ci.example/1"),))
    )[0].body,
    "held back": consent.to_the_agent(OPEN_HOLD),
    "the next part": parts.go_on_with(session(MERGED, remaining=PARTS)),
    "what is left": parts.to_the_agent(session(remaining=PARTS)),
    "check with nothing": feedback_of_checks(replace(RED, failed=RED.failed[:1]))[0].body,
}
SHORT = Shortage(
    whose="person", what="turns", name="alice", allowed=50, free_at=datetime(2026, 1, 6, 9, 30, tzinfo=UTC)
)
REFUSALS = {
    "a person's turns": refusals.quota_refusal(SHORT),
    "a person's only turn": refusals.quota_refusal(replace(SHORT, allowed=1)),
    "a repository's money": refusals.quota_holds(
        replace(SHORT, whose="repository", what="money", name="acme/goose", allowed=20_000_000)
    ),
    "a repository's month": refusals.quota_refusal(
        replace(SHORT, whose="repository", name="acme/goose", what="month", allowed=300_000_000)
    ),
    "an organisation's pull requests": refusals.quota_refusal(
        replace(SHORT, whose="organisation", what="pulls", name="acme", allowed=10, free_at=None)
    ),
    "too much waits": refusals.too_much_waits(),
    "paused": refusals.paused(Pause(login="carol", reason="Release day.")),
    "paused without a reason": refusals.paused(Pause(login="carol")),
    "paused by the operator": refusals.paused(Pause(login="", reason="upgrade", by_operator=True)),
    "paused everywhere": refusals.paused(Pause(login="", by_operator=True, is_everywhere=True)),
    "who may pause": refusals.switch_refusal("bob"),
    "not paused": refusals.not_paused(),
    "resumed": refusals.resumed(),
    "lost permission": refusals.lost_permission("alice"),
    "pushed by a stranger": refusals.strange_push("robot[bot]", HEAD),
    "pushed by we do not know whom": refusals.strange_push("", HEAD),
}
WAITS = {
    "lasts": account.tracking(
        session(), wait=Wait(whose="GitHub's", until=datetime(2026, 1, 2, 14, 5, tzinfo=UTC), waited_s=0)
    ),
    "over": account.tracking(session(), wait=Wait(whose="GitHub's", until=None, waited_s=2_988)),
    "several": account.tracking(session(MERGED), wait=Wait(whose="the model's", until=None, waited_s=7_000)),
    "not worth a word": account.tracking(session(), wait=Wait(whose="the model's", until=None, waited_s=59)),
}
UNTRUSTED = "E   assert '```' == '@ann closes #1 <!--'\n~~~\n/honk stop"
PROOFS = {
    "whole": WHOLE,
    "nothing to verify with": Submission(title="x", summary="y"),
    "passed": replace(WHOLE, verdicts=WHOLE.verdicts[:1], unverified_reason=""),
    "of every kind": replace(
        WHOLE,
        verdicts=(
            Verdict(command="make test", exit_code=0, duration_s=61.0, source="Makefile"),
            Verdict(command="mypy | cat", exit_code=127, duration_s=0.0, could_not_run=True, is_needed=False),
            Verdict(
                command="pytest",
                exit_code=1,
                duration_s=2.0,
                failures=("a", "b"),
                lines=UNTRUSTED,
                before=Before(exit_code=1, duration_s=2.1, failures=("a",)),
                source="pyproject.toml",
            ),
            Verdict(command="tsc", exit_code=2, duration_s=2.0, before=Before(exit_code=0, duration_s=3.0)),
            Verdict(
                command="npm run build",
                exit_code=1,
                duration_s=2.0,
                before=Before(exit_code=1, duration_s=3.0, failures=("x",)),
            ),
            Verdict(command="go test", exit_code=1, duration_s=2.0, failures=tuple(f"Test{n}" for n in range(25))),
        ),
    ),
    "more than fits": replace(
        WHOLE,
        verdicts=tuple(
            Verdict(command=f"check {n}", exit_code=1, duration_s=1.0, lines=f"E   {n} is wrong\n" * 1_000)
            for n in range(12)
        ),
    ),
    "a needed tool is missing": replace(
        WHOLE, verdicts=(Verdict(command="mvn test", exit_code=127, duration_s=0.0, could_not_run=True),)
    ),
}
SHORTER = {"more than fits": 3_000}
PROOF_PAGE = {
    name: f"{proof.conclusion(each)}: {proof.title(each)}\n\n{proof.summary(session(), each)[: SHORTER.get(name)]}"
    for name, each in PROOFS.items()
}
FLOOR = parse_floor({"limits": {"usd": 5}}, name="floor.yml")
LINES = {("limits",): 1, ("limits", "usd"): 2, ("verify",): 3, ("others",): 4}
WISHED = parse_policy({"limits": {"usd": 20}, "verify": [f"echo '|' {UNTRUSTED}"], "others": "quote"}, LINES)
RULES = tuple(explain(WISHED, LINES, FLOOR))
PROPOSALS = {
    "wrong": PolicyChange(mistakes=(Mistake(what="unknown key `limit`", line=3), Mistake(what="it is too large"))),
    "another policy": PolicyChange(before=tuple(explain(Policy(), {}, FLOOR)), after=RULES),
    "nothing else in force": PolicyChange(before=RULES, after=RULES),
    "mended": PolicyChange(before=None, after=RULES),
}
POLICIES = {
    **{
        name: f"{policies.title(each)}\n\n{policies.summary(each, in_force_on='main', elsewhere='v1')}"
        for name, each in PROPOSALS.items()
    },
    "in force": policies.in_force(RULES, ""),
    "in force by default": policies.in_force(tuple(explain(Policy(), {}, FLOOR)), ""),
    "none in force": policies.in_force((), "`.github/honk.yml`, line 3: unknown key `limit`"),
    "template": templates.left_to_people(f"<!-- fill in -->\n## What\n\n- [x] tested\n\n{UNTRUSTED}"),
}
PAGES = {
    "policies": POLICIES,
    "pushed": PUSHED,
    "proof": PROOF_PAGE,
    "refusals": REFUSALS,
    "held": HELD,
    "tracking": TRACKING,
    "pull_body": PULL_BODIES,
    "answers": ANSWERS,
    "reports": REPORTS,
    "questions": QUESTIONS,
    "endings": ENDINGS,
    "waits": WAITS,
    "to_the_agent": TO_THE_AGENT,
}
POSTED = [
    pytest.param(text, id=f"{page}: {title}")
    for page, texts in PAGES.items()
    if page != "to_the_agent"
    for title, text in texts.items()
]


@pytest.mark.parametrize("page", PAGES)
def test_wording_is_as_it_was_read(page: str):
    text = "\n\n".join(f"<!-- {title} -->\n\n{body}" for title, body in PAGES[page].items()) + "\n"
    path = GOLDEN / f"{page}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_a_proof_fits_into_a_check_run_whatever_was_printed():
    assert len(proof.summary(session(), PROOFS["more than fits"])) <= proof.MAX_CHARS
    assert "`honk replay --verify" in proof.summary(session(), PROOFS["more than fits"])


def test_every_golden_page_is_in_use():
    assert {path.stem for path in GOLDEN.glob("*")} == {*PAGES, "stops", "afterwards", "builds"}  # these are of others


CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b\s*:?\s*(?:[\w.-]+/[\w.-]+)?#(\d+)", re.IGNORECASE)
MENTION = re.compile(r"(?<![A-Za-z0-9_])@[A-Za-z0-9]")


def assert_harmless(text: str) -> None:
    assert parse_command(text) is None
    assert not MENTION.search(text)
    assert {int(number) for number in CLOSING.findall(text)} <= {ISSUE}


@pytest.mark.parametrize("text", POSTED)
def test_no_message_commands_us_calls_people_or_closes_another_issue(text: str):
    assert_harmless(text)


ORDERS = ["/honk stop", "/HONK", "@alice", "é@bob", "fixes #99", "Closes: acme/goose#99", "resolve GH-9"]
MARKUP = ["<!--", "-->", "&lt;", "\n", "\r", " ", "    ", "\u00a0", "> ", "`", "```", "~~~"]
nasty = st.lists(st.sampled_from([*ORDERS, *MARKUP, "a", "/", "@", "#1", "fix"]), max_size=12).map("".join)


@given(nasty)
def test_model_cannot_speak_through_us(text: str):
    loud = Submission(
        title=text,
        summary=text,
        notes=text,
        unverified_reason=text,
        replies=(Reply(thread_id="T", reply_to=1, body=text),),
    )
    tame = account.harmless_submission(loud)
    verdicts = (Verdict(command=text, exit_code=1, duration_s=0),)
    in_code = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\1[^\n]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
    for posted in (
        account.pull_body(session(submission=replace(tame, verdicts=verdicts))),
        stops.question(text),
        stops.nothing_changed(text),
        stops.turn_stopped(text, limit=""),
        stops.effect_failed("Publish", text),
        stops.checks_silent((text,), 60),
        account.tracking(session(), doing=text),
        tame.replies[0].body,
        tame.title,
        answers.answer(text),
    ):
        assert parse_command(posted) is None
        assert {int(number) for number in CLOSING.findall(posted)} <= {ISSUE}
        assert not MENTION.search(in_code.sub("", posted))


@pytest.mark.parametrize(
    ("micro_usd", "shown"),
    [
        (0, "$0.00"),
        (1, "less than $0.0001"),
        (100, "$0.0001"),
        (12_345, "$0.0123"),
        (99_999, "$0.1000"),
        (100_000, "$0.10"),
        (1_234_567_890, "$1,234.57"),
    ],
)
def test_money_is_readable(micro_usd: int, shown: str):
    assert figures.money(micro_usd) == shown


def test_tracking_comment_leads_to_its_record():
    assert "| On record | [step by step](https://honk.acme.com/s) |" in account.tracking(
        session(), page="https://honk.acme.com/s"
    )
    assert account.status_word(Status.NEEDS_HUMAN) == "Needs a human"


def test_in_a_commit_message_nothing_is_code():
    loud = Submission(title="Add `@alice` [skip ci]", summary="```\nfixes #99, @bob\n```\n\nskip-checks: true")
    assert account.commit_message(loud) == (
        "Add `@\u200balice` (skip ci)\n\n```\nfixes issue #99, @\u200bbob\n```\n\nskip-checks true"
    )


def test_one_of_a_thing_is_not_many():
    assert figures.cost(Usage(input_tokens=1, steps=1)) == "$0.00 · 1 token · 1 model call"
    assert figures.cost(Usage(input_tokens=1_000_000, steps=2)) == "$0.00 · 1,000,000 tokens · 2 model calls"


@pytest.mark.parametrize("status", Status)
def test_tracking_comment_names_who_is_next(status: Status):
    assert account.tracking(session(status)).startswith("**Honk · ")
