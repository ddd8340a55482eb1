"""Questions and reviews: a session of their own, beside whatever work goes on, and over with one report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from github_app.core import events as ev
from github_app.core.effects import PostReview, RunTurn, Say, StopInquiries
from github_app.core.facts import Need, Running, needs
from github_app.core.machine import Decision, decide
from github_app.core.messages import reports
from github_app.core.model import Permission
from github_app.core.policy import Quota
from github_app.core.quotas import Load, Share
from github_app.core.record import records
from github_app.core.reports import Answer, Citation, Inquiry, Remark, Review
from github_app.core.session import Cause, Pause, Session
from github_app.core.subjects import Subject, subject_of
from tests.core.scene import (
    ALICE,
    ANSWER,
    BASE,
    BOB,
    CLOSED,
    EVENT_KINDS,
    ISSUE,
    ME,
    NEW,
    NOT_OPEN,
    NOW,
    OPEN,
    PULL,
    REPO,
    ROBOT,
    USAGE,
    WORKING,
    Row,
    cases,
    check,
    command,
    effects_of,
    event,
    facts,
    issue,
    pull,
    row,
    rows_of,
    session,
)

WHY = command("explain", "Why is it silent?")
THEIRS = pull(author=BOB, head_repo_id=99, head_branch="nicer", url="https://github.com/acme/goose/pull/34")
REVIEW_IT = command("review", is_pull=True, number=PULL)
REMARK = Remark(path="goose.py", first_line=3, last_line=4, severity="high", text="It stays shut. @bob")
REVIEW = Review(summary="It opens the beak.", remarks=(REMARK,), files=2)
FULL = Load(shares=(Share(whose="person", name="alice", quota=Quota(turns=1), turns=1),), number=2)
GONE_QUIET = facts(running=Running(stirred_at=NOW - timedelta(days=2)), up_since=NOW - timedelta(days=3))
STARTS, ENDS = "React RunTurn", "Say DiscardWorkspace"


def inquiry(cause: Cause = Cause.EXPLAIN, **more: Any) -> Session:
    """One that is under way, at an issue; or, for a review, at a stranger's pull request."""
    number = PULL if cause is Cause.REVIEW else ISSUE
    key = f"7-{number}-q1"
    asked = Inquiry(
        pull_number=PULL if cause is Cause.REVIEW else None, url=f"https://github.com/acme/goose/issues/{number}"
    )
    usual: dict[str, Any] = {
        "id": key, "issue_number": number, "branch": "", "head_sha": "", "pull_number": None, "turns": 1,
        "turn_id": f"{key}/turn-1", "turn_cause": cause, "inquiry": asked,
    }  # fmt: skip
    return replace(session(WORKING), **usual | more)


def over(cause: Cause = Cause.EXPLAIN) -> Session:
    return inquiry(cause, status=CLOSED, turn_id=None)


def mine(kind: type, cause: Cause = Cause.EXPLAIN, **more: Any) -> Any:
    """An event of the turn of such an inquiry."""
    return event(kind, turn_id=inquiry(cause).turn_id, **more)


