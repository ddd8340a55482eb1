"""Wiring of what is told of the work to those who watch it: traces, by the settings that OpenTelemetry has for them.
With `app`, `workshop`, `thinking`, `talking` and `registering`, the only file that names concrete adapters."""

from __future__ import annotations

from collections.abc import Callable

from github_app.core.errors import Misconfigured
from github_app.core.ports import Model, Publisher
from github_app.core.tracing import PROVIDERS, NoSpans, Spans
from github_app.settings import Settings


def build_spans(settings: Settings) -> tuple[Spans, Callable[[], None]]:
    """What takes spans, and what lets go of it; nobody where no traces are wanted, and then nothing is imported."""
    if settings.traces is None:
        return NoSpans(), lambda: None
    try:
        from github_app.adapters.traces import OpenTelemetry
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{error.name} is not installed: install Honk with its extra `traces`") from error
    spans = OpenTelemetry()
    return spans, spans.close


def watched_model(settings: Settings, model: Model, spans: Spans) -> Model:
    """A model whose replies are told of."""
    if not spans.is_on:
        return model
    from github_app.adapters.traces import TracedModel

    return TracedModel(model=model, provider=PROVIDERS[settings.model_access.provider], spans=spans)


def watched_publisher(publisher: Publisher, spans: Spans) -> Publisher:
    """A publisher whose commits are told of."""
    if not spans.is_on:
        return publisher
    from github_app.adapters.traces import TracedPublisher

    return TracedPublisher(publisher=publisher, spans=spans)
