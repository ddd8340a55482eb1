"""The words people say to Honk: `/honk` and what follows, found at the start of a line, outside quotes, code and HTML
comments. A table of verbs, and free text for everything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Verb = Literal["do", "help", "status", "stop", "retry"]

VERBS: dict[str, str] = {
    "help": "say what I understand",
    "status": "say what is going on",
    "stop": "end the work and leave everything as it is",
    "retry": "run the last turn again",
}
"""Every verb with what it does; anything else after `/honk` is an instruction (`do`). Makes the help text."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command: its verb, and the words after it (all of them for `do`; empty means: just start)."""

    verb: Verb
    text: str = ""


_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_COMMAND = re.compile(r"^ {0,3}/honk(?=$|[\s])[ \t]*(?P<rest>.*)$", re.IGNORECASE)


def parse_command(body: str) -> Command | None:
    """Find the first command in a comment; None if there is none.

    Everything after the command up to the end of the comment belongs to it, so that an instruction may have several
    lines. Quoted lines, fenced and indented code and HTML comments are not looked into.
    """
    lines = _speakable_lines(body)
    for index, line in enumerate(lines):
        if line is None or not (match := _COMMAND.match(line)):
            continue
        rest = [match["rest"], *(later for later in lines[index + 1 :] if later is not None)]
        return _command_of("\n".join(rest).strip())
    return None


def _command_of(text: str) -> Command:
    word, _, rest = text.partition(" ")
    verb = word.strip().lower()
    for known in get_args(Verb):
        if verb == known and known != "do" and not rest.strip():
            return Command(verb=known)
    return Command(verb="do", text=text)


def _speakable_lines(body: str) -> list[str | None]:
    """The lines of a comment that a person says in their own voice; None in place of the others."""
    text = _HTML_COMMENT.sub(lambda m: "\n" * m[0].count("\n"), body.replace("\r\n", "\n").replace("\xa0", " "))
    lines: list[str | None] = []
    fence = ""
    for line in text.split("\n"):
        marker = _FENCE.match(line)
        if fence:
            if marker and marker[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            lines.append(None)
        elif marker:
            fence = marker[1]
            lines.append(None)
        elif line.lstrip().startswith(">") or line.startswith(("    ", "\t")):
            lines.append(None)
        else:
            lines.append(line)
    return lines
