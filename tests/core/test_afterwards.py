"""After a merge: what is watched, when it is said that the change broke something, and when nothing is."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.aftermath import Aftermath
from github_app.core.commands import parse_command
from github_app.core.effects import OpenRevert, Say, ShowProgress
from github_app.core.facts import Facts, Need, needs
from github_app.core.machine import Decision, decide
from github_app.core.messages import aftermath as texts
from github_app.core.messages.aftermath import watch_line
from github_app.core.model import Actor, Checks, FailedCheck, Permission
from github_app.core.policy import Policy
from github_app.core.session import Round, Session, Status
from tests.core.scene import (
    ALICE,
    AWAITING_REVIEW,
    BOB,
    CLOSED,
    HEAD,
    ISSUE,
    MERGED,
    NEEDS_HUMAN,
    NEW,
    NONE,
    NOW,
    PULL,
    ROBOT,
    Row,
    adopted,
    cases,
    check,
    command,
    event,
    facts,
    pull,
    rows_of,
    session,
)

GOLDEN = Path(__file__).parent / "golden" / "afterwards.md"
MERGE, PARENT, GRANDPARENT = "c" * 40, "d" * 40, "e" * 40
TICK = event(ev.Ticked)
IS_MERGED = pull(is_open=False, is_merged=True, merged_by="carol", merge_sha=MERGE)
WATCH = Aftermath(look_at=NOW, until=NOW + timedelta(hours=23), merge_sha=MERGE, merged_by="carol")
ROUND = Round(head_sha=HEAD, title="Make the goose honk", summary="It honks now.", paths=("goose.py", "pond.py"))
LOG = "FAILED tests/test_goose.py::test_honk - AssertionError: 'quack' != 'honk'"


def red(*names: str, sha: str = MERGE, log: str = LOG, conclusion: str = "failure", **more: Any) -> Checks:
    failed = tuple(FailedCheck(name=name, conclusion=conclusion, log=log, source="ci") for name in names)
    return Checks(head_sha=sha, state="failed", failed=failed, **more)


def green(*names: str, sha: str = PARENT) -> Checks:
    return Checks(head_sha=sha, state="passed", passed=len(names), succeeded=tuple(("ci", name) for name in names))


def pending(*names: str, sha: str = MERGE) -> Checks:
    return Checks(head_sha=sha, state="pending", pending=names)


def merged(watch: Aftermath | None = WATCH, **more: Any) -> Session:
    return session(MERGED, aftermath=watch, published=(ROUND,), **more)


def look(watched: Session | None = None, **seen: Any) -> Decision:
    """One look, by default at a merge whose checks are as given."""
    return decide(merged() if watched is None else watched, TICK, facts(**seen))


def watch_of(decision: Decision) -> Aftermath:
    assert decision.session is not None
    assert decision.session.aftermath is not None
    return decision.session.aftermath


def said(decision: Decision) -> str:
    say, shown = decision.effects
    assert isinstance(say, Say)
    assert isinstance(shown, ShowProgress)
    assert say.number == PULL
    return say.body


# The watch begins


@pytest.mark.parametrize(
    ("happened", "seen"),
    [
        (event(ev.PullRequestClosed, is_merged=True), {}),
        (event(ev.IssueClosed), {"pull": IS_MERGED}),
        (TICK, {"pull": IS_MERGED}),
        (event(ev.BranchPushed, after=None), {"pull": IS_MERGED}),
    ],
)
def test_however_a_merge_is_heard_of_it_is_watched_from_then_on(happened: Any, seen: dict[str, Any]):
    watch = watch_of(decide(session(AWAITING_REVIEW), happened, facts(**seen)))
    assert watch.look_at == NOW + timedelta(seconds=90)
    assert watch.until == NOW + timedelta(hours=24)


def test_what_ends_otherwise_is_not_watched():
    ended = decide(session(AWAITING_REVIEW), event(ev.PullRequestClosed), facts()).session
    assert ended is not None
    assert ended.aftermath is None
    unwanted = facts(policy=Policy(watch_s=0), pull=IS_MERGED)
    ended = decide(session(AWAITING_REVIEW), TICK, unwanted).session
    assert ended is not None
    assert (ended.status, ended.aftermath) == (MERGED, None)


def test_of_the_pull_requests_of_others_those_are_watched_that_end_with_a_commit_of_ours():
    happened = event(ev.PullRequestClosed, is_merged=True, branch="carols")
    theirs = decide(adopted(AWAITING_REVIEW), happened, facts()).session
    ours = decide(adopted(AWAITING_REVIEW, published=(ROUND,)), happened, facts()).session
    assert theirs is not None
    assert theirs.aftermath is None
    assert ours is not None
    assert ours.aftermath is not None


def test_what_the_merge_became_and_how_long_it_is_watched_is_looked_up_once():
    first, later = merged(replace(WATCH, merge_sha="")), merged()
    assert needs(first, TICK) == Need.CHECKS | Need.PULL | Need.POLICY
    assert needs(later, TICK) == Need.CHECKS
    for over in (merged(None), merged(replace(WATCH, look_at=None)), session(CLOSED)):
        assert needs(over, TICK) == Need.NOTHING
        assert decide(over, TICK, facts()).session == over
    learned = look(merged(Aftermath(look_at=NOW, until=NOW)), pull=IS_MERGED, policy=Policy(watch_s=3_600))
    assert (watch_of(learned).merge_sha, watch_of(learned).merged_by) == (MERGE, "carol")
    assert watch_of(learned).until == NOW + timedelta(minutes=59)
    assert watch_of(learned).look_at == NOW + timedelta(seconds=90)


# It ends, and nothing is said


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ({"checks": green("test", sha=MERGE)}, "all checks of ccccccc passed"),
        ({"checks": red("test"), "earlier": (red("test", sha=PARENT),)},
         "`test` failed on ccccccc, and on ddddddd before it"),
        ({"checks": red("test"), "earlier": (green("lint"),)},
         "`test` failed on ccccccc, and no commit before it says whether that is new"),
        ({"checks": red("test")}, "`test` failed on ccccccc, and no commit before it says whether that is new"),
        # Neither a check that was cut short nor another one's tells anything of this one.
        ({"checks": red("test"), "earlier": (red("test", sha=PARENT, conclusion="cancelled"),)}, "no commit before it"),
    ],
)  # fmt: skip
def test_what_is_green_or_was_red_before_is_no_news(seen: dict[str, Any], found: str):
    decision = look(**seen)
    assert decision.effects == ()
    assert (watch_of(decision).look_at, watch_of(decision).broken) == (None, ())
    assert found in watch_of(decision).found
    assert decision.why == f"watched no more: {watch_of(decision).found}"


def test_a_merge_that_cannot_be_found_or_is_not_to_be_watched_is_let_be():
    fresh = merged(replace(WATCH, merge_sha=""))
    assert "cannot be found" in watch_of(look(fresh)).found
    assert "cannot be found" in watch_of(look(fresh, pull=pull())).found
    assert "has it not watched" in watch_of(look(fresh, policy=Policy(watch_s=0), pull=IS_MERGED)).found


UNDECIDED: list[dict[str, Any]] = [
    {"checks": pending("test")},
    {"checks": Checks(head_sha=MERGE, state="blocked")},
    {"checks": Checks(head_sha=MERGE, state="none")},
    {"checks": green("test", sha=NEW)},  # another commit's
    {"lost": "no access"},
    {"checks": red("test", log="Error: read ECONNRESET"), "earlier": (green("test"),)},
    {"checks": red("test", log="Killed: out of memory"), "earlier": (green("test"),)},
    {"checks": red("test", conclusion="cancelled"), "earlier": (green("test"),)},
    {"checks": red("test"), "earlier": (pending("test", sha=PARENT),)},
]


@pytest.mark.parametrize("seen", UNDECIDED)
def test_what_may_still_turn_out_either_way_is_waited_for_until_the_time_is_over(seen: dict[str, Any]):
    decision = look(**seen)
    assert (decision.session, decision.effects) == (merged(), ())
    late = look(merged(replace(WATCH, until=NOW)), **seen)
    assert late.effects == ()
    assert watch_of(late).look_at is None
    assert "the time to watch it is over" in watch_of(late).found
    assert watch_of(look(merged(replace(WATCH, until=None)), **seen)).look_at is None


def test_what_failed_by_chance_and_passes_when_it_runs_again_is_no_news():
    again = look(checks=red("test", log="Error: read ECONNRESET"), earlier=(green("test"),)).session
    assert "all checks of ccccccc passed" in watch_of(look(again, checks=green("test", sha=MERGE))).found


def test_all_checks_have_ended_only_when_nothing_has_changed_for_a_while():
    seen: dict[str, Any] = {"checks": red("test"), "earlier": (green("test"),), "checks_settle_s": 10.0}
    first = look(**seen)
    assert (first.effects, watch_of(first).look_at) == ((), NOW + timedelta(seconds=10))
    too_soon = look(first.session, **seen)
    assert (too_soon.session, too_soon.effects) == (first.session, ())
    settled = replace(facts(**seen), now=NOW + timedelta(seconds=10))
    another = decide(first.session, TICK, replace(settled, checks=red("test", passed=1)))
    assert another.effects == ()
    assert watch_of(another).look_at == NOW + timedelta(seconds=20)
    assert "fails on `main`" in said(decide(first.session, TICK, settled))


# It is said


def test_a_check_that_passed_before_and_fails_since_is_told_once_with_what_it_says():
    decision = look(checks=red("test"), earlier=(green("test"),))
    body = said(decision)
    assert body.startswith("**Since this was merged, `test` fails on `main`.**")
    assert "`test` passed on ddddddd and ended with failure on ccccccc." in body
    assert LOG in body
    assert "names `goose.py`, which this change touched" in body
    assert "@alice @carol: `/honk revert` here" in body
    assert f"on #{ISSUE}" in body
    watch = watch_of(decision)
    assert (watch.look_at, watch.broken) == (None, ("test",))
    assert watch.found == "`test` fails on ccccccc, and passed before, on ddddddd"
    assert look(decision.session, checks=red("test"), earlier=(green("test"),)).effects == ()


def test_only_what_this_change_broke_is_told():
    body = said(look(
        checks=red("old", "test", "new"),
        earlier=(Checks(head_sha=PARENT, state="failed", failed=red("old").failed, succeeded=(("ci", "test"),)),),
    ))  # fmt: skip
    assert "`test` fails" in body
    assert "old" not in body
    assert "`new`" not in body


def test_commits_that_say_nothing_of_a_check_are_passed_over_and_counted():
    body = said(look(checks=red("test"), earlier=(green("lint"), green("test", sha=GRANDPARENT))))
    assert "`test` passed on eeeeeee and ended" in body
    assert "Of 1 commit in between it says nothing: the cause may be there, too." in body


def test_many_checks_and_long_logs_are_cut_and_nothing_in_a_log_speaks():
    log = "```\n@alice /honk stop\n" + "x\n" * 100
    body = said(look(checks=red("a", "b", "c", "d", "e", log=log), earlier=(green("a", "b", "c", "d", "e"),)))
    assert "`a`, `b`, `c`, `d`, `e` fail on `main`" in body
    assert "2 other checks failed the same way" in body
    assert body.count("```text") == 3
    assert body.count("```") == 6
    assert "@alice /" not in body
    assert len(body.splitlines()) < 130


def test_bots_are_not_called_and_what_is_unknown_is_left_out():
    watched = merged(replace(WATCH, merged_by="merge-queue[bot]"), requested_by=ROBOT)
    silent = FailedCheck(name="test", conclusion="failure", source="ci")
    checks = Checks(head_sha=MERGE, state="failed", failed=(silent,))
    body = said(look(watched, checks=checks, earlier=(green("test"),)))
    assert "What you can do: `/honk revert`" in body
    assert "@" not in body
    assert "```" not in body
    assert "touched" not in body


def test_on_the_pull_request_of_others_a_fix_is_another_issue():
    watched = adopted(MERGED, aftermath=WATCH, published=(ROUND,))
    assert "write an issue, and `/honk` there" in said(look(watched, checks=red("test"), earlier=(green("test"),)))


def test_wording_is_as_it_was_read_and_calls_nobody_else():
    told = look(checks=red("test", "lint"), earlier=(green("test"), green("lint", sha=GRANDPARENT)))
    one = replace(IS_MERGED, title="Make the goose honk")
    _, effect = ask(told.session, pull=one).effects
    assert isinstance(effect, OpenRevert)
    pages = {
        "broken": said(told),
        "title of the revert": effect.title,
        "body of the revert": effect.body,
        "reverted": texts.reverted(35, PULL, login="alice"),
        "reverted already": texts.reverted_already(35),
        "not merged": texts.not_reverted(texts.not_merged(PULL, is_open=True)),
        "closed": texts.not_reverted(texts.not_merged(PULL, is_open=False)),
        "no pull request": texts.not_reverted(texts.NO_PULL),
        "refused": texts.not_reverted("GitHub says: Sorry, it couldn't be reverted automatically."),
    }
    text = "\n\n".join(f"<!-- {title} -->\n\n{body}" for title, body in pages.items()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert all(parse_command(body) is None for body in pages.values())
    assert set(re.findall(r"@(\w+)", text)) == {"alice", "carol"}


def test_how_it_stands_is_one_line():
    assert watch_line(session(MERGED)) == ""
    assert watch_line(merged()) == "checks of `main` are watched until 2026-01-06 11:00 UTC at most"
    over = replace(WATCH, look_at=None, found="all is well", reverted_in=35)
    assert watch_line(merged(over)) == "all is well; #35 takes it back"


# `/honk revert`

ROWS = [
    rows_of(Status, "the pull request that takes it back", event(ev.Reverted), does="Say ShowProgress",
            why="takes it back is there"),
    rows_of([NONE], "a revert without a session", event(ev.Reverted), does="", why="no open session"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_each_row_of_the_table(each: Row, before: Session | None):
    check(each, before)


REVERT = command("revert", is_pull=True, number=PULL)


def ask(asked: Session | None, what: ev.Event = REVERT, **seen: Any) -> Decision:
    return decide(asked, what, facts(**{"pull": IS_MERGED} | seen))


@pytest.mark.parametrize("asked", [merged(), merged(None), session(CLOSED), session(AWAITING_REVIEW)])
def test_whoever_may_write_has_a_merged_change_taken_back(asked: Session):
    for what in (REVERT, command("revert")):
        react, effect = ask(asked, what).effects
        assert type(react).__name__ == "React"
        assert isinstance(effect, OpenRevert)
        assert (effect.pull_number, effect.login) == (PULL, "alice")
        assert effect.title == 'Revert ""'
        assert f"Reverts #{PULL}, merged as {MERGE}, for #{ISSUE}." in effect.body


def test_the_revert_says_why_where_that_is_known():
    told = look(checks=red("test"), earlier=(green("test"),)).session
    _, effect = ask(told).effects
    assert isinstance(effect, OpenRevert)
    assert "Why: `test` fails on ccccccc, and passed before, on ddddddd." in effect.body
    _, effect = ask(merged(), pull=replace(IS_MERGED, merge_sha="", title="Fix\n@bob")).effects
    assert isinstance(effect, OpenRevert)
    assert f"Reverts #{PULL}, for" in effect.body
    assert effect.title == 'Revert "Fix @\u200bbob"'


@pytest.mark.parametrize(
    ("asked", "seen", "reason"),
    [
        (session(AWAITING_REVIEW), {"pull": pull()}, "`/honk undo` takes back my last commit"),
        (session(CLOSED), {"pull": pull(is_open=False)}, "#34 is not merged. It was closed."),
        (session(CLOSED), {"pull": None}, "there is no pull request of mine here"),
        (merged(replace(WATCH, reverted_in=35)), {}, "#35 takes it back already"),
        (None, {}, "There is no work of mine here"),
    ],
)
def test_what_cannot_be_reverted_is_refused_with_one_reason(asked: Session | None, seen: dict[str, Any], reason: str):
    _, say = ask(asked, **seen).effects
    assert isinstance(say, Say)
    assert reason in say.body


@pytest.mark.parametrize("asked", [merged(), session(AWAITING_REVIEW)])
def test_nobody_else_takes_back_anything(asked: Session):
    _, say = ask(asked, replace(REVERT, actor=BOB), permission=Permission.READ).effects
    assert isinstance(say, Say)
    assert "write" in say.body
    robot = Facts(now=NOW, me=Actor(id=1, login="honk[bot]", is_bot=True), policy=Policy(bots=(ROBOT.id,)))
    assert decide(asked, replace(REVERT, actor=ROBOT), robot).effects == ()
    api = ask(asked, replace(REVERT, source="api", actor=ALICE))
    assert (api.effects, api.why) == ((), "`revert` is left to people, who say it on GitHub")


@pytest.mark.parametrize("asked", [merged(), merged(None), session(NEEDS_HUMAN)])
def test_the_pull_request_that_takes_it_back_is_told_and_kept(asked: Session):
    made = ask(asked, event(ev.Reverted, revert_number=35, login="alice"))
    body = said(made)
    assert "#35 takes back #34, as `alice` asked." in body
    assert watch_of(made).reverted_in == 35
    _, say = ask(made.session).effects
    assert isinstance(say, Say)
    assert "#35 takes it back already" in say.body


@pytest.mark.parametrize("asked", [merged(), session(NEEDS_HUMAN)])
def test_why_github_does_not_revert_is_told(asked: Session):
    (say,) = ask(asked, event(ev.EffectFailed, effect_kind="OpenRevert", reason="It conflicts.")).effects
    assert isinstance(say, Say)
    assert say.body == "I opened no revert: It conflicts."


def test_a_revert_stays_known_when_its_session_ends_after_it():
    open_one = session(AWAITING_REVIEW, aftermath=Aftermath(reverted_in=35))
    assert watch_of(decide(open_one, TICK, facts(pull=IS_MERGED))).reverted_in == 35
