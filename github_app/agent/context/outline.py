"""Definitions in source code, found line by line: near enough in any language, and in time that grows with the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORDS = (
    "export|default|public|private|protected|internal|static|async|abstract|final|sealed|pub(?:\\([a-z]+\\))?|unsafe|"
    "override|virtual|inline|extern|open|data|partial|readonly|suspend|local|declare"
)
_KINDS = (
    "def|class|function\\*?|func|fn|fun|interface|struct|enum|trait|type|module|namespace|impl|object|protocol|"
    "const[ \\t]++fn|record|macro_rules!|sub|defmodule|defp?|package"
)
_DEFINITION = re.compile(
    rf"^[ \t]*+(?:(?:{_WORDS})[ \t]++)*+(?:"
    rf"(?:{_KINDS})[ \t]++(?:\([^)\n]{{0,80}}\)[ \t]*+)?(?P<name>[A-Za-z_$][\w$]{{0,79}})"
    r"|(?:const|let|var)[ \t]++(?P<value>[A-Za-z_$][\w$]{0,79})[ \t]*+="
    r"[ \t]*+(?:async\b|function\b|class\b|\(|[\w$]++[ \t]*+=>)"
    r"|(?P<constant>[A-Z][A-Z0-9_]{2,79})[ \t]*+(?::[^=\n]{0,80})?=[^=]"
    r"|(?:module\.)?exports\.(?P<exported>[A-Za-z_$][\w$]{0,79})[ \t]*+="
    r"|(?P<method>[A-Za-z_$#][\w$]{2,79})[ \t]*+"
    r"(?::[ \t]*+(?:async[ \t]++)?function[ \t]*+)?\([^()\n]{0,200}\)[ \t]*+\{[ \t]*+$)",
    re.MULTILINE,
)
_STATEMENTS = frozenset(
    (
        "for",
        "while",
        "switch",
        "catch",
        "return",
        "else",
        "with",
        "until",
        "elif",
        "foreach",
        "function",
        "describe",
        "super",
    )
)


def definitions(text: str) -> Iterator[tuple[int, str]]:
    """Where definitions begin in a text (characters from its start), and the names that they define, in order."""
    for found in _DEFINITION.finditer(text):
        name = found[found.lastgroup or "name"]
        if found.lastgroup != "method" or name not in _STATEMENTS:
            yield found.start(), name