ROWS = [
    row(None, "a question", WHY, to=WORKING, does=STARTS, why="wants to know, and may"),
    row(over(), "another question", WHY, to=WORKING, does=STARTS, why="wants to know, and may"),
    row(inquiry(), "a question beside another", WHY, to=WORKING, does=STARTS, why="wants to know, and may"),
    row(None, "a review of anybody's pull request", REVIEW_IT, facts=facts(pull=THEIRS), to=WORKING,
        does=STARTS, why="wants to know, and may"),
    row(None, "a question in the words of a review",
        event(ev.ReviewSubmitted, command=command("explain", "Why?").command), facts=facts(pull=THEIRS), to=WORKING,
        does="RunTurn", why="wants to know, and may"),
    row(None, "a question by somebody who may not", replace(WHY, actor=BOB), facts=facts(Permission.READ),
        does="React Say", why="read access only"),
    row(None, "a question by a bot", replace(WHY, actor=ROBOT),
        facts=replace(facts(), policy=replace(facts().policy, bots=(ROBOT.id,))), does="",
        why="bots get no answers"),
    row(None, "a question while paused", WHY, facts=facts(pause=Pause(login="carol")), does="React Say", why="paused"),
    row(None, "a question without room for a turn", WHY, facts=facts(load=FULL, asker=ALICE), does="React Say",
        why="the quota of the person is used up"),
    row(None, "a question where policy cannot be read", WHY, facts=facts(obstacle="`honk.yml` is wrong"),
        does="React Say", why="no report is made: I did not start"),
    row(None, "a review of an issue", command("review"), does="React Say", why="This is no pull request"),
    row(None, "a review of a closed pull request", REVIEW_IT, facts=facts(pull=replace(THEIRS, is_open=False)),
        does="React Say", why="not open any more"),
    row(None, "a question about a pull request that is gone", replace(WHY, is_pull=True, number=PULL),
        does="React Say", why="cannot read this"),
    row(None, "a question on an issue that is gone", WHY, facts=facts(issue=None), does="React Say",
        why="cannot read this"),
    # How it ends
    row(inquiry(), "an answer", mine(ev.Reported), to=CLOSED, does=ENDS, why="the report is there"),
    row(inquiry(Cause.REVIEW), "a review", mine(ev.Reported, Cause.REVIEW, report=REVIEW), to=CLOSED,
        does="PostReview DiscardWorkspace", why="the report is there"),
    row(inquiry(Cause.REVIEW), "a review without remarks",
        mine(ev.Reported, Cause.REVIEW, report=replace(REVIEW, remarks=())), to=CLOSED, does=ENDS, why="is there"),
    row(inquiry(), "a question back", mine(ev.TurnAsked), to=CLOSED, does=ENDS, why="asks back"),
    row(inquiry(), "a limit", mine(ev.TurnStopped), to=CLOSED, does=ENDS, why="the model is away"),
    row(inquiry(), "a turn that could not be run", mine(ev.EffectFailed, effect_kind="RunTurn"), to=CLOSED, does=ENDS,
        why="GitHub said no"),
    row(inquiry(), "stop", event(ev.InquiryStopped), to=CLOSED, does=ENDS, why="`alice` said stop"),
    row(inquiry(), "the app taken away", event(ev.InstallationChanged, action="removed"), to=CLOSED,
        does="DiscardWorkspace", why="nothing can be said"),
    row(inquiry(status_since=NOW - timedelta(days=3)), "silence", event(ev.Ticked), facts=GONE_QUIET, to=CLOSED,
        does=ENDS, why="a human is needed"),
    row(inquiry(), "time", event(ev.Ticked), facts=facts(running=Running(stirred_at=NOW)), does="", why="a turn runs"),
    row(inquiry(), "the end of another turn", event(ev.Reported), does="", why="not in force"),
    row(inquiry(), "the app allowed more", event(ev.InstallationChanged, action="granted"), does="", why="goes on"),
    row(over(Cause.REVIEW), "a review that GitHub did not take", event(ev.EffectFailed, effect_kind="PostReview"),
        does="Say", why="could not be posted"),
    row(over(), "a comment that GitHub did not take", event(ev.EffectFailed, effect_kind="Say"), does="", why="made"),
    rows_of(OPEN, "a report", event(ev.Reported), does="", why="no inquiry"),
    rows_of(OPEN, "the end of a report", event(ev.InquiryStopped), does="", why="no inquiry"),
    rows_of(NOT_OPEN, "a report", event(ev.Reported), does="", why="no open session"),
    rows_of(NOT_OPEN, "the end of a report", event(ev.InquiryStopped), does="", why="no open session"),
    # Stop
    row(None, "stop where only a report is made", command("stop"), facts=facts(inquiries=("7-12-q1",)),
        does="React StopInquiries", why="are stopped"),
    row(session(), "stop where both go on", command("stop"), facts=facts(inquiries=("7-12-q1",)), to=CLOSED,
        does="React StopInquiries Say ShowProgress RemoveLabel DiscardWorkspace", why="asked me to stop"),
    row(session(), "stop by somebody who may not", command("stop", actor=BOB),
        facts=facts(Permission.READ, inquiries=("7-12-q1",)), does="React Say", why="read access only"),
]  # fmt: skip


