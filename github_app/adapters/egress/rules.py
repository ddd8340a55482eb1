"""What one command may reach, how much of it, and the record of what it tried."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from github_app.core.hosts import HTTPS_PORT, OTHERS, HostRule, plain_name, port_of
from github_app.core.model import NetworkDecision
from github_app.core.policy import REGISTRIES

_SHOWN_CHARS = 100


class Denied(Exception):
    """A request that is refused; the text says why."""


@dataclass(frozen=True, kw_only=True)
class EgressLimits:
    """Ceilings of one command. `connections` is how many may be open at once, `entries` how many decisions are told."""

    up_bytes: int = 32 * 2**20
    down_bytes: int = 4 * 2**30
    connections: int = 64
    idle_s: float = 120.0
    hello_s: float = 20.0
    entries: int = 100


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The hosts that are allowed, and whether the registries are."""

    hosts: tuple[HostRule, ...]
    has_registries: bool
    words: str

    @classmethod
    def parse(cls, allowed: tuple[str, ...]) -> Rules:
        """From the words of a policy. Raises `ValueError`."""
        hosts = tuple(HostRule.parse(text) for text in allowed if text != REGISTRIES)
        return cls(hosts=hosts, has_registries=REGISTRIES in allowed, words=", ".join(allowed))

    def check(self, authority: str) -> tuple[str, int]:
        """The name and port that `host:port` stands for, if it is allowed. Raises `Denied`."""
        host, port = split_authority(authority)
        try:
            name = plain_name(host)
        except ValueError:
            raise Denied("an address or no name; only names can be allowed") from None
        wanted = HostRule(name=name, port=port)
        if not any(rule.covers(wanted) for rule in self.hosts):
            raise Denied("not in the policy")
        return name, port


def split_authority(authority: str, *, usual_port: int = HTTPS_PORT) -> tuple[str, int]:
    """Host and port of `host:port`, also of `[v6]:port`; port 0 for one that is none."""
    host, colon, digits = authority.rpartition(":")
    if not colon or digits.endswith("]"):
        return authority, usual_port
    return host, port_of(digits)


@dataclass(kw_only=True)
class Ledger:
    """Counts what a command moves and tries. What is beyond `limits.entries` is one entry together."""

    limits: EgressLimits
    up_bytes: int = 0
    down_bytes: int = 0
    _entries: dict[tuple[str, int, bool, str], NetworkDecision] = field(default_factory=dict)

    def note(
        self, host: str, port: int, *, is_allowed: bool, reason: str = "", bytes_up: int = 0, bytes_down: int = 0
    ) -> None:
        """Keep a decision. `host` may be anything: it is made printable and cut."""
        # No more than what names and addresses are made of: these words get into pull requests.
        shown = "".join(sign if sign.isascii() and (sign.isalnum() or sign in ".-_:[]*") else "?" for sign in host)
        key = (shown[:_SHOWN_CHARS], port, is_allowed, reason)
        if key not in self._entries and len(self._entries) >= self.limits.entries:
            key = (OTHERS, 0, is_allowed, "")
        entry = self._entries.get(key) or NetworkDecision(
            host=key[0], port=key[1], is_allowed=is_allowed, reason=key[3], times=0
        )
        self._entries[key] = replace(
            entry,
            times=entry.times + 1,
            bytes_up=entry.bytes_up + bytes_up,
            bytes_down=entry.bytes_down + bytes_down,
        )

    def count(self, *, up: int = 0, down: int = 0) -> None:
        """Count bytes before they are passed on. Raises `Denied` beyond the limit."""
        self.up_bytes += up
        self.down_bytes += down
        if self.up_bytes > self.limits.up_bytes:
            raise Denied(f"more than {self.limits.up_bytes >> 20} MiB sent by one command")
        if self.down_bytes > self.limits.down_bytes:
            raise Denied(f"more than {self.limits.down_bytes >> 20} MiB received by one command")

    def decisions(self) -> tuple[NetworkDecision, ...]:
        """All so far, in the order in which they first came."""
        return tuple(self._entries.values())


@dataclass(kw_only=True)
class Meter:
    """What one connection moves; counted in the ledger as well."""

    ledger: Ledger
    up_bytes: int = 0
    down_bytes: int = 0

    def count(self, *, up: int = 0, down: int = 0) -> None:
        """Count bytes before they are passed on. Raises `Denied` beyond the command's limit."""
        self.ledger.count(up=up, down=down)
        self.up_bytes += up
        self.down_bytes += down
