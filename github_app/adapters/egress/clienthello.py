"""Reads the name that a TLS client asks for, from the first bytes that it sends (RFC 8446 §4.1.2, RFC 6066 §3)."""

from __future__ import annotations

_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME = 0
# RFC 9849, and its draft from before it: the name that counts would be one that we cannot read.
_ENCRYPTED = (0xFE0D, 0xFFCE)
MAX_BYTES = 65_536
_MAX_RECORDS = 16  # those of a byte each would be looked at anew with each that comes


def read_server_name(data: bytes) -> str | None:
    """The one server name of a ClientHello, as it was written; None if more bytes are needed to tell.

    Raises `ValueError`, in words for people, for what is no ClientHello, names no server or hides the name.
    """
    hello = _hello(data)
    if hello is None:
        if len(data) > MAX_BYTES:
            raise ValueError("its TLS greeting is too long")
        return None
    try:
        return _server_name(hello)
    except IndexError:
        raise ValueError("its TLS greeting is malformed") from None


def _hello(data: bytes) -> _Bytes | None:
    """The ClientHello out of its records, of which it may fill several; None if it is not complete."""
    message, at = b"", 0
    for _ in range(_MAX_RECORDS):
        if data[at : at + 1] not in (b"", bytes([_HANDSHAKE])) or data[at + 1 : at + 2] not in (b"", b"\x03"):
            raise ValueError("it does not speak TLS")
        length = int.from_bytes(data[at + 3 : at + 5])
        if len(data) < at + 5 or len(data) < at + 5 + length:
            return None
        if not length:
            raise ValueError("its TLS greeting is malformed")
        message += data[at + 5 : at + 5 + length]
        at += 5 + length
        if message[0] != _CLIENT_HELLO:
            raise ValueError("it does not speak TLS")
        if len(message) >= 4 and len(message) >= 4 + (size := int.from_bytes(message[1:4])):
            return _Bytes(message[4 : 4 + size])
    raise ValueError("its TLS greeting is in too many pieces")


def _server_name(hello: _Bytes) -> str:
    hello.take(2 + 32)  # version, random
    hello.vector(1)  # session
    hello.vector(2)  # ciphers
    hello.vector(1)  # compression
    names: list[bytes] = []
    extensions = hello.vector(2) if hello.left else _Bytes(b"")
    while extensions.left:
        kind = extensions.number(2)
        body = extensions.vector(2)
        if kind in _ENCRYPTED:
            raise ValueError("its TLS greeting encrypts the name of the server")
        if kind == _SERVER_NAME:
            listed = body.vector(2)
            while listed.left:
                is_host = listed.number(1) == 0
                name = listed.vector(2).left
                names += [name] if is_host else []
    if len(names) != 1:
        raise ValueError("its TLS greeting names no server" if not names else "its TLS greeting names several servers")
    return names[0].decode("ascii", "replace")


class _Bytes:
    """Bytes that are taken from the front; `IndexError` where there are too few."""

    def __init__(self, left: bytes) -> None:
        self.left = left

    def take(self, count: int) -> bytes:
        if len(self.left) < count:
            raise IndexError
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width))

    def vector(self, width: int) -> _Bytes:
        return _Bytes(self.take(self.number(width)))
