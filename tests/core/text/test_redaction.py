"""Secrets in texts: found in each disguise that was seen in the wild, and nothing else is touched."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core.text.redaction import REMOVED, Redactor

TOKEN = "ghs_" + "h7Kq2ZpX9vBn4LmT6wRc8YdF3sGjA5eU1oQi"
SECRET = "correct-horse_battery/staple+42"
KNOWING = Redactor.of([TOKEN, SECRET])


def halves(text: str, between: str) -> str:
    return text[: len(text) // 2] + between + text[len(text) // 2 :]


DISGUISES = {
    "plain": TOKEN,
    "another one": SECRET,
    "without its beginning": TOKEN[7:],
    "without its end": TOKEN[:-9],
    "reversed": TOKEN[::-1],
    "over two lines": halves(TOKEN, "\n> "),
    "in quotes": halves(SECRET, '", "'),
    "with invisible characters": "\u200b".join(TOKEN),
    "letter by letter": " ".join(TOKEN),
    "in capitals": TOKEN.upper(),
    "hexadecimal": TOKEN.encode().hex(),
    "hexadecimal with colons": TOKEN.encode().hex(":").upper(),
    "percent-encoded": "".join(f"%{byte:02x}" for byte in SECRET.encode()),
    "url-encoded": quote(SECRET, safe=""),
    "base64": base64.b64encode(TOKEN.encode()).decode(),
    "base64 after one letter": base64.b64encode(b"x" + TOKEN.encode() + b"yz").decode(),
    "base64 after two letters": base64.b64encode(b"xy" + TOKEN.encode()).decode(),
    "base64 as git sends it": base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64 in lines": base64.encodebytes(TOKEN.encode() * 3).decode(),
}


@pytest.mark.parametrize("told", DISGUISES.values(), ids=DISGUISES.keys())
def test_known_secrets_are_found_in_disguise(told: str):
    shown, count = KNOWING.redact(f"Look: ({told}) there.", shapes=False)
    assert count >= 1
    assert shown.startswith("Look: (")
    assert shown.endswith(") there.")
    left = shown.replace(REMOVED, "")
    assert len(left) < len("Look: () there.") + len(told) * 0.35  # letters that hang on the secret's neighbours


@given(st.text(alphabet="abcdef0123456789", min_size=24, max_size=60), st.integers(0, 5), st.integers(0, 8))
def test_any_secret_is_found_in_base64_wherever_it_stands(secret: str, before: int, after: int):
    told = base64.b64encode(b"x" * before + secret.encode() + b"y" * after).decode()
    assert Redactor.of([secret]).find(told, shapes=False)


SHAPES = [
    "ghp_" + "a1" * 18,
    "ghs_12345_" + "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "github_pat_" + "a" * 60,
    "sk-ant-" + "api03-" + "x" * 40,
    "sk_live_" + "x" * 24,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "xoxb-" + "1234567890-abc",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIE cut off",
]


@pytest.mark.parametrize("secret", SHAPES)
def test_others_secrets_are_known_by_their_shape(secret: str):
    assert Redactor().redact(f"see {secret}")[0] == f"see {REMOVED}"
    assert Redactor().redact(f"see {secret}", shapes=False) == (f"see {secret}", 0)


def test_what_opens_an_address_is_removed_and_the_address_is_not():
    shown, _ = Redactor().redact(
        "fatal: https://x-access-token:abc@github.com/a/b: 403; AUTHORIZATION: basic eHg6eXl5eQ=="
    )
    assert shown == f"fatal: https://{REMOVED}@github.com/a/b: 403; AUTHORIZATION: {REMOVED}"


HARMLESS = [
    "Fix the parser, see #12; sha 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "correct horse battery",
    "https://github.com/acme/goose/blob/main/src/app.py#L3, mailto:goose@acme.com",
    "the task-ant-hill is sk-ip, gh_pages",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text: str):
    assert KNOWING.redact(text) == (text, 0)


def test_words_and_short_values_are_no_secrets():
    assert Redactor.of(["postgres", "password", "s3cret", ""]).pieces == {}
    assert Redactor.of(["s3cret-word"]).find("S3CRET - WORD") == ((0, 13),)


def test_two_redactors_are_one_that_knows_both():
    both = Redactor.of([TOKEN]).plus(Redactor.of([SECRET]))
    assert both == KNOWING
    assert both.redact(f"{TOKEN} and {SECRET}")[0] == f"{REMOVED} and {REMOVED}"
    assert TOKEN not in repr(both)


@pytest.mark.parametrize(
    "unit", ["a", "eyJaaaaaaaa-", "://a:", "-----BEGIN PRIVATE KEY-----", "ghs_", TOKEN, "sk-ant-"]
)
def test_nobody_can_keep_us_busy(unit: str):
    # What takes seconds in linear time takes hours in quadratic: the suite's time limit tells.
    assert KNOWING.redact((unit * 1_000_000)[:1_000_000])[0]
