"""What a thread is told of a decision."""

from __future__ import annotations

from github_app.core.chat.model import Place, Remark
from github_app.core.chat.telling import as_comments, issue_spoken_of, telling
from github_app.core.decisions import Decision
from github_app.core.effects import PostReview, React, Say, ShowProgress
from github_app.core.reports import LineComment
from tests.core.scene import ISSUE, NOW, command, session

HERE = Place(team="T1", channel="C1", thread="1.0")
SAID = Say(number=ISSUE, tag="ask:1", body="Which?")
SEEN = React(target="issue", target_id=ISSUE)


def test_words_and_state_are_told_together():
    decision = Decision(session=session(), effects=(SEEN, SAID, ShowProgress()), why="it asks")
    told = telling(command(), decision, HERE, NOW, version=7)
    assert told.words == (("ask:1", "Which?"),)
    assert (told.session_id, told.version, told.place) == ("7-12-1", 7, HERE)
    assert issue_spoken_of(decision) == ISSUE


def test_a_refusal_where_no_work_is_has_words_alone():
    decision = Decision(session=None, effects=(SAID,), why="no")
    told = telling(command(), decision, HERE, NOW, version=0)
    assert (told.session_id, told.words) == ("", (("ask:1", "Which?"),))
    assert issue_spoken_of(decision) == ISSUE


def test_a_review_is_told_with_its_remarks():
    remark = LineComment(path="goose.py", first_line=3, last_line=4, body="**Minor.** It honks.")
    said = Say(number=ISSUE, tag="report:7-12-q1", body="GitHub did not take them")
    review = PostReview(pull_number=ISSUE, head_sha="a" * 40, body="Fine.", remarks=(remark,), instead=said)
    decision = Decision(session=session(), effects=(review,), why="the report is there")
    assert issue_spoken_of(decision) == ISSUE
    told = telling(command(), decision, HERE, NOW, version=1)
    assert told.words == (("report:7-12-q1", "Fine.\n\n`goose.py` lines 3–4: **Minor.** It honks."),)


def test_what_a_thread_has_is_quoted_and_gives_no_orders():
    (comment,) = as_comments([Remark(author="Mal\nlory", words="It crashes")], NOW)
    assert (comment.author.login, comment.body) == ("Mal lory (in Slack)", "It crashes")
    assert comment.permission.name == "NONE"


def test_nothing_is_told_of_what_nobody_is_told_on_github():
    assert issue_spoken_of(Decision(session=session(), effects=(SEEN,), why="heard")) is None
    assert issue_spoken_of(Decision(session=None, effects=(ShowProgress(),), why="odd")) is None
