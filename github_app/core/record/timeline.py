"""The audit's records in words, for people who look at a session: what happened when, one line each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from github_app.core.messages.figures import money
from github_app.core.record.audit import Link, document_of
from github_app.core.text.characters import spelled_out

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a session's page, with all that is unseen or turns text around spelled out. `detail` is quoted from
    outside; `is_bad` where something failed or was refused."""

    number: int
    at: str
    kind: str
    text: str
    detail: str = ""
    is_bad: bool = False


def lines_of(links: Sequence[Link]) -> tuple[Line, ...]:
    """The records of a chain as lines. What was said to the model is left out: its replies show the steps."""
    return tuple(_line(link) for link in links if link.kind != "told")


def _line(link: Link) -> Line:
    document = document_of(link)
    try:
        text, detail, is_bad = _WORDS.get(link.kind, _other)(document)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
        text, detail, is_bad = _other(document)  # somebody changed it: it may say anything
    text, detail = spelled_out(text), spelled_out(detail)
    return Line(number=link.number, at=link.at, kind=link.kind, text=text, detail=detail, is_bad=is_bad)


_Words = tuple[str, str, bool]


def _decision(told: Mapping[str, Any]) -> _Words:
    actor = told.get("actor") or {}
    permission = f", {told['permission']} access" if "permission" in told else ""
    who = f" ({actor['login']}, account {actor['id']}{permission})" if actor else ""
    event = _CAPITAL.sub(" ", str(told.get("kind"))).lower()
    return f"{event}{who}: {told.get('why')}", "", False


def _prompt(told: Mapping[str, Any]) -> _Words:
    sources = [f"{each['kind']} {each['name']}".strip() for each in told.get("sources", ())]
    return f"a turn begins: {told.get('cause')}", ", ".join(sources), False


def _model(told: Mapping[str, Any]) -> _Words:
    tools = ", ".join(each["tool"] for each in told.get("calls", ())) or "no tool"
    if told.get("is") == "judge":
        return f"a second look: {money(told.get('cost_micro_usd', 0))}", str(told.get("request", "")), False
    return f"the model calls {tools}: {money(told.get('cost_micro_usd', 0))}", str(told.get("request", "")), False


def _command(told: Mapping[str, Any]) -> _Words:
    ended = told.get("killed_by") or f"exit code {told.get('exit_code')}"
    is_bad = bool(told.get("killed_by") or told.get("exit_code"))
    argv = told.get("argv", ())
    # What the agent writes goes through a shell; its own words come last.
    words = argv[-1] if argv[:2] == ["sh", "-c"] else " ".join(argv)
    return f"a command ran {_seconds(told)}: {ended}", words, is_bad


def _network(told: Mapping[str, Any]) -> _Words:
    is_allowed = bool(told.get("is_allowed"))
    reason = f": {told['reason']}" if told.get("reason") else ""
    verdict = "allowed" if is_allowed else "refused"
    return f"network {verdict}, {told.get('times')} ×{reason}", f"{told.get('host')}:{told.get('port')}", not is_allowed


def _verifier(told: Mapping[str, Any]) -> _Words:
    code = told.get("exit_code")
    return f"a verifier ran {_seconds(told)}: exit code {code}", str(told.get("command")), bool(code)


def _change_set(told: Mapping[str, Any]) -> _Words:
    return f"the change set is {told.get('is')}", str(told.get("sha256")), told.get("is") != "accepted"


def _lesson(told: Mapping[str, Any]) -> _Words:
    by = f" by {told['by']['login']} on a page" if "by" in told else ""
    return f"lesson {told.get('lesson')} is {told.get('is')}{by}", str(told.get("source", "")), False


def _push(told: Mapping[str, Any]) -> _Words:
    return f"published in #{told.get('pull')}", str(told.get("sha")), False


def _doubt(_: Mapping[str, Any]) -> _Words:
    return "what stands above was not sealed by us", "", True


def _other(told: Mapping[str, Any]) -> _Words:
    return ", ".join(f"{key}: {told[key]}" for key in sorted(told)), "", False


def _seconds(told: Mapping[str, Any]) -> str:
    return f"{told.get('duration_ms', 0) / 1_000:.1f} s"


_WORDS = {
    "decision": _decision,
    "prompt": _prompt,
    "model": _model,
    "command": _command,
    "network": _network,
    "verifier": _verifier,
    "change_set": _change_set,
    "lesson": _lesson,
    "push": _push,
    "doubt": _doubt,
}
