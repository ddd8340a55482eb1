"""What people say in a chat, taken apart."""

from __future__ import annotations

import pytest

from github_app.core.chat.words import Wish, command_in, repository_to_use, wish_in

GITHUB = "https://github.com"


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("fix the rounding", Wish(verb="do", words="fix the rounding")),
        ("plan: dark mode", Wish(verb="plan", words="dark mode")),
        ("planes are late", Wish(verb="do", words="planes are late")),
        ("octo/till: fix the a/b path", Wish(verb="do", words="fix the a/b path", repo="octo/till")),
        ("octo/till", Wish(verb="do", words="", repo="octo/till")),
        ("and/or fix src/app", Wish(verb="do", words="and/or fix src/app")),
        (
            "look at src/x.py in octo/till.",
            Wish(verb="do", words="look at src/x.py", repo="octo/till", otherwise="look at src/x.py in octo/till."),
        ),
        (f"fix {GITHUB}/octo/till/issues/7 please", Wish(verb="do", words="", repo="octo/till", number=7)),
        (f"{GITHUB}/octo/till/pull/7#issuecomment-1", Wish(verb="do", words="", repo="octo/till", number=7)),
        ("plan octo/till#4 but quickly", Wish(verb="plan", words="but quickly", repo="octo/till", number=4)),
        (f"{GITHUB}/octo/till.git add a flag\nmore", Wish(verb="do", words="add a flag\nmore", repo="octo/till")),
        ("https://evil.example/octo/till/issues/7", Wish(verb="do", words="https://evil.example/octo/till/issues/7")),
        (f"first\n{GITHUB}/octo/till\nthird", Wish(verb="do", words="first\nthird", repo="octo/till")),
        ("review octo/till#7", Wish(verb="review", words="", repo="octo/till", number=7)),
        (
            f"review {GITHUB}/octo/till/pull/7: the rounding",
            Wish(verb="review", words="the rounding", repo="octo/till", number=7),
        ),
        ("Review #12, please", Wish(verb="review", words="please", number=12)),
        ("review pull request 12 in octo/till.", Wish(verb="review", words="", repo="octo/till", number=12)),
        ("review 3 files", Wish(verb="do", words="review 3 files")),
        (
            "review the till in octo/till",
            Wish(verb="do", words="review the till", repo="octo/till", otherwise="review the till in octo/till"),
        ),
        ("explain: the till", Wish(verb="explain", words="the till")),
        ("octo/till: Why is it\noff?", Wish(verb="explain", words="Why is it\noff?", repo="octo/till")),
        ("why is it off. Fix it!", Wish(verb="do", words="why is it off. Fix it!")),
        ("how about a dark mode?", Wish(verb="do", words="how about a dark mode?")),
        ("can you fix it?", Wish(verb="do", words="can you fix it?")),
    ],
)
def test_where_and_what(words: str, wish: Wish):
    found = wish_in(words, GITHUB)
    assert found == wish


@pytest.mark.parametrize(
    ("words", "name"),
    [("use octo/till", "octo/till"), ("Use https://github.com/octo/till.git", "octo/till"), ("use the force", None)],
)
def test_a_channels_repository(words: str, name: str | None):
    assert repository_to_use(words) == name


def test_words_are_what_they_would_be_on_github():
    assert command_in("stop").verb == "stop"
    assert command_in("budget +5").text == "+5"
    assert command_in("make it louder\nand longer").text == "make it louder\nand longer"
