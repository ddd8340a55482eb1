"""A plan for an issue: what the agent wrote, how its comment stands, what people accepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the agent would do: a summary and items in their order, written by turn `turn_id`.

    `text` is what people accepted, in the words that it had then, by the word of `accepted_by`; empty until then.
    """

    turn_id: str
    summary: str
    items: tuple[str, ...]
    text: str = ""
    accepted_by: str = ""


def written(plan: Plan) -> str:
    """A plan in the agent's own words: the summary, and a checkbox for each item."""
    items = "\n".join(f"- [ ] {item}" for item in plan.items)
    return f"{plan.summary}\n\n{items}".strip()


def plan_tag(turn_id: str) -> str:
    """The tag under which a plan's comment is found."""
    return f"plan:{turn_id}"
