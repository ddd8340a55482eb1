"""What Honk says about a change set that it holds back: what was found, why it is needed, and who may accept it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from github_app.core.holds import Acceptable, Approval, Finding, Hold
from github_app.core.model import Actor, Permission
from github_app.core.policy import Policy
from github_app.core.text.characters import spelled_out
from github_app.core.text.prose import clause, code, harmless

_LINES_SHOWN = 60
_LINE_CHARS = 160
_REASON_CHARS = 2_000

_WORDS: dict[Acceptable, str] = {
    "protected": "touches what is protected",
    "tests": "may weaken tests or checks",
    "secrets": "holds what looks like secrets",
    "size": "is larger than allowed",
    "binary": "holds large binary files",
    "modes": "turns files into programs or links",
    "judge": "is doubted by a second look",
}


def may_accept(kind: Acceptable, actor: Actor, permission: Permission, policy: Policy) -> bool:
    """Whether somebody may accept findings of a kind, with the permission that they have at this moment."""
    if permission < policy.may_command or actor.is_bot:
        return False
    if kind != "protected":
        return True
    if policy.approvers:
        return actor.login.casefold() in {login.casefold() for login in policy.approvers}
    return permission >= Permission.MAINTAIN


def who_may(kind: Acceptable, policy: Policy) -> str:
    """Who may accept findings of a kind, in words."""
    if kind != "protected":
        return f"anybody with {policy.may_command.name.lower()} access"
    if policy.approvers:
        return _either([code(login) for login in policy.approvers])
    return "people who maintain the repository"


def held_back(hold: Hold, *, reason: str, policy: Policy) -> str:
    """The question to a human: one comment that has all that is needed to decide."""
    lines = ["I have a change ready and did not publish it, because it"]
    room = _LINES_SHOWN
    for kind in hold.kinds:
        lines += ["", f"**{_WORDS[kind]}** (`{kind}`; {who_may(kind, policy)} can accept that):", ""]
        for finding in hold.of_kind(kind):
            shown = finding.lines[:room]
            room -= len(shown)
            lines += [f"- {_said(finding)}", *_diff(shown)]
    if reason.strip():
        lines += ["", "Why the task needs it, in the agent's words:", "", _quoted(harmless(reason[:_REASON_CHARS]))]
    lines += ["", f"{_how_to(hold)} Or write `/honk …` with what to do instead, and I go on from there."]
    return "\n".join(lines)


def waiting(hold: Hold) -> str:
    """The same in a sentence, for the tracking comment."""
    return f"I hold a change back until somebody accepts what is in it ({_kinds(hold.open_kinds)}): see my comment."


def still_open(hold: Hold, refused: Sequence[Acceptable], *, login: str, policy: Policy) -> str:
    """An answer to somebody who did not accept everything, or may not."""
    told = [f"`{login}`, `{kind}` can be accepted by {who_may(kind, policy)}." for kind in refused]
    return " ".join([*told, _how_to(hold)])


def nothing_held() -> str:
    """An answer where there is nothing to accept."""
    return "I hold no change back, so there is nothing to accept."


def accepted(approvals: Iterable[Approval]) -> list[str]:
    """Who accepted what, as list items for the pull request's body."""
    return [
        f"- {code(each.login)} accepted `{each.kind}`: {'; '.join(clause(text) for text in each.texts)}."
        for each in approvals
    ]


def to_the_agent(hold: Hold) -> str:
    """What the next turn is told."""
    found = "\n".join(f"- [{each.kind}] {_place(each)}{each.text}" for each in hold.findings)
    return f"It was held back, and not published, until a human accepts this:\n{found}"


def texts_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What was found, for the record of who accepted it."""
    return tuple(_said(finding) for finding in findings)


def _said(finding: Finding) -> str:
    where = f"{code(finding.path)}: " if finding.path else ""
    return f"{where}{clause(finding.text)}"


def _place(finding: Finding) -> str:
    return f"{finding.path}: " if finding.path else ""


def _how_to(hold: Hold) -> str:
    kinds = " ".join(hold.open_kinds)
    both = f"`/honk approve {kinds}`" + (" (or `all`)" if len(hold.open_kinds) > 1 else "")
    return f"To have it published as it is, write {both}."


def _kinds(kinds: Iterable[Acceptable]) -> str:
    return ", ".join(f"`{kind}`" for kind in kinds)


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _diff(lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    # Longer than any fence in it: what a file holds must not get out of the block.
    longest = max((len(run) for run in re.findall(r"`+", "\n".join(lines))), default=0)
    fence = "`" * max(3, longest + 1)
    # Whoever decides must see what is there: nothing turns a line around, ends it or is unseen.
    shown = (spelled_out(line)[:_LINE_CHARS].replace("\n", " ").replace("@", "@\u200b") for line in lines)
    return ["", f"  {fence}diff", *(f"  {line}" for line in shown), f"  {fence}"]


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
