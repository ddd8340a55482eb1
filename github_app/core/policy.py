"""What a repository allows, and at most may allow, as frozen values. The files that say so are read by `policyfile`,
change sets are held against it by `findings`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from github_app.core.hosts import HostRule
from github_app.core.model import Permission
from github_app.core.shipments import Shipping
from github_app.core.toolservers import ToolServer

POLICY_PATH = ".github/honk.yml"

PROTECTED = (
    ".github/workflows/**",
    POLICY_PATH,
    "**/CODEOWNERS",
    # What instructs agents, and connects them to programs.
    "**/AGENTS.md",
    "**/AGENTS.override.md",
    "**/CLAUDE.md",
    "**/CLAUDE.local.md",
    "**/GEMINI.md",
    "**/copilot-instructions.md",
    "**/.mcp.json",
    "**/.cursorrules",
    "**/.windsurfrules",
    "**/.clinerules",
    # What other CI runs, and what runs by itself where somebody only enters a folder or commits.
    "**/.gitlab-ci.yml",
    "**/.travis.yml",
    "**/azure-pipelines.yml",
    "**/bitbucket-pipelines.yml",
    "**/Jenkinsfile",
    "**/action.yml",
    "**/action.yaml",
    "**/.envrc",
    "**/.pre-commit-config.yaml",
    # Folders of tools and editors: settings, hooks, instructions, actions, whatever they are called next year.
    "**/.*/**",
)
"""Paths that no change set touches before a named person accepted that: what runs with secrets, who must review, what
tells agents what to do, and Honk's own policy. Matched at any depth, whatever the case."""

REGISTRIES = "registries"
"""Stands among hosts for the package registries of this machine, through a mirror that only reads."""


Judging = Literal["off", "advise", "block"]

Resolving = Literal["never", "fixed"]
"""Which review threads are resolved for people: none, or those that a commit settled."""

JUDGING: tuple[Judging, ...] = get_args(Judging)
"""What becomes of what a second look finds, from the loosest to the strictest."""


MOST_WATCH_S = 7 * 86_400.0
"""What was merged so long ago is nobody's news any more."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Ceilings of one session: money in millionths of a dollar over its whole life, the rest for each turn."""

    cost_micro_usd: int = 5_000_000
    tokens: int = 20_000_000
    steps: int = 100
    time_s: float = 3_000.0


@dataclass(frozen=True, kw_only=True)
class Network:
    """Hosts that commands may reach through the proxy: `host`, `*.host`, `host:port`, or `registries`. Empty: none.

    `setup` is for the commands of `Policy.setup`, which run before the agent; `turn` for what the agent runs.
    """

    setup: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The rules in force for one session. `verify` replaces the commands that Honk finds by itself, if not empty.

    `setup` are commands that prepare a workspace. `deliver` names what of CI's artifacts is brought to people (None:
    what is found). `approvers` are logins; empty: people who maintain the repository.
    `others` says what becomes of the words of people who may not instruct, `judge` of what a second look finds,
    `resolve` which threads are resolved. `bots` are the numbers of the accounts that may label, write commands and push
    although they are no people. `mcp` are servers whose tools the agent gets. `ship` says who may have what merged. For
    `watch_s` after a merge its checks are watched (0: not at all).
    """

    limits: Limits = Limits()
    fix_rounds: int = 3
    review_rounds: int = 10
    verify: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    network: Network = Network()
    protected: tuple[str, ...] = PROTECTED
    approvers: tuple[str, ...] = ()
    others: Literal["leave_out", "quote"] = "leave_out"
    judge: Judging = "advise"
    resolve: Resolving = "never"
    bots: tuple[int, ...] = ()
    mcp: tuple[ToolServer, ...] = ()
    ship: Shipping = field(default_factory=Shipping)
    watch_s: float = 86_400.0
    deliver: tuple[str, ...] | None = None
    max_files: int = 100
    max_bytes: int = 2_000_000
    max_binary_bytes: int = 200_000
    may_command: Permission = Permission.WRITE


@dataclass(frozen=True, kw_only=True)
class Quota:
    """What may be used up within 24 hours and, of money, within 30 days; and how many pull requests may be open at
    once. None: any number."""

    turns: int | None = None
    cost_micro_usd: int | None = None
    month_micro_usd: int | None = None
    open_pulls: int | None = None


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The operator's rules under all repositories' policies, which can be stricter and never looser.

    `most` holds ceilings in the form of a policy (of `judge` the least); of `setup` and `turn` hosts those that a
    repository may name at all (None: any). `approvers` are the only ones, if there are any; `bots` those that a
    repository may name (None: any). Without `allows_mcp`, no repository has tool servers; without `allows_ship`, nobody
    ships anything.
    """

    most: Policy = Policy(
        limits=Limits(cost_micro_usd=1_000_000_000, steps=1_000, time_s=86_400.0),
        fix_rounds=50,
        review_rounds=50,
        others="quote",
        judge="off",
        resolve="fixed",
        watch_s=MOST_WATCH_S,
        max_files=10_000,
        max_bytes=50_000_000,
        max_binary_bytes=50_000_000,
    )
    setup_hosts: tuple[str, ...] | None = None
    turn_hosts: tuple[str, ...] | None = None
    bots: tuple[int, ...] | None = None
    allows_mcp: bool = True
    allows_ship: bool = False
    per_person: Quota = Quota()
    per_repository: Quota = Quota()
    per_organisation: Quota = Quota()


