"""What Honk answers to people who asked something of it."""

from __future__ import annotations

from github_app.core.commands import VERBS
from github_app.core.consent import who_may
from github_app.core.messages.account import tracking
from github_app.core.messages.figures import money, spent
from github_app.core.messages.refusals import paused
from github_app.core.policy import Policy
from github_app.core.session import Pause, Session, Status
from github_app.core.simulation import Rights
from github_app.core.text.prose import clause, code, harmless


def no_session_answer(trigger_label: str) -> str:
    """Somebody stopped, retried or asked after work that does not exist."""
    return f"There is no work of mine here. Label the issue `{trigger_label}` or write `/honk` to start."


def did_you_mean(word: str, verb: str) -> str:
    """A lone word that is nearly a verb: asked back, as work on it would cost money."""
    return f"Did you mean `/honk {verb}`? I did nothing. If {code(word)} is what I shall do, say it in more words."


def help_text(trigger_label: str) -> str:
    """What people can say; the table of verbs is the one that the parser uses."""
    verbs = "\n".join(
        f"| `/honk {verb}{' …' * (verb in ('approve', 'budget', 'lesson'))}` | {meaning} |"
        for verb, meaning in VERBS.items()
    )
    return (
        f"Label an issue `{trigger_label}`, or write `/honk` on it, and I open a draft pull request; write "
        "`/honk …` on a pull request of your own, and I add commits to its branch. "
        "I fix what CI finds, act on reviews, and leave the merge to you.\n\n"
        f"| Write | and I |\n|---|---|\n| `/honk` *anything* | do it, on the issue's branch |\n{verbs}\n\n"
        "Start a line with it. I listen to people with write access."
    )


def here(version: str, rights: Rights, *, policy: Policy, pause: Pause | None, obstacle: str) -> str:
    """Somebody asked whether we are there: which version, whether work is done here, and what they may do."""
    state = "I work in this repository."
    if pause is not None:
        state = paused(pause)
    elif obstacle:
        state = f"No work would start in this repository: {clause(obstacle)}."
    accepts = "protected paths, too" if rights.may_accept_protected else f"but protected paths: {_approvers(policy)}"
    may = f"start, steer and stop work, and accept changes that I hold back ({accepts})"
    return (
        f"Honk {version} is here. {state}\n\n{code(rights.login)}, with {rights.role} access you may {may}. "
        "`/honk help` lists what I understand."
    )


def _approvers(policy: Policy) -> str:
    return f"those wait for {who_may('protected', policy)}"


def status_answer(session: Session) -> str:
    """The state of a session, on request."""
    return tracking(session, has_boxes=False)


def ended_meanwhile(session: Session) -> str:
    """A box was ticked in the tracking comment of work that had ended by then."""
    then = "" if session.status is Status.MERGED else " Write `/honk` to have me go on."
    return f"This work had ended before the box was ticked, so I did nothing.{then}"


def already_working(session: Session) -> str:
    """A second start of what runs already."""
    where = f"see #{session.pull_number}" if session.pull_number is not None else f"on `{session.branch}`"
    return f"I am on it already ({where}). Write `/honk …` with what you want changed."


def nothing_to_fix(session: Session) -> str:
    """Somebody wants mended what is wrong, and nothing is."""
    checks = session.checks
    is_pending = checks is not None and checks.head_sha == session.head_sha and checks.state == "pending"
    state = "the checks have not ended, and I act on them by myself when they have" if is_pending else "no check is red"
    return f"There is nothing to fix: {state}, and no review thread waits for me. Write `/honk …` with what you want."


def what_was_spent(session: Session) -> str:
    """What the work on an issue has cost, on request."""
    return f"{spent(session)} spent so far. Write `/honk budget +5` to allow five dollars more."


def money_allowed(session: Session, amount_micro_usd: int) -> str:
    """Somebody allowed more money while it was not what the work waits for."""
    return f"{money(amount_micro_usd)} more is allowed: {spent(session)} spent so far."


def answer(summary: str) -> str:
    """The agent's answer where nothing had to be changed."""
    return harmless(summary) or "I looked, and nothing has to be changed."


def request_waits(reason: str) -> str:
    """A request cannot be decided on yet."""
    return f"I have read this and cannot act on it yet: {clause(reason)}. I keep trying, and go on by myself."


def request_failed(reason: str) -> str:
    """A request could not even be decided on."""
    return f"I could not act on this: {clause(reason)}. Ask again when that is mended."
