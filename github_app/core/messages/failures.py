"""What is told of failed checks: what they said, what was tried against it, and what turned out to be chance. Names and
lines of logs are the words of others, and are shown as code."""

from __future__ import annotations

from collections.abc import Iterable

from github_app.core.attempts import flaky, handed_heads
from github_app.core.failures import Failure
from github_app.core.messages.figures import names
from github_app.core.session import Session
from github_app.core.text.prose import code

_SHOWN = 5


def attempts(session: Session) -> str:
    """What was tried since people last said something, as a list: each commit, what failed there, and what the agent
    made of it. Empty if nothing was."""
    heads = handed_heads(session)
    return "\n".join(f"- {_seen(session, sha)}{_answer(session, sha)}" for sha in heads)


def outside(failures: Iterable[Failure]) -> str:
    """Failures that are no matter of the code, each with what showed that."""
    shown = list(failures)
    told = "; ".join(f"{code(each.name)}: {each.sign}" for each in shown[:_SHOWN])
    return told + (f"; and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")


def doubted(session: Session) -> str:
    """What runs again on the head, and why; empty if nothing does."""
    if session.rerun is None or session.rerun.head_sha != session.head_sha or session.rerun.asked_at is None:
        return ""
    open_ones = [each for each in session.failures if each.head_sha == session.head_sha and not each.is_handed]
    left = [each for each in open_ones if not each.has_passed]
    told = [f"{code(each.name)} ({each.sign or 'perhaps by chance'})" for each in left[:_SHOWN]]
    return ", ".join(told)


def passed_again(session: Session) -> str:
    """What failed and then passed on the same commit, by commit; empty if nothing did."""
    found = flaky(session)
    heads = dict.fromkeys(each.head_sha for each in found)
    return "; ".join(
        f"{names([each.name for each in found if each.head_sha == sha])} on {code(sha[:7])}" for sha in heads
    )


def _seen(session: Session, sha: str) -> str:
    failed = [each for each in session.failures if each.head_sha == sha and each.is_handed]
    told = ", ".join(f"{code(each.name)} said {code(each.gist)}" for each in failed[:_SHOWN])
    return f"{code(sha[:7])}: {told}"


def _answer(session: Session, sha: str) -> str:
    heads = [each.head_sha for each in session.published]
    after = heads.index(sha) + 1 if sha in heads else len(heads)
    if after >= len(heads):
        return ""
    made = session.published[after]
    return f"; I pushed {code(made.head_sha[:7])}, {code(made.title)}"
