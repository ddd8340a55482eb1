"""What people say in a chat, taken apart: which repository or issue they name, and what shall be done."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from github_app.core.commands import Command, parse_command

_NAME = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}"
_NUMBERED = re.compile(rf"(?<![\w/.-])(?P<repo>{_NAME})#(?P<number>[1-9]\d{{0,8}})(?!\w)")
_LED = re.compile(rf"^(?P<repo>{_NAME})(?:[:,]\s|\s*$)")
_WITHIN = re.compile(rf"(?:^|(?<=\s))in\s+(?P<repo>{_NAME})(?=[\s,.:;!?]*(?:\s|$))", re.IGNORECASE)
_USE = re.compile(rf"use\s+`?(?:\S*/)??(?P<repo>{_NAME})`?", re.IGNORECASE)
_VERB = re.compile(r"(?P<verb>plan|explain|review)\b\s*[:,-]?\s*", re.IGNORECASE)
_PULL = re.compile(
    r"(?:(?:the\s+)?(?:pull\s+request|pr)\s*#?|#)(?P<number>[1-9]\d{0,8})(?![\w/-])[:,.]?\s*", re.IGNORECASE
)
# "What about …?" proposes something, and "can you …?" asks for it.
_QUESTION = re.compile(r"(?:why|how|where|what|which|when|who)\b(?!\s+about\b).*\?\s*", re.IGNORECASE | re.DOTALL)
# What is said with an issue that has its own words, and adds nothing to them.
_JUST_DO_IT = re.compile(
    r"(?:please\s+)?(?:fix|do|implement|solve|take|start|handle|work on)?(?:\s+(?:this|that|it|issue))?"
    r"(?:[,\s]+please)?[\s.:!]*",
    re.IGNORECASE,
)


Verb = Literal["do", "plan", "explain", "review"]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants done, and where, as far as they named it. `otherwise` are the words if `repo` is none: `in
    src/main.py` looks like one."""

    verb: Verb
    words: str
    repo: str = ""
    number: int | None = None
    otherwise: str = ""


def wish_in(words: str, github_url: str) -> Wish:
    """Take words apart. A repository is named by `owner/name: …`, `… in owner/name` or its address, an issue by its
    number or address; only addresses on this GitHub count. A repository's name is no part of the task: it is left
    out. A review is one where its pull request is named; a question is one also without `explain` before it."""
    wish = _wish_in(words, github_url)
    if wish.verb == "review" and wish.number is None:
        pull = _PULL.match(wish.words)
        if pull is None:
            return _taken_apart("do", words.strip(), github_url)
        return replace(wish, words=wish.words[pull.end() :].strip(), number=int(pull["number"]), otherwise="")
    return replace(wish, verb="explain") if wish.verb == "do" and _QUESTION.fullmatch(wish.words) else wish


def _wish_in(words: str, github_url: str) -> Wish:
    led = _VERB.match(words)
    verbs: dict[str, Verb] = {"plan": "plan", "explain": "explain", "review": "review"}
    verb = verbs[led["verb"].lower()] if led else "do"
    return _taken_apart(verb, (words[led.end() :] if led else words).strip(), github_url)


def _taken_apart(verb: Verb, rest: str, github_url: str) -> Wish:
    address = re.compile(
        rf"{re.escape(github_url)}/(?P<repo>{_NAME})(?:/(?:issues|pull)/(?P<number>[1-9]\d{{0,8}}))?[^\s)>]*"
    )
    for pattern in (address, _NUMBERED):
        if (found := pattern.search(rest)) is not None:
            number = found["number"]
            without = _without(rest, found)
            if number is None:
                return Wish(verb=verb, words=without, repo=found["repo"].removesuffix(".git"))
            said = "" if _JUST_DO_IT.fullmatch(without) else without
            return Wish(verb=verb, words=said, repo=found["repo"], number=int(number))
    if (led := _LED.search(rest)) is not None:
        return Wish(verb=verb, words=_without(rest, led), repo=led["repo"])
    if within := list(_WITHIN.finditer(rest)):
        last = within[-1]
        name = last["repo"].rstrip(".")
        return Wish(verb=verb, words=_without(rest, last), repo=name, otherwise=rest)
    return Wish(verb=verb, words=rest)


def _without(words: str, found: re.Match[str]) -> str:
    before, after = words[: found.start()].rstrip(), words[found.end() :].lstrip(" \t:,")
    return f"{before} {after}".strip() if before and not after.startswith("\n") else f"{before}{after}".strip()


def repository_to_use(words: str) -> str | None:
    """The repository after `use`; None for other words."""
    found = _USE.fullmatch(words.strip())
    return found["repo"].removesuffix(".git") if found else None


def command_in(words: str) -> Command:
    """What words to us would be after `/honk` on GitHub."""
    return parse_command(f"/honk {words.strip()}") or Command(verb="do", text=words.strip())
