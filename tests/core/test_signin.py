"""Who signed in is known by sealed words, and what was wanted before comes back the same way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from github_app.core.chat.model import Person, Place
from github_app.core.model import Actor
from github_app.core.signin import HOME, INVITED_FOR, Invitation, Seals

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ANN = Actor(id=5, login="ann")
SEALS = Seals(key=b"ours")


def test_somebody_is_known_for_eight_hours():
    words = SEALS.visitor(ANN, NOW)
    assert SEALS.read_visitor(words, NOW + timedelta(hours=7, minutes=59)) == ANN
    assert SEALS.read_visitor(words, NOW + timedelta(hours=8)) is None


def test_words_that_we_did_not_make_say_nothing():
    body, _, mark = SEALS.visitor(ANN, NOW).partition(".")
    other = Seals(key=b"another").visitor(ANN, NOW)
    asked = SEALS.request("nonce", "/costs", NOW)
    for words in ("", "x", ".", f"{body}.", f"{body[:-1]}.{mark}", f"{body}x.{mark}", f"{body}.ü", other, asked):
        assert SEALS.read_visitor(words, NOW) is None


def test_only_the_browser_that_asked_comes_back_to_what_it_wanted():
    words = SEALS.request("nonce", "/sessions/7-1-1?x=1", NOW)
    assert SEALS.read_request(words, "nonce", NOW) == "/sessions/7-1-1?x=1"
    assert SEALS.read_request(words, "another", NOW) is None
    assert SEALS.read_request(words, "", NOW) is None
    assert SEALS.read_request(words, "nonce", NOW + timedelta(minutes=10)) is None
    assert SEALS.read_request(SEALS.visitor(ANN, NOW), "nonce", NOW) is None


def test_a_form_is_good_with_the_words_of_the_page_that_it_was_on():
    words = SEALS.visitor(ANN, NOW)
    assert SEALS.is_form(SEALS.form(words), words)
    for token in ("", SEALS.form(""), SEALS.form("x"), words.partition(".")[2], "ü"):
        assert not SEALS.is_form(token, words)


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", ""])
def test_nobody_is_sent_elsewhere(path: str):
    assert SEALS.read_request(SEALS.request("n", path, NOW), "n", NOW) == HOME


INVITATION = Invitation(
    nonce="n1", person=Person(team="T1", id="U1"), place=Place(team="T1", channel="C1", thread="1.0"), name="Alice"
)


def test_an_invitation_is_good_for_some_minutes_and_cannot_be_changed():
    words = SEALS.invitation(INVITATION, NOW)
    assert SEALS.read_invitation(words, NOW) == INVITATION
    assert SEALS.read_invitation(words, NOW + INVITED_FOR) is None
    assert SEALS.read_invitation(words[1:], NOW) is None
    assert SEALS.read_visitor(words, NOW) is None


def test_only_the_visitor_who_saw_the_page_can_press_its_button():
    consent = SEALS.consent(INVITATION, Actor(id=1, login="ann"))
    assert SEALS.is_consent(consent, INVITATION, Actor(id=1, login="ann"))
    assert not SEALS.is_consent(consent, INVITATION, Actor(id=2, login="bob"))
    assert not SEALS.is_consent("", INVITATION, Actor(id=1, login="ann"))
