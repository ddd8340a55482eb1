"""Quotas: whose is used up is said, with words once; what was begun waits, and goes on when there is room."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import React, RemoveLabel, RunTurn, Say
from github_app.core.facts import Facts, asker_of
from github_app.core.machine import decide
from github_app.core.policy import Quota
from github_app.core.quotas import Load, Share, Shortage, find_shortage, find_shortage_of_money
from github_app.core.session import Cause, Pause, Session
from tests.core.scene import (
    ALICE,
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    CAROL,
    CLOSED,
    EVENT_KINDS,
    HEAD,
    MERGED,
    NEEDS_HUMAN,
    NEW,
    NOW,
    PULL,
    WORKING,
    checks,
    command,
    effects_of,
    event,
    facts,
    first_turn,
    pull,
    session,
)

LATER = NOW + timedelta(hours=3)
ALL = Quota(turns=3, cost_micro_usd=5_000_000, month_micro_usd=40_000_000, open_pulls=2)


def load(**changes: Any) -> Load:
    usual = Share(
        whose="person", name="alice", quota=ALL, turns_free_at=LATER, money_free_at=LATER + timedelta(hours=1)
    )
    return Load(shares=(replace(usual, **changes),), number=9)


FULL = facts(load=load(turns=3), asker=ALICE)


@pytest.mark.parametrize(
    ("used", "shortage"),
    [
        ({}, None),
        ({"turns": 2, "cost_micro_usd": 4_999_999, "open_pulls": 1}, None),
        ({"turns": 3}, Shortage(whose="person", what="turns", name="alice", allowed=3, free_at=LATER)),
        (
            {"cost_micro_usd": 5_000_000},
            Shortage(whose="person", what="money", name="alice", allowed=5_000_000, free_at=LATER + timedelta(hours=1)),
        ),
        (
            {"month_micro_usd": 40_000_000, "month_free_at": LATER},
            Shortage(whose="person", what="month", name="alice", allowed=40_000_000, free_at=LATER),
        ),
        ({"open_pulls": 2}, Shortage(whose="person", what="pulls", name="alice", allowed=2)),
        ({"quota": Quota(), "turns": 99, "cost_micro_usd": 10**9, "open_pulls": 99}, None),
        ({"quota": Quota(turns=0)}, Shortage(whose="person", what="turns", name="alice", allowed=0, free_at=LATER)),
    ],
)
def test_a_quota_is_used_up_when_there_is_no_room_for_one_more(used: dict[str, Any], shortage: Shortage | None):
    assert find_shortage(load(**used), opens_pull=True) == shortage


def test_no_limit_is_no_shortage():
    assert find_shortage(None, opens_pull=True) is None
    assert find_shortage_of_money(None) is None


def test_every_share_counts():
    shares = (Share(whose="person", name="alice"), Share(whose="repository", name="a/b", quota=ALL, turns=3))
    found = find_shortage(Load(shares=shares, number=1), opens_pull=False)
    assert found is not None
    assert found.whose == "repository"


def test_only_who_opens_a_pull_request_needs_room_for_it():
    assert find_shortage(load(open_pulls=2), opens_pull=False) is None


def test_a_turn_that_waited_has_its_place_and_needs_money():
    assert find_shortage_of_money(load(turns=3)) is None
    found = find_shortage_of_money(load(cost_micro_usd=5_000_000))
    assert found is not None
    assert found.what == "money"


@pytest.mark.parametrize("kind", [ev.IssueLabeled, ev.CommandIssued])
def test_a_start_beyond_the_quota_is_refused_with_words_once(kind: type):
    first = decide(None, event(kind), FULL)
    assert first.session is None
    assert effects_of(first) == "React Say RemoveLabel"
    assert [effect.content for effect in first.effects if isinstance(effect, React)] == ["confused"]
    assert first.refused == "quota"

    again = decide(None, event(kind), replace(FULL, told=frozenset({"quota"})))
    assert effects_of(again) == "React RemoveLabel"
    assert again.refused == ""


def test_a_start_that_takes_an_open_pull_request_over_needs_no_room_for_another():
    full = facts(load=load(open_pulls=2), pull=pull())
    assert " RunTurn " in effects_of(decide(session(CLOSED), command("retry"), full))
    assert effects_of(decide(session(MERGED), command("retry"), full)) == "React ShowProgress RunTurn MinimiseComments"
    assert "RunTurn" not in effects_of(decide(None, event(ev.IssueLabeled), full))


def test_a_round_beyond_the_quota_waits_with_all_it_was_told():
    red = replace(FULL, checks=checks("failed"))
    held = decide(session(AWAITING_CHECKS), event(ev.ChecksChanged), red)
    assert held.session is not None
    assert (held.session.status, held.session.stuck_on) == (NEEDS_HUMAN, "quota")
    assert held.session.turn_cause is Cause.FIX_CHECKS
    assert [feedback.kind for feedback in held.session.feedback] == ["checks"]
    assert effects_of(held) == "Say ShowProgress"

    still = decide(held.session, event(ev.Ticked), replace(red, pull=pull()))
    assert (still.session, still.effects) == (held.session, ())

    free = decide(held.session, event(ev.Ticked), facts(pull=pull(), checks=checks("failed")))
    assert free.session is not None
    assert (free.session.status, free.session.turn_cause) == (WORKING, Cause.FIX_CHECKS)
    assert free.session.feedback == held.session.feedback


def test_what_holds_it_up_is_shown_when_it_changes():
    held = decide(session(AWAITING_CHECKS), event(ev.ChecksChanged), replace(FULL, checks=checks("failed"))).session
    other = facts(load=load(cost_micro_usd=5_000_000), pull=pull())
    decision = decide(held, event(ev.Ticked), other)
    assert effects_of(decision) == "ShowProgress"
    assert decision.session is not None
    assert "$5.00" in decision.session.waiting_for


@pytest.mark.parametrize("status", AT_REST)
def test_words_beyond_the_quota_are_kept_and_the_answer_is_given_once(status: Any):
    held = decide(session(status), command(text="Louder"), FULL)
    assert effects_of(held) == "React Say ShowProgress"
    again = decide(held.session, command(text="Still louder", id="e2", comment_id=2), FULL)
    assert effects_of(again) == "React"
    assert again.session is not None
    assert [feedback.body for feedback in again.session.feedback] == ["Louder", "Still louder"]


def test_a_turn_is_for_who_asked_for_it():
    mine = session(AWAITING_CHECKS)
    by_carol = decide(mine, command(text="Louder", actor=CAROL), facts(asker=CAROL)).session
    by_ci = decide(mine, event(ev.ChecksChanged), facts(checks=checks("failed"), asker=ALICE)).session
    assert by_carol is not None
    assert by_ci is not None
    assert (by_carol.turn_asked_by, by_ci.turn_asked_by) == (CAROL, ALICE)


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_words_are_their_speakers_and_all_else_is_who_asked_first(kind: type):
    speaks = {ev.IssueLabeled, ev.IssueUnlabeled, ev.IssueEdited, ev.CommandIssued, ev.ReviewSubmitted}
    reopens = {ev.PullRequestReopened}
    actor = {"actor": CAROL} if kind in speaks | reopens else {}
    assert asker_of(session(), event(kind, **actor)) == (CAROL if actor else ALICE)
    assert asker_of(None, event(kind, **actor)) == (CAROL if actor else None)


@pytest.mark.parametrize("facts_then", [FULL, facts(pause=Pause(login="carol", reason=""))])
def test_a_turn_that_was_held_stays_the_turn_of_who_asked_for_it(facts_then: Facts):
    by_carol = replace(facts_then, asker=CAROL)
    held = decide(session(AWAITING_REVIEW), command(text="Louder", actor=CAROL), by_carol).session
    assert held is not None
    assert (held.status, held.requested_by, held.turn_asked_by) == (NEEDS_HUMAN, ALICE, CAROL)
    # Not on the first one's word and quota: she may have lost hers since, or used it up.
    assert asker_of(held, event(ev.Ticked)) == CAROL
    assert asker_of(held, event(ev.TurnStopped)) == CAROL
    assert asker_of(replace(held, stuck_on=""), event(ev.Ticked)) == ALICE
    assert asker_of(replace(held, turn_asked_by=None), event(ev.Ticked)) == ALICE


def test_a_turn_that_was_refused_its_start_says_why_and_waits():
    for limit in ("quota", "permission"):
        stopped = event(ev.TurnStopped, reason="No room.", limit=limit)
        decision = decide(session(WORKING), stopped, facts())
        assert decision.session is not None
        assert (decision.session.status, decision.session.stuck_on) == (NEEDS_HUMAN, limit)
        (said,) = (effect.body for effect in decision.effects if isinstance(effect, Say))
        assert said.startswith("No room.\n\nSo far: turn 2, ")


def test_who_retries_for_somebody_that_lost_the_right_takes_the_work_over():
    left = session(NEEDS_HUMAN, stuck_on="permission")
    after = decide(left, command("retry", actor=CAROL), facts(asker=CAROL)).session
    assert after is not None
    assert (after.requested_by, after.turn_asked_by, after.status) == (CAROL, CAROL, WORKING)


@pytest.mark.parametrize(
    ("before", "happened", "leaves"),
    [
        (session(), command("stop"), True),
        (session(), event(ev.IssueUnlabeled), True),
        (session(), event(ev.IssueClosed), True),
        (first_turn(), command("stop"), False),
        (session(), event(ev.PullRequestClosed), False),
        (session(), event(ev.BranchPushed, after=None), False),
    ],
)
def test_a_pull_request_that_stays_open_still_counts(before: Session, happened: Any, leaves: bool):
    ended = decide(before, happened, facts()).session
    assert ended is not None
    assert ended.status is CLOSED
    assert ended.holds_pull is leaves


def test_it_counts_until_it_is_closed():
    left = session(CLOSED, leaves_pull=True)
    gone = decide(left, event(ev.PullRequestClosed), facts()).session
    other = decide(left, event(ev.PullRequestClosed, pull_number=99), facts()).session
    late = decide(session(CLOSED), event(ev.Published, head_sha=NEW), facts()).session
    assert gone is not None
    assert other is not None
    assert late is not None
    assert (gone.holds_pull, other.holds_pull, late.holds_pull) == (False, True, True)


def test_who_works_towards_a_pull_request_holds_its_place():
    assert first_turn().holds_pull
    assert not first_turn(status=NEEDS_HUMAN, turn_id=None).holds_pull
    assert session(NEEDS_HUMAN).holds_pull


def test_the_refusal_is_posted_where_it_was_asked():
    decision = decide(session(MERGED), command(is_pull=True, number=PULL), FULL)
    assert [effect.number for effect in decision.effects if isinstance(effect, Say)] == [PULL]
    assert not [effect for effect in decision.effects if isinstance(effect, RunTurn)]
    assert [effect for effect in decision.effects if isinstance(effect, RemoveLabel)]
    assert HEAD
