"""Waiting for what was asked: until it is decided on, and until it is somebody else's turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from github_app.core.session import Status

Json = dict[str, Any]

DECIDED_WITHIN_S = 60.0
"""A decision takes seconds; where it takes longer, GitHub is slow or Honk is busy, and nobody need wait for it."""

_LOOK_S = 0.5


class Outcomes(Protocol):
    """What knows what became of requests."""

    def outcome(self, request: str) -> Json:
        """What became of one."""


def decided(
    client: Outcomes, asked: Json, *, within_s: float = DECIDED_WITHIN_S, sleep: Callable[[float], None] = time.sleep
) -> Json:
    """What became of a request, waited for; it still waits if that took too long."""
    until = time.monotonic() + within_s
    while asked["state"] == "waiting" and time.monotonic() < until:
        sleep(_LOOK_S)
        asked = client.outcome(asked["request"])
    return asked


def is_ours(status: Status) -> bool:
    """Whether Honk or CI acts next, and nobody else."""
    return status in (Status.WORKING, Status.AWAITING_CHECKS)
