"""Traces: what came of a delivery, as spans that hang together. Whose trace a span belongs to, and its ids, are
functions of ids that are stored anyway: they survive each process, and what is told twice is the same span.

    GUID                      a delivery, and what was decided of it
    GUID/3                    an effect of that
    7-12-1/turn-2             a turn, which an effect ordered
    7-12-1/turn-2/finished    an event of our own, and what was decided of it; and so on"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

from github_app.core.errors import Misconfigured
from github_app.core.model import Usage

Kind = Literal["internal", "server", "client"]
Value = str | int | float | tuple[str, ...]
Attributes = Mapping[str, Value]
NONE: Attributes = MappingProxyType({})

TRACE_NAMES = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "where OpenTelemetry traces go, by OTLP over HTTP; see "
    "[Operate](operate.md#traces) (none)",
}

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")

_TURN = re.compile(r"(?P<session>[^/]+)/turn-(?P<number>\d+)", re.ASCII)
_UNTOLD = re.compile(r"(?:look|pressed|handed|told|failed):[^/]*|[^/]+/(?:tick|look)-[^/]+")
"""Events of which no door was told: found by looking, or made of what was."""

_MOST_TURNS = 1000
"""More in one trace would be a defect, and must not hang us."""

_WORDS = {
    "repos", "git", "refs", "heads", "commits", "trees", "blobs", "issues", "comments", "reactions", "labels",
    "pulls", "reviews", "replies", "requested_reviewers", "check-runs", "statuses", "actions", "runs", "jobs",
    "rerun", "rerun-failed-jobs", "graphql", "app", "installations", "access_tokens", "api", "v3"
}  # fmt: skip
"""What GitHub itself names in its paths."""


@dataclass(frozen=True, kw_only=True)
class TraceAccess:
    """That traces are wanted; `secrets` are what opens the collector."""

    secrets: tuple[str, ...] = field(default=(), repr=False)


def read_traces(env: Mapping[str, str]) -> TraceAccess | None:
    """Read OpenTelemetry's own variables, as far as they are ours to know; None where no traces are wanted. Raises
    `Misconfigured` for a way of sending that we do not have."""
    is_off = env.get("OTEL_SDK_DISABLED", "").strip().casefold() == "true"
    if is_off or env.get("OTEL_TRACES_EXPORTER") == "none" or not any(env.get(name) for name in _ENDPOINTS):
        return None
    protocol = next((env[name] for name in _PROTOCOLS if env.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        raise Misconfigured(f"OTEL_EXPORTER_OTLP_PROTOCOL: traces are sent by http/protobuf alone, not `{protocol}`")
    return TraceAccess(secrets=tuple(dict.fromkeys(_secrets(env))))


def _secrets(env: Mapping[str, str]) -> Iterator[str]:
    """Values of headers, as they are written and as they are sent (of `Bearer …` the word that counts, too), and the
    password of an address."""
    for pair in (pair for name in HEADERS for pair in env.get(name, "").split(",")):
        written = pair.partition("=")[2].strip()
        sent = unquote(written)
        yield from (each for each in (written, sent, *sent.split()[-1:]) if each)
    for name in _ENDPOINTS:
        if password := urlsplit(env.get(name, "")).password:
            yield from (password, unquote(password))


# Whose span it is


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a span stands: what its trace came of, its own key, the key of what it is a part of (empty: it is the
    first), the span of another trace that it follows, and since when it is under way (None: now)."""

    origin: str
    key: str
    parent: str = ""
    follows: Place | None = None
    since: datetime | None = None


def of_delivery(origin: str) -> Place:
    """The span of what a door took in."""
    return Place(origin=origin, key=f"delivery:{origin}")


def of_key(key: str, ordered_by: Callable[[str], str | None]) -> Place:
    """The span of a decision (by its event's id), an effect or a turn. `ordered_by` gives the effect that ordered a
    turn, None where that is forgotten."""
    origin = origin_of(key, ordered_by)
    if is_turn(key):
        return Place(origin=origin, key=key, parent=ordered_by(key) or "")
    before, _, last = key.rpartition("/")
    # What was made of a delivery itself, as a command of words in a chat, came of no decision.
    is_made = before == origin and not last.isdecimal() and not is_turn(origin)
    if key == origin or not before or is_made:
        before = "" if _UNTOLD.match(origin) else f"delivery:{origin}"
    return Place(origin=origin, key=key, parent=before)


