"""What GitHub was asked, to be counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What one process asked of GitHub: requests `sent`; answers that what it had is `unchanged` (not counted there) or
    that a limit is reached (`limited`); requests `kept_back`, as they would have met one; and what is `left` of this
    hour, by installation (0: the app itself, -1: nobody) and resource (`core`, `graphql`)."""

    sent: int = 0
    unchanged: int = 0
    limited: int = 0
    kept_back: int = 0
    left: Mapping[tuple[int, str], int] = field(default_factory=dict)
