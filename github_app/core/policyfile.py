"""Policy files, as parsed YAML, become values: a repository's `.github/honk.yml`, and the operator's floor under all of
them. Strictly: a file that is only half understood is not followed, and what is wrong is named with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from github_app.core.errors import Misread
from github_app.core.hosts import HostRule
from github_app.core.policy import (
    JUDGING,
    MOST_WATCH_S,
    POLICY_PATH,
    PROTECTED,
    REGISTRIES,
    Floor,
    Judging,
    Limits,
    Network,
    Policy,
    Quota,
    Resolving,
)
from github_app.core.shipments import Method, Shipping
from github_app.core.text.prose import code
from github_app.core.toolservers import MAX_SERVERS, ToolServer, is_server_name, origin_of

_PARTS = (
    "limits",
    "rounds",
    "network",
    "protected",
    "approvers",
    "others",
    "judge",
    "resolve",
    "bots",
    "watch",
    "changes",
)


Lines = Mapping[tuple[str, ...], int]
"""The line of each key of a file, by the keys that lead to it; items of lists by their numbers, from 0."""


def parse_policy(document: object, lines: Lines = MappingProxyType({})) -> Policy:
    """A repository's policy; None (an empty file) gives the defaults.

    Raises `Misread` naming file, line and key for anything unknown or of the wrong kind.
    """
    keys = ("verify", "setup", "mcp", "deliver", "ship", *_PARTS)
    top = _Section.of(document, _File(name=POLICY_PATH, lines=lines), keys)
    policy = _policy(top, Policy(), verify=top.texts("verify"), setup=top.texts("setup"))
    deliver = top.texts("deliver") if "deliver" in top.values else None
    return replace(policy, mcp=_servers(top), deliver=deliver, ship=_shipping(top))


def find_mistakes(document: object, lines: Lines = MappingProxyType({})) -> tuple[Misread, ...]:
    """All that is wrong in a repository's policy, of each part of it the first."""
    parts = [{key: value} for key, value in document.items()] if isinstance(document, Mapping) else [document]
    found = []
    for part in parts:
        try:
            parse_policy(part, lines)
        except Misread as mistake:
            found.append(mistake)
    return tuple(found)


def parse_floor(document: object, lines: Lines = MappingProxyType({}), *, name: str) -> Floor:
    """The operator's floor from the file called `name`; what it does not mention is not restricted.

    Raises `Misread` as above.
    """
    top = _Section.of(document, _File(name=name, lines=lines), ("quota", "mcp", "ship", *_PARTS))
    quota = top.section("quota", ("person", "repository", "organisation"))
    network = top.section("network", ("setup", "turn"))
    return Floor(
        most=_policy(top, Floor().most),
        setup_hosts=network.hosts("setup") if "setup" in network.values else None,
        bots=top.numbers("bots") if "bots" in top.values else None,
        allows_mcp=_switched(top, "mcp", usual=True),
        allows_ship=_switched(top, "ship", usual=False),
        turn_hosts=network.hosts("turn") if "turn" in network.values else None,
        per_person=_quota(quota, "person"),
        per_repository=_quota(quota, "repository"),
        per_organisation=_quota(quota, "organisation"),
    )


