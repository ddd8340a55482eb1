"""The switch: people who maintain a repository pause it and have it go on; meanwhile nothing starts or is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.commands import Verb
from github_app.core.effects import PauseRepository, ResumeRepository, Say
from github_app.core.facts import Facts
from github_app.core.machine import decide
from github_app.core.model import Permission
from github_app.core.session import Cause, Pause, Session
from tests.core.scene import (
    ALICE,
    AT_REST,
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    BOB,
    NEEDS_HUMAN,
    NOW,
    OPEN,
    ROBOT,
    WORKING,
    checks,
    command,
    effects_of,
    event,
    facts,
    pull,
    session,
    words,
)

SWITCHED_OFF = Pause(login="carol", reason="release")
OPERATORS = Pause(login="", by_operator=True, is_everywhere=True)
PAUSED = facts(pause=SWITCHED_OFF, asker=ALICE)
SESSIONS = [None, session(), session(AWAITING_CHECKS)]


def maintaining(**changes: Any) -> Facts:
    return facts(Permission.MAINTAIN, **changes)


@pytest.mark.parametrize("before", SESSIONS, ids=str)
def test_who_maintains_the_repository_pauses_it_and_has_it_go_on(before: Session | None):
    off = decide(before, command("pause", "release"), maintaining())
    assert off.session == before
    assert PauseRepository(login="alice", reason="release") in off.effects
    assert effects_of(off) == "React PauseRepository Say"

    on = decide(before, command("resume"), maintaining(pause=SWITCHED_OFF))
    assert effects_of(on) == "React ResumeRepository Say"
    assert ResumeRepository() in on.effects


@pytest.mark.parametrize("before", SESSIONS, ids=str)
@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_who_only_writes_is_told_once_who_may(before: Session | None, verb: Verb):
    decision = decide(before, command(verb), facts(Permission.WRITE, pause=SWITCHED_OFF))
    assert (effects_of(decision), decision.refused) == ("React Say", "switch")
    again = decide(before, command(verb), facts(Permission.WRITE, told=frozenset({"switch"})))
    assert effects_of(again) == "React"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_bots_switch_nothing(verb: Verb):
    assert effects_of(decide(session(), command(verb, actor=ROBOT), maintaining())) == ""


def test_nothing_is_switched_twice():
    again = decide(None, command("pause"), maintaining(pause=SWITCHED_OFF))
    assert effects_of(again) == "React Say"
    assert effects_of(decide(None, command("resume"), maintaining())) == "React Say"


def test_the_operators_pause_is_the_operators_to_lift():
    decision = decide(None, command("resume"), maintaining(pause=OPERATORS))
    assert effects_of(decision) == "React Say"
    assert "operator" in "".join(effect.body for effect in decision.effects if isinstance(effect, Say))


def test_a_start_while_paused_is_kept_and_goes_on_afterwards():
    held = decide(None, event(ev.IssueLabeled), PAUSED)
    assert held.session is not None
    assert (held.session.status, held.session.stuck_on, held.session.turns) == (NEEDS_HUMAN, "pause", 0)
    assert effects_of(held) == "React Say ShowProgress"
    assert "`carol` paused me" in held.session.waiting_for

    assert decide(held.session, event(ev.Ticked), PAUSED).session == held.session

    on = decide(held.session, event(ev.Ticked), facts())
    assert on.session is not None
    assert (on.session.status, on.session.turn_cause) == (WORKING, Cause.IMPLEMENT)


@pytest.mark.parametrize("status", AT_REST)
def test_words_while_paused_are_kept_and_answered_once(status: Any):
    held = decide(session(status), command(text="Louder"), PAUSED)
    assert held.session is not None
    assert held.session.feedback
    assert effects_of(held) == "React Say ShowProgress"
    again = decide(held.session, command(text="Softer", id="e2", comment_id=2), PAUSED)
    assert effects_of(again) == "React"

    on = decide(again.session, event(ev.Ticked), facts(pull=pull()))
    assert on.session is not None
    assert [feedback.body for feedback in on.session.feedback] == ["Louder", "Softer"]
    assert on.session.status is WORKING


def test_reviews_while_paused_are_kept_and_are_no_rounds():
    held = decide(session(AWAITING_REVIEW), event(ev.ReviewSubmitted), PAUSED).session
    for number in range(20):
        held = decide(held, event(ev.ReviewSubmitted, id=f"e{number}", review_id=100 + number), PAUSED).session
    assert held is not None
    assert (held.stuck_on, len(held.feedback), held.review_rounds) == ("pause", 21, 1)
    on = decide(held, event(ev.ReviewSubmitted, id="last", review_id=200), facts()).session
    assert on is not None
    assert (on.status, on.turn_cause) == (WORKING, Cause.ADDRESS_REVIEW)


def test_ci_rounds_rest_too():
    held = decide(session(AWAITING_CHECKS), event(ev.ChecksChanged), replace(PAUSED, checks=checks("failed")))
    assert held.session is not None
    assert held.session.stuck_on == "pause"


def test_a_turn_that_was_stopped_by_the_pause_goes_on_when_it_is_over():
    stopped = event(ev.TurnStopped, reason="`carol` paused me.", limit="pause")
    held = decide(session(feedback=(words(),)), stopped, PAUSED)
    assert held.session is not None
    assert (held.session.status, held.session.stuck_on) == (NEEDS_HUMAN, "pause")
    assert held.session.feedback == (words(),)
    on = decide(held.session, event(ev.Ticked), facts(pull=pull()))
    assert effects_of(on) == "ShowProgress RunTurn MinimiseComments"

    at_once = decide(session(), stopped, facts())
    assert effects_of(at_once) == "ShowProgress RunTurn"


def test_no_time_passes_for_what_waits_to_be_published():
    late = replace(PAUSED, now=NOW + timedelta(days=3), pull=pull())
    decision = decide(session(), event(ev.Ticked), late)
    assert decision.session is not None
    assert (decision.session.status, decision.session.status_since) == (WORKING, late.now)


@pytest.mark.parametrize("status", OPEN)
def test_stop_works_while_paused(status: Any):
    assert effects_of(decide(session(status), command("stop"), PAUSED)).endswith("DiscardWorkspace")


def test_strangers_are_refused_as_ever():
    assert effects_of(decide(None, command(actor=BOB), facts(Permission.READ, pause=SWITCHED_OFF))) == "React Say"
