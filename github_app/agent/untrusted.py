"""Text from outside, made fit for a prompt: nothing in it is invisible, none of it is endless, and all of it stands in
a frame whose boundary its author could not know. Frames help the model; they are not the defence: the sandbox is."""

from __future__ import annotations

import re
from html import escape

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Controls, soft hyphen, zero-width and joiners of words, bidi marks, variation selectors' and tags' plane, BOM.
# Lone surrogates stand for bytes of names that are no text, and no request can carry them.
# Left alone are ZWNJ, ZWJ and the 16 common variation selectors: scripts and emoji need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028\u2029"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def clean(text: str, *, max_chars: int) -> str:
    """Words of a person: without HTML comments, control sequences and characters that no reader would see."""
    # Comments last: what is taken out before might hide one.
    text = _HIDDEN.sub("", _ANSI.sub("", _newlines(text)))
    while (shorter := _HTML_COMMENT.sub("", text)) != text:
        text = shorter
    return clip(text.strip(), max_chars=max_chars)


def show(text: str) -> str:
    """Output of a program: without colours, and all that a terminal would hide or act on written as `\\xNN`."""
    return _HIDDEN.sub(lambda match: _escaped(match[0]), _COLOUR.sub("", _newlines(text)))


def clip(text: str, *, max_chars: int, head: float = 0.5) -> str:
    """About `max_chars` characters at most: a beginning (the share `head`) and an end, with a note between them."""
    if len(text) <= max_chars:
        return text
    front = int(max_chars * head)
    back = len(text) - (max_chars - front)
    return f"{text[:front]}\n[… {back - front} characters are left out here …]\n{text[back:]}"


def frame(tag: str, text: str, *, boundary: str, **attributes: object) -> str:
    """`text` between two boundary lines in an element. It has been through `clean` or `show`; attributes have not."""
    words = "".join(f' {name}="{attribute(value)}"' for name, value in attributes.items() if value is not None)
    return f"<{tag}{words}>\n=== {boundary} ===\n{text}\n=== {boundary} ===\n</{tag}>"


def attribute(value: object) -> str:
    """A name (path, login, title) as one short line that cannot leave its quotes."""
    return escape(clean(str(value), max_chars=300).replace("\n", " "), quote=True)


def _newlines(text: str) -> str:
    # A lone carriage return goes back and overwrites the line on a terminal; here it starts a new one.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
