"""What a verifier said, what of that is the change's doing, and what was red before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ENDED_EARLY = "(it did not come to its end)"
"""Stands among failures for a command that was stopped: what it did not get to is not known."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """What the same command said of the tree before the change, in a clean workspace. `failures` as of a verdict."""

    exit_code: int
    duration_s: float
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one verifier said. `exit_code` 0 is a pass. `source` is the file that names it.

    `could_not_run`: its tool is not there, which says nothing about the change; `is_needed` says whether that matters.
    `failures` names what failed, as far as the tool's format is known; `before` is there where it was looked up.
    """

    command: str
    exit_code: int
    duration_s: float
    lines: str = ""
    source: str = ""
    could_not_run: bool = False
    is_needed: bool = True
    failures: tuple[str, ...] = ()
    before: Before | None = None


def new_failures(verdict: Verdict) -> tuple[str, ...]:
    """What fails now and did not before; all that fails if nothing is known of before."""
    before = set(verdict.before.failures) if verdict.before is not None else set()
    return tuple(name for name in verdict.failures if name not in before)


def was_red_before(verdict: Verdict) -> bool:
    """Whether the same command failed before the change."""
    return verdict.before is not None and verdict.before.exit_code != 0


def is_blamed(verdict: Verdict) -> bool:
    """Whether a verifier's failure is put down to the change.

    Not if it was red before and nothing fails that did not fail then. Where names were not known then, the command as
    a whole counts; one whose failures were known, and that now cannot even name them, is broken in another way.
    """
    if verdict.exit_code == 0 or verdict.could_not_run:
        return False
    if verdict.before is None or not was_red_before(verdict):
        return True
    if not verdict.before.failures:
        return ENDED_EARLY in verdict.failures
    return not verdict.failures or bool(new_failures(verdict))


def stands_against(verdict: Verdict) -> bool:
    """Whether a change does not pass because of this verdict: it is to blame, or what is needed could not run."""
    return is_blamed(verdict) or (verdict.could_not_run and verdict.is_needed)


def unmet(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts that stand against a change."""
    return tuple(verdict for verdict in verdicts if stands_against(verdict))
