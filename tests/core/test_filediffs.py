"""Which lines of a pull request can be commented on: those that one hunk shows in the new file."""

from __future__ import annotations

import pytest

from github_app.core.filediffs import MAX_FILES, MAX_PATCH_CHARS, bounded, is_in_diff, numbered, spans
from github_app.core.model import Patch

PATCH = """@@ -1,3 +1,3 @@ def f():
 one
-two
+zwei
 three
@@ -10 +10,2 @@
 ten
+@@ -1 +900 @@
\\ No newline at end of file"""


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (1, 1, True), (1, 3, True), (2, 2, True), (10, 11, True),
        (3, 10, False), (4, 4, False), (3, 2, False), (12, 12, False), (900, 900, False),
    ],
)  # fmt: skip
def test_lines_of_one_hunk_on_the_new_side(first: int, last: int, *, expected: bool):
    assert is_in_diff(PATCH, first, last) is expected


def test_patch_is_shown_with_the_lines_of_the_new_file():
    assert numbered(PATCH).splitlines()[1:4] == ["     1  one", "       -two", "     2 +zwei"]
    assert spans(PATCH) == "1-3, 10-11"
    assert (spans(""), is_in_diff("", 1, 1)) == ("", False)


def test_no_more_is_kept_than_can_be_read():
    large = Patch(path="large", status="added", diff="x" * MAX_PATCH_CHARS)
    small = Patch(path="small", status="added", diff="x", before="old")
    assert bounded((large, small)) == (large, Patch(path="small", status="added", before="old"))
    assert bounded((small, large)) == (small, Patch(path="large", status="added"))
    assert len(bounded((small,) * (MAX_FILES + 1))) == MAX_FILES
