"""What became of each review thread: told in the thread, kept in the ledger, resolved only if a commit fixed it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import ReplyThreads
from github_app.core.ledger import Outcome
from github_app.core.machine import Decision, decide
from github_app.core.messages import account
from github_app.core.policy import Policy, Resolving
from github_app.core.session import Feedback, Reply, Session
from tests.core.scene import NEW, REPLIES, SUBMISSION, WORKING, event, facts, session, words


def after(before: Session, happened: ev.Event) -> Session:
    found = decide(before, happened, facts()).session
    assert found is not None
    return found


def finished(**changes: Any) -> ev.TurnFinished:
    happened: ev.TurnFinished = event(ev.TurnFinished, **changes)
    return happened


def thread_word(comment_id: int = 9, key: str = "T1", **changes: Any) -> Feedback:
    told = words(f"thread:{key}:{comment_id}", kind="thread", thread_id=key, path="goose.py", line=3, reply_to=900)
    return replace(told, **changes)


def handed_in(standing: Outcome, *more: Feedback, **changes: Any) -> Session:
    """A session in which the agent has handed in a change, with an answer in the thread T1."""
    submission = replace(SUBMISSION, replies=(replace(REPLIES[0], standing=standing),))
    held = session(feedback=(thread_word(), *more), **changes)
    consumed = ("thread:T1:9", "thread:T2:8")
    return after(held, finished(submission=submission, consumed=consumed))


def replies_of(decision: Decision) -> list[Reply]:
    return [reply for effect in decision.effects if isinstance(effect, ReplyThreads) for reply in effect.replies]


def test_an_answer_names_the_commit_if_that_changed_the_file_it_is_about():
    for paths, named in (
        (("goose.py",), f"\n\nChanged in {NEW}."),
        (("other.py",), f"\n\nChanged in {NEW}, in other files."),
        ((), ""),
    ):
        out = decide(handed_in("fixed"), event(ev.Published, head_sha=NEW, paths=paths), facts())
        assert replies_of(out) == [replace(REPLIES[0], body=f"Done.{named}", standing="fixed")]


@pytest.mark.parametrize(
    ("standing", "ending"),
    [
        ("fixed", f"Changed in {NEW}."),
        ("answered", ""),
        ("declined", "I left this as it is; say so here if you want it all the same."),
        ("question", "I need your answer to go on with this; write it here."),
    ],
)
def test_each_thread_is_told_what_became_of_it(standing: Outcome, ending: str):
    out = decide(handed_in(standing), event(ev.Published, head_sha=NEW, paths=("goose.py",)), facts())
    assert [reply.body for reply in replies_of(out)] == [f"Done.\n\n{ending}".strip()]
    assert out.session is not None
    (entry,) = out.session.ledger
    assert (entry.standing, entry.head_sha) == (standing, NEW if standing == "fixed" else "")


def test_what_the_agent_said_nothing_about_is_named_as_open():
    silent = thread_word(8, "T2", line=7)
    unread = thread_word(10, "T3")
    out = decide(handed_in("declined", silent, unread), event(ev.Published, paths=("goose.py",)), facts())
    assert out.session is not None
    assert [(each.thread_id, each.standing, each.line) for each in out.session.ledger] == [
        ("T1", "declined", 3),
        ("T2", "open", 7),
    ]
    assert "| Review comments | 1 declined · open: `goose.py:7` |" in account.tracking(out.session)


def test_nothing_is_fixed_without_a_change():
    submission = replace(SUBMISSION, replies=(replace(REPLIES[0], standing="fixed"),))
    rested = after(
        session(feedback=(thread_word(),)),
        finished(change_set_id=None, submission=submission, consumed=("thread:T1:9",)),
    )
    assert [(each.standing, each.head_sha) for each in rested.ledger] == [("answered", "")]


def test_a_later_round_takes_the_place_of_an_earlier_one():
    first = after(handed_in("declined"), event(ev.Published, head_sha=NEW, paths=("goose.py",)))
    again = replace(first, status=WORKING, turn_id="7-12-1/turn-2", feedback=(thread_word(11),))
    submission = replace(SUBMISSION, replies=(replace(REPLIES[0], standing="fixed"),))
    told = after(again, finished(submission=submission, consumed=("thread:T1:11",)))
    done = after(told, event(ev.Published, head_sha="3" * 40, paths=("goose.py",)))
    assert [(each.standing, each.head_sha) for each in done.ledger] == [("fixed", "3" * 40)]


@pytest.mark.parametrize(
    ("resolve", "standing", "paths", "resolves"),
    [
        ("fixed", "fixed", ("goose.py",), 9),
        ("never", "fixed", ("goose.py",), None),
        ("fixed", "declined", ("goose.py",), None),
        ("fixed", "fixed", ("other.py",), None),
        ("fixed", "fixed", (), None),
    ],
)
def test_only_what_a_commit_fixed_is_resolved_and_only_if_that_is_wanted(
    resolve: Resolving, standing: Outcome, paths: tuple[str, ...], resolves: int | None
):
    newer = thread_word(12)  # said since, and known: it must not be resolved away
    policy = facts(policy=Policy(resolve=resolve))
    out = decide(handed_in(standing, newer), event(ev.Published, head_sha=NEW, paths=paths), policy)
    assert [reply.resolves for reply in replies_of(out)] == [resolves]
