"""Questions about Honk itself are answered wherever they are asked, with or without work at the place."""

from __future__ import annotations

import pytest

from github_app.core.effects import Say
from github_app.core.explanation import explain
from github_app.core.facts import Facts, Need, needs
from github_app.core.machine import decide
from github_app.core.model import Permission
from github_app.core.policy import Floor, Policy
from github_app.core.session import Pause, Session
from tests.core.scene import AWAITING_REVIEW, BOB, CLOSED, WORKING, command, effects_of, facts, session

RULES = tuple(explain(Policy(), {}, Floor()))


def answer(before: Session | None, verb: str, known: Facts) -> str:
    decision = decide(before, command(verb), known)  # type: ignore[arg-type]
    assert decision.session is None or decision.session.status is (before and before.status)
    assert effects_of(decision) == "React Say"
    [say] = [each for each in decision.effects if isinstance(each, Say)]
    return say.body


@pytest.mark.parametrize("before", [None, session(WORKING), session(AWAITING_REVIEW), session(CLOSED)])
@pytest.mark.parametrize(
    ("verb", "words"), [("ping", "I work in this repository."), ("config", "all is as it is by default"), ("help", "|")]
)
def test_they_are_answered_in_any_state_and_nothing_starts(before, verb, words):
    assert words in answer(before, verb, facts(rules=RULES))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (facts(pause=Pause(login="carol", reason="release")), "paused me in this repository"),
        (facts(obstacle="`.github/honk.yml`, line 3: no"), "No work would start in this repository"),
        (facts(), "`alice`, with write access you may start"),
        (facts(), "but protected paths: those wait for people who maintain the repository"),
        (facts(policy=Policy(approvers=("carol",))), "those wait for `carol`"),
        (facts(Permission.MAINTAIN), "protected paths, too"),
    ],
)
def test_a_ping_says_whether_work_is_done_here_and_what_one_may(known, words):
    assert words in answer(None, "ping", known)


def test_who_may_not_steer_gets_the_refusal_and_no_answer():
    decision = decide(None, command("ping", actor=BOB), facts(Permission.READ))
    assert decision.refused == "authority"


def test_the_rules_are_looked_up_for_who_asks_after_them_alone():
    assert needs(None, command("config")) & Need.RULES
    assert needs(session(WORKING), command("config")) & Need.RULES
    assert not needs(session(WORKING), command("ping")) & Need.RULES
