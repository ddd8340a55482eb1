"""The repository's template of pull requests stays whole and people's: nothing in it is ticked, and nothing acts."""

from __future__ import annotations

from github_app.core.messages.templates import MAX_CHARS, left_to_people

TEMPLATE = """<!-- Thank you! Tell @maintainers
what you did. -->
## What\r
\r
<!-- one sentence -->

## Checklist

- [x] I have read the rules
  * [X] all of them
1. [ ] Closes #12
/honk go
"""


def test_headings_and_boxes_stay_and_nothing_is_ticked_or_acts():
    assert left_to_people(TEMPLATE).splitlines()[4:] == [
        "## What",
        "",
        "## Checklist",
        "",
        "- [ ] I have read the rules",
        "  * [ ] all of them",
        "1. [ ] Closes issue #12",
        "`/honk` go",
    ]


def test_what_looks_like_our_marks_is_none():
    assert "<!--" not in left_to_people("a <!-<!-- x -->- honk:begin --> b")


def test_an_empty_one_adds_nothing():
    assert left_to_people("<!-- only a comment") == left_to_people(" \n") == ""


def test_it_ends_somewhere_and_leaves_no_block_open():
    long = left_to_people("```\n" + "x\n" * MAX_CHARS)
    assert len(long) < MAX_CHARS + 500
    assert long.rstrip().endswith("```")
