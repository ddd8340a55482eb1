"""What is put down to a change, and what was red before."""

from __future__ import annotations

import pytest

from github_app.core.model import ChangeSet
from github_app.core.verdicts import ENDED_EARLY, Before, Verdict, is_blamed, new_failures, unmet
from github_app.core.verification import NoVerdicts

PASSED, RED = 0, 1


def verdict(
    now: tuple[str, ...] = (), before: tuple[str, ...] | None = None, *, was: int = RED, code: int = RED
) -> Verdict:
    known = None if before is None else Before(exit_code=was, duration_s=1.0, failures=before)
    return Verdict(command="make test", exit_code=code, duration_s=1.0, failures=now, before=known)


@pytest.mark.parametrize(
    ("seen", "blamed"),
    [
        (verdict(code=PASSED), False),
        (verdict(("a",)), True),  # nothing is known of before
        (verdict(("a",), (), was=PASSED), True),
        (verdict(("a",), ("a", "b")), False),
        (verdict(("a", "c"), ("a", "b")), True),
        (verdict((), ("a",)), True),  # it does not even come to its tests any more
        (verdict((), ()), False),
        (verdict(("a",), ()), False),
        (verdict((ENDED_EARLY,), ()), True),
        (verdict((ENDED_EARLY,), (ENDED_EARLY,)), False),
    ],
)
def test_what_a_change_is_to_blame_for(seen: Verdict, blamed: bool):
    assert is_blamed(seen) == blamed


def test_what_is_new_is_told_by_name():
    assert new_failures(verdict(("a", "c"), ("a", "b"))) == ("c",)
    assert new_failures(verdict(("a", "c"))) == ("a", "c")


def test_a_tool_that_is_missing_stands_against_a_change_only_where_it_is_needed():
    def missing(*, is_needed: bool) -> Verdict:
        return Verdict(command="x", exit_code=127, duration_s=0.0, could_not_run=True, is_needed=is_needed)

    needed = missing(is_needed=True)
    assert unmet([needed, missing(is_needed=False), verdict(code=PASSED)]) == (needed,)


async def test_where_nothing_is_kept_nothing_is_known():
    nothing = NoVerdicts()
    await nothing.remember(ChangeSet(base_sha="a"), verdict())
    assert await nothing.recall(ChangeSet(base_sha="a"), "x") is None
    assert await nothing.before("x", timeout_s=1.0) is None