def is_turn(key: str) -> bool:
    """Whether it is the key of a turn."""
    return _TURN.fullmatch(key) is not None


def turn_before(key: str) -> str | None:
    """The turn before this one of the same session."""
    found = _TURN.fullmatch(key)
    return f"{found['session']}/turn-{int(found['number']) - 1}" if found and int(found["number"]) > 1 else None


def origin_of(key: str, ordered_by: Callable[[str], str | None]) -> str:
    """The first event that a key came of: each trace has one."""
    turn = _TURN.match(key)
    for _ in range(_MOST_TURNS):
        effect = ordered_by(turn[0]) if turn else None
        if effect is None:
            break
        key, turn = effect, _TURN.match(effect)
    if turn:
        return turn[0]
    untold = _UNTOLD.match(key)
    return untold[0] if untold else key.partition("/")[0].partition("@")[0]


def trace_id_of(origin: str) -> int:
    """The trace's id: 128 bits, never 0."""
    return int.from_bytes(hashlib.sha256(f"trace {origin}".encode()).digest()[:16]) or 1


def span_id_of(key: str) -> int:
    """A span's id: 64 bits, never 0."""
    return int.from_bytes(hashlib.sha256(f"span {key}".encode()).digest()[:8]) or 1


# What is told


class Span(Protocol):
    """Something that was begun."""

    def end(self, attributes: Attributes = NONE, *, error: str = "") -> None:
        """Say that it has ended, with what is known now; `error` is the kind of what went wrong."""


class Spans(Protocol):
    """Takes spans. Neither texts of people or models nor secrets belong into them."""

    @property
    def is_on(self) -> bool:
        """Whether anybody is told."""

    def at(
        self, name: str, place: Place, *, kind: Kind = "internal", attributes: Attributes = NONE
    ) -> AbstractContextManager[Span]:
        """What is done within is a part of this span. It is told once it is ended by `end`, and else not at all: it
        goes on later, or elsewhere."""

    def within(
        self, name: str, *, key: str = "", kind: Kind = "internal", attributes: Attributes = NONE
    ) -> AbstractContextManager[Span]:
        """A part of the span at hand, told at the end of the block with what was raised, if not ended before; nothing
        where there is no span at hand. With a key its id is the same each time."""


class _NoSpan:
    def end(self, attributes: Attributes = NONE, *, error: str = "") -> None:
        """Tell nobody."""


class NoSpans:
    """Nobody wants to know."""

    is_on = False

    def at(
        self,
        name: str,  # noqa: ARG002 - the port's, as all that follow
        place: Place,  # noqa: ARG002
        *,
        kind: Kind = "internal",  # noqa: ARG002
        attributes: Attributes = NONE,  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Tell nobody."""
        return _NOTHING

    def within(
        self,
        name: str,  # noqa: ARG002
        *,
        key: str = "",  # noqa: ARG002
        kind: Kind = "internal",  # noqa: ARG002
        attributes: Attributes = NONE,  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Tell nobody."""
        return _NOTHING


_NOTHING: AbstractContextManager[Span] = nullcontext(_NoSpan())


# By OpenTelemetry's conventions: https://opentelemetry.io/docs/specs/semconv/gen-ai/

PROVIDERS = {
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
    "foundry": "azure.ai.inference",
}


def of_usage(usage: Usage) -> dict[str, Value]:
    """What was used. Tokens that the cache held count as input, too."""
    cached = usage.cache_read_tokens + usage.cache_write_tokens
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens + cached,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "honk.cost.usd": usage.cost_micro_usd / 1e6,
    }


def of_tool(name: str, call_id: str) -> dict[str, Value]:
    """What a tool is called for; one that there is not may have any name, and goes without."""
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name or "unknown",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call_id,
    }


def template_of(path: str) -> str:
    """A path of GitHub's API without what others named: `/repos/{}/{}/issues/{}/comments`."""
    parts = path.partition("?")[0].strip("/").split("/")
    shown = [part if part in _WORDS else "{}" for part in parts]
    if "repos" in shown:
        shown[shown.index("repos") + 1 : shown.index("repos") + 3] = ["{}", "{}"]
    return "/" + "/".join(shown)