def _policy(top: _Section, usual: Policy, *, verify: tuple[str, ...] = (), setup: tuple[str, ...] = ()) -> Policy:
    limits = top.section("limits", ("usd", "steps", "minutes"))
    rounds = top.section("rounds", ("checks", "reviews"))
    network = top.section("network", ("setup", "turn"))
    watch = top.section("watch", ("hours",))
    changes = top.section("changes", ("files", "kilobytes", "binary_kilobytes"))
    return Policy(
        limits=Limits(
            cost_micro_usd=limits.micro_usd("usd", usual.limits.cost_micro_usd),
            steps=limits.whole("steps", usual.limits.steps, ceiling=1_000),
            time_s=limits.number("minutes", usual.limits.time_s / 60, ceiling=24 * 60) * 60,
        ),
        fix_rounds=rounds.whole("checks", usual.fix_rounds, ceiling=50),
        review_rounds=rounds.whole("reviews", usual.review_rounds, ceiling=50),
        verify=verify,
        setup=setup,
        network=Network(setup=network.hosts("setup"), turn=network.hosts("turn")),
        protected=(*PROTECTED, *top.texts("protected")),
        approvers=top.texts("approvers"),
        others=_others(top, usual.others),
        judge=_judging(top, usual.judge),
        resolve=_resolving(top, usual.resolve),
        bots=top.numbers("bots"),
        watch_s=watch.number("hours", usual.watch_s / 3600, ceiling=MOST_WATCH_S / 3600) * 3600,
        max_files=changes.whole("files", usual.max_files, ceiling=10_000),
        max_bytes=changes.whole("kilobytes", usual.max_bytes // 1_000, ceiling=50_000) * 1_000,
        max_binary_bytes=changes.whole("binary_kilobytes", usual.max_binary_bytes // 1_000, ceiling=50_000) * 1_000,
    )


def _others(top: _Section, usual: Literal["leave_out", "quote"]) -> Literal["leave_out", "quote"]:
    match top.values.get("others", usual):
        case "leave_out":
            return "leave_out"
        case "quote":
            return "quote"
        case _:
            raise top.refused("others", "must be `leave_out` or `quote`")


def _resolving(top: _Section, usual: Resolving) -> Resolving:
    match top.values.get("resolve", usual):
        case "never":
            return "never"
        case "fixed":
            return "fixed"
        case _:
            raise top.refused("resolve", "must be `never` or `fixed`")


def _judging(top: _Section, usual: Judging) -> Judging:
    value = top.values.get("judge", usual)
    # To YAML, a bare `off` is false.
    found = next((each for each in JUDGING if value == each or (value is False and each == "off")), None)
    if found is None:
        raise top.refused("judge", "must be `off`, `advise` or `block`")
    return found


def _servers(top: _Section) -> tuple[ToolServer, ...]:
    """The tool servers of a repository, by name."""
    values = top.values.get("mcp", {})
    names = tuple(name for name in values if isinstance(name, str)) if isinstance(values, Mapping) else ()
    named = top.section("mcp", names)
    if len(names) > MAX_SERVERS:
        raise top.refused("mcp", f"may name at most {MAX_SERVERS} servers")
    return tuple(_server(named, name) for name in names)


def _server(named: _Section, name: str) -> ToolServer:
    if not is_server_name(name):
        raise named.refused(name, "must be a name of at most 20 small letters, digits and dashes")
    section = named.section(name, ("command", "network", "url"))
    command, url = section.values.get("command", ""), section.values.get("url", "")
    if not isinstance(command, str) or not isinstance(url, str) or bool(command.strip()) == bool(url):
        raise named.refused(name, "must have either a `command` or a `url`, as a text")
    network = section.hosts("network")
    if not url:
        return ToolServer(name=name, command=command.strip(), network=network)
    if network:
        raise section.refused("network", "is for servers with a `command`")
    try:
        origin_of(url)
    except ValueError as error:
        raise section.refused("url", f"is {error}") from None
    return ToolServer(name=name, url=url)


def _switched(top: _Section, key: str, *, usual: bool) -> bool:
    value = top.values.get(key, usual)
    # To YAML, a bare `off` is false.
    if value not in (True, False, "off", "on"):
        raise top.refused(key, "must be `off` or `on`; all else of it, repositories say")
    return value not in (False, "off")


def _shipping(top: _Section) -> Shipping:
    """Who may have what merged; nobody anything, where the file does not say so."""
    value = top.values.get("ship", False)
    if value in (False, "off"):
        return Shipping()
    if value in (True, "on"):
        return Shipping(is_allowed=True)
    section = top.section("ship", ("method", "two_people", "approvals", "own_approval"))
    return Shipping(
        is_allowed=True,
        method=_method(section),
        two_people=section.flag("two_people", usual=True),
        approvals=section.whole("approvals", 0, ceiling=10),
        own_approval=section.flag("own_approval", usual=False),
    )


def _method(section: _Section) -> Method:
    match section.values.get("method", "merge"):
        case "merge":
            return "merge"
        case "squash":
            return "squash"
        case _:
            raise section.refused("method", "must be `merge` or `squash`")


def _quota(quotas: _Section, key: str) -> Quota:
    quota = quotas.section(key, ("turns_a_day", "usd_a_day", "usd_a_month", "open_pulls"))
    return Quota(
        turns=quota.whole("turns_a_day", 0, ceiling=100_000) if "turns_a_day" in quota.values else None,
        cost_micro_usd=quota.micro_usd("usd_a_day", 0, ceiling=100_000) if "usd_a_day" in quota.values else None,
        month_micro_usd=quota.micro_usd("usd_a_month", 0, ceiling=1e6) if "usd_a_month" in quota.values else None,
        open_pulls=quota.whole("open_pulls", 0, ceiling=100_000) if "open_pulls" in quota.values else None,
    )


@dataclass(frozen=True, kw_only=True)
class _File:
    name: str
    lines: Lines

    def refused(self, path: tuple[str, ...], what: str) -> Misread:
        """What is wrong, and where: the line of the key, or of the nearest one around it."""
        near = next((path[:size] for size in range(len(path), 0, -1) if path[:size] in self.lines), ())
        return Misread(self.name, what, line=self.lines[near] if near else None)


@dataclass(frozen=True, kw_only=True)
class _Section:
    """A mapping of a file, with the keys that lead to it. All of its readers raise `Misread` naming file, line, key."""

    file: _File
    path: tuple[str, ...]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, document: object, file: _File, known: tuple[str, ...], *, path: tuple[str, ...] = ()) -> _Section:
        document = {} if document is None and not path else document
        if not isinstance(document, Mapping):
            raise file.refused(path, f"{code('.'.join(path) or 'the file')} must be a mapping")
        for key in document:
            if key not in known:
                where = (*path, str(key))
                told = f"unknown key {code('.'.join(where))}; known here: {', '.join(sorted(known))}"
                raise file.refused(where, told)
        return cls(file=file, path=path, values=document)

    def refused(self, key: str, what: str, *, item: int | None = None) -> Misread:
        path = (*self.path, key)
        place = path if item is None else (*path, str(item))
        return self.file.refused(place, f"{code('.'.join(path))} {what}")

    def section(self, key: str, known: tuple[str, ...]) -> _Section:
        return _Section.of(self.values.get(key, {}), self.file, known, path=(*self.path, key))

    def number(self, key: str, usual: float, *, ceiling: float) -> float:
        value = self.values.get(key, usual)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= ceiling:
            raise self.refused(key, f"must be a number from 0 to {ceiling:g}")
        return float(value)

    def micro_usd(self, key: str, usual: int, *, ceiling: float = 1_000) -> int:
        return round(self.number(key, usual / 1_000_000, ceiling=ceiling) * 1_000_000)

    def whole(self, key: str, usual: int, *, ceiling: int) -> int:
        value = self.values.get(key, usual)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= ceiling:
            raise self.refused(key, f"must be a whole number from 0 to {ceiling}")
        return value

    def flag(self, key: str, *, usual: bool) -> bool:
        value = self.values.get(key, usual)
        if not isinstance(value, bool):
            raise self.refused(key, "must be `true` or `false`")
        return value

    def items(self, key: str, is_good: Callable[[Any], bool], what: str) -> list[Any]:
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.refused(key, f"must be a list of {what}")
        for number, item in enumerate(value):
            if not is_good(item):
                raise self.refused(key, f"must be a list of {what}", item=number)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(self.items(key, lambda item: isinstance(item, str) and bool(item.strip()), "texts"))

    def hosts(self, key: str) -> tuple[str, ...]:
        texts = self.texts(key)
        for number, text in enumerate(texts):
            try:
                if text != REGISTRIES:
                    HostRule.parse(text)
            except ValueError as error:
                forms = f"`host`, `*.host`, `host:port` or `{REGISTRIES}`"
                told = f"has {code(text)}, which is {error}; write {forms}"
                raise self.refused(key, told, item=number) from None
        return texts

    def numbers(self, key: str) -> tuple[int, ...]:
        """The numbers of accounts: names can be taken by others."""
        what = "accounts' numbers, not of their names"
        return tuple(self.items(key, lambda item: type(item) is int and item > 0, what))
