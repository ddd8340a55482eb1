"""Spans as OpenTelemetry gets them: with our ids, as parts of each other, and nothing that somebody said."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from github_app.adapters.traces import OpenTelemetry, TracedModel
from github_app.core.errors import RateLimited
from github_app.core.model import Usage
from github_app.core.ports import ModelReply, ModelRequest
from github_app.core.tracing import Place, of_delivery, span_id_of, trace_id_of
from tests.agent.parts import ScriptedModel

TURN = Place(origin="3:guid", key="7-12-1/turn-2", parent="3:guid/2", follows=Place(origin="ci", key="7-12-1/turn-1"))
ASKED = ModelRequest(
    model="claude", max_tokens=100, system=(), tools=(), messages=({"role": "user", "content": "s3cret"},)
)


class Told:
    """What a collector would have got."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.spans = OpenTelemetry(self.exporter)

    def told(self) -> dict[str, ReadableSpan]:
        self.spans.close()
        found = self.exporter.get_finished_spans()
        assert len({span.name for span in found}) == len(found)
        return {span.name: span for span in found}


def ids_of(span: ReadableSpan) -> tuple[int, int, int | None]:
    return span.context.trace_id, span.context.span_id, span.parent.span_id if span.parent else None


def test_a_span_has_the_ids_of_its_place_in_whatever_process() -> None:
    lives = [Told(), Told()]
    for life in lives:
        with life.spans.at("turn", TURN) as span, life.spans.within("execute_tool edit", key="toolu_1"):
            span.end()
        with life.spans.at("receive", of_delivery("3:guid"), kind="server") as span:
            span.end({"honk.door": "github"})
    first, second = ({name: ids_of(span) for name, span in life.told().items()} for life in lives)
    assert first == second
    trace_id = trace_id_of("3:guid")
    assert first["turn"] == (trace_id, span_id_of("7-12-1/turn-2"), span_id_of("3:guid/2"))
    assert first["receive"] == (trace_id, span_id_of("delivery:3:guid"), None)
    assert first["execute_tool edit"][::2] == (trace_id, span_id_of("7-12-1/turn-2"))


def test_a_turn_is_linked_to_the_one_before_in_another_trace() -> None:
    told = Told()
    with told.spans.at("turn", TURN) as span:
        span.end()
    (link,) = told.told()["turn"].links
    assert (link.context.trace_id, link.context.span_id) == (trace_id_of("ci"), span_id_of("7-12-1/turn-1"))


def test_what_goes_on_later_is_told_then() -> None:
    told = Told()
    with pytest.raises(RateLimited), told.spans.at("perform Say", TURN), told.spans.within("POST"):
        raise RateLimited("not now: s3cret", retry_after_s=1.0)
    (tried,) = told.told().values()
    assert (tried.name, tried.attributes, tried.events) == ("POST", {"error.type": "RateLimited"}, ())
    assert tried.status.description is None


def test_what_belongs_to_nothing_is_not_told() -> None:
    told = Told()
    with told.spans.within("POST /graphql") as span:
        span.end()
    assert told.told() == {}


def test_a_trace_is_sampled_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    told = Told()
    for number in range(40):
        origin = f"3:{number}"
        with told.spans.at(f"receive {number}", of_delivery(origin)) as span:
            span.end()
        with told.spans.at(
            f"decide {number}", Place(origin=origin, key=origin, parent=of_delivery(origin).key)
        ) as span:
            span.end()
    names = set(told.told())
    assert 10 < len(names) < 70
    assert {name.split()[1] for name in names if name.startswith("receive")} == {
        name.split()[1] for name in names if name.startswith("decide")
    }


def test_a_call_of_the_model_says_what_it_used_and_not_what_was_said() -> None:
    told = Told()
    used = Usage(input_tokens=5, output_tokens=7, cost_micro_usd=9)
    reply = ModelReply(content=({"type": "text", "text": "s3cret"},), stop_reason="tool_use", usage=used)
    model = TracedModel(model=ScriptedModel([reply]), provider="anthropic", spans=told.spans)
    with told.spans.at("turn", TURN) as span:
        assert asyncio.run(model.reply(ASKED)) == reply
        span.end()
    chat = told.told()["chat claude"]
    assert "s3cret" not in chat.to_json()
    assert chat.attributes is not None
    assert chat.attributes["gen_ai.usage.output_tokens"] == 7
    assert chat.attributes["gen_ai.response.finish_reasons"] == ("tool_use",)
    assert chat.resource.attributes["service.name"] == "honk"
