"""What is said about plans: the comment that people edit, and what became of it."""

from __future__ import annotations

from github_app.core.messages import stops
from github_app.core.plans import Plan, written
from github_app.core.session import Session
from github_app.core.text.prose import code

MAX_CHARS = 20_000
"""A plan that is longer when it is accepted is not one that anybody has read."""

WAITS = "A plan waits for you in the comments. Edit it as you like; `/honk go` has me do it, `/honk …` plan anew."
ALREADY_WAITS = "the plan waits for `/honk go`, or for `/honk …` with what shall be different"
NO_PLAN = "no plan of mine waits here. `/honk plan` has me write one"
EMPTY = "there is nothing left in the plan. `/honk …` has me plan anew"
TOO_LONG = f"the plan has more than {MAX_CHARS:,} characters. Make it shorter"

_FOOTER = "\n\n---\nThis is a plan: nothing is changed yet."


def comment(plan: Plan, session: Session) -> str:
    """The comment that has the plan. Whoever may write in the repository can edit it."""
    text = (
        f"I would do this:\n\n{written(plan)}{_FOOTER} Edit this comment to change it; what is left in it "
        "counts, ticked or not. When somebody with write access writes `/honk go`, I do what stands here then. "
        "`/honk …` with what shall be different has me plan anew."
    )
    return stops.with_standing(text, session)


def text_of(body: str) -> str:
    """What a plan's comment asks for, as it stands: all above our own last lines."""
    above, footer, _ = body.replace("\r\n", "\n").rpartition(_FOOTER)
    return (above if footer else body).removeprefix("I would do this:").strip()


def own_version(why: str) -> str:
    """Why a plan is followed as the agent wrote it, and not as its comment stands."""
    return f"I go by the plan as I wrote it: {why}."


GONE = "its comment is not there any more"


def edited_by_stranger(login: str) -> str:
    """Who has no say edited the plan."""
    return f"{code(login)} edited the comment last, and is nobody I take instructions from"


def refusal(why: str) -> str:
    """A plan is not written, or not followed."""
    return f"I did not start: {why}."


def has_pull(number: int) -> str:
    """Planning comes before the work."""
    return f"#{number} is open already, and a plan comes before the work. Write `/honk …` with what shall be different"
