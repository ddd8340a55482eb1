"""What work is likely to cost is told by what other work there did."""

from __future__ import annotations

import pytest

from github_app.core.estimates import Estimate, estimate


@pytest.mark.parametrize("costs", [[], [1, 2, 3, 4], [0] * 9])
def test_little_work_or_work_that_cost_nothing_says_nothing(costs: list[int]):
    assert estimate(costs) is None


@pytest.mark.parametrize(
    ("costs", "low", "high"),
    [([50, 10, 40, 20, 30], 20, 40), ([1, 1, 1, 1, 900], 1, 1), (list(range(100, 0, -1)), 26, 75)],
)
def test_half_of_it_cost_between(costs: list[int], low: int, high: int):
    assert estimate(costs) == Estimate(low_micro_usd=low, high_micro_usd=high, count=len(costs))
