"""Faults as data: which request or delivery goes wrong, when, and how. Rules are used up; without rules all is well."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

RequestFault = Literal["before", "after", "secondary", "primary", "unauthorized", "hang", "stall", "slow", "declined"]
DeliveryFault = Literal["drop", "duplicate", "late", "hold"]


@dataclass
class Fault:
    """One rule.

    `kind` for requests: `before` (answer `status` without acting), `after` (act, then answer `status`), `secondary`
    (403 with Retry-After `seconds`, without it if they are 0), `primary` (403, no requests remaining), `unauthorized`
    (401), `hang` (act, then close the connection without an answer), `stall` (the same, but only after `seconds` of
    silence), `slow` (wait `seconds` first), `declined` (git push refused with `text`).
    `kind` for deliveries: `drop` (never sent, recorded as failed), `duplicate` (sent twice with one GUID), `late`
    (waits `seconds` while others pass it), `hold` (goes out after the next delivery to the same app).
    `match` is a regular expression: for requests on `METHOD /path`, for deliveries on `event.action`. `repo` (a full
    name) and `body` (a regular expression) narrow it to requests about one repository, or that say such a thing. The
    rule spares the first `skip` matches and then takes the next `count`; with `lasts_s`, all within so many seconds.
    """

    match: str
    kind: RequestFault | DeliveryFault
    status: int = 502
    seconds: float = 1.0
    text: str = ""
    skip: int = 0
    count: int = 1
    repo: str = ""
    body: str = ""
    lasts_s: float = 0.0
    began_at: float | None = field(default=None, repr=False)

    def meets(self, what: str, repo: str, body: bytes) -> bool:
        """Tell whether this is a request or delivery that the rule is about."""
        if self.repo and self.repo.lower() != repo.lower():
            return False
        return bool(re.search(self.match, what)) and bool(re.search(self.body, body.decode("utf-8", "replace")))


@dataclass
class Faults:
    """The rules in force; thread-safe."""

    rules: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, match: str, kind: RequestFault | DeliveryFault, **more: Any) -> Fault:
        """Add a rule; see `Fault` for its fields."""
        rule = Fault(match, kind, **more)
        re.compile(rule.match)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Let all be well again."""
        with self.lock:
            self.rules.clear()

    def take(self, what: str, kinds: tuple[str, ...], *, repo: str = "", body: bytes = b"") -> Fault | None:
        """Return the first rule of one of these kinds that strikes `what` now, and count it."""
        with self.lock:
            for rule in list(self.rules):
                if rule.kind not in kinds or not rule.meets(what, repo, body):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if self._is_used_up(rule):
                    self.rules.remove(rule)
                    if rule.lasts_s:
                        continue
                return rule
        return None

    def _is_used_up(self, rule: Fault) -> bool:
        """Count one strike, and tell whether it was the last (of a rule that lasts: whether its time was over)."""
        if rule.lasts_s:
            now = time.monotonic()
            rule.began_at = now if rule.began_at is None else rule.began_at
            return now - rule.began_at > rule.lasts_s
        rule.count -= 1
        return rule.count <= 0

    def replace(self, rules: list[dict[str, Any]]) -> None:
        """Take rules as JSON; raise `ValueError` for unknown fields or kinds."""
        known = {f.name for f in fields(Fault)} - {"began_at"}
        for rule in rules:
            if unknown := rule.keys() - known:
                raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
            if rule.get("kind") not in REQUEST_KINDS + DELIVERY_KINDS:
                raise ValueError(f"unknown kind: {rule.get('kind')}")
        self.clear()
        for rule in rules:
            self.add(**rule)

    def shown(self) -> list[dict[str, Any]]:
        """Return the rules as JSON."""
        with self.lock:
            return [asdict(rule) for rule in self.rules]


REQUEST_KINDS = ("before", "after", "secondary", "primary", "unauthorized", "hang", "stall", "slow", "declined")
DELIVERY_KINDS = ("drop", "duplicate", "late", "hold")
