"""Faults as data: which request or delivery goes wrong, when, and how. Rules are used up; without rules all is well."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

RequestFault = Literal["before", "after", "secondary", "primary", "unauthorized", "hang", "slow", "declined"]
DeliveryFault = Literal["drop", "duplicate", "late", "hold"]


@dataclass
class Fault:
    """One rule.

    `kind` for requests: `before` (answer `status` without acting), `after` (act, then answer `status`), `secondary`
    (403 with Retry-After `seconds`), `primary` (403, no requests remaining), `unauthorized` (401), `hang` (act, then
    close the connection without an answer), `slow` (wait `seconds` first), `declined` (git push refused with `text`).
    `kind` for deliveries: `drop` (never sent, recorded as failed), `duplicate` (sent twice with one GUID), `late`
    (waits `seconds` while others pass it), `hold` (goes out after the next delivery to the same app).
    `match` is a regular expression: for requests on `METHOD /path`, for deliveries on `event.action`. The rule spares
    the first `skip` matches and then takes the next `count`.
    """

    match: str
    kind: RequestFault | DeliveryFault
    status: int = 502
    seconds: float = 1.0
    text: str = ""
    skip: int = 0
    count: int = 1


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

    def take(self, what: str, kinds: tuple[str, ...]) -> Fault | None:
        """Return the first rule of one of these kinds that strikes `what` now, and count it."""
        with self.lock:
            for rule in list(self.rules):
                if rule.kind not in kinds or not re.search(rule.match, what):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.count -= 1
                if rule.count <= 0:
                    self.rules.remove(rule)
                return rule
        return None

    def replace(self, rules: list[dict[str, Any]]) -> None:
        """Take rules as JSON; raise `ValueError` for unknown fields or kinds."""
        known = {f.name for f in fields(Fault)}
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


REQUEST_KINDS = ("before", "after", "secondary", "primary", "unauthorized", "hang", "slow", "declined")
DELIVERY_KINDS = ("drop", "duplicate", "late", "hold")
