"""Hosts as policies name them and as commands ask for them: one form of a name, what a rule covers, which addresses
belong to the outside world, and what was refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from github_app.core.model import NetworkDecision

HTTPS_PORT = 443
REFUSALS_KEPT = 20
"""So many refused hosts are remembered of a session: their names are words of whoever was refused."""
OTHERS = "(others)"
"""Stands for hosts that are not named one by one."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LAST_LABEL = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
# What the standard of 2003, which Python's codec follows, and that of 2008 turn into different names.
_AMBIGUOUS = frozenset("ßς\u200c\u200d")
_NOT_OUTSIDE = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        "168.63.129.16/32",  # of the public ones, but Azure's own: it gives machines their configuration, secrets too
    )
)
_OUTSIDE_V6 = ipaddress.ip_network("2000::/3")


def plain_name(text: str) -> str:
    """A host's name in the one form in which names are compared and looked up: ASCII, lower case, no dot at the end.

    Raises `ValueError` for what is no name; an address is none, however it is written.
    """
    if len(text) > 253 or _AMBIGUOUS & set(text):
        raise ValueError("too long, or with a letter that is written in two ways")
    name = text if text.isascii() else text.encode("idna").decode()
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or not _LAST_LABEL.fullmatch(labels[-1]):
        raise ValueError("not a host's name")
    return name


def port_of(digits: str) -> int:
    """The port that a text names; 0 for what is none."""
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0
    return port if port < 65_536 else 0


@dataclass(frozen=True, kw_only=True)
class HostRule:
    """Allows one host, or with `is_suffix` all names below one (not itself), at one port."""

    name: str
    port: int = HTTPS_PORT
    is_suffix: bool = False

    @classmethod
    def parse(cls, text: str) -> HostRule:
        """A rule from `host`, `*.host`, `host:port` or `*.host:port`. Raises `ValueError`."""
        host, colon, digits = text.partition(":")
        port = port_of(digits) if colon else HTTPS_PORT
        if not port:
            raise ValueError("not a port")
        is_suffix = host.startswith("*.")
        name = plain_name(host.removeprefix("*."))
        if is_suffix and "." not in name:
            raise ValueError("a whole top-level domain")
        return cls(name=name, port=port, is_suffix=is_suffix)

    def covers(self, other: HostRule) -> bool:
        """Whether all that the other rule allows is allowed by this one."""
        if self.port != other.port:
            return False
        if not self.is_suffix:
            return self.name == other.name and not other.is_suffix
        return other.name.endswith(f".{self.name}") or (other.is_suffix and other.name == self.name)


def is_outside(address: str) -> bool:
    """Whether an IP address belongs to the public internet: none of this machine, its networks or its cloud, and no
    IPv6 address that stands for an IPv4 one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if ip.version == 6 and ip not in _OUTSIDE_V6:
        return False
    return not any(ip.version == net.version and ip in net for net in _NOT_OUTSIDE)


def merge(decisions: Iterable[NetworkDecision]) -> tuple[NetworkDecision, ...]:
    """Equal decisions counted together, in the order in which they first came."""
    found: dict[tuple[str, int, bool, str], NetworkDecision] = {}
    for each in decisions:
        key = (each.host, each.port, each.is_allowed, each.reason)
        known = found.get(key)
        found[key] = (
            each
            if known is None
            else replace(
                known,
                times=known.times + each.times,
                bytes_up=known.bytes_up + each.bytes_up,
                bytes_down=known.bytes_down + each.bytes_down,
            )
        )
    return tuple(found.values())


def refusals(decisions: Iterable[NetworkDecision]) -> tuple[NetworkDecision, ...]:
    """What was refused, merged: the first few hosts, and all others as one."""
    found = merge(each for each in decisions if not each.is_allowed)
    named = [each for each in found if each.host != OTHERS]
    rest = [*(each for each in found if each.host == OTHERS), *named[REFUSALS_KEPT:]]
    if not rest:
        return tuple(named)
    others = NetworkDecision(host=OTHERS, port=0, is_allowed=False, times=sum(each.times for each in rest))
    return (*named[:REFUSALS_KEPT], others)


def address(decision: NetworkDecision) -> str:
    """Where somebody wanted to go, as they wrote it."""
    return f"{decision.host}:{decision.port}" if decision.port else decision.host
