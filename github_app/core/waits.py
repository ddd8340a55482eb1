"""How long a session has had to wait because somebody outside asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

TOLD_S = 60.0
"""Who waits longer than this is told so."""


LONGEST_LIMIT_S = 3_600.0
"""A limit that says it lasts longer is looked at again after so long."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """`until` is when it goes on, None if it has gone on; `waited_s` is all that was waited so far, `whose` says for
    what: "GitHub's" or "the model's" rate limit, the last one."""

    whose: str
    until: datetime | None
    waited_s: float
