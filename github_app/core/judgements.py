"""What a second, cheap model said of a change set before it was handed in: advice, and what of it may hold a change
back. Values only; its words are as little ours as the agent's are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from github_app.core.holds import Finding
from github_app.core.text.prose import clause, code

Doubt = Literal["scope", "tests", "incomplete", "risk"]
Said = Literal["nothing", "advice", "veto"]
Confidence = Literal["low", "medium", "high"]

VETOES: tuple[Doubt, ...] = ("scope", "tests")
"""What holds a change back where policy says `judge: block`."""

_HEADINGS: dict[Doubt, str] = {
    "scope": "out of scope",
    "tests": "tests weakened",
    "incomplete": "not complete",
    "risk": "risky",
}


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One thing that the judge found, in its words; of a risk, the changed file and the line (0: none told)."""

    doubt: Doubt
    text: str
    path: str = ""
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the judge said of what is handed in. `missing` is why it said nothing at all, in words of ours.

    `answers` are all that it gave in this turn, and `is_overruled` says that the agent was told of these remarks and
    handed in the very same files again.
    """

    remarks: tuple[Remark, ...] = ()
    confidence: Confidence = "low"
    missing: str = ""
    answers: tuple[Said, ...] = ()
    is_overruled: bool = False

    @property
    def said(self) -> Said:
        """What its answer comes to."""
        if any(each.doubt in VETOES for each in self.remarks):
            return "veto"
        return "advice" if self.remarks else "nothing"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Its vetoes, as what a person has to accept."""
        vetoes = (each for each in self.remarks if each.doubt in VETOES)
        return tuple(Finding(kind="judge", path="", text=f"{_HEADINGS[each.doubt]}: {each.text}") for each in vetoes)


def told(judgement: Judgement) -> list[str]:
    """What a second look found, as lines of the pull request's body."""
    if judgement.missing:
        return [f"No second look: {judgement.missing}."]
    if not judgement.remarks:
        return ["A second look found nothing to say."]
    said = [f"- {_HEADINGS[each.doubt]}{_place(each)}: {clause(each.text)}" for each in judgement.remarks]
    return [
        "### What a second look found",
        "",
        f"Advice of another model (confidence: {judgement.confidence}).",
        "",
        *said,
    ]


def to_the_agent(judgement: Judgement) -> str:
    """The same for the agent, as plain text."""
    places = (f" {each.path}:{each.line}" if each.path else "" for each in judgement.remarks)
    lines = zip(judgement.remarks, places, strict=True)
    return "\n".join(f"- [{_HEADINGS[each.doubt]}]{place} {each.text}" for each, place in lines)


def tallied(before: Judgement | None, after: Judgement | None, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What is counted when a judgement is handed in; `findings` are what is held back with it.

    Where people have the last word, what they say of it counts and not what the agent did.
    """
    if after is None or after == before:
        return ()
    counted = [f"judge_{each}" for each in after.answers]
    if after.is_overruled and not any(each.kind == "judge" for each in findings):
        counted.append("judge_overruled")
    return tuple(counted)


def harmless_judgement(judgement: Judgement) -> Judgement:
    """Its words, each one line that does nothing."""
    return replace(judgement, remarks=tuple(replace(each, text=clause(each.text)) for each in judgement.remarks))


def _place(remark: Remark) -> str:
    if not remark.path:
        return ""
    return f" ({code(f'{remark.path}:{remark.line}' if remark.line else remark.path)})"
