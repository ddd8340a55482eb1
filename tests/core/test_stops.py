"""Nobody waits in silence: whatever stops work, for now or for good, is said once, in words that tell where the work
stands, what it cost, and what to do next.

What can stop work is enumerated from the types: every status meets every event, in every form that the tables of the
other tests know, and every effect fails. After a change of wording: `UPDATE_GOLDEN=1 pytest tests/core/test_stops.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest

from github_app.core import events as ev
from github_app.core.effects import (
    BEST_EFFORT,
    DropLesson,
    Effect,
    KeepLesson,
    LookAgain,
    PauseRepository,
    PostReview,
    RerunChecks,
    ResumeRepository,
    Say,
    StopInquiries,
)
from github_app.core.machine import Decision, decide
from github_app.core.policy import Quota
from github_app.core.quotas import Load, Share
from github_app.core.session import Pause, Session
from tests.core import (
    test_approvals,
    test_checks,
    test_inquiries,
    test_machine,
    test_opening,
    test_planning,
    test_reruns,
    test_rounds,
    test_undoing,
    test_upkeep,
    test_watchdog,
    test_words,
)
from tests.core.scene import (
    AWAITING_CHECKS,
    AWAITING_REVIEW,
    CLOSED,
    EVENT_KINDS,
    MERGED,
    NEEDS_HUMAN,
    OPEN,
    ROBOT,
    WORKING,
    Row,
    checks,
    command,
    event,
    facts,
    session,
)

GOLDEN = Path(__file__).parent / "golden" / "stops.md"
TABLES = (
    test_approvals,
    test_checks,
    test_machine,
    test_opening,
    test_planning,
    test_reruns,
    test_rounds,
    test_undoing,
    test_upkeep,
    test_watchdog,
    test_words,
)
STOPPED = (NEEDS_HUMAN, MERGED, CLOSED)
NEXT = re.compile(r"/honk|by myself|Reopen it|Nothing is left to do|Please do that|take it off the branch")
STANDING = re.compile(
    r"\n\n(So far: (turn \d+, [a-z ]+|no turn yet)|In all: \d+ turns?)"
    r" · (#\d+( at `[0-9a-f]{7}`)?|nothing published) · (less than )?\$[\d.]+ of \$[\d.]+ spent\.$"
)


@dataclass(frozen=True)
class Case:
    """A session, what happens to it, and what was decided."""

    name: str
    before: Session
    happened: ev.Event
    decided: Decision


def rows() -> Iterator[tuple[Row, Session]]:
    for table in TABLES:
        for each in table.ROWS:
            for before in each.sessions:
                if before is not None and not before.status.is_terminal:
                    yield each, before


def held_up() -> Iterator[Case]:
    """What holds work up whatever it was about: nothing may start, or somebody pushed who may not."""
    full = Load(shares=(Share(whose="person", name="alice", quota=Quota(turns=1), turns=1),), number=2)
    red = facts(checks=checks("failed"))
    held = {"paused": replace(red, pause=Pause(login="carol")), "no quota": replace(red, load=full)}
    for name, known in held.items():
        for status in OPEN:
            for happened in (event(ev.ChecksChanged), event(ev.Ticked), command(text="Louder")):
                yield Case(name, session(status), happened, decide(session(status), happened, known))
    for status in OPEN:
        pushed = event(ev.BranchPushed, actor=ROBOT)
        yield Case("a stranger's push", session(status), pushed, decide(session(status), pushed, facts()))
    for limit in ("money", "permission", "quota", "pause"):
        stopped = event(ev.TurnStopped, reason="No room: write `/honk retry`.", limit=limit)
        known = facts(pause=Pause(login="carol")) if limit == "pause" else facts()
        yield Case(f"stopped by {limit}", session(), stopped, decide(session(), stopped, known))


def every_case() -> Iterator[Case]:
    yield from held_up()
    for each, before in rows():
        yield Case(each.when, before, each.event, decide(before, each.event, each.facts))
    for status in OPEN:
        for kind in EVENT_KINDS:
            before, happened = session(status), event(kind)
            yield Case(f"the usual {kind.__name__}", before, happened, decide(before, happened, facts()))


def stops_work(case: Case) -> bool:
    """Whether work went on or could, and now does not: people are waited for, or nobody."""
    after = case.decided.session
    assert after is not None
    if after.inquiry is not None:
        return False  # A report ends with what is said of it, which is all that there is (`test_inquiries`).
    return after.status in STOPPED and (after.status, after.waiting_for) != (
        case.before.status,
        case.before.waiting_for,
    )


def is_unreachable(case: Case) -> bool:
    """Nothing can be said where the app is not let in any more, or where there is neither issue nor pull request."""
    after = case.decided.session
    is_issue_gone = after is not None and re.search("(deleted|transferred|moved) the issue", after.waiting_for)
    return isinstance(case.happened, ev.InstallationChanged) or bool(is_issue_gone and case.before.pull_number is None)


CASES = list(every_case())
STOPS = [case for case in CASES if stops_work(case) and not is_unreachable(case)]


def comments_of(decision: Decision) -> list[str]:
    """What explains a stop, among the comments of a decision."""
    return [
        effect.body
        for effect in decision.effects
        if isinstance(effect, Say) and effect.tag.partition(":")[0] in ("ask", "held", "ending", "plan")
    ]


def test_every_status_was_stopped_in_every_way():
    """A test over stops proves nothing where nothing stops."""
    assert {type(case.happened) for case in CASES} == set(EVENT_KINDS)
    assert {(case.before.status, case.decided.session.status) for case in STOPS if case.decided.session} == {
        (before, after) for before in (WORKING, AWAITING_CHECKS, AWAITING_REVIEW, NEEDS_HUMAN) for after in STOPPED
    }


@pytest.mark.parametrize("case", STOPS, ids=[f"{case.before.status.value} - {case.name}" for case in STOPS])
def test_stop_is_said_once_with_where_it_stands_what_it_cost_and_what_to_do(case: Case):
    said = comments_of(case.decided)
    if not said and case.before.status is NEEDS_HUMAN:
        # Held already for the same kind of reason, and that was said: the tracking comment has the newest words.
        assert case.decided.session is not None
        assert case.before.stuck_on == case.decided.session.stuck_on != ""
        return
    assert len(said) == 1, "no silence, and no second comment"
    assert STANDING.search(said[0]), said[0]
    assert NEXT.search(said[0]), said[0]


def test_tracking_comment_says_the_same_as_the_comment():
    for case in STOPS:
        after = case.decided.session
        assert after is not None
        assert after.status is MERGED or after.waiting_for


@pytest.mark.parametrize("kind", get_args(Effect))
def test_effect_that_fails_is_said_where_somebody_waits_for_it(kind: type):
    if kind in BEST_EFFORT:
        return  # Never an event: the operator's business alone.
    failed = event(ev.EffectFailed, effect_kind=kind.__name__, turn_id="")
    # Reviews are of inquiries, which are over by then.
    decided = decide(test_inquiries.over() if kind is PostReview else session(WORKING), failed, facts())
    said = [effect for effect in decided.effects if isinstance(effect, Say)]
    rows = (LookAgain, StopInquiries, PauseRepository, ResumeRepository, KeepLesson, DropLesson)
    if kind in (Say, RerunChecks, *rows):
        # What cannot be posted cannot be said either; what cannot be run again counts as it is; a switch, a later look,
        # the end of an inquiry and lessons are rows in our own database.
        assert not said
    else:
        assert len(said) == 1
        assert "GitHub said no" in said[0].body


def test_wording_is_as_it_was_read():
    """One text for each cause, as it is posted."""
    pages: dict[str, str] = {}
    for case in STOPS:
        for body in comments_of(case.decided):
            pages.setdefault(body, f"{case.before.status.value}: {case.name}")
    text = "\n\n".join(f"<!-- {title} -->\n\n{body}" for body, title in pages.items()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
