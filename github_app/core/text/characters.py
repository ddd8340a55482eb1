"""Characters that are in a text and that nobody sees, or that a terminal obeys. One list, for what comes in and for
what goes out."""

from __future__ import annotations

import re

# Sequences of either width: ESC [ and its one-character form. Strings (titles, links, clipboards) go to their end.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# Controls, soft hyphen, zero-width and joiners of words, bidi marks, fillers, variation selectors but two, BOM, tags.
# Lone surrogates stand for bytes of names that are no text, and no request can carry them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Joiners and the two selectors of emoji are needed, by scripts and emoji: once, and between what they are made for.
_BASE = "[^\x00-\x7f\\s\u200c\u200d\ufe0e\ufe0f]"
_STRAY = re.compile(
    f"(?<!{_BASE})(?<!{_BASE}[\ufe0e\ufe0f])[\u200c\u200d]|[\u200c\u200d](?!{_BASE})"
    f"|(?<!{_BASE})(?<![0-9#*])[\ufe0e\ufe0f]"
)


def legible(text: str) -> str:
    """A text without terminal sequences and without characters that no reader would see; lines end in `\\n`.

    Emoji and the scripts of the world stay whole. Legible text stays as it is.
    """
    return _STRAY.sub("", _HIDDEN.sub("", _SEQUENCE.sub("", plain_newlines(text))))


def spelled_out(text: str) -> str:
    """Output of a program: without colours, and all that is hidden or obeyed by a terminal written as `\\xNN`."""
    return _STRAY.sub(_escaped, _HIDDEN.sub(_escaped, _COLOUR.sub("", plain_newlines(text))))


def plain_newlines(text: str) -> str:
    """A text whose lines all end in `\\n`."""
    # A lone carriage return goes back and overwrites the line on a terminal; here it starts a new one.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
