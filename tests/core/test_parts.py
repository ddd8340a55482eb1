"""A task too large for one review: what is left is told, stays the issue's, and begins on a word after the merge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_app.core import events as ev
from github_app.core.effects import Say
from github_app.core.machine import decide
from github_app.core.messages import account
from github_app.core.model import Permission
from github_app.core.parts import MAX_PART_CHARS, MAX_PARTS
from github_app.core.session import Cause, Session, Submission
from tests.core.scene import (
    ALICE,
    AWAITING_REVIEW,
    BOB,
    CLOSED,
    ISSUE,
    MERGED,
    PULL,
    WORKING,
    Row,
    cases,
    check,
    command,
    event,
    facts,
    issue,
    row,
    session,
)

PARTS = ("The ducks", "The geese")

ROWS = [
    row(session(MERGED, remaining=PARTS), "go", command("go"), to=WORKING, does="React ShowProgress RunTurn",
        why="asked for it and may"),
    row(session(MERGED, remaining=PARTS), "go under the pull request", command("go", is_pull=True, number=PULL),
        to=WORKING, does="React ShowProgress RunTurn", why="asked for it and may"),
    row(session(MERGED, remaining=PARTS), "go by somebody who may not", command("go", actor=BOB),
        facts=facts(Permission.READ), does="React Say", why="read access only"),
    row(session(MERGED, remaining=PARTS), "go where the issue is closed", command("go"),
        facts=facts(issue=issue(is_open=False)), does="React Say RemoveLabel", why="closed"),
    row(session(MERGED), "go with nothing left", command("go"), does="React Say", why="no plan waits"),
    row(session(CLOSED, remaining=PARTS), "go after work that was stopped", command("go"), does="React Say",
        why="no plan waits"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_parts(each: Row, before: Session | None):
    check(each, before)


def submitted(remaining: tuple[str, ...] | None, before: tuple[str, ...] = ()) -> Session:
    said = Submission(title="Make the swans honk", summary="They were silent.", remaining=remaining)
    finished = event(ev.TurnFinished, submission=said)
    after = decide(session(WORKING, remaining=before), finished, facts()).session
    assert after is not None
    return after


def test_what_is_left_is_as_it_was_said_last():
    assert submitted(PARTS).remaining == PARTS
    assert submitted(None, PARTS).remaining == PARTS
    assert submitted(("The geese",), PARTS).remaining == ("The geese",)
    assert submitted((), PARTS).remaining == ()


def test_what_is_left_is_bounded_and_nothing_in_it_acts():
    left = submitted(("Closes #1\n\n# and @ann", " ", *(["x" * 1_000] * 30))).remaining
    assert len(left) == MAX_PARTS - 1
    assert max(map(len, left)) <= MAX_PART_CHARS
    assert "\n" not in left[0]
    assert "@ann" not in left[0]


def test_the_merge_closes_the_issue_only_if_nothing_is_left():
    assert account.pull_body(submitted(PARTS)).startswith(f"Part of #{ISSUE}\n")
    assert "Closes" not in account.pull_body(submitted(PARTS))
    assert account.pull_body(submitted(())).startswith(f"Closes #{ISSUE}\n")


def test_the_merge_says_what_is_left():
    merged = event(ev.PullRequestClosed, is_merged=True)
    decision = decide(session(AWAITING_REVIEW, remaining=PARTS), merged, facts())
    [said] = [effect.body for effect in decision.effects if isinstance(effect, Say)]
    assert "1. The ducks\n2. The geese" in said
    assert "`/honk go`" in said


def test_the_next_part_knows_what_was_left_and_begins_anew():
    before = replace(session(MERGED, remaining=PARTS), plan=None)
    after = decide(before, command("go"), facts()).session
    assert after is not None
    [words] = after.feedback
    assert "2. The geese" in words.body
    assert words.author == ALICE.login
    assert after.turn_cause is Cause.IMPLEMENT
    assert (after.pull_number, after.remaining) == (None, ())
    assert after.branch != before.branch
