"""What work on an issue is likely to cost, by what work on other issues of the same repository did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FEW = 4
"""So many pieces of work say nothing yet."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Half of the `count` pieces of work cost between these, in millionths of a dollar."""

    low_micro_usd: int
    high_micro_usd: int
    count: int


def estimate(costs_micro_usd: Sequence[int]) -> Estimate | None:
    """The middle half of what ended work has cost; None if there is too little of it, or it cost nothing."""
    count = len(costs_micro_usd)
    if count <= FEW or not any(costs_micro_usd):
        return None
    ordered = sorted(costs_micro_usd)
    return Estimate(low_micro_usd=ordered[count // 4], high_micro_usd=ordered[-1 - count // 4], count=count)
