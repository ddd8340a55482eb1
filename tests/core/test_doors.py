"""Words that come by another door, made into what they would be on GitHub."""

from __future__ import annotations

from github_app.core.commands import Command
from github_app.core.decisions import acknowledge
from github_app.core.doors import Request, issue_of, said_by_door
from github_app.core.feedback import feedback_of_command
from github_app.core.subjects import words_in
from tests.core.scene import ALICE, ISSUE, REPO, facts

REQUEST = Request(key="slack:1/said", door="slack", actor=ALICE, command=Command(verb="do", text="louder"))


def test_words_by_another_door_are_a_command_of_the_account():
    event = said_by_door(REQUEST, REPO, ISSUE, issue_text=("Title", "Body"))
    assert (event.id, event.actor, event.number, event.source) == ("slack:1/said", ALICE, ISSUE, "slack")
    assert event.issue_text == ("Title", "Body")
    assert acknowledge(event) == ()
    assert not event.is_pull
    assert said_by_door(REQUEST, REPO, ISSUE, is_pull=True).is_pull
    assert words_in(event) is None
    other = said_by_door(Request(key="slack:2/said", door="slack", actor=ALICE, command=event.command), REPO, ISSUE)
    assert feedback_of_command(event, facts())[0].id != feedback_of_command(other, facts())[0].id


def test_an_issue_has_the_persons_own_words_and_says_whose_they_are():
    assert issue_of("Fix the till", ALICE, "slack") == ("Fix the till", "Asked for in Slack by @alice.")
    title, body = issue_of("Fix List<int>, please", ALICE, "slack")
    assert (title, body) == ("Fix List<int>, please", "Asked for in Slack by @alice.")
    title, body = issue_of("Fix the till\n\nIt rounds @all down. Fixes #3", ALICE, "slack")
    assert title == "Fix the till"
    assert body.startswith("Fix the till\n\nIt rounds")
    assert "@all" not in body
    assert "Fixes #3" not in body
    assert body.endswith("Asked for in Slack by @alice.")


def test_a_long_line_is_cut_in_the_title_alone():
    words = "fix " + "very " * 30 + "much"
    title, body = issue_of(words, ALICE, "slack")
    assert len(title) <= 82
    assert title.endswith(" …")
    assert words in body