def tighten(policy: Policy, floor: Floor) -> Policy:
    """A policy with all that goes beyond the floor cut down to it."""
    most = floor.most
    return replace(
        policy,
        limits=Limits(
            cost_micro_usd=min(policy.limits.cost_micro_usd, most.limits.cost_micro_usd),
            tokens=min(policy.limits.tokens, most.limits.tokens),
            steps=min(policy.limits.steps, most.limits.steps),
            time_s=min(policy.limits.time_s, most.limits.time_s),
        ),
        fix_rounds=min(policy.fix_rounds, most.fix_rounds),
        review_rounds=min(policy.review_rounds, most.review_rounds),
        network=Network(
            setup=_allowed(policy.network.setup, floor.setup_hosts),
            turn=_allowed(policy.network.turn, floor.turn_hosts),
        ),
        protected=tuple(dict.fromkeys((*policy.protected, *most.protected))),
        approvers=_approvers(policy.approvers, most.approvers),
        bots=tuple(bot for bot in policy.bots if floor.bots is None or bot in floor.bots),
        mcp=tuple(
            replace(server, network=_allowed(server.network, floor.turn_hosts))
            for server in policy.mcp
            if floor.allows_mcp
        ),
        ship=replace(policy.ship, is_withheld=policy.ship.is_allowed and not floor.allows_ship),
        others=policy.others if most.others == "quote" else "leave_out",
        watch_s=min(policy.watch_s, most.watch_s),
        resolve=policy.resolve if most.resolve == "fixed" else "never",
        judge=max(policy.judge, most.judge, key=JUDGING.index),
        max_files=min(policy.max_files, most.max_files),
        max_bytes=min(policy.max_bytes, most.max_bytes),
        max_binary_bytes=min(policy.max_binary_bytes, most.max_binary_bytes),
    )


def _allowed(wanted: tuple[str, ...], allowed: tuple[str, ...] | None) -> tuple[str, ...]:
    return wanted if allowed is None else tuple(host for host in wanted if any(_covers(each, host) for each in allowed))


def _covers(allowed: str, wanted: str) -> bool:
    if REGISTRIES in (allowed, wanted):
        return allowed == wanted
    return HostRule.parse(allowed).covers(HostRule.parse(wanted))


def _approvers(wanted: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not allowed:
        return wanted
    known = {login.casefold() for login in allowed}
    # Where the repository names only others, the operator's stay: an empty tuple would mean all who maintain it.
    return tuple(login for login in wanted if login.casefold() in known) or allowed