@pytest.mark.parametrize(("each", "before"), cases(ROWS))
def test_row(each: Row, before: Session | None):
    check(each, before)


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_nothing_that_happens_to_the_work_moves_an_inquiry_or_says_anything(kind: type):
    happened = event(kind)
    if kind in (ev.InquiryStopped, ev.InstallationChanged):
        return
    for before in (inquiry(), over()):
        decision = decide(before, happened, facts())
        assert (decision.session, decision.effects) == (before, ()), decision.why


def begun(decision: Decision) -> Session:
    assert decision.session is not None
    return decision.session


def test_inquiry_holds_neither_branch_nor_pull_request_and_reads_its_orders_at_the_base():
    made = begun(decide(over(Cause.REVIEW), REVIEW_IT, facts(pull=THEIRS)))
    assert (made.id, made.generation, made.turn_id) == ("7-34-q2", 2, "7-34-q2/turn-1")
    assert (made.branch, made.head_sha, made.pull_number, made.holds_pull) == ("", "", None, False)
    assert (made.base_sha, made.place, made.issue_title) == (BASE, -PULL, THEIRS.title)
    assert made.inquiry == Inquiry(pull_number=PULL, url=THEIRS.url)
    assert made.requested_by == made.turn_asked_by == ALICE


def test_question_is_what_the_agent_is_told_and_the_issue_as_it_stood_then():
    asked = replace(WHY, issue_text=("Silence", "As of then."))
    decision = decide(None, asked, facts(issue=issue(url="https://github.com/acme/goose/issues/12")))
    made = begun(decision)
    assert [each.body for each in made.feedback] == ["Why is it silent?"]
    assert (made.issue_title, made.issue_body) == ("Silence", "As of then.")
    assert decision.effects[-1] == RunTurn(turn_id="7-12-q1/turn-1", cause=Cause.EXPLAIN)


def test_work_finds_no_inquiry_and_an_inquiry_no_work():
    assert subject_of(WHY) == subject_of(command("review")) == Subject(repo_id=7, inquiry_at=ISSUE)
    assert session().place == ISSUE


def test_as_little_is_looked_up_as_will_do():
    assert needs(None, WHY) is Need.PERMISSION | Need.POLICY | Need.ISSUE
    assert needs(session(), REVIEW_IT) is Need.PERMISSION | Need.POLICY | Need.PULL
    assert (needs(inquiry(), event(ev.Ticked)), needs(inquiry(), event(ev.TurnAsked))) == (Need.POLICY, Need.NOTHING)


def test_who_waits_in_vain_is_told_to_ask_again_and_not_to_retry():
    decided = decide(inquiry(status_since=NOW - timedelta(days=3)), event(ev.Ticked), GONE_QUIET)
    (said,) = [effect.body for effect in decided.effects if isinstance(effect, Say)]
    assert "not done in time" in said
    assert "retry" not in said


def test_what_a_report_cost_counts():
    assert begun(decide(inquiry(), mine(ev.Reported), facts())).usage == USAGE
    stopped = decide(inquiry(), event(ev.InquiryStopped), facts(running=Running(stirred_at=NOW, cost_micro_usd=70)))
    assert begun(stopped).usage.cost_micro_usd == 70


