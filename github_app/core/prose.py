"""Words that are not ours, made fit to be posted in our name: the model's prose, names of checks, error texts. Nothing
in them may call people, close issues or give us commands."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9])")
_COMMAND = re.compile(r"(?<![\w`/])(/honk)(?!\S)", re.IGNORECASE)
# https://docs.github.com/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_CLOSING = re.compile(
    # Possessive, and with the lengths that GitHub allows to names: the time must stay linear, whatever the model wrote.
    r"\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b(?:\s*+:)?+\s*+"
    r"(?=(?:[\w.-]{1,100}/[\w.-]{1,100})?#\d|GH-\d|https?://\S{1,300}/(?:issues|pull)/\d)",
    re.IGNORECASE,
)


def harmless(text: str) -> str:
    """A text without HTML comments, mentions, commands and words that close an issue, and otherwise as it was.

    Code blocks keep their `@` (they are copied, and GitHub calls nobody from there); one that is left open is closed,
    so that it does not swallow what we say after it.
    """
    lines: list[str] = []
    fence = ""
    for line in re.split(r"\r\n|\r|\n", text.replace("<!--", "&lt;!--").strip()):
        if fence:
            lines.append(line)
            fence = "" if line.strip().startswith(fence) and not line.strip().strip(fence[0]) else fence
            continue
        marker = _FENCE.match(line)
        fence = marker[1] if marker else ""
        lines.append(line if fence else _MENTION.sub("@\u200b", line))
    if fence:
        lines.append(fence)
    return _without_orders("\n".join(lines))


def one_line(text: str) -> str:
    """A text as one harmless line."""
    return _without_orders(_MENTION.sub("@\u200b", " ".join(text.replace("<!--", "&lt;!--").split())))


def clause(text: str) -> str:
    """A text that becomes the middle of a sentence of ours: one harmless line, without the full stop."""
    return one_line(text).rstrip(". ")


def code(text: str) -> str:
    """A name as code on one line, whatever is in it."""
    name = one_line(text).replace("`", "'")
    return f"`{name[:100]}`" if name else "(no name)"


def _without_orders(text: str) -> str:
    return _CLOSING.sub(r"\1 issue ", _COMMAND.sub(r"`\1`", text))
