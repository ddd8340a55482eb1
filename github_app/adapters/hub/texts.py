"""Texts that we put into GitHub: marks by which we find them again, lengths, commit messages without switches."""

from __future__ import annotations

import re

from github_app.core.text.prose import missing_fence, without_switches

BODY_LIMIT = 65_536
TITLE_LIMIT = 256
CUT_NOTE = "\n\n… *(cut: longer than GitHub allows)*"

BEGIN = "<!-- honk:begin -->"
END = "<!-- honk:end -->"
_OURS = re.compile(r"<!--(\s*honk:)", re.IGNORECASE)

KEY_TRAILER, AUDIT_TRAILER = "Honk-Key", "Honk-Audit"
_TRAILERS = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*: .+\n?)+")

_FORGED = re.compile(rf"^([^\S\n]*(?:{KEY_TRAILER}|{AUDIT_TRAILER}))[\s:]*:", re.IGNORECASE | re.MULTILINE)


def marker(tag: str) -> str:
    """Return the hidden mark of a comment."""
    return f"<!-- honk:{re.sub(r'[^A-Za-z0-9._/:-]|-(?=-)', '_', tag)} -->"


def mark(body: str, tag: str) -> str:
    """Return a comment's body with its hidden mark as the last line, cut to what GitHub takes.

    Marks inside the body (it may quote people or the model) are made harmless.
    """
    end = f"\n\n{marker(tag)}"
    return cut(_disarm(body), BODY_LIMIT - len(end)) + end


def has_mark(body: str, tag: str) -> bool:
    """Whether a body of ours ends with this mark."""
    return body.rstrip().endswith(marker(tag))


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, with a note at its end if something is missing.

    It ends with a line, where no span of code is open whose other half was cut off: its words would be no code then,
    and act. A block of code that is open is closed.
    """
    if len(text) <= limit:
        return text
    room = limit - len(CUT_NOTE)
    kept = text[: max(room - len(missing_fence(text[:room])), 0)].rpartition("\n")[0]
    closing = missing_fence(kept)
    return (kept + closing if len(kept + closing) <= room else "") + CUT_NOTE


def title_of(text: str) -> str:
    """Return a title on one line that GitHub takes; a squash makes it a commit message, so it is no switch either."""
    line = without_switches(" ".join(text.split()))
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1] + "…"


def enclose(body: str) -> str:
    """Return our part of a pull request's body, between the marks."""
    room = BODY_LIMIT - len(BEGIN) - len(END) - 2
    return f"{BEGIN}\n{cut(_disarm(body), room)}\n{END}"


def replace_enclosed(whole: str, body: str) -> str:
    """Return a pull request's body with our part replaced, or only our part if the marks are gone.

    Where people's part leaves too little room, ours is cut.
    """
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        return enclose(body)
    room = BODY_LIMIT - len(before) - len(after) - len(enclose(""))
    return before + enclose(cut(body.strip(), max(room, len(CUT_NOTE)))) + after


def _disarm(body: str) -> str:
    return _OURS.sub(r"<!-\1", body.strip())


def commit_message(message: str, *, key: str, audit: str) -> str:
    """Return a commit message with our trailers, no forged ones, and nothing that would keep CI from running."""
    text = without_switches(message.strip())
    text = _FORGED.sub(r"\1", text)
    last = text.rpartition("\n\n")[2] if "\n\n" in text else ""
    gap = "\n" if last and _TRAILERS.fullmatch(last) else "\n\n"
    return f"{text}{gap}{KEY_TRAILER}: {key}\n{AUDIT_TRAILER}: {audit}\n"


def key_of(message: str) -> str | None:
    """Return the key in a commit message's trailers, or None. Ours is the last: what is above may be the model's."""
    found = re.findall(rf"^{KEY_TRAILER}: (.+)$", message.rstrip().rpartition("\n\n")[2], re.MULTILINE)
    return str(found[-1]).strip() if found else None
