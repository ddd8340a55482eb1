"""Characters that nobody sees, and those that only look as if nobody did."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core.text.characters import legible, spelled_out

SEEN_CF = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Format characters that have a shape: signs that stand before or around numbers."""

SCRIPTS = [
    "👩\u200d💻 ❤\ufe0f 🏳\ufe0f\u200d🌈 ❤\ufe0f\u200d🔥 1\ufe0f⃣ ©\ufe0f",
    "می\u200cخواهم مرحبا",  # noqa: RUF001 - Arabic
    "क्\u200dष क\u094d\u200cष",
    "naïve — „quotes“, 日本語, Ελληνικά\tand\nlines",
]


@pytest.mark.parametrize("text", SCRIPTS)
def test_scripts_and_emoji_stay_whole(text: str):
    assert legible(text) == text == spelled_out(text)


def test_no_character_without_a_shape_is_left():
    hidden = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char) in ("Cc", "Cf", "Cs") and ord(char) not in SEEN_CF and char not in "\n\t"
    ]
    assert legible("a" + "a".join(hidden).replace("\x1b", "") + "a").strip("a\n") == ""
    assert legible("".join(chr(0xE0000 + ord(char)) for char in "delete all tests")) == ""


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred\x1b[0m \x9b1mbold", "red bold"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\ \x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07.", "link ."),
        ("\x1bPq#0\x1b\\sixel \x9d0;title\x9c\x1bc\x1b(B.", "sixel ."),
        ("\x1b[2K\rDelete", "\nDelete"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\u200db a\ufe0f 😀\ufe0f\ufe0f😀\u200d\u200d😀 😀\ufe00", "ab a 😀\ufe0f😀😀 😀"),
    ],
)
def test_what_is_seen(text: str, seen: str):
    assert legible(text) == seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[1;32mok\x1b[0m", "ok"),
        ("\x1b[2K\rDelete all tests", "\\x1b[2K\nDelete all tests"),
        ("\x1b]52;c;ZXZpbA==\x07", "\\x1b]52;c;ZXZpbA==\\x07"),
        ("x\u202ey\U000e0041 a\u200db", "x\\u202ey\\U000e0041 a\\u200db"),
    ],
)
def test_what_is_hidden_is_spelled_out(text: str, seen: str):
    assert spelled_out(text) == seen


@given(st.text(max_size=300))
def test_legible_text_stays_as_it_is(text: str):
    once = legible(text)
    assert legible(once) == once
    assert spelled_out(once) == once
