"""Addresses of pages: whoever was given one may open it, and nobody can make one."""

from __future__ import annotations

import pytest

from github_app.core.links import PageLinks

LINKS = PageLinks(public_url="https://honk.example", key=b"k" * 32)


def token_of(url: str) -> str:
    return url.rpartition("/")[2]


def test_the_address_that_we_gave_opens_the_page():
    url = LINKS.of("7-1-1")
    assert url.startswith("https://honk.example/sessions/7-1-1/")
    assert LINKS.is_valid("7-1-1", token_of(url))


@pytest.mark.parametrize("token", ["", "0" * 40, "é", "\ud800", token_of(LINKS.of("7-1-2"))])
def test_any_other_does_not(token: str):
    assert not LINKS.is_valid("7-1-1", token)


def test_the_lessons_of_a_repository_have_an_address_of_their_own():
    url = LINKS.of_lessons(7)
    assert url.startswith("https://honk.example/lessons/7/")
    assert LINKS.is_valid_for_lessons(7, token_of(url))
    assert not LINKS.is_valid_for_lessons(8, token_of(url))
    assert not LINKS.is_valid("7", token_of(url))
    assert PageLinks(key=LINKS.key).of_lessons(7) == ""
    assert not PageLinks(key=LINKS.key).is_valid_for_lessons(7, token_of(url))


def test_another_key_makes_another_address():
    other = PageLinks(public_url=LINKS.public_url, key=b"o" * 32)
    assert not LINKS.is_valid("7-1-1", token_of(other.of("7-1-1")))


def test_a_server_that_nobody_reaches_has_no_addresses():
    hidden = PageLinks(key=b"k" * 32)
    assert hidden.of("7-1-1") == ""
    assert not hidden.is_valid("7-1-1", token_of(LINKS.of("7-1-1")))
