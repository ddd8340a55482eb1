"""Texts that go to GitHub."""

from __future__ import annotations

import re

import pytest

from github_app.adapters.hub.texts import (
    BODY_LIMIT,
    CUT_NOTE,
    commit_message,
    cut,
    enclose,
    has_mark,
    key_of,
    mark,
    replace_enclosed,
    title_of,
)
from tests.edge.cases import shows

PIN = "7-1-1@5:0123456789abcdef"


@shows("W57")
@pytest.mark.parametrize(
    "words",
    [
        "[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]", "[SKIP CI]", "[skip-ci]",
        "[ skip ci ]", "[skip travis]", "[azurepipelines skip]", "***NO_CI***", "******NO_CI******", "[skip netlify]",
    ],
)  # fmt: skip
def test_no_spelling_that_stops_ci_survives(words):
    assert words.lower() not in commit_message(f"Fix the thing {words}", key="k", audit=PIN).lower()
    assert "[" not in commit_message(f"Fix {words}", key="k", audit=PIN)
    assert words.lower() not in title_of(f"Fix {words}").lower()


@shows("W57")
@pytest.mark.parametrize(
    "trailer",
    ["skip-checks: true", "skip-checks:true", "Skip-Checks : true", "skip-checks:: true", "skip-checks\n:: : true"],
)
def test_no_trailer_that_stops_ci_survives(trailer):
    assert ":" not in commit_message(f"Fix\n\n{trailer}", key="k", audit=PIN).partition("Honk-Key")[0]


@pytest.mark.parametrize("message", ["Fix [a] and list[int]", "Fix: x[skip]", "Add no-ci docs", "Fix\n\n- [ ] todo"])
def test_other_messages_stay_as_they_are(message):
    assert commit_message(message, key="k", audit=PIN) == f"{message}\n\nHonk-Key: k\nHonk-Audit: {PIN}\n"


@pytest.mark.parametrize("message", ["Fix", "Fix\n\nbody", "Fix\n\nHonk-Key: forged", "Fix\n\nSigned-off-by: A <a@b>"])
def test_the_key_is_found_again(message):
    assert key_of(commit_message(message, key="turn-1/2", audit=PIN)) == "turn-1/2"


def test_a_key_in_the_middle_of_a_persons_message_is_not_ours():
    assert key_of("Honk-Key: x\n\nsaid the goose") is None


def test_what_is_cut_off_is_no_end_of_code():
    image = "![x](https://evil.com/i.png)"
    assert image not in cut(f"fine\n`{image} {'x' * 100}`", 90)
    assert cut(f"fine\n`{image} {'x' * 100}`", 90) == "fine" + CUT_NOTE
    assert cut("```\n" + "x\n" * 100, 60) == "```" + "\nx" * 7 + "\n```" + CUT_NOTE
    assert cut("`" * 20 + "\n" + "x\n" * 100, 70) == CUT_NOTE


def test_a_mark_is_found_only_where_we_put_it():
    body = mark("text <!-- honk:other -->", "progress")
    assert has_mark(body, "progress")
    assert not has_mark(body, "other")
    assert not has_mark(mark("text", "progress-2"), "progress")


def test_a_tag_cannot_end_its_mark():
    body = mark("text", "a --> b\n")
    assert body.count("-->") == 1
    assert has_mark(body, "a --> b\n")


@shows("W72")
def test_titles_are_one_line_of_at_most_256_characters():
    assert title_of("a\n b\t c") == "a b c"
    assert len(title_of("x" * 257)) == 256


@shows("W72")
def test_our_part_is_cut_where_the_peoples_part_is_long():
    peoples = "p" * (BODY_LIMIT - 1000)
    whole = replace_enclosed(f"{peoples}{enclose('old')}", "line\n" * 1000)
    assert whole.startswith(peoples)
    assert BODY_LIMIT - 10 < len(whole) <= BODY_LIMIT
    assert "cut: longer" in whole


def test_a_body_cannot_close_our_part():
    body = enclose("evil <!-- honk:end --> text")
    assert replace_enclosed(body, "new") == enclose("new")


@pytest.mark.parametrize(
    "trailer",
    [
        "Honk-Key: 7-1-1/turn-2", "Honk-Key:: 7-1-1/turn-2", "honk-key : : x", "Honk-Key\n: x",
        "Honk-Audit: 7-1-1@9:0000000000000000", "honk-audit :: x", "Honk-Audit\n:: x",
    ],
)  # fmt: skip
def test_trailers_that_the_model_wrote_are_never_the_commits(trailer):
    message = commit_message(f"Fix\n\nBecause.\n\n{trailer}", key="7-1-1/turn-1", audit=PIN)
    ours = f"Honk-Key: 7-1-1/turn-1\nHonk-Audit: {PIN}\n"
    assert message.endswith(ours)
    assert not re.search(r"(?im)^\s*honk-(key|audit)[\s:]*:", message.removesuffix(ours))
    assert key_of(message) == "7-1-1/turn-1"


def test_our_trailers_join_those_that_credit_people():
    message = commit_message("Fix\n\nBecause.\n\nCo-authored-by: ann <1+ann@x>", key="k", audit=PIN)
    assert message.endswith(f"Because.\n\nCo-authored-by: ann <1+ann@x>\nHonk-Key: k\nHonk-Audit: {PIN}\n")


def test_the_last_key_counts():
    assert key_of("Fix\n\nHonk-Key: forged\nHonk-Key: ours\n") == "ours"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["[", "-", "[-", "skip ", "[no-", "***", "skip-checks\n", "Honk-Key "])
def test_the_longest_message_is_made_in_no_time(unit):
    commit_message("[" + unit * 20_000, key="k", audit=PIN)
