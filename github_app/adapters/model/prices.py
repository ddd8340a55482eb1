"""What models cost and can do. Prices change: this is a table with a date, not a promise. Costs that Honk shows and
limits follow from it, so a model that is not listed costs as much as the dearest one."""

from __future__ import annotations

from dataclasses import dataclass

from github_app.core.access import family_of
from github_app.core.model import Usage


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens. `cache_write` is for entries that live five minutes."""

    input: float
    output: float
    cache_write: float
    cache_read: float


# Held on 2026-11-22 against what Claude Code says that a call costs.
PRICES = {
    "claude-haiku-4-5": Price(1, 5, 1.25, 0.10),
    "claude-haiku-5-5": Price(0.10, 0.50, 0.125, 0.01),
    "claude-sonnet-4-6": Price(3, 15, 3.75, 0.30),
    "claude-sonnet-5": Price(2, 10, 2.50, 0.20),
    "claude-sonnet-5-5": Price(2, 10, 2.50, 0.10),
    "claude-opus-4-8": Price(5, 25, 6.25, 0.50),
    "claude-opus-5": Price(5, 25, 6.25, 0.50),
    "claude-opus-5-5": Price(4, 20, 5, 0.20),
    "claude-fable-5": Price(10, 50, 12.5, 1.00),
    "claude-fable-5-1": Price(10, 50, 12.5, 0.25),
    "claude-fable-5-2": Price(8, 40, 10, 0.20),
    "claude-mythos-5-2": Price(8, 40, 10, 0.20),
}

DEAREST = Price(
    max(price.input for price in PRICES.values()),
    max(price.output for price in PRICES.values()),
    max(price.cache_write for price in PRICES.values()),
    max(price.cache_read for price in PRICES.values()),
)

_THINKS_BY_ITSELF = tuple(name for name in PRICES if name != "claude-haiku-4-5")


def price_of(model: str, usage: Usage) -> int:
    """What an amount of tokens costs, in millionths of a dollar, rounded up. Dated and clouds' names are known."""
    price = PRICES.get(family_of(model), DEAREST)
    cost = (
        price.input * usage.input_tokens
        + price.output * usage.output_tokens
        + price.cache_write * usage.cache_write_tokens
        + price.cache_read * usage.cache_read_tokens
    )
    return -int(-cost // 1)


def is_known(model: str) -> bool:
    """Whether a model has its own price here."""
    return family_of(model) in PRICES


def thinks_adaptively(model: str) -> bool:
    """Whether a model decides by itself how long to think (`thinking: adaptive`); no for those that we do not know."""
    return family_of(model) in _THINKS_BY_ITSELF
