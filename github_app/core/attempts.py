"""The memory that a session has of CI: what failed on which of its commits, what became of it, and what that shows: a
failure that passed on the same commit is flaky, one that outlived two attempts to mend it will outlive a third."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from github_app.core.failures import Failure
from github_app.core.judgements import Judgement, tallied
from github_app.core.model import Checks, FailedCheck
from github_app.core.session import Session
from github_app.core.triage import gist_of, mark_of, sign_of_outside

KEPT = 40
"""How many failures a session remembers."""

MAX_PATHS = 200
"""A change of more paths is not kept path by path: then nothing is known of what it touches."""

ENOUGH = 2
"""So many attempts may leave a failure as it was; then a person is asked."""


def changed_paths(session: Session) -> tuple[str, ...] | None:
    """All paths that our own commits changed; None where that is not known, or others pushed on top."""
    rounds = session.published
    if not rounds or rounds[-1].head_sha != session.head_sha or not all(each.paths for each in rounds):
        return None
    return tuple(sorted({path for each in rounds for path in each.paths}))


def with_failures(session: Session, failed: Iterable[FailedCheck], *, is_handed: bool = False) -> Session:
    """The session with what failed on its head, each check once."""
    changed = changed_paths(session) or ()
    known = {_key(each): each for each in session.failures}
    for each in failed:
        fresh = Failure(
            head_sha=session.head_sha,
            name=each.name,
            source=each.source,
            mark=mark_of(each),
            gist=gist_of(each),
            sign=sign_of_outside(each, changed),
            is_handed=is_handed,
        )
        before = known.get(_key(fresh))
        known[_key(fresh)] = replace(fresh, is_handed=is_handed or (before is not None and before.is_handed))
    return replace(session, failures=tuple(known.values())[-KEPT:])


def with_passed(session: Session, failed: Iterable[FailedCheck]) -> Session:
    """The session when all checks of its head have ended and these failed: what failed there before has passed."""
    red = {(each.source, each.name) for each in failed}
    failures = tuple(
        replace(each, has_passed=True)
        if each.head_sha == session.head_sha and (each.source, each.name) not in red
        else each
        for each in session.failures
    )
    return replace(session, failures=failures)


def flaky(session: Session) -> tuple[Failure, ...]:
    """What failed and then passed on the same commit, with no sign that the infrastructure was why."""
    return tuple(each for each in session.failures if each.has_passed and not each.sign)


def handed_heads(session: Session) -> tuple[str, ...]:
    """The commits whose failures the agent was to mend, oldest first, since people last said something."""
    heads = tuple(dict.fromkeys(each.head_sha for each in session.failures if each.is_handed))
    return heads[-session.fix_rounds :] if session.fix_rounds else ()


def is_unmoved(session: Session, ours: Checks) -> bool:
    """Whether all that fails now has failed just so on two earlier commits, each time to be mended by the agent."""
    heads = handed_heads(session)
    seen = [each.mark for each in session.failures if each.is_handed and each.head_sha in heads]
    return all(mark_of(each) and seen.count(mark_of(each)) >= ENOUGH for each in ours.failed)


def happened(before: Session | None, after: Session | None) -> tuple[str, ...]:
    """What is counted of a decision: `flaky` for each check that turned out to be so, `rerun` for each commit whose
    failed jobs are run again; `judge_…` for what a second look said, and for when it was overruled."""
    if before is None or after is None or before.id != after.id:
        return ()
    counted = ["flaky"] * len({_key(each) for each in flaky(after)} - {_key(each) for each in flaky(before)})
    if after.rerun is not None and (before.rerun is None or before.rerun.head_sha != after.rerun.head_sha):
        counted.append("rerun")
    held = after.held.findings if after.held is not None else ()
    counted += tallied(_judgement(before), _judgement(after), held)
    if "judge" in _accepted_kinds(after) and "judge" not in _accepted_kinds(before):
        counted.append("judge_overruled")
    return tuple(counted)


def _judgement(session: Session) -> Judgement | None:
    return session.submission.judgement if session.submission is not None else None


def _accepted_kinds(session: Session) -> frozenset[str]:
    return frozenset(each.kind for each in session.held.approvals) if session.held is not None else frozenset()


def _key(failure: Failure) -> tuple[str, str, str]:
    return failure.head_sha, failure.source, failure.name
