"""What was published is taken back on a word: one round at a time, by a commit on top, and people say how to go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.commands import Command
from github_app.core.effects import Say, Undo
from github_app.core.machine import decide
from github_app.core.messages.account import revert_message
from github_app.core.model import Permission
from github_app.core.policy import Policy
from github_app.core.session import Round, Session
from tests.core.scene import (
    AT_REST,
    AWAITING_REVIEW,
    BASE,
    BOB,
    CLOSED,
    HEAD,
    NEEDS_HUMAN,
    NEW,
    NONE,
    OPEN,
    PULL,
    ROBOT,
    SUBMISSION,
    TERMINAL,
    WORKING,
    Row,
    cases,
    check,
    checks,
    command,
    event,
    facts,
    pull,
    row,
    rows_of,
    session,
    words,
)

FIRST = Round(head_sha=BASE, title="Make the goose honk", summary="It honks now.")
SECOND = Round(head_sha=HEAD, title="Honk louder", summary="It is louder.")
HERE = facts(pull=pull())
UNDO = command("undo", is_pull=True, number=PULL)


def published(status: Any = AWAITING_REVIEW, **more: Any) -> Session:
    """A session with two rounds on its branch."""
    return session(status, **{"published": (FIRST, SECOND), "submission": SUBMISSION, "leaves_pull": True, **more})


def failed(reason: str = "later changes stand on it in `goose.py`: revert it by hand", **more: Any) -> ev.EffectFailed:
    found: ev.EffectFailed = event(ev.EffectFailed, effect_kind="Undo", reason=reason, **more)
    return found


ROWS = [
    *(row(published(status), "undo", UNDO, facts=HERE, does="React Undo", why="`alice` had the last round taken back")
      for status in (*AT_REST, CLOSED)),
    row(published(), "undo on the issue", command("undo"), facts=HERE, does="React Undo", why="taken back"),
    row(published(), "undo in a review", event(ev.ReviewSubmitted, body="/honk undo", command=Command(verb="undo")),
        facts=HERE, does="Undo", why="taken back"),
    row(published(WORKING), "undo while a turn runs", UNDO, facts=HERE, does="React Say", why="nothing that can be"),
    row(published(NEEDS_HUMAN, stuck_on="approval"), "undo while a change is held", UNDO, facts=HERE,
        does="React Say", why="nothing that can be"),
    row(published(), "undo after somebody pushed", UNDO, facts=facts(pull=pull(head_sha=NEW)),
        does="React Say", why="nothing that can be"),
    row(published(CLOSED), "undo after somebody pushed to what a stopped session left", UNDO,
        facts=facts(pull=pull(head_sha=NEW)), does="React Undo", why="taken back"),
    rows_of(TERMINAL, "undo of what is merged", UNDO, facts=facts(pull=pull(is_open=False, is_merged=True)),
            does="React Say", why="nothing that can be"),
    rows_of([*AT_REST, CLOSED], "undo where nothing is published", UNDO, facts=HERE, does="React Say",
            why="nothing that can be"),
    rows_of(AT_REST, "undo before there is a pull request", UNDO, facts=facts(pull=None), does="React Say",
            why="nothing that can be"),
    rows_of([NONE], "undo", command("undo"), does="React Say", why="no work to speak of"),
    rows_of(OPEN, "undo by somebody who may not", replace(UNDO, actor=BOB), facts=facts(Permission.READ, pull=pull()),
            does="React Say", why="read access only"),
    row(published(), "undo by a bot that may give work", replace(UNDO, actor=ROBOT),
        facts=facts(pull=pull(), policy=Policy(bots=(ROBOT.id,))), does="", why="no bot"),
    # What came of it
    *(row(published(status), "it is taken back", event(ev.Undone), to=NEEDS_HUMAN, does="Say ShowProgress",
          why="people say how to go on") for status in AT_REST),
    row(published(WORKING), "it is taken back under a turn", event(ev.Undone), does="Say", why="told of the new head"),
    row(published(NEEDS_HUMAN, stuck_on="money"), "it is taken back while the money is spent", event(ev.Undone),
        does="Say ShowProgress", why="nothing else changes"),
    rows_of(TERMINAL, "it is taken back", event(ev.Undone), does="Say", why="nothing else changes"),
    rows_of([NONE], "it is taken back", event(ev.Undone), does="", why="no open session"),
    *(row(published(status), "it could not be taken back", failed(), does="Say", why="nothing was taken back")
      for status in (*OPEN, CLOSED)),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_taking_back(each: Row, before: Session | None):
    check(each, before)


def told(before: Session, happened: ev.Event) -> tuple[Session, str]:
    decision = decide(before, happened, HERE)
    [said] = [effect.body for effect in decision.effects if isinstance(effect, Say)]
    assert decision.session is not None
    return decision.session, said


def test_the_newest_round_that_stands_is_taken_back_on_top_of_the_head():
    [effect] = [each for each in decide(published(), UNDO, HERE).effects if isinstance(each, Undo)]
    assert effect == Undo(commit_sha=HEAD, head_sha=HEAD, login="alice")
    once = published(published=(FIRST, replace(SECOND, undone_in=NEW)), head_sha=NEW)
    [effect] = [each for each in decide(once, UNDO, facts(pull=pull(head_sha=NEW))).effects if isinstance(each, Undo)]
    assert effect == Undo(commit_sha=BASE, head_sha=NEW, login="alice")


def test_all_that_was_published_can_be_taken_back_and_then_no_more():
    gone = published(published=tuple(replace(each, undone_in=NEW) for each in (FIRST, SECOND)))
    _, said = told(gone, UNDO)
    assert "no commit of mine stands" in said


def test_one_comment_says_what_was_taken_back_with_the_commit():
    now, said = told(published(), event(ev.Undone))
    assert "`Honk louder`" in said
    assert HEAD in said
    assert NEW in said
    assert "`/honk undo` again" in said
    assert (now.head_sha, now.checks, now.submission) == (NEW, None, None)
    assert [each.undone_in for each in now.published] == ["", NEW]
    last, said = told(replace(now, head_sha=NEW), event(ev.Undone, commit_sha=BASE, head_sha="3" * 40))
    assert "`/honk undo` again" not in said
    assert [each.undone_in for each in last.published] == ["3" * 40, NEW]


def test_what_failed_on_the_commit_that_is_gone_is_forgotten_and_what_people_said_is_not():
    said = words()
    before = published(feedback=(said, replace(said, id="c", kind="checks")), checks=checks("failed"))
    now, _ = told(before, event(ev.Undone))
    assert now.feedback == (said,)


def test_a_turn_that_runs_learns_of_the_new_head():
    now, _ = told(published(WORKING), event(ev.Undone))
    assert [(each.kind, each.id) for each in now.feedback] == [("push", f"push:{NEW}")]
    assert now.head_sha == HEAD, "it stands where it began: its push goes on top"


def test_a_stopped_session_knows_where_its_branch_is():
    now, _ = told(published(CLOSED), event(ev.Undone))
    assert (now.status, now.head_sha, now.leaves_pull) == (CLOSED, NEW, True)


def test_who_pushed_at_the_same_moment_is_why_nothing_was_done():
    _, said = told(published(), failed("honk/12 is at 222", head_sha=NEW))
    assert said == "I took nothing back: somebody pushed to the branch at the same moment. Write `/honk undo` again."


def test_what_git_records_names_the_commit_and_who_asked():
    message = revert_message(replace(SECOND, title="Honk\nlouder"), "alice")
    assert message == f'Revert "Honk louder"\n\nThis reverts commit {HEAD}.\nAsked for by alice.'
