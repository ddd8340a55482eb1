"""Why work stops, for now or for good: what happened, and what whoever reads it can do next."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.messages.figures import checks_line, cost, count, duration, names
from github_app.core.model import Checks, Session, Status, Usage
from github_app.core.text.prose import clause, code, harmless


def question(text: str) -> str:
    """The agent's question to the humans."""
    return f"I need an answer before I go on:\n\n{harmless(text)}\n\nAnswer with `/honk …`."


def turn_stopped(reason: str, *, limit: str, usage: Usage) -> str:
    """A turn ended early."""
    if limit == "money":
        what = "Write `/honk retry` to allow me as much again, or `/honk stop`."
    elif limit:
        what = "Write `/honk retry` to give me another turn, or `/honk …` with advice."
    else:
        what = "Write `/honk retry` to have me try again, or `/honk stop`."
    return f"I stopped: {clause(reason)}. Spent so far: {cost(usage)}. My work is kept. {what}"


def nothing_changed(summary: str) -> str:
    """A turn that should have changed something did not."""
    said = harmless(summary)
    told = f"I changed nothing:\n\n{said}" if said else "I changed nothing."
    return f"{told}\n\nWrite `/honk …` with advice, or `/honk stop`."


def checks_still_failing(rounds: int, checks: Checks) -> str:
    """The rounds for fixing CI are used up."""
    tried = f"Checks are still red after {count(rounds, 'attempt')}" if rounds else "Checks are red"
    return (
        f"{tried} ({checks_line(checks)}), so I leave them to you. "
        "Write `/honk …` with advice, or `/honk retry`, and I try again."
    )


def checks_red_before(checks: Checks, base_sha: str) -> str:
    """Failed checks that nobody asked to have mended: they were red before any change of ours."""
    return (
        f"Checks are red ({checks_line(checks)}), and they are so on {code(base_sha[:7])}, too, where my work began: "
        "that is not my change, so I leave them. Mend them there, or run them again, and I go on when they are green; "
        "or write `/honk …` with what I shall do about them here."
    )


def review_rounds_spent(rounds: int) -> str:
    """The rounds for reviews are used up."""
    done = (
        f"I have addressed {count(rounds, 'review')}, which is the limit here"
        if rounds
        else "In this repository, reviews do not start me by themselves"
    )
    return f"{done}. I keep this one: write `/honk retry` to have me address it."


def checks_blocked() -> str:
    """CI waits for approval."""
    return (
        "CI waits for a person to approve its run on my commit. Approve it in the pull request, and I go on by myself."
    )


def checks_silent(pending: Sequence[str], limit_s: float) -> str:
    """Checks never ended."""
    who = names(pending) or "The checks"
    return (
        f"{who} did not end within {duration(limit_s)}. Run them again and I go on by myself, or write `/honk retry`."
    )


def effect_failed(kind: str, reason: str) -> str:
    """Something that matters could not be done."""
    if kind == "MarkReady":
        return f"I could not take the pull request out of draft: {clause(reason)}. Please do that; the rest is done."
    what = "publish my change" if kind == "Publish" else "work"
    return f"I could not {what}: {clause(reason)}. My work is kept. Write `/honk retry` when that is mended."


def branch_kept_moving() -> str:
    """Others pushed each time that we wanted to publish."""
    return "The branch moved each time I wanted to publish. My work is kept. Write `/honk retry` when it is quiet."


def silence(limit_s: float) -> str:
    """A turn gave no sign of life."""
    return f"My turn did not end within {duration(limit_s)}. Write `/honk retry` to start it again."


def ending(session: Session) -> str:
    """The last comment of a session: how it ended and what it cost."""
    spent = f"{count(session.turns, 'turn')} · {cost(session.usage)}"
    if session.status is Status.MERGED:
        return f"#{session.pull_number} is merged. Spent in all: {spent}."
    return f"{session.waiting_for} Spent in all: {spent}."


def stopped_by(login: str, how: str, *, pull_number: int | None) -> str:
    """Why a session was closed, by whom if that is known, and what is left."""
    left = (
        f"#{pull_number} and its branch stay as they are." if pull_number is not None else "I opened no pull request."
    )
    return f"I stopped: {code(login) if login else 'somebody'} {how}. {left}"


def branch_deleted(login: str) -> str:
    """Why a session was closed whose branch is gone."""
    return f"I stopped: {code(login)} deleted the branch."
