"""The words people say to Honk: `/honk` and what follows, found at the start of a line, outside quotes, code and HTML
comments. A table of verbs, and free text for everything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from github_app.core.holds import ACCEPTABLE, Acceptable
from github_app.core.text.markup import mask_code

Verb = Literal[
    "do", "help", "status", "stop", "retry", "budget", "approve", "undo", "revert", "rebase", "plan", "go", "explain",
    "review", "lesson", "pause", "resume", "fix", "config", "ping", "ship",
]  # fmt: skip

VERBS: dict[str, str] = {
    "help": "say what I understand",
    "status": "say what is going on",
    "stop": "end the work and leave everything as it is",
    "retry": "run the last turn again",
    "fix": "start a round on what is wrong now: red checks and open review threads",
    "budget": "allow more money for this issue: `/honk budget +5` is five dollars; alone it says what was spent",
    "approve": "publish a change that I held back: say what you accept (`tests`, `protected`, …), or `all`",
    "undo": "take back my last commit on the pull request, by a new one that reverts it",
    "revert": "after a merge: open a draft pull request that takes the whole change back",
    "rebase": "merge the base branch into the pull request and resolve what conflicts (by a merge commit: I never "
    "rewrite a branch)",
    "ship": "have GitHub merge the pull request in your name on record, where the repository allows that",
    "plan": "say first what I would do about the issue, in a comment that you can edit",
    "go": "do what the plan says, as it stands then; after a merge, the next part of what was left for later",
    "explain": "answer a question about the code, with the files and lines: `/honk explain why …`; nothing is changed",
    "review": "read a pull request, anybody's, and comment on its lines; nothing is changed",
    "lesson": "remember what I proposed, or not: `/honk lesson keep 1`, `/honk lesson drop 1`; alone it lists them",
    "pause": "rest in the whole repository, until `/honk resume` (for maintainers; words after it are the reason)",
    "resume": "go on everywhere in the repository (for maintainers)",
    "config": "say which policy is in force here, and where each value comes from",
    "ping": "say that I am here, whether I work in this repository, and what you may do",
}
"""Every verb with what it does; anything else after `/honk` is an instruction (`do`). Makes the help text."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command: its verb, and the words after it (all of them for `do`, where empty means: just start; the reason
    for `pause`; what is accepted for `approve`; the amount for `budget`; what becomes of which for `lesson`; the
    question for `explain`, and what to look at for `review`)."""

    verb: Verb
    text: str = ""


FOR_PEOPLE: tuple[Verb, ...] = ("approve", "budget", "undo", "revert", "rebase", "go", "lesson", "ship")
"""Verbs by which somebody answers for what happens: no bot and no program says them."""

_LONE_WORD = re.compile(r"[a-z]{3,10}")
_EOL = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_PREFORMATTED = re.compile(r"<pre(?![\w-])", re.IGNORECASE)
_DOLLARS = re.compile(r"\+?\$?(?P<dollars>\d{1,6}(?:\.\d{1,2})?)\$?", re.ASCII)
_LESSON = re.compile(r"(?P<act>keep|drop)(?P<numbers>(?:[ ,]+\d{1,3}){1,10})", re.IGNORECASE | re.ASCII)
_COMMAND = re.compile(r"[ \xa0]{0,3}/honk(?!\S)(?P<rest>.*)", re.IGNORECASE)


def parse_command(body: str) -> Command | None:
    """Find the first command in a comment; None if there is none.

    Quoted lines, code and HTML comments are not looked into. A verb alone on its line is that verb, so that the quoted
    trailer of a mail never turns `stop` into an instruction. An instruction goes on to the end of the comment, with the
    code and quotes in it and without HTML comments: what people cannot see, nobody said. Takes time linear in the
    length, whoever wrote it.
    """
    lines = _lines_of(body)
    for index, (line, is_spoken) in enumerate(lines):
        if is_spoken and (match := _COMMAND.match(line)):
            more = "\n".join(text for text, _ in lines[index + 1 :])
            return _command_of(match["rest"].strip(), more.rstrip())
    return None


def _command_of(first: str, more: str) -> Command:
    word, _, rest = first.partition(" ")
    if word.lower() == "explain":
        return Command(verb="explain", text=f"{rest.strip()}\n{more}".strip())
    # More words beside it are an instruction that happens to begin so; below it, they say what to look at.
    if first.lower() == "review":
        return Command(verb="review", text=more.strip())
    if first.lower().rstrip(".!") == "ship it":
        return Command(verb="ship")
    for verb in get_args(Verb):
        # Words below `retry` would be lost with it: they make it an instruction.
        if first.lower() == verb and verb in VERBS and not (verb == "retry" and more.strip()):
            return Command(verb=verb)
    if word.lower() == "pause":
        return Command(verb="pause", text=rest.strip())
    if word.lower() == "budget" and micro_usd_in(rest) is not None:
        return Command(verb="budget", text=rest.strip())
    if word.lower() == "lesson" and lesson_change_in(rest) is not None:
        return Command(verb="lesson", text=rest.strip())
    # More words that name nothing to approve are an instruction that happens to begin so.
    if word.lower() == "approve" and (len(rest.split()) == 1 or kinds_in(rest)):
        return Command(verb="approve", text=rest.strip())
    return Command(verb="do", text=f"{first}\n{more}".strip())


def verb_meant(command: Command) -> str | None:
    """The verb that a lone word was probably meant to be: one letter is wrong, missing, too many or in its neighbour's
    place. None for all else: more words, or a short one, are an instruction."""
    word = command.text.lower()
    if command.verb != "do" or not _LONE_WORD.fullmatch(word):
        return None
    return next((verb for verb in VERBS if len(verb) > 2 and word in _slips_of(verb)), None)


def _slips_of(verb: str) -> set[str]:
    """A verb with one slip of the finger."""
    cuts = [(verb[:at], verb[at:]) for at in range(len(verb) + 1)]
    letters = "abcdefghijklmnopqrstuvwxyz"
    return {
        *(before + after[1:] for before, after in cuts if after),
        *(before + after[1] + after[0] + after[2:] for before, after in cuts if len(after) > 1),
        *(before + letter + after[1:] for before, after in cuts if after for letter in letters),
        *(before + letter + after for before, after in cuts for letter in letters),
    }


def micro_usd_in(words: str) -> int | None:
    """The amount after `budget` (`+5`, `$2.50`), in millionths of a dollar; None if they are other words."""
    found = _DOLLARS.fullmatch(words.strip())
    return round(float(found["dollars"]) * 1_000_000) if found else None


def lesson_change_in(words: str) -> tuple[Literal["keep", "drop"], tuple[int, ...]] | None:
    """What is to become of which lessons by the words after `lesson` (`keep 1`, `drop 1, 2`); None if they are other
    words."""
    found = _LESSON.fullmatch(words.strip())
    if found is None:
        return None
    return "keep" if found["act"].lower() == "keep" else "drop", tuple(map(int, re.findall(r"\d+", found["numbers"])))


def kinds_in(words: str) -> tuple[Acceptable, ...] | None:
    """The kinds that the words after `approve` name, `all` for every one; None if they are other words."""
    named = [word for word in re.split(r"[\s,]+", words.casefold().replace("`", " ")) if word and word != "and"]
    if "all" in named and len(named) == 1:
        return ACCEPTABLE
    if not set(named) <= set(ACCEPTABLE):
        return None
    return tuple(kind for kind in ACCEPTABLE if kind in named)


def _lines_of(body: str) -> list[tuple[str, bool]]:
    """The lines of a comment as people see them, each with whether it starts outside code and HTML comments."""
    found: list[tuple[str, bool]] = []
    raw_lines = _EOL.split(body)
    last_end = max((index for index, line in enumerate(raw_lines) if "-->" in line), default=-1)
    code = _lines_of_code(raw_lines)
    fence, is_hidden = "", False
    for index, raw in enumerate(raw_lines):
        if fence:
            found.append((raw, False))
            fence = "" if _is_end_of(fence, raw) else fence
            continue
        if index in code and not is_hidden:
            found.append((raw, False))
            continue
        starts_hidden = is_hidden
        line, is_hidden = _without_comments(raw, is_hidden, ends_later=index < last_end)
        marker = _FENCE.match(line)
        fence = marker[1] if marker else ""
        found.append((line, not marker and not starts_hidden))
    return found


def _lines_of_code(lines: Sequence[str]) -> frozenset[int]:
    """Which lines are surely code, wherever it stands: in an item of a list, too, and in `<pre>`."""

    def blank(code: str) -> str:
        return re.sub(r"[^\n]+", "\0", code)

    def blank_preformatted(html: str) -> str:
        return blank(html) if _PREFORMATTED.match(html.lstrip()) else html

    masked = mask_code("\n".join(lines).replace("\0", ""), html=blank_preformatted)
    shown = masked.restore(masked.text, blank).split("\n")
    return frozenset(index for index, line in enumerate(shown) if line.startswith("\0"))


def _is_end_of(fence: str, line: str) -> bool:
    marker = line.strip()
    return marker.startswith(fence) and not marker.strip(fence[0]) and not line.startswith("    ")


def _without_comments(line: str, is_hidden: bool, *, ends_later: bool) -> tuple[str, bool]:
    """A line without what is in `<!-- -->`, and whether the next line starts inside one.

    As GitHub shows it: an end that is missing hides all that follows, but only if the comment began a line.
    """
    shown = ""
    while True:
        if is_hidden:
            _, end, line = line.partition("-->")
            if not end:
                return shown, True
        before, start, line = line.partition("<!--")
        shown += before
        if not start:
            return shown, False
        is_hidden = not shown.strip() or ends_later or "-->" in line
        if not is_hidden:
            return shown + start + line, False