def test_review_can_only_comment_and_says_all_of_it_where_lines_are_not_taken():
    decision = decide(inquiry(Cause.REVIEW), mine(ev.Reported, Cause.REVIEW, report=REVIEW), facts())
    (post,) = (each for each in decision.effects if isinstance(each, PostReview))
    assert (post.pull_number, post.head_sha) == (PULL, NEW)
    assert not hasattr(post, "event")
    assert [(each.path, each.first_line, each.last_line) for each in post.remarks] == [("goose.py", 3, 4)]
    assert "@bob" not in post.remarks[0].body + post.instead.body
    assert post.instead.number == PULL
    assert "It stays shut." in post.instead.body
    made = begun(decision)
    assert made.inquiry is not None
    assert "`goose.py` lines 3–4: **Important.** It stays shut." in made.inquiry.report
    assert made.kind == "review"


def test_an_answer_is_kept_for_whoever_asked_by_another_door():
    made = begun(decide(inquiry(), mine(ev.Reported), facts()))
    assert made.inquiry is not None
    assert "nothing was changed" in made.inquiry.report
    assert (made.kind, session(WORKING).kind) == ("answer", "change")
    asked_back = begun(decide(inquiry(), mine(ev.TurnAsked), facts()))
    assert asked_back.inquiry is not None
    assert asked_back.inquiry.report == ""


def test_stop_names_who_said_it():
    decision = decide(None, command("stop"), facts(inquiries=("7-12-q1", "7-12-q2")))
    assert decision.effects[1:] == (StopInquiries(session_ids=("7-12-q1", "7-12-q2"), login="alice"),)


@pytest.mark.parametrize(
    ("limit", "said"), [("pause", "I am paused"), ("quota", "is spent"), ("", "the model is away")]
)
def test_what_cut_it_short_is_said(limit: str, said: str):
    decision = decide(inquiry(), mine(ev.TurnStopped, limit=limit), facts())
    (say,) = (each for each in decision.effects if isinstance(each, Say))
    assert said in say.body


def test_reports_are_on_record():
    for report, expected in ((ANSWER, "'citations': 1"), (REVIEW, "'remarks': 1")):
        told = mine(ev.Reported, report=report)
        assert expected in str(records.of_decision(told, inquiry(), decide(inquiry(), told, facts()), facts())[0])
    stopped = event(ev.InquiryStopped)
    assert "alice" in str(records.of_decision(stopped, inquiry(), decide(inquiry(), stopped, facts()), facts())[0])


def test_markers_in_code_are_no_citations():
    text = "See [1], `prices[2]` and [that](https://github.com).\n\n```\nx[3]\n```\n\n[4][5]"
    assert reports.markers_in(text) == {1, 5}


def test_citation_that_is_named_in_code_or_is_not_there_stays_as_it_is():
    cited = Answer(text="`x[1]` is [1], not [7].", citations=(Citation(path="a (b).py", first_line=2, last_line=2),))
    body = reports.answer(cited, NEW, url="https://github.com/acme/goose/issues/12")
    link = f"https://github.com/acme/goose/blob/{NEW}/a%20%28b%29.py#L2"
    assert f"`x[1]` is [\\[1\\]]({link}), not [7]." in body
    assert f"1. [`a (b).py` line 2]({link})" in body


@pytest.mark.parametrize(
    ("suggestion", "shown"),
    [
        ("    x = 1", "```suggestion\n    x = 1\n```"),
        ("````", "`````suggestion\n````\n`````"),
        ("", "```suggestion\n\n```"),
        ("# @dependabot merge", "```\n# @\u200bdependabot merge\n```"),
    ],
)
def test_suggestion_is_the_lines_themselves_or_none(suggestion: str, shown: str):
    (line,) = reports.line_comments(replace(REVIEW, remarks=(replace(REMARK, suggestion=suggestion),)))
    assert line.body.endswith(shown)


def test_our_own_review_starts_nothing():
    ours = event(ev.ReviewSubmitted, actor=ME, command=command("review").command)
    assert effects_of(decide(None, ours, facts())) == ""
    assert REPO.id == 7
