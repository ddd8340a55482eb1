"""A turn that a stop cut in two is one span: of its trace, since its begin, and told once."""

from __future__ import annotations

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from github_app.adapters.traces import OpenTelemetry
from github_app.core.session import Status
from github_app.core.tracing import span_id_of, trace_id_of
from tests.agent.parts import call, reply
from tests.engine.stage import Open, eventually, work


def test_a_turn_that_another_life_goes_on_with_is_one_span(open_stage: Open) -> None:
    exporter = InMemorySpanExporter()
    spans = OpenTelemetry(exporter)
    stage = open_stage(reply(call("bash", command="true")), *work(), spans=spans)
    stage.rooms.holds = True
    delivery = stage.label()
    eventually(lambda: stage.rooms.entered)
    stage.stop()
    stage.rooms.holds = False
    stage.start()
    stage.wait_status(Status.AWAITING_CHECKS)
    stage.stop()
    spans.close()

    told = [span for span in exporter.get_finished_spans() if span.context.trace_id == trace_id_of(delivery)]
    (turn,) = [span for span in told if span.name == "invoke_agent honk"]
    (edited,) = [span for span in told if span.name == "execute_tool edit"]
    (ordered,) = [span for span in told if span.name == "perform RunTurn"]
    assert turn.context.span_id == span_id_of("7-1-1/turn-1")
    assert turn.parent is not None
    assert turn.parent.span_id == ordered.context.span_id
    assert edited.parent is not None
    assert edited.parent.span_id == turn.context.span_id
    assert turn.start_time is not None
    # As it is stored, by the stage's own clock; the second half alone would be months later.
    assert turn.start_time // 10**9 == int(stage.clock.now().timestamp())
    ends = [span for span in told if span.name == "decide TurnFinished"]
    assert [span.parent and span.parent.span_id for span in ends] == [turn.context.span_id]
