"""Spans to OpenTelemetry (`core.tracing.Spans`), by its SDK and OTLP over HTTP; and what is asked of the model and
published, seen as spans."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from github_app.core.model import ChangeSet, Repo, Usage
from github_app.core.ports import Model, ModelReply, ModelRequest, Publisher
from github_app.core.tracing import NONE, Attributes, Kind, Place, Span, Spans, Value, of_usage, span_id_of, trace_id_of

_CLOSE_S = 1.0
_KINDS: dict[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "client": SpanKind.CLIENT
}  # fmt: skip
_NEXT: ContextVar[tuple[int, int]] = ContextVar("next ids")
_random = SystemRandom()


class _GivenIds(IdGenerator):
    """The ids that we computed: the SDK has no other way to be told."""

    def generate_trace_id(self) -> int:
        return _NEXT.get()[0]

    def generate_span_id(self) -> int:
        return _NEXT.get()[1]


class _Told:
    """A span under way."""

    def __init__(self, span: trace.Span) -> None:
        self.span = span
        self.is_over = False

    def end(self, attributes: Attributes = NONE, *, error: str = "") -> None:
        """End it, once."""
        if self.is_over:
            return
        self.is_over = True
        self.span.set_attributes(dict(attributes))
        if error:
            self.span.set_attribute("error.type", error)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()


class OpenTelemetry:
    """Sends spans to the collector that OpenTelemetry's own variables name, in the background; what it does not take is
    dropped, and logged."""

    is_on = True

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create()
        if str(resource.attributes["service.name"]).startswith("unknown_service"):  # neither variable names it
            resource = resource.merge(Resource({"service.name": "honk"}))
        self._provider = TracerProvider(resource=resource, id_generator=_GivenIds(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("honk")

    @contextmanager
    def at(self, name: str, place: Place, *, kind: Kind = "internal", attributes: Attributes = NONE) -> Iterator[Span]:
        """See `Spans.at`."""
        parent = Context()
        if place.parent:
            parent = trace.set_span_in_context(NonRecordingSpan(self._context(place.origin, place.parent)), parent)
        links = [Link(self._context(place.follows.origin, place.follows.key))] if place.follows else []
        ids = (trace_id_of(place.origin), span_id_of(place.key))
        told = _Told(self._start(name, parent, ids, kind, attributes, links, place.since))
        with trace.use_span(told.span, record_exception=False, set_status_on_exception=False):
            yield told

    @contextmanager
    def within(
        self, name: str, *, key: str = "", kind: Kind = "internal", attributes: Attributes = NONE
    ) -> Iterator[Span]:
        """See `Spans.within`."""
        whole = trace.get_current_span().get_span_context()
        if not whole.is_valid:
            yield _Told(trace.INVALID_SPAN)
            return
        span_id = span_id_of(f"{whole.span_id:x} {key}") if key else _random.getrandbits(64) or 1
        parent = trace.set_span_in_context(NonRecordingSpan(whole), Context())
        told = _Told(self._start(name, parent, (whole.trace_id, span_id), kind, attributes))
        try:
            with trace.use_span(told.span, record_exception=False, set_status_on_exception=False):
                yield told
        except BaseException as error:
            told.end(error=type(error).__name__)
            raise
        told.end()

    def close(self) -> None:
        """Send what is left, for a moment at most."""
        closing = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)

    def _start(
        self,
        name: str,
        parent: Context,
        ids: tuple[int, int],
        kind: Kind,
        attributes: Attributes,
        links: Sequence[Link] = (),
        since: datetime | None = None,
    ) -> trace.Span:
        token = _NEXT.set(ids)
        started_ns = int(since.timestamp() * 1e9) if since is not None else None
        try:
            return self._tracer.start_span(name, parent, _KINDS[kind], dict(attributes), links, started_ns)
        finally:
            _NEXT.reset(token)

    def _context(self, origin: str, key: str) -> SpanContext:
        """A span that maybe another process tells of: sampled there as it would be here."""
        trace_id = trace_id_of(origin)
        is_sampled = self._provider.sampler.should_sample(None, trace_id, "").decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
        return SpanContext(trace_id, span_id_of(key), is_remote=True, trace_flags=flags)


@dataclass(frozen=True, kw_only=True)
class TracedModel:
    """A model each of whose replies is a span."""

    model: Model
    provider: str
    spans: Spans

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Ask for one reply."""
        asked: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self.provider,
            "gen_ai.request.model": request.model,
            "gen_ai.request.max_tokens": request.max_tokens,
            "gen_ai.request.stream": True,
        }
        with self.spans.within(f"chat {request.model}", kind="client", attributes=asked) as span:
            reply = await self.model.reply(request)
            span.end({"gen_ai.response.finish_reasons": (reply.stop_reason,), **of_usage(reply.usage)})
            return reply

    def price_of(self, model: str, usage: Usage) -> int:
        """What an amount of tokens costs."""
        return self.model.price_of(model, usage)


@dataclass(frozen=True, kw_only=True)
class TracedPublisher:
    """A publisher each of whose commits is a span."""

    publisher: Publisher
    spans: Spans

    def publish(
        self,
        repo: Repo,
        changes: ChangeSet,
        *,
        parent_sha: str,
        branch: str,
        message: str,
        key: str,
        audit: str,
        may_create: bool = True,
        merged_sha: str = "",
    ) -> str:
        """Make one commit; see `core.ports.Publisher`."""
        with self.spans.within("push", key=key, kind="client") as span:
            sha = self.publisher.publish(
                repo,
                changes,
                parent_sha=parent_sha,
                branch=branch,
                message=message,
                key=key,
                audit=audit,
                may_create=may_create,
                merged_sha=merged_sha,
            )
            span.end({"vcs.ref.head.revision": sha})
            return sha
