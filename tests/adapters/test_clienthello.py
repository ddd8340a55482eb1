"""The name in a TLS greeting, from real greetings and from twisted ones."""

from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.adapters.egress.clienthello import read_server_name


def greeting(name: str | None) -> bytes:
    """What Python's own TLS says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def extended(hello: bytes, kind: int, body: bytes) -> bytes:
    """A greeting with one more extension at its end."""
    more = kind.to_bytes(2) + len(body).to_bytes(2) + body
    message = hello[9:]
    at = 2 + 32
    at += 1 + message[at]
    at += 2 + int.from_bytes(message[at : at + 2])
    at += 1 + message[at]
    length = int.from_bytes(message[at : at + 2]) + len(more)
    return record(message[:at] + length.to_bytes(2) + message[at + 2 :] + more)


def record(message: bytes, *, pieces: int = 1) -> bytes:
    """A handshake message in so many TLS records."""
    whole = b"\x01" + len(message).to_bytes(3) + message
    size = -(-len(whole) // pieces)
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in parts)


def server_name(*names: bytes) -> bytes:
    listed = b"".join(b"\x00" + len(name).to_bytes(2) + name for name in names)
    return len(listed).to_bytes(2) + listed


def test_the_name_is_read_as_it_is_written():
    assert read_server_name(greeting("Example.com")) == "Example.com"


def test_a_greeting_in_many_records_is_read_whole():
    hello = greeting("example.com")
    assert read_server_name(record(hello[9:], pieces=7)) == "example.com"
    assert read_server_name(hello + b"early data") == "example.com"


def test_every_beginning_of_a_greeting_waits_for_more():
    hello = greeting("example.com")
    assert {read_server_name(hello[:length]) for length in range(len(hello))} == {None}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (greeting(None), "names no server"),
        (extended(greeting("example.com"), 0, server_name(b"evil.example")), "names several"),
        (extended(greeting(None), 0, server_name(b"a.example", b"b.example")), "names several"),
        (extended(greeting("example.com"), 0xFE0D, b"\x00" * 40), "encrypts the name"),
        (extended(greeting("example.com"), 0xFFCE, b"\x00" * 40), "encrypts the name"),
        (extended(greeting(None), 0, b"\x00\xff"), "malformed"),
        (record(b"\x03\x03" + b"\x00" * 32), "malformed"),
        (record(b"\x03\x03" + b"\x00" * 32 + b"\x00\x00\x02\x13\x01\x01\x00"), "names no server"),
        (b"\x16\x03\x01\x00\x00", "malformed"),
        (record(greeting("example.com")[9:], pieces=17), "too many pieces"),
        (b"GET / HTTP/1.1\r\n\r\n", "does not speak TLS"),
        (b"SSH-2.0-x\r\n", "does not speak TLS"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "does not speak TLS"),
        (b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", "does not speak TLS"),
        ((b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + b"\x00" * 16_380) * 5, "does not speak TLS|too long"),
    ],
)
def test_what_hides_or_doubles_the_name_is_refused(data: bytes, why: str):
    with pytest.raises(ValueError, match=why):
        read_server_name(data)


@given(st.binary(max_size=200), st.integers(0, 600))
def test_a_greeting_that_is_broken_anywhere_raises_nothing_else(noise: bytes, at: int):
    for data in (noise, _HELLO[:at] + noise + _HELLO[at + len(noise) :]):
        with contextlib.suppress(ValueError):
            read_server_name(data)


_HELLO = greeting("example.com")
