"""Markdown as Slack writes it, in which nothing calls people."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core.text.mrkdwn import from_mrkdwn, to_mrkdwn

HOME, REPO = "https://github.com", "o/r"


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**Honk · Working** · #12", "*Honk · Working* · <https://github.com/o/r/issues/12|#12>"),
        ("*slanted* and ~~struck~~ and a*b*c", "_slanted_ and ~struck~ and a*b*c"),
        ("`a <b> & c` <!channel> <@U1>", "`a &lt;b&gt; &amp; c` &lt;!channel&gt; &lt;@U1&gt;"),
        ("&lt;!here&gt; \\*star\\*", "&lt;!here&gt; *star*"),
        ("[x](https://a.b/?q=1|2&c=3)", "<https://a.b/?q=1%7C2&amp;c=3|x>"),
        ("[x|y <!channel>](https://a.b)", "<https://a.b|x¦y &lt;!channel&gt;>"),
        ("[rel](/o/r/compare/a...b)", "<https://github.com/o/r/compare/a...b|rel>"),
        ("[bad](javascript:x)", "bad"),
        ("see https://x.y/z. And", "see <https://x.y/z>. And"),
        ("![alt](https://e.f/g.png)", "alt"),
        ("| | |\n|---|---|\n| Branch | `b` |", "Branch · `b`"),
        ("- [ ] do **this**\n- [x] done\n  - item", "• ☐ do *this*\n• ☑ done\n  • item"),
        ("### Head **x**\n---\n> quoted", "*Head x*\n> quoted"),
        ("```py\nif a < b: **x**\n```\nafter", "```\nif a &lt; b: **x**\n```\nafter"),
        ("~~~\nopen", "```\nopen\n```"),
        ("a<!-- hidden -->b<br>c", "abc"),
    ],
)
def test_what_is_shown(markdown: str, shown: str):
    assert to_mrkdwn(markdown, home=HOME, repo=REPO) == shown


def test_numbers_stay_words_without_a_repository():
    assert to_mrkdwn("#12 [rel](/a)") == "#12 rel"


@given(st.text(alphabet="<>!@#U1|*_~`&lt;gt&[]()/:htps.\n -\\", max_size=200))
def test_nothing_calls_people_whatever_is_written(text: str):
    shown = to_mrkdwn(text, home=HOME, repo=REPO)
    for inside in re.findall(r"<([^>]*)>", shown):
        assert inside.startswith(("http://", "https://")), shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<@U0BOT> hi <@U2|bob> and <@U3>", "hi @bob and @U3"),
        ("see <https://x.y/a?b=1&amp;c=2> or <https://x.y|x.y> or <https://x.y|here>", None),
        ("in <#C1|general> <!here> <!subteam^S1|@team>", "in #general here @team"),
        ("a &lt;b&gt; &amp;lt; c", "a <b> &lt; c"),
        ("nul\0", "nul\ufffd"),
    ],
)
def test_words_are_what_their_reader_sees(text: str, words: str | None):
    expected = "see https://x.y/a?b=1&c=2 or https://x.y or here (https://x.y)" if words is None else words
    assert from_mrkdwn(text, {"U0BOT"}) == expected
