"""What became of review comments: in each thread, in the pull request's body, and in one line."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from github_app.core.ledger import Entry, Outcome
from github_app.core.messages.figures import names
from github_app.core.session import Reply, Session
from github_app.core.text.prose import code

_LISTED = 30
_ENDINGS = {
    "declined": "I left this as it is; say so here if you want it all the same.",
    "question": "I need your answer to go on with this; write it here.",
}
_STANDINGS = {
    "fixed": "fixed",
    "answered": "answered",
    "declined": "not done; the reason is in the thread",
    "question": "a question is in the thread",
    "open": "open",
}


def thread_answer(reply: Reply, *, head_sha: str = "", is_elsewhere: bool = False) -> str:
    """The agent's answer in a review thread, with the commit that fixed it (GitHub makes a link of it) or what is left.

    `is_elsewhere`: the commit does not change the thread's file.
    """
    ending = _ENDINGS.get(reply.standing, "")
    if reply.standing == "fixed" and head_sha:
        ending = f"Changed in {head_sha}{', in other files' * is_elsewhere}."
    return f"{reply.body}\n\n{ending}".strip()


def tally(ledger: tuple[Entry, ...]) -> str:
    """All threads in one line; what is open by name. What is fixed counts once that is published."""
    counts = Counter(each.standing for each in ledger if each.standing != "fixed" or each.head_sha)
    told = [f"{counts[outcome]} {outcome}" for outcome in get_args(Outcome) if counts[outcome]]
    if still_open := [_place(each) for each in ledger if each.standing == "open"]:
        told.append(f"open: {names(still_open)}")
    return " · ".join(told)


def listing(session: Session) -> list[str]:
    """The threads of a session as a section of its own, each with a link; the newest, if they are many."""
    if not session.ledger:
        return []
    lines = [_line(session, each) for each in session.ledger[-_LISTED:]]
    more = len(session.ledger) - len(lines)
    return ["", "### Review comments", "", *[f"- {more} earlier ones"] * bool(more), *lines]


def _line(session: Session, entry: Entry) -> str:
    place = code(_place(entry))
    if entry.reply_to is not None:
        place = f"[{place}](/{session.repo.full_name}/pull/{session.pull_number}#discussion_r{entry.reply_to})"
    commit = f" in {entry.head_sha}" if entry.head_sha else ""
    return f"- {place} of {code(entry.author)}: {_STANDINGS[entry.standing]}{commit}"


def _place(entry: Entry) -> str:
    return f"{entry.path}:{entry.line}" if entry.line is not None else entry.path
