"""What became of sessions, by group."""

from __future__ import annotations

from github_app.core.outcomes import Outcome, Tally, outcomes, total
from github_app.core.session import Status


def tally(group: str, status: Status, sessions: int, micro_usd: int) -> Tally:
    return Tally(group=group, status=status, sessions=sessions, micro_usd=micro_usd)


def test_what_cost_most_comes_first_with_what_became_of_it():
    found = outcomes(
        [
            tally("acme/small", Status.NEEDS_HUMAN, 1, 10),
            tally("acme/big", Status.MERGED, 3, 600),
            tally("acme/big", Status.CLOSED, 1, 300),
            tally("acme/big", Status.WORKING, 2, 0),
        ]
    )
    assert found == [
        Outcome(group="acme/big", merged=3, closed=1, still_open=2, micro_usd=900),
        Outcome(group="acme/small", still_open=1, micro_usd=10),
    ]
    assert (found[0].sessions, found[0].merged_percent, found[0].micro_usd_per_merge) == (6, 75, 300)
    assert (found[1].merged_percent, found[1].micro_usd_per_merge) == (None, None)
    assert total(found) == Outcome(group="all", merged=3, closed=1, still_open=3, micro_usd=910)
