"""Why work stops, for now or for good: what happened, and what whoever reads it can do next. Where it then stands, and
what it has cost, is one line for all (`standing`)."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.core.messages import failures, parts, shipping
from github_app.core.messages.figures import checks_line, count, duration, names, occupation, spent
from github_app.core.model import Checks
from github_app.core.session import Session, Status
from github_app.core.text.prose import clause, code, harmless

GO_ON = "Write `/honk` to have me go on."
START_AGAIN = "Write `/honk` to have me start again, on a new branch."
_REOPEN_PULL = "Reopen it, and I go on."
_REOPEN_THEIRS = "Reopen it and write `/honk …` to have me go on."
_RESTORE_THEIRS = "Restore it, reopen the pull request and write `/honk …` to have me go on."

_KEPT = "My unpublished work is kept, and the next turn goes on with it."


def standing(session: Session) -> str:
    """How far the work got and what it cost: the last line of every comment that says why it stopped."""
    if session.status.is_terminal:
        turns = count(session.turns, "turn")
    else:
        turns = f"turn {session.turns}, {occupation(session.turn_cause)}" if session.turns else "no turn yet"
    if session.pull_number is None:
        out = "nothing published"
    else:
        out = f"#{session.pull_number} at `{session.head_sha[:7]}`" if session.head_sha else f"#{session.pull_number}"
    return f"{'In all' if session.status.is_terminal else 'So far'}: {turns} · {out} · {spent(session)} spent."


def with_standing(text: str, session: Session) -> str:
    """A comment about why work stopped, with where it stands."""
    return f"{text}\n\n{standing(session)}"


def question(text: str) -> str:
    """The agent's question to the humans."""
    return f"I need an answer before I go on:\n\n{harmless(text)}\n\nAnswer with `/honk …`. {_KEPT}"


def turn_stopped(reason: str, *, limit: str) -> str:
    """A turn ended early."""
    if limit == "money":
        what = "Write `/honk retry` to allow me as much again, `/honk budget +2` to allow two dollars, or `/honk stop`."
    elif limit:
        what = "Write `/honk retry` to give me another turn, or `/honk …` with advice."
    else:
        what = "Write `/honk retry` to have me try again, or `/honk stop`."
    return f"I stopped: {clause(reason)}. {_KEPT} {what}"


def nothing_changed(summary: str) -> str:
    """A turn that should have changed something did not."""
    said = harmless(summary)
    told = f"I changed nothing:\n\n{said}" if said else "I changed nothing."
    return f"{told}\n\nWrite `/honk …` with advice, or `/honk stop`."


def undone(title: str, commit_sha: str, head_sha: str, *, login: str, more: bool) -> str:
    """Our last commit is taken back."""
    again = ", `/honk undo` again to take back the one before" if more else ""
    return (
        f"I took back {code(title)} ({commit_sha}), as {code(login)} asked: {head_sha} reverts it, and nothing else. "
        f"Write `/honk …` with what to do instead{again}; or go on without me."
    )


def merged(base_branch: str, base_sha: str, head_sha: str, *, summary: str) -> str:
    """The base is merged into our branch."""
    return f"I merged {code(base_branch)} ({base_sha}) into the branch: {head_sha}.\n\n{harmless(summary)}".rstrip()


def checks_still_failing(session: Session, checks: Checks) -> str:
    """The rounds for fixing CI are used up. `checks`: what is left to mend."""
    rounds = session.fix_rounds
    tried = f"Checks are still red after {count(rounds, 'attempt')}" if rounds else "Checks are red"
    return (
        f"{tried} ({checks_line(checks)}), so I leave them to you.{_what_was_tried(session)}"
        "Write `/honk …` with advice, or `/honk retry`, and I try again."
    )


def checks_unmoved(session: Session, checks: Checks) -> str:
    """The same failure came again after each attempt to mend it."""
    return (
        f"Checks fail just as they did before my last {count(session.fix_rounds, 'attempt')} ({checks_line(checks)}), "
        f"so I spend nothing on another one.{_what_was_tried(session)}"
        "Write `/honk …` with advice, or `/honk retry`, and I try again."
    )


def _what_was_tried(session: Session) -> str:
    tried = failures.attempts(session)
    return f" What I tried:\n\n{tried}\n\n" if tried else " "


