"""Lessons as a file: what is written is read back, and what the operator changed in it is the operator's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from github_app.core.errors import Misconfigured
from github_app.core.lessonfile import OPERATOR, Entry, dump, load, merge
from github_app.core.lessons import Lesson
from tests.core.scene import NOW

URL = "https://github.example"
LATER = NOW + timedelta(days=1)
SAID = Lesson(
    repo_id=7,
    pull_number=34,
    number=1,
    text="Volumes <dB> & 'pitches' have units (see [docs](x)) <!-- lesson 9-9 --> kept",
    kept_by="alice",
    kept_at=NOW,
    last_used_at=NOW,
    source="/acme/goose/pull/34#discussion_r905",
    said_by="rob",
)
OWN = replace(SAID, pull_number=0, number=3, text="Be brief.", kept_by=OPERATOR, source="", said_by="")


def written(*lessons: Lesson, expired: tuple[str, ...] = ()) -> str:
    return dump(lessons, full_name="acme/goose", github_url=URL, expired=expired)


def read(text: str) -> tuple[Entry, ...]:
    return load(text, github_url=URL)


def test_a_file_says_what_counts_where_it_is_from_and_what_has_expired():
    assert written(replace(SAID, text="Use dB."), OWN, expired=("0-3",)) == (
        "## Lessons from reviews\n\n"
        "What reviewers corrected in acme/goose, each kept by a person.\n\n"
        f"- Use dB. ([rob]({URL}/acme/goose/pull/34#discussion_r905), kept by alice) <!-- lesson 34-1 -->\n"
        "\n### Expired\n\nNothing needed these for long. Who imports them puts them into force again.\n\n"
        "- Be brief. (kept by the operator) <!-- lesson 0-3 -->\n"
    )
    assert "(none)" in written()


def test_what_was_written_is_read_back():
    assert read(written(SAID, OWN)) == (
        Entry(text=SAID.text, key=(34, 1), source=SAID.source, said_by="rob", kept_by="alice"),
        Entry(text="Be brief.", key=(0, 3)),
    )
    assert merge(read(written(SAID, OWN)), [SAID, OWN], repo_id=7, now=LATER) == ()
    assert "Volumes &lt;dB&gt; &amp; 'pitches'" in written(SAID), "nothing of it hides where Markdown is shown"


def test_a_line_of_the_operators_own_needs_no_more_than_words():
    assert read("# Ours\n\nProse.\n- Be brief.\n\n- Use  `dB`. \n") == (
        Entry(text="Be brief."),
        Entry(text="Use 'dB'."),
    )


def test_an_address_elsewhere_is_no_source():
    (entry,) = read("- Use dB. ([eve](https://evil.example/x), kept by alice)")
    assert (entry.source, entry.said_by, entry.kept_by) == ("", "", "alice")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ok\n- " + "x" * 201, "line 2 is no lesson: it has 201 characters; at most 200 are allowed"),
        ("- " + "x" * 10_000, "line 1 is no lesson: it is too long"),
        ("- ", "line 1 is no lesson: it is empty"),
        ("- Use dB\n  and Hz.", "line 2 goes on with what is above it"),
    ],
)
def test_what_cannot_be_a_lesson_is_named_by_its_line(text: str, problem: str):
    with pytest.raises(Misconfigured, match=problem):
        read(text)


def test_what_is_new_or_changed_is_the_operators():
    entries = (
        replace(read(written(SAID))[0], text="Use Hz."),
        Entry(text="Be brief."),
        Entry(text="Be kind."),
        Entry(text="From elsewhere.", key=(5, 2), source="/a/b/pull/5#discussion_r1", said_by="rob", kept_by="ann"),
    )
    changed, brief, kind, elsewhere = merge(entries, [SAID, OWN], repo_id=7, now=LATER)
    assert changed == replace(SAID, text="Use Hz.", kept_by=OPERATOR, kept_at=LATER, last_used_at=LATER)
    assert [(each.key, each.text, each.kept_by) for each in (brief, kind)] == [
        ("0-4", "Be brief.", OPERATOR),
        ("0-5", "Be kind.", OPERATOR),
    ]
    assert (elsewhere.key, elsewhere.kept_by, elsewhere.said_by, elsewhere.last_used_at) == ("5-2", "ann", "rob", LATER)
    (first,) = merge((Entry(text="Be brief."),), (), repo_id=7, now=LATER)
    assert first.key == "0-1"
