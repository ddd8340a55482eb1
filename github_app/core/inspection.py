"""What `honk doctor` finds: each check with what was seen or what to do, and what is wrong with the App as GitHub has
it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: its name, whether all is well, and what was seen or what to do."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class AppState:
    """The App as GitHub has it. `granted` are the permissions of each installation by its account's name, `answers` the
    status codes of the newest deliveries (0: none came), the newest first."""

    slug: str
    permissions: Mapping[str, str]
    events: Sequence[str]
    webhook_url: str
    granted: Mapping[str, Mapping[str, str]]
    answers: Sequence[int]


def inspect(
    state: AppState, *, permissions: Mapping[str, str], events: Sequence[str], webhook_url: str
) -> Iterator[Finding]:
    """Hold the App against what Honk needs; `webhook_url` is where its deliveries should go (empty: not known)."""
    lacking = _lacking(state.permissions, permissions)
    yield Finding(
        name="permissions",
        ok=not lacking,
        detail=f"add in the App's settings: {lacking}" if lacking else f"all {len(permissions)} are there",
    )
    missing = sorted(set(events) - set(state.events))
    yield Finding(
        name="events",
        ok=not missing,
        detail=f"subscribe to in the App's settings: {', '.join(missing)}" if missing else f"all {len(events)}",
    )
    yield _webhook(state, webhook_url)
    yield from _installations(state, permissions)
    yield _deliveries(state.answers)


def _lacking(has: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    low = (name for name in wanted if _LEVELS.index(has.get(name, "none")) < _LEVELS.index(wanted[name]))
    return ", ".join(f"{name}: {wanted[name]}" for name in low)


def _webhook(state: AppState, wanted: str) -> Finding:
    if not state.webhook_url:
        return Finding(name="webhook", ok=False, detail="the App has none: set its URL in the App's settings")
    is_other = bool(wanted) and state.webhook_url != wanted
    other = f", not to {wanted} as HONK_PUBLIC_URL says; well if that is a tunnel to here" * is_other
    return Finding(name="webhook", ok=True, detail=f"GitHub sends to {state.webhook_url}{other}")


def _installations(state: AppState, wanted: Mapping[str, str]) -> Iterator[Finding]:
    if not state.granted:
        yield Finding(name="installations", ok=False, detail="none: install the App on the repositories it may work on")
        return
    late = {account: lacking for account, has in state.granted.items() if (lacking := _lacking(has, wanted))}
    for account, lacking in late.items():
        yield Finding(name=f"installation {account}", ok=False, detail=f"an owner has to accept on its page: {lacking}")
    if not late:
        yield Finding(name="installations", ok=True, detail=", ".join(state.granted))


def _deliveries(answers: Sequence[int]) -> Finding:
    if not answers:
        return Finding(name="deliveries", ok=True, detail="none so far; label an issue, and look again")
    if 200 <= answers[0] < 400:
        return Finding(name="deliveries", ok=True, detail=f"the newest was taken in (HTTP {answers[0]})")
    failed = Counter(code for code in answers if not 200 <= code < 400)
    count = f"{failed.total()} of the newest {len(answers)} were not taken in, the last one "
    match answers[0]:
        case 0:
            why = "got no answer: is the address right, does Honk run, does your proxy let it through?"
        case 401:
            why = "had another secret (HTTP 401): HONK_WEBHOOK_SECRET is not the App's"
        case code:
            why = f"was answered with HTTP {code}: by Honk (see its log), or by what stands before it?"
    return Finding(name="deliveries", ok=False, detail=f"{count}{why}")