def checks_outside(session: Session) -> str:
    """What failed is no matter of the code: the infrastructure did."""
    here = [each for each in session.failures if each.head_sha == session.head_sha and not each.has_passed]
    rerun = session.rerun
    is_rerun = rerun is not None and rerun.head_sha == session.head_sha and rerun.asked_at is not None
    again = ", also when it ran once more" if is_rerun else ""
    return (
        f"CI did not come to a verdict on `{session.head_sha[:7]}`{again}: {failures.outside(here)}. "
        "That is nothing to mend in the code, so I spend nothing on it. Run it again when the cause is gone, and I go "
        "on by myself; or write `/honk …` with what I shall do about it."
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
    why = clause(reason)
    match kind:
        case "MarkReady":
            return f"I could not take the pull request out of draft: {why}. Please do that; the rest is done."
        case "ReplyThreads":
            return f"I could not answer in the review's threads: {why}. What they ask for is done and published."
        case "Publish":
            return f"I could not publish my change: {why}. {_KEPT} Write `/honk retry` when that is mended."
        case _:
            return f"I could not work: {why}. {_KEPT} Write `/honk retry` when that is mended."


def branch_kept_moving() -> str:
    """Others pushed each time that we wanted to publish."""
    return f"The branch moved each time I wanted to publish. {_KEPT} Write `/honk retry` when it is quiet."


def silence(limit_s: float) -> str:
    """A turn gave no sign of life."""
    return f"My turn has shown no sign of life for {duration(limit_s)}. {_KEPT} Write `/honk retry` to start it."


def queued(others: int) -> str:
    """A turn has not begun for a while."""
    why = f" behind {count(others, 'other turn')} of mine" if others else ", and nothing of mine runs beside it"
    return f"I wait for a free place{why}. I begin by myself; `/honk stop` if that takes too long."


def never_begun(others: int, limit_s: float) -> str:
    """A turn has not begun for so long that it may never."""
    beside = f"; {count(others, 'other turn')} of mine run or wait" if others else ""
    return (
        f"I have found no place to begin for {duration(limit_s)}{beside}. "
        "Write `/honk retry` to have me try again; the operator of this Honk can allow more turns at once."
    )


def reminder(session: Session, waited_s: float) -> str:
    """People have been waited for so long that they may have forgotten."""
    if session.status is Status.AWAITING_REVIEW:
        text = (
            f"#{session.pull_number} has been ready for {duration(waited_s)}, and nothing has happened since. "
            "Review it and I act on that, write `/honk …`, merge it, or close it."
        )
    else:
        text = f"I have been waiting for {duration(waited_s)}, for this:\n\n{session.waiting_for}"
    return f"{text}\n\nI do not remind you again."


def ending(session: Session, *, cuts_turn: bool = False) -> str:
    """The last comment of a session: how it ended, what is left to do, and what it cost. `cuts_turn`: a turn ran."""
    if session.status is Status.MERGED:
        shipped = shipping.as_shipped(session.shipment)
        text = f"#{session.pull_number} is merged{shipped}. Nothing is left to do here."
        text = parts.after_merge(session) if session.remaining else text
    else:
        back = shipping.taken_back_at_end(session.shipment) if session.leaves_pull else ""
        text = f"{session.waiting_for}{back}"
    cut = " The turn that ran was cut short; what it had not published is dropped." if cuts_turn else ""
    return with_standing(f"{text}{cut}", session)


def after_closed_issue(pull_number: int | None) -> str:
    """What to do about a session that ended with its issue."""
    return GO_ON if pull_number is not None else "Reopen the issue and write `/honk` to have me start again."


def after_closed_pull(session: Session) -> str:
    """What to do about a session that ended with its pull request. Into somebody else's, we do not go back unasked."""
    return _REOPEN_PULL if session.adopted is None else _REOPEN_THEIRS


WITHOUT_ISSUE = "Merge it or close it; for more, write an issue and `/honk` there."
"""What to do about a pull request whose issue is gone."""


def stopped_by(login: str, how: str, then: str, *, pull_number: int | None) -> str:
    """Why a session was closed, by whom if that is known, what is left, and what to do (`then`)."""
    left = (
        f"#{pull_number} and its branch stay as they are." if pull_number is not None else "I opened no pull request."
    )
    return f"I stopped: {code(login) if login else 'somebody'} {how}. {left} {then}"


def locked_out(why: str) -> str:
    """GitHub does not let us in any more."""
    return f"GitHub does not let me look at this any more: {clause(why)}. I go on by myself when it does again."


def branch_deleted(session: Session, login: str) -> str:
    """Why a session was closed whose branch is gone."""
    return f"I stopped: {code(login)} deleted the branch. {START_AGAIN if session.adopted is None else _RESTORE_THEIRS}"
