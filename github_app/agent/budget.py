"""How much the next model call may cost at worst, and whether that is still allowed. Asked before each call, so a limit
is never passed: not by a token, not by a cent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from github_app.agent.pictures import picture_tokens
from github_app.core.errors import LimitReached
from github_app.core.model import Usage
from github_app.core.policy import Limits
from github_app.core.ports import Model, Step

MAX_OUTPUT_TOKENS = 32_000
"""What one reply may be long, thinking included, where nothing else is scarce."""

MIN_OUTPUT_TOKENS = 1_024
"""A reply shorter than this helps nobody; rather than ask for one, the turn ends."""

UNSEEN_TOKENS = 1_500
"""What the service adds to a request that we do not see: its own words about tools, and framing."""

_MILLION = 1_000_000


def total_usage(steps: Sequence[Step]) -> Usage:
    """What all steps consumed together."""
    return sum((step.usage for step in steps), Usage())


def has_room(used: Usage, *, limits: Limits, time_left_s: float) -> bool:
    """Whether a tenth of each limit is left, so that what costs a little endangers nothing."""
    return (
        limits.cost_micro_usd - used.cost_micro_usd >= limits.cost_micro_usd / 10
        and limits.tokens - used.total_tokens >= limits.tokens / 10
        and limits.steps - used.steps >= max(2, limits.steps / 10)
        and time_left_s >= limits.time_s / 10
    )


def time_left_s(limits: Limits, *, started: datetime, now: datetime) -> float:
    """Seconds until the turn must end; below zero if it should have ended."""
    return limits.time_s - (now - started).total_seconds()


def allowed_output_tokens(
    steps: Sequence[Step], *, limits: Limits, model: Model, model_name: str, fixed_bytes: int, time_left_s: float
) -> int:
    """The `max_tokens` for the next call: as usual, or what money and tokens leave, if the worst comes to the worst.

    `fixed_bytes` is the size of system prompt and tools. Raises `LimitReached` if the call must not be made.
    """
    return affordable_output_tokens(
        total_usage(steps),
        _worst_input_tokens(steps, fixed_bytes),
        limits=limits,
        model=model,
        model_name=model_name,
        time_left_s=time_left_s,
    )


def affordable_output_tokens(
    used: Usage, input_tokens: int, *, limits: Limits, model: Model, model_name: str, time_left_s: float
) -> int:
    """The same for a call that has no more than `input_tokens`, after so much was used."""
    if used.steps >= limits.steps:
        raise LimitReached(f"all {limits.steps} model calls of this turn are used", limit="steps")
    if time_left_s <= 0:
        raise LimitReached(f"the {limits.time_s / 60:.0f} minutes for this turn are over", limit="time")
    by_tokens = limits.tokens - used.total_tokens - input_tokens
    by_money = _affordable_tokens(limits.cost_micro_usd - used.cost_micro_usd, input_tokens, model, model_name)
    if by_tokens < MIN_OUTPUT_TOKENS:
        raise LimitReached(f"the next model call could pass the limit of {limits.tokens:,} tokens", limit="tokens")
    if by_money < MIN_OUTPUT_TOKENS:
        usd = limits.cost_micro_usd / _MILLION
        raise LimitReached(f"the next model call could pass the ${usd:.2f} that this turn may cost", limit="money")
    return min(MAX_OUTPUT_TOKENS, by_tokens, by_money)


def _worst_input_tokens(steps: Sequence[Step], fixed_bytes: int) -> int:
    """No fewer than the service will count: what it counted last, and a token for each byte that is new since.

    A token stands for at least one byte, so new text cannot surprise us; what is old was counted by the service itself.
    """
    known, fresh = UNSEEN_TOKENS + fixed_bytes, list(steps)
    for index, step in enumerate(steps):
        if step.role == "assistant" and step.usage.total_tokens:
            known, fresh = step.usage.total_tokens, list(steps[index + 1 :])
    sizes = (
        len(json.dumps(step.content, ensure_ascii=False).encode()) + picture_tokens(step.content) for step in fresh
    )
    return known + sum(sizes)


def _affordable_tokens(money: int, input_tokens: int, model: Model, model_name: str) -> int:
    # Writing to the cache is dearer than plain input with some models, not with all.
    for_input = max(
        model.price_of(model_name, Usage(input_tokens=input_tokens)),
        model.price_of(model_name, Usage(cache_write_tokens=input_tokens)),
    )
    per_million = model.price_of(model_name, Usage(output_tokens=_MILLION))
    # One millionth is kept back for rounding.
    return MAX_OUTPUT_TOKENS if per_million <= 0 else max(0, (money - for_input - 1) * _MILLION // per_million)
