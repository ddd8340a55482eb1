"""Code in Markdown: found where it surely is code, and never where it might be prose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core.text.markup import mask_code, read_entities

CODE = [
    ("a `b` c ``d ` e``", ["`b`", "``d ` e``"]),
    ("```\nx\n```\ny", ["```\nx\n```"]),
    ("~~~ js\n```\n~~~~", ["~~~ js\n```\n~~~~"]),
    ("```\nleft open", ["```\nleft open"]),
    ("text\n```\nx\n```", ["```\nx\n```"]),
    ("> ```\n> x\n> ```\ny", ["> ```\n> x\n> ```"]),
    ("- ```\n  x\n  ```\n- y", ["- ```\n  x\n  ```"]),
    ("- ```\n\n  x\n  ```", ["- ```\n\n  x\n  ```"]),
    ("1. a\n   ```\n   x\n\n   y\n   ```", ["   ```\n   x\n\n   y\n   ```"]),
    ("> - ```\n>   x\n>   ```", ["> - ```\n>   x\n>   ```"]),
    ("- a\n  - b\n\n    ```\n    x\n    ```", ["    ```\n    x\n    ```"]),
    ("a\n\n    b\n    c\n\nd", ["    b\n    c"]),
    ("```\n      ```\n```\nz", ["```\n      ```\n```"]),
    ("```\nx\n  ```\nz", ["```\nx\n  ```"]),
    ("> ```\nnot quoted", ["> ```"]),
    ("- ```\nnot in the list `b`", ["- ```", "`b`"]),
    ("<div>\n\n```\nx\n```", ["```\nx\n```"]),
    ("<!-- a\n```\n-->\n`b`", ["`b`"]),
    ("<x>\n`a`\n\n`b`", ["`b`"]),
    ("# a\n<x>\n`a`\n\n`b`", ["`b`"]),
    ("> <div>\n`b`", ["`b`"]),
    ("- a\n\nb\n\n    c", ["    c"]),
    ("a `b|c` d", ["`b|c`"]),
    ("<a b='c'> `d` <e `f`", ["`d`", "`f`"]),
]


@pytest.mark.parametrize(("text", "codes"), CODE)
def test_code_is_found(text: str, codes: list[str]):
    masked = mask_code(text)
    assert list(masked.codes) == codes
    assert masked.restore(masked.text) == text


PROSE = [
    "x ` y\nz ` a ` w",
    "\\`a\\` `b`",
    "<b c='`'> `a",
    "a <!-- ` --> `",
    "<div>\n```\nx\n```\n`a`",
    "<pre>\n\n```\nx\n```\n</pre>",
    "<div a='\n\n```\nx\n```",
    "<p>a <!-- b\n\n```\nx\n```",
    "- <div>\n  ```\n  x\n  ```",
    "a\n<x>\n```\nx\n```",
    "a\n      ```\nb\n      ```",
    "a\n      ~~~\n      b\n      ~~~",
    "a\n      ```\n      b ``` c\n      ```",
    "a\n      ```\n      b",
    "a\n      ```\n      b\n      ````",
    " ```\nx\n ```",
    "  ```\n  x\n ```",
    "-\t```\n\tx\n\t```",
    ">  ```\nx",
    "|a|b|\n|-|-|\n|`a | b` x ` y ` z|",
    "- a\n\n      b",
]


@pytest.mark.parametrize("text", PROSE)
def test_what_may_be_prose_is_not_code(text: str):
    assert mask_code(text).text == text


def test_blocks_of_html_are_given_to_who_wants_them():
    assert mask_code("a\n\n<p>b\n\nc", html=str.upper).text == "a\n\n<P>B\n\nc"


@given(st.lists(st.sampled_from(["`", "```", "~~~", "\n", "    ", "> ", "- ", "<!--", "-->", "<p>", "<a", "a", "|"])))
def test_masking_is_undone_whole(pieces: list[str]):
    text = "".join(pieces)
    masked = mask_code(text)
    assert masked.restore(masked.text) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a & b; &unknown; c", "a & b; &unknown; c"),
        ("&lt;&#60;&#x3C;&NotEqualTilde;", "<<<\u2242\u0338"),
        ("&amp;amp;lt; &&#35;60;", "< <"),
        ("&#96;&#126;&nbsp;&#10;&#8203;", "&#96;&#126;  "),
    ],
)
def test_entities_are_read_until_none_is_left(text: str, read: str):
    assert read_entities(text) == read
