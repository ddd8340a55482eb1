"""What a text refers to: in its own repository, best first; elsewhere nothing but that it does."""

from __future__ import annotations

import pytest

from github_app.core.linked import References, find_references

HOME = "https://git.example/acme/shop/issues/7"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("See #12, (#13) and GH-14.", (12, 13, 14)),
        ("As in acme/shop#3 or ACME/Shop#4.", (3, 4)),
        ("https://git.example/acme/shop/pull/5/files, [it](https://GIT.example/acme/shop/issues/6#issue-9)", (5, 6)),
        ("It is https://git.example/acme/shop/issues/8.", (8,)),
        ("About #1. It fixes #2, closes: acme/shop#3 and resolved https://git.example/acme/shop/pull/4", (2, 3, 4, 1)),
        ("#2 comes back, and this closes #2 as well; #3", (2, 3)),
        ("This is #7, https://git.example/acme/shop/issues/7 and our #20.", ()),
        ("`#1` and\n\n```\n#2\n```\n\n    #3\n", ()),
        ("a#1 #0 #12px #a1 ##4 /#5 x.#6 &#7; #1234567890 !#8", (8,)),
        ("prefix #1 suffixes #2", (1, 2)),
    ],
)
def test_numbers_of_the_same_repository(text: str, numbers: tuple[int, ...]) -> None:
    assert find_references([text], url=HOME, but=20) == References(numbers=numbers)


@pytest.mark.parametrize(
    "text",
    [
        "other/shop#1",
        "https://git.example/acme/other/issues/1",
        "https://elsewhere.example/acme/shop/issues/1",
        "https://github.com/acme/shop/pull/1",
    ],
)
def test_other_repositories_are_not_looked_at_and_that_is_known(text: str) -> None:
    assert find_references([text, "#2"], url=HOME) == References(numbers=(2,), has_others=True)


@pytest.mark.parametrize(
    "text", ["https://git.example/acme/shop", "https://x.example/a/b/issues", "http://git.example"]
)
def test_other_addresses_are_no_references(text: str) -> None:
    assert find_references([text], url=HOME) == References()


def test_texts_count_in_their_order_and_each_number_once() -> None:
    assert find_references(["#3", "#1 #3", "fixes #9"], url=HOME).numbers == (9, 3, 1)


def test_where_the_home_is_not_known_plain_numbers_count() -> None:
    assert find_references(["#3 and acme/shop#4"], url="") == References(numbers=(3,), has_others=True)


def test_a_hostile_text_takes_no_time() -> None:
    text = "a/" * 50_000 + "x" * 50_000 + "#" * 50_000 + "fix " * 20_000 + "https://" * 10_000
    assert find_references([text], url=HOME) == References()
