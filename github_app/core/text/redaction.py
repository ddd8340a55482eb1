"""Secrets in texts: those that are known, in whatever disguise, and others by their shape. Removing them is the last
thing before a text leaves; that none gets in is the work of others."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

REMOVED = "[secret removed]"

_PIECE = 16
"""Of long secrets so many characters in a row are enough: one may be told without its beginning, or in two halves."""

_SHORTEST = 8

# White space, quotes and the like are put between the parts of a secret to fool filters; case is, too.
_DROPPED = " \t\n\r\x0b\x0c\xa0\xad\u200b\u200c\u200d\u2060\ufeff\"'`*>|\\,%:=\u2026"
_PACK: dict[int, int | str | None] = {
    **{ord(char): None for char in _DROPPED},
    **{code: code + 32 for code in range(ord("A"), ord("Z") + 1)},
    ord("-"): "+",  # one alphabet for both kinds of base64
    ord("_"): "/",
}

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
    r"|\b(?:gh[pousr]_[A-Za-z0-9_]{20,}+(?:\.[\w-]{8,}+)*+|github_pat_[A-Za-z0-9_]{20,}+)"
    r"|\b(?:sk|rk|pk)[-_](?:ant|live|test|proj)[-_][\w-]{16,}+|\bsk-[A-Za-z0-9]{32,}+"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{35}|\bxox[abeoprs]-[\w-]{10,}+|\bglpat-[\w-]{20,}+"
    r"|\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{50,}+|\bhf_[A-Za-z0-9]{30,}+|\bdop_v1_[0-9a-f]{64}"
    r"|(?<![\w-])eyJ[\w-]{8,}+\.eyJ[\w-]{8,}+\.[\w-]{8,}+"
    r"|(?<=://)[^\s/@:]{1,200}+:[^\s/@]{1,400}+(?=@)"
    r"|(?<=authorization: )(?:basic|bearer|token) [\w.+/=~-]{8,}+",
    re.DOTALL | re.ASCII,
)
_HEADERS = re.compile(r"(?i)(authorization:) +(basic|bearer|token) ")


@dataclass(frozen=True)
class Redactor:
    """Finds and removes secrets. Made by `of` and `plus`; without known values it still knows the shapes."""

    pieces: Mapping[int, frozenset[str]] = field(default_factory=dict, repr=False)
    """By length: what is looked for in a text once that is packed. Not the secrets, but as good as these."""

    @classmethod
    def of(cls, values: Iterable[str]) -> Redactor:
        """A redactor that knows these values. Words and what is shorter than eight characters are no secrets."""
        pieces: dict[int, set[str]] = {}
        for value in values:
            for form in _disguises(value.strip()):
                size = min(_PIECE, len(form))
                grams = {form[start : start + size] for start in range(len(form) - size + 1)}
                pieces.setdefault(size, set()).update(grams)
        return cls({size: frozenset(grams) for size, grams in pieces.items()})

    def plus(self, other: Redactor) -> Redactor:
        """One that knows what either knows."""
        sizes = self.pieces.keys() | other.pieces.keys()
        return Redactor({size: self.pieces.get(size, _NONE) | other.pieces.get(size, _NONE) for size in sizes})

    def find(self, text: str, *, shapes: bool = True) -> tuple[tuple[int, int], ...]:
        """Where secrets are in a text, from first to last; with `shapes`, also what only looks like one."""
        found = self._known(text)
        if shapes:
            plain = _HEADERS.sub(lambda header: header[0].lower(), text)
            found += [match.span() for match in _SHAPES.finditer(plain if len(plain) == len(text) else text)]
        return tuple(_merged(sorted(found)))

    def redact(self, text: str, *, shapes: bool = True) -> tuple[str, int]:
        """The text with a note in the place of each secret, and how many there were."""
        spans = self.find(text, shapes=shapes)
        shown, done = [], 0
        for start, end in spans:
            shown += [text[done:start], REMOVED]
            done = end
        return "".join(shown) + text[done:], len(spans)

    def _known(self, text: str) -> list[tuple[int, int]]:
        if not self.pieces:
            return []
        packed = text.translate(_PACK)
        hits = [
            (start, start + size)
            for size, pieces in self.pieces.items()
            for start in range(len(packed) - size + 1)
            if packed[start : start + size] in pieces
        ]
        if not hits:
            return []
        places = [place for place, char in enumerate(text) if char not in _DROPPED]
        return [(places[start], places[end - 1] + 1) for start, end in _merged(sorted(hits))]


_NONE: frozenset[str] = frozenset()


def _disguises(value: str) -> list[str]:
    """The forms of a value, packed, that are long enough to be told from other text."""
    if len(value) < _SHORTEST or (len(value) < _PIECE and value.isalpha()):
        return []
    raw = value.encode()
    forms = [value, value[::-1], raw.hex(), raw.hex()[::-1], quote(value, safe="")]
    for shift in range(3):
        # The same bytes look different by where in a group of three they begin; what their neighbours decide is cut.
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        tail = 1 if (shift + len(raw)) % 3 else 0
        forms.append(encoded[(0, 2, 3)[shift] : len(encoded) - tail])
    packed = {form.translate(_PACK) for form in forms}
    return [form for form in packed if len(form) >= _SHORTEST]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
