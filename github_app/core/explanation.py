"""A policy in words: each value that is in force, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from github_app.core.policy import PROTECTED, Floor, Policy, tighten
from github_app.core.policyfile import Lines
from github_app.core.toolservers import ToolServer


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One key of a policy file, its value in force as text (empty: none), and where that comes from: the `line` of the
    file that says it, if one does, and whether the operator's floor cut what was wanted there."""

    key: str
    value: str
    source: str
    line: int | None = None
    is_cut: bool = False


def explain(policy: Policy, lines: Lines, floor: Floor) -> list[Explained]:
    """Each key's value in force for a repository's policy, of whose file these are the lines, on the operator's floor.

    Built-in protected paths are left out: they are always there.
    """
    now = tighten(policy, floor)
    found = []
    for key, show in _KEYS.items():
        said, value = show(policy), show(now)
        line = lines.get(tuple(key.split(".")))
        if value != said:
            wanted = "the file" if line else "the default"
            source = f"the operator's floor; {wanted} has {said or 'none'}"
        else:
            source = f"line {line}" if line else "default"
        found.append(Explained(key=key, value=value, source=source, line=line, is_cut=value != said))
    return found


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))


def _own_paths(policy: Policy) -> str:
    return _listed(tuple(path for path in policy.protected if path not in PROTECTED))


def _server(server: ToolServer) -> str:
    hosts = f" ({_listed(server.network)})" if server.network else ""
    return f"{server.name}: {server.url or server.command}{hosts}"


def _shipping(policy: Policy) -> str:
    rules = policy.ship
    if not rules.is_on:
        return "off"
    people = "two people" if rules.two_people else "one person is enough"
    own = " (own ones count)" if rules.own_approval else ""
    return f"{rules.method}; {people}; {rules.approvals} approvals{own}"


_KEYS: Mapping[str, Callable[[Policy], str]] = {
    "limits.usd": lambda it: f"{it.limits.cost_micro_usd / 1_000_000:g}",
    "limits.steps": lambda it: f"{it.limits.steps}",
    "limits.minutes": lambda it: f"{it.limits.time_s / 60:g}",
    "rounds.checks": lambda it: f"{it.fix_rounds}",
    "rounds.reviews": lambda it: f"{it.review_rounds}",
    "setup": lambda it: "; ".join(it.setup),
    "verify": lambda it: "; ".join(it.verify),
    "network.setup": lambda it: _listed(it.network.setup),
    "network.turn": lambda it: _listed(it.network.turn),
    "mcp": lambda it: "; ".join(map(_server, it.mcp)),
    "deliver": lambda it: "what is found" if it.deliver is None else _listed(it.deliver),
    "bots": lambda it: _listed(it.bots),
    "others": lambda it: it.others,
    "judge": lambda it: it.judge,
    "resolve": lambda it: it.resolve,
    "watch.hours": lambda it: f"{it.watch_s / 3600:g}",
    "protected": _own_paths,
    "ship": _shipping,
    "approvers": lambda it: _listed(it.approvers),
    "changes.files": lambda it: f"{it.max_files}",
    "changes.kilobytes": lambda it: f"{it.max_bytes // 1_000}",
    "changes.binary_kilobytes": lambda it: f"{it.max_binary_bytes // 1_000}",
}
