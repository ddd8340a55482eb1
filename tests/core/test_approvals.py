"""Change sets that are held back, and people who accept what is in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import consent
from github_app.core import events as ev
from github_app.core.effects import Publish, Say
from github_app.core.holds import Approval, Finding, Hold, hold_back
from github_app.core.machine import Decision, decide
from github_app.core.model import Actor, Permission
from github_app.core.policy import Policy
from github_app.core.session import Session
from tests.core.scene import (
    ALICE,
    AT_REST,
    BOB,
    CAROL,
    CLOSED,
    NEEDS_HUMAN,
    NEW,
    NONE,
    NOT_OPEN,
    NOW,
    OPEN,
    PROTECTED,
    PULL,
    ROBOT,
    SUBMISSION,
    TERMINAL,
    WEAKER,
    WORKING,
    Row,
    cases,
    check,
    command,
    effects_of,
    event,
    facts,
    row,
    rows_of,
    session,
)

TURN = "7-12-1/turn-1"
HELD = Hold(turn_id=TURN, change_set_id="blob", findings=(PROTECTED, WEAKER))
WEAK = Hold(turn_id=TURN, change_set_id="blob", findings=(WEAKER,))


def held(hold: Hold = HELD, **changes: Any) -> Session:
    return session(NEEDS_HUMAN, held=hold, stuck_on="approval", submission=SUBMISSION, **changes)


def approve(words: str, **changes: Any) -> ev.CommandIssued:
    return command("approve", words, **changes)


def said(decision: Decision) -> str:
    return "\n".join(effect.body for effect in decision.effects if isinstance(effect, Say))


def hold_of(decision: Decision) -> Hold:
    assert decision.session is not None
    assert decision.session.held is not None
    return decision.session.held


ADMIN = facts(Permission.ADMIN)
SAYS = "React Say"
ROWS = [
    rows_of([WORKING], "the agent hands in what a human must accept",
        event(ev.TurnFinished, findings=(WEAKER,)), does="Say ShowProgress", to=NEEDS_HUMAN, why="held back: tests"),
    rows_of([WORKING], "something is found only at publishing",
        event(ev.ChangeSetHeld), does="Say ShowProgress", to=NEEDS_HUMAN, why="held back: protected"),
    rows_of(AT_REST, "news of a change set that is not in force", event(ev.ChangeSetHeld),
        does="", why="that turn is not in force"),
    rows_of(NOT_OPEN, "news of a change set", event(ev.ChangeSetHeld), does="", why="no open session"),
    rows_of(OPEN, "an approval where nothing is held", approve("all"), does=SAYS, why="nothing is held back"),
    rows_of([NONE], "an approval where nothing ever was", approve("all"), does=SAYS, why="no work to speak of"),
    rows_of(TERMINAL, "an approval after the end", approve("all"), does=SAYS, why="ended"),
    row(held(), "an approval by nobody in particular", approve("all", actor=BOB),
        does="React Say", facts=facts(Permission.READ), why="read access only"),
    row(held(), "all is accepted by somebody who may", approve("all"), does="React ShowProgress Publish", to=WORKING,
        facts=ADMIN, why="`alice` accepted what was held back"),
    row(held(WEAK), "a kind is accepted by somebody with write access", approve("tests"),
        does="React ShowProgress Publish", to=WORKING, why="accepted"),
    row(held(), "one kind of two is accepted", approve("tests"), does=SAYS, why="accepted: tests; open: protected"),
    row(held(), "all is accepted by somebody who may not accept all", approve("all"), does=SAYS,
        why="accepted: tests; open: protected"),
    row(held(), "what is accepted is not named", approve(""), does=SAYS, why="accepted: nothing"),
    row(held(), "what is accepted is no kind", approve("test"), does=SAYS, why="accepted: nothing"),
    row(held(), "words instead", command(text="Leave CI alone"), does="React ShowProgress RunTurn", to=WORKING,
        why="gave an instruction"),
    row(held(), "a retry, with nothing accepted", command("retry"), does="React ShowProgress RunTurn", to=WORKING,
        why="try again"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_row(each: Row, before: Session | None):
    check(each, before)


def test_the_question_has_all_that_is_needed_to_decide():
    finished = event(ev.TurnFinished, findings=(PROTECTED, WEAKER), submission=replace(
        SUBMISSION, needs_approval="The workflow installs the old goose."))  # fmt: skip
    decision = decide(session(WORKING), finished, facts(policy=Policy(approvers=("alice", "carol"))))
    text = said(decision)
    for words in (
        "`.github/workflows/ci.yml`", "`alice` or `carol` can accept", "-def test_honk():",
        "> The workflow installs the old goose.", "`/honk approve protected tests` (or `all`)",
    ):  # fmt: skip
        assert words in text
    assert decision.session is not None
    assert decision.session.waiting_for == consent.waiting(hold_of(decision))
    assert (hold_of(decision).turn_id, hold_of(decision).change_set_id) == ("7-12-1/turn-2", "blob")


def test_who_decides_sees_what_is_there():
    lines = ("-assert honk() == 1 \u202e# fine", "+x\u200b = 1\x1b[2K", "+a\rcc @alice")
    found = Finding(kind="tests", path="t.py", text="weaker", lines=lines)
    text = consent.held_back(
        hold_back(None, turn_id="t", change_set_id="c", findings=(found,)), reason="", policy=Policy()
    )
    assert "  -assert honk() == 1 \\u202e# fine\n  +x\\u200b = 1\\x1b[2K\n  +a cc @\u200balice\n  ```" in text


def test_what_is_published_is_what_was_accepted_and_the_record_says_by_whom():
    decision = decide(held(), approve("all", actor=CAROL), ADMIN)
    assert decision.effects[-1] == Publish(turn_id=TURN, change_set_id="blob")
    assert decision.session is not None
    assert (decision.session.turn_id, decision.session.waiting_for) == (TURN, "")
    assert [(a.kind, a.login, a.actor_id, a.change_set_id, a.at) for a in hold_of(decision).approvals] == [
        ("protected", "carol", CAROL.id, "blob", NOW),
        ("tests", "carol", CAROL.id, "blob", NOW),
    ]
    published = decide(decision.session, event(ev.Published, turn_id=TURN), facts())
    assert published.session is not None
    assert published.session.held is None
    assert [a.kind for a in published.session.published[-1].approvals] == ["protected", "tests"]


def test_two_people_accept_a_kind_each_and_once():
    first = decide(held(), approve("tests tests"), facts())
    again = decide(first.session, approve("tests", actor=CAROL), facts())
    assert hold_of(again) == hold_of(first)
    assert "`/honk approve protected`" in said(again)
    last = decide(again.session, approve("all", actor=CAROL), ADMIN)
    assert [(a.kind, a.login) for a in hold_of(last).approvals] == [("tests", "alice"), ("protected", "carol")]
    assert effects_of(last) == "React ShowProgress Publish"


def test_an_approval_that_comes_twice_or_late_is_harmless():
    accepted = decide(held(WEAK), approve("all"), facts())
    assert effects_of(decide(accepted.session, approve("all"), facts())) == SAYS
    again = decide(held(), command(text="Do it otherwise"), facts())
    assert again.session is not None
    late = decide(again.session, approve("all"), ADMIN)
    assert effects_of(late) == SAYS
    assert late.session == again.session


def test_an_approval_is_for_that_change_set_and_no_later_one():
    accepted = decide(held(WEAK), approve("all"), facts()).session
    assert accepted is not None
    moved = event(ev.EffectFailed, turn_id=TURN, head_sha=NEW)
    anew = decide(accepted, moved, facts()).session
    assert anew is not None
    handed_in = event(ev.TurnFinished, findings=(WEAKER,), change_set_id="other")
    asked = decide(anew, handed_in, facts())
    assert hold_of(asked).approvals == ()
    assert effects_of(asked) == "Say ShowProgress"


def test_what_was_accepted_can_be_published_again_after_a_failure():
    accepted = decide(held(WEAK), approve("all"), facts()).session
    failed = decide(accepted, event(ev.EffectFailed, turn_id=TURN), facts())
    assert failed.session is not None
    assert failed.session.stuck_on == "approval"
    published = "React ShowProgress Publish MinimiseComments"
    assert effects_of(decide(failed.session, command("retry"), facts())) == published
    assert effects_of(decide(failed.session, approve("all"), facts())) == published


def test_more_that_is_found_at_publishing_is_asked_for_and_what_was_accepted_stays():
    one = hold_back(None, turn_id=TURN, change_set_id="blob", findings=(WEAKER, PROTECTED))
    approvals = tuple(
        Approval(kind=kind, actor_id=2, login="alice", change_set_id="blob", at=NOW) for kind in one.kinds
    )
    one = replace(one, approvals=approvals)
    secret = Finding(kind="secrets", path="a", text="line 1 holds a key")
    other = replace(WEAKER, path="tests/test_duck.py")
    more = hold_back(one, turn_id=TURN, change_set_id="blob", findings=(WEAKER, other, PROTECTED, secret))
    assert more.open_kinds == ("tests", "secrets")
    assert more.accepted == (PROTECTED,)
    assert hold_back(one, turn_id=TURN, change_set_id="another", findings=(WEAKER,)).approvals == ()


@pytest.mark.parametrize(
    ("actor", "permission", "approvers", "may"),
    [
        (ALICE, Permission.WRITE, (), False),
        (ALICE, Permission.MAINTAIN, (), True),
        (ALICE, Permission.ADMIN, (), True),
        (ALICE, Permission.WRITE, ("Alice",), True),
        (ALICE, Permission.READ, ("alice",), False),
        (CAROL, Permission.ADMIN, ("alice",), False),
        (ROBOT, Permission.ADMIN, ("robot[bot]",), False),
    ],
)
def test_protected_paths_have_named_approvers(
    actor: Actor, permission: Permission, approvers: tuple[str, ...], may: bool
):
    policy = Policy(approvers=approvers)
    assert consent.may_accept("protected", actor, permission, policy) is may
    assert consent.may_accept("tests", actor, permission, policy) is (
        permission >= Permission.WRITE and not actor.is_bot
    )


def test_a_session_that_ends_holds_nothing():
    ended = decide(held(), event(ev.IssueClosed), facts()).session
    assert ended is not None
    assert (ended.status, ended.held) == (CLOSED, None)


def test_where_the_answer_goes_is_where_it_was_asked():
    decision = decide(held(), approve("tests", number=PULL, is_pull=True), facts())
    assert [effect.number for effect in decision.effects if isinstance(effect, Say)] == [PULL]
