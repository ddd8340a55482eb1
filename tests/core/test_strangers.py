"""Accounts that are no people, and pushes of those who may not write: known by number, and heard a few times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from github_app.core import events as ev
from github_app.core.decisions import MAX_BOT_WORDS
from github_app.core.effects import RunTurn, Say
from github_app.core.machine import decide
from github_app.core.model import Actor, Permission
from github_app.core.policy import Floor, Policy, tighten
from github_app.core.session import Round, Session, Status
from tests.core.scene import (
    ALICE,
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BOB,
    CLOSED,
    HEAD,
    NEEDS_HUMAN,
    NEW,
    ROBOT,
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

ALLOWED = facts(Permission.NONE, policy=Policy(bots=(ROBOT.id,)))
STRANGE = facts(Permission.NONE, pull=pull(head_sha=NEW))
THIRD = "3" * 40


def push(**changes: Any) -> ev.BranchPushed:
    happened: ev.BranchPushed = event(ev.BranchPushed, **{"actor": ROBOT, **changes})
    return happened


def test_a_stranger_who_pushes_our_own_commit_again_stops_nothing():
    resting = session(AWAITING_REVIEW, published=(Round(head_sha=HEAD, title="t", summary="s"),))
    decision = decide(resting, push(after=HEAD), facts(Permission.NONE, pull=pull()))
    assert (decision.session, decision.effects) == (resting, ())


@pytest.mark.parametrize("status", [None, *Status])
@pytest.mark.parametrize("permission", [Permission.NONE, Permission.READ, Permission.TRIAGE])
@pytest.mark.parametrize("kind", get_args(ev.HubEvent))
def test_nothing_that_is_said_without_the_right_starts_or_steers(kind: type, permission: Permission, status: Any):
    """Whatever the event; where GitHub itself let somebody close, merge or delete, that is a fact."""
    before = session(status) if status else None
    actor = {} if kind is ev.ChecksChanged else {"actor": BOB}
    decision = decide(before, event(kind, **actor), facts(permission, pull=pull(head_sha=NEW)))
    assert not [effect for effect in decision.effects if isinstance(effect, RunTurn)]
    after = decision.session
    if before is not None and after is not None:
        assert (after.id, after.feedback, after.head_sha) == (before.id, before.feedback, before.head_sha)


class TestBots:
    def test_only_the_number_counts(self):
        twin = Actor(id=99, login=ROBOT.login, is_bot=True)
        for happened in (event(ev.IssueLabeled, actor=twin), command(text="Louder", actor=twin)):
            assert effects_of(decide(None, happened, ALLOWED)) == ""

    @pytest.mark.parametrize("happened", [event(ev.IssueLabeled, actor=ROBOT), command(text="Louder", actor=ROBOT)])
    def test_one_that_policy_names_starts_work(self, happened: Any):
        assert effects_of(decide(None, happened, ALLOWED)).endswith("RunTurn")

    def test_one_that_policy_names_is_still_no_person(self):
        for happened in (
            event(ev.ReviewSubmitted, actor=ROBOT),
            event(ev.IssueEdited, actor=ROBOT),
            event(ev.IssueUnlabeled, actor=ROBOT),
        ):
            decision = decide(session(AWAITING_REVIEW), happened, ALLOWED)
            assert (decision.session, decision.effects) == (session(AWAITING_REVIEW), ())

    @pytest.mark.parametrize("verb", ["help", "status", "stop", "retry"])
    def test_bots_get_no_answers_where_there_is_no_work(self, verb: Any):
        assert effects_of(decide(None, command(verb, actor=ROBOT), ALLOWED)) == ""

    def test_bots_alone_do_not_go_on_for_ever(self):
        now: Session | None = session(AWAITING_REVIEW)
        for number in range(MAX_BOT_WORDS):
            now = decide(now, command("status", actor=ROBOT, id=f"e{number}"), ALLOWED).session
        assert effects_of(decide(now, command(text="Louder", actor=ROBOT), ALLOWED)) == ""

        by_a_person = decide(now, command("status"), facts()).session
        assert effects_of(decide(by_a_person, command(text="Louder", actor=ROBOT), ALLOWED)).endswith("RunTurn")
        by_a_review = decide(now, event(ev.ReviewSubmitted), facts()).session
        assert by_a_review is not None
        assert by_a_review.bot_words == 0

    @pytest.mark.parametrize("stuck_on", ["money", "push", "permission", "approval", "checks"])
    @pytest.mark.parametrize("verb", ["do", "retry", "approve"])
    def test_bots_answer_no_question_that_was_put_to_people(self, stuck_on: str, verb: Any):
        asked = session(NEEDS_HUMAN, stuck_on=stuck_on, strange_sha=NEW)
        decision = decide(asked, command(verb, "all of it", actor=ROBOT), ALLOWED)
        assert (decision.session, decision.effects) == (asked, ())

    def test_bots_approve_nothing(self):
        decision = decide(session(AWAITING_REVIEW), command("approve", "all", actor=ROBOT), ALLOWED)
        assert decision.effects == ()

    def test_nor_by_starting_again_and_again(self):
        now: Session | None = None
        for number in range(MAX_BOT_WORDS):
            now = decide(now, event(ev.IssueLabeled, actor=ROBOT, id=f"e{number}"), ALLOWED).session
            assert now is not None
            now = replace(now, status=CLOSED, turn_id=None)
        again = decide(now, event(ev.IssueLabeled, actor=ROBOT), ALLOWED)
        assert (again.session, again.effects) == (now, ())
        assert effects_of(decide(now, event(ev.IssueLabeled), facts())).endswith("RunTurn MinimiseComments")

    def test_the_operator_says_which_bots_may_be_named(self):
        policy = Policy(bots=(5, 6))
        assert tighten(policy, Floor()).bots == (5, 6)
        assert tighten(policy, Floor(bots=(6,))).bots == (6,)
        assert tighten(policy, Floor(bots=())).bots == ()


class TestPushes:
    @pytest.mark.parametrize("status", AT_REST)
    @pytest.mark.parametrize("actor", [ROBOT, BOB])
    def test_who_may_not_write_is_not_built_on(self, status: Any, actor: Actor):
        asked = decide(session(status), push(actor=actor), STRANGE)
        assert asked.session is not None
        assert (asked.session.status, asked.session.stuck_on, asked.session.head_sha) == (NEEDS_HUMAN, "push", HEAD)
        assert effects_of(asked) == "Say ShowProgress"

        red = replace(STRANGE, checks=checks("failed", NEW))
        for later in (event(ev.Ticked), event(ev.ChecksChanged, head_sha=NEW), push(actor=actor, id="again")):
            rests = decide(asked.session, later, red)
            assert (rests.session, effects_of(rests)) == (asked.session, "")

    def test_who_writes_accepts_it(self):
        asked = decide(session(AWAITING_REVIEW), push(), STRANGE).session
        accepted = decide(asked, command("retry"), replace(STRANGE, permission=Permission.WRITE)).session
        assert accepted is not None
        assert (accepted.status, accepted.head_sha, accepted.strange_sha) == (WORKING, NEW, "")

    def test_words_that_may_be_older_than_the_question_accept_nothing(self):
        asked = decide(session(AWAITING_REVIEW), push(), STRANGE).session
        pinned = decide(asked, command(text="Louder"), replace(STRANGE, permission=Permission.WRITE)).session
        assert pinned is not None
        assert (pinned.status, pinned.head_sha, pinned.strange_sha) == (WORKING, HEAD, NEW)

    def test_a_second_push_is_a_second_question(self):
        asked = decide(session(AWAITING_REVIEW), push(), STRANGE).session
        newer = replace(STRANGE, pull=pull(head_sha=THIRD))
        # Said before the newer push was known: it accepts what was asked about, and publishing will see the rest.
        accepted = decide(asked, command("retry"), replace(newer, permission=Permission.WRITE)).session
        assert accepted is not None
        assert accepted.head_sha == NEW

        again = decide(asked, push(after=THIRD, id="e2"), newer)
        assert again.session is not None
        assert (again.session.strange_sha, effects_of(again)) == (THIRD, "Say ShowProgress MinimiseComments")

    def test_who_writes_accepts_it_by_pushing_on_top(self):
        asked = decide(session(AWAITING_REVIEW), push(), STRANGE).session
        on_top = facts(pull=pull(head_sha=THIRD))
        followed = decide(asked, push(actor=ALICE, after=THIRD), on_top).session
        assert followed is not None
        assert (followed.status, followed.head_sha, followed.strange_sha) == (AWAITING_CHECKS, THIRD, "")
        late = decide(session(AWAITING_CHECKS, head_sha=THIRD), push(), replace(STRANGE, pull=pull(head_sha=THIRD)))
        assert late.session == session(AWAITING_CHECKS, head_sha=THIRD)

    @pytest.mark.parametrize("happened", [push(actor=ALICE, after=HEAD, is_forced=True), event(ev.Ticked)])
    def test_who_takes_it_off_the_branch_has_the_work_go_on(self, happened: Any):
        asked = decide(session(AWAITING_REVIEW), push(), STRANGE).session
        off_again = facts(pull=pull(head_sha=HEAD))
        rests = decide(asked, happened, off_again).session
        assert rests is not None
        assert (rests.status, rests.stuck_on, rests.head_sha, rests.strange_sha) == (AWAITING_CHECKS, "", HEAD, "")

        retried = decide(asked, command("retry"), off_again).session
        assert retried is not None
        assert (retried.status, retried.head_sha, retried.strange_sha) == (WORKING, HEAD, "")

    def test_one_right_on_top_of_a_push_of_who_may_write_is_not_taken_for_theirs(self):
        before = session(AWAITING_REVIEW)
        early = decide(before, push(actor=ALICE, after=THIRD), facts(pull=pull(head_sha=NEW)))
        assert (early.session, early.effects) == (before, ())
        asked = decide(before, push(), STRANGE).session
        late = decide(asked, push(actor=ALICE, after=THIRD, id="e2"), facts(pull=pull(head_sha=NEW)))
        assert (late.session, late.effects) == (asked, ())

    def test_a_newer_head_that_nobody_told_us_of_is_another_question(self):
        asked = decide(session(AWAITING_REVIEW), push(), STRANGE).session
        again = decide(asked, event(ev.Ticked), facts(pull=pull(head_sha=THIRD)))
        assert again.session is not None
        assert (again.session.head_sha, again.session.strange_sha) == (HEAD, THIRD)
        assert effects_of(again) == "Say ShowProgress"

    def test_words_do_not_accept_what_a_turn_began_on_before_we_knew(self):
        asked = decide(session(head_sha=NEW), push(), STRANGE).session
        told = decide(asked, command(text="Louder"), replace(STRANGE, permission=Permission.WRITE))
        assert told.session is not None
        assert (told.session.stuck_on, effects_of(told)) == ("push", "React Say ShowProgress")
        assert [feedback.body for feedback in told.session.feedback] == ["Louder"]
        accepted = decide(told.session, command("retry"), replace(STRANGE, permission=Permission.WRITE)).session
        assert accepted is not None
        assert (accepted.status, accepted.head_sha, accepted.strange_sha) == (WORKING, NEW, "")

    def test_a_bot_that_policy_names_may(self):
        moved = decide(session(AWAITING_REVIEW), push(), replace(ALLOWED, pull=pull(head_sha=NEW))).session
        assert moved is not None
        assert (moved.status, moved.head_sha) == (AWAITING_CHECKS, NEW)

    def test_before_anything_is_published_the_branch_is_not_ours(self):
        assert decide(first_turn(), push(), STRANGE).session == first_turn()

    def test_a_running_turn_does_not_see_it_and_is_not_put_on_top_of_it(self):
        told = decide(session(), push(), STRANGE)
        assert told.session is not None
        assert (told.session.status, told.session.feedback, told.effects) == (WORKING, (), ())

        failed = event(ev.EffectFailed, head_sha=NEW, turn_id="7-12-1/turn-2")
        asked = decide(told.session, failed, facts(Permission.NONE))
        assert asked.session is not None
        assert asked.session.stuck_on == "push"
        assert not [effect for effect in asked.effects if isinstance(effect, RunTurn)]

    def test_a_turn_that_began_on_it_before_we_knew_is_withdrawn(self):
        asked = decide(session(head_sha=NEW), push(), STRANGE)
        assert asked.session is not None
        assert (asked.session.turn_id, asked.session.stuck_on) == (None, "push")

    def test_a_turn_that_ends_without_a_change_leaves_the_question(self):
        told = decide(session(), push(), STRANGE).session
        answered = decide(told, event(ev.TurnFinished, change_set_id=None), STRANGE)
        assert answered.session is not None
        assert (answered.session.head_sha, answered.session.stuck_on) == (HEAD, "push")
        assert effects_of(answered) == "Say Say ShowProgress"

    def test_what_is_left_unasked_is_asked_in_time(self):
        asked = decide(session(AWAITING_REVIEW, strange_sha=NEW), event(ev.Ticked), STRANGE)
        assert asked.session is not None
        assert asked.session.stuck_on == "push"
        assert "Somebody pushed" in "".join(effect.body for effect in asked.effects if isinstance(effect, Say))
