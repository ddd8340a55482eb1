"""The repository's own template of pull requests, as it stands below what Honk says itself. Whoever fills it in is a
person: Honk neither answers its questions nor ticks its boxes."""

from __future__ import annotations

import re

from github_app.core.text.prose import harmless

MAX_CHARS = 20_000

_NOTE = "*Below is this repository's template. I ticked nothing in it: what it asks is for people to say.*"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TICKED = re.compile(r"^([ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+)\[[xX]\]", re.MULTILINE)
_GAP = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def left_to_people(template: str) -> str:
    """A template with its headings and boxes, none ticked, made harmless; empty if nothing of it is to be seen."""
    # Comments tell people how to fill it in. Nobody would see them, and what is in them is anybody's.
    shown = _COMMENT.sub("", template.replace("\r\n", "\n")[:MAX_CHARS])
    text = _TICKED.sub(r"\1[ ]", harmless(_GAP.sub("\n\n", shown)))
    return f"---\n\n{_NOTE}\n\n{text}" if text else ""
