"""Traces: what came of a delivery hangs together by ids alone, in whatever process it goes on."""

from __future__ import annotations

import pytest

from github_app.core.errors import Misconfigured
from github_app.core.model import Usage
from github_app.core.tracing import (
    PROVIDERS,
    NoSpans,
    Place,
    of_delivery,
    of_key,
    of_tool,
    of_usage,
    origin_of,
    read_traces,
    span_id_of,
    template_of,
    trace_id_of,
    turn_before,
)

TO = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
ORDERED = {"7-12-1/turn-1": "3:guid/2", "7-12-1/turn-2": "7-12-1/turn-1/finished/1/failed/0", "7-12-1/turn-3": "ci/0"}


def way_of(key: str) -> list[str]:
    """What a span is a part of, up to the first."""
    place = of_key(key, ORDERED.get)
    if place.parent == of_delivery(place.origin).key:
        return [key, place.parent]
    return [key, *(way_of(place.parent) if place.parent else ())]


def test_a_push_leads_back_to_the_delivery():
    assert way_of("7-12-1/turn-2/finished/0") == [
        "7-12-1/turn-2/finished/0",
        "7-12-1/turn-2/finished",
        "7-12-1/turn-2",
        "7-12-1/turn-1/finished/1/failed/0",
        "7-12-1/turn-1/finished/1/failed",
        "7-12-1/turn-1/finished/1",
        "7-12-1/turn-1/finished",
        "7-12-1/turn-1",
        "3:guid/2",
        "3:guid",
        "delivery:3:guid",
    ]
    assert origin_of("7-12-1/turn-2/finished/0", ORDERED.get) == "3:guid"
    assert origin_of("7-12-1/turn-3", ORDERED.get) == "ci"


@pytest.mark.parametrize(
    ("key", "origin", "parent"),
    [
        ("3:guid", "3:guid", "delivery:3:guid"),
        ("3:guid/0", "3:guid", "3:guid"),
        ("3:guid/failed", "3:guid", "delivery:3:guid"),
        ("3:guid@7-12-1", "3:guid", "delivery:3:guid"),
        ("3:guid@7-12-1/0", "3:guid", "3:guid@7-12-1"),
        ("slack:T:C:1.2/said", "slack:T:C:1.2", "delivery:slack:T:C:1.2"),
        ("pressed:7-12-1:3:stop/said", "pressed:7-12-1:3:stop", ""),
        ("handed:T:C:1.2/said", "handed:T:C:1.2", ""),
        ("look:issue:7:12", "look:issue:7:12", ""),
        ("look:issue:7:12/1", "look:issue:7:12", "look:issue:7:12"),
        ("7-12-1/tick-2", "7-12-1/tick-2", ""),
        ("7-12-1/tick-2/0/again", "7-12-1/tick-2", "7-12-1/tick-2/0"),
        ("7-9-1/turn-1", "7-9-1/turn-1", ""),  # what ordered it is forgotten
        ("7-9-1/turn-1/finished", "7-9-1/turn-1", "7-9-1/turn-1"),
    ],
)
def test_each_span_has_its_place(key: str, origin: str, parent: str):
    assert of_key(key, ORDERED.get) == Place(origin=origin, key=key, parent=parent)


def test_what_leads_in_a_circle_ends_all_the_same():
    assert origin_of("1-1-1/turn-1", lambda turn: f"{turn}/finished/0") == "1-1-1/turn-1"


def test_a_turn_follows_the_one_before():
    assert [turn_before(f"7-12-1/turn-{number}") for number in (1, 2, 11)] == [None, "7-12-1/turn-1", "7-12-1/turn-10"]
    assert turn_before("3:guid") is None


def test_ids_stay_what_they_are():
    """An older version's worker may have told the first half of a trace."""
    assert f"{trace_id_of('3:guid'):032x}" == "321ca2521f804cc1a32f097d8883353a"
    assert f"{span_id_of('3:guid'):016x}" == "6ff769600324f909"


def test_traces_are_wanted_where_opentelemetry_says_so():
    assert read_traces({}) is None
    assert read_traces(TO | {"OTEL_SDK_DISABLED": "TRUE"}) is None
    assert read_traces(TO | {"OTEL_TRACES_EXPORTER": "none"}) is None
    assert read_traces({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector/traces"}) is not None
    found = read_traces(TO | {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20s3cret, x-team = honk,"})
    assert found is not None
    assert found.secrets == ("Bearer%20s3cret", "Bearer s3cret", "s3cret", "honk")
    assert "s3cret" not in repr(found)
    with_password = read_traces({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:p%40ss@collector"})
    assert with_password is not None
    assert with_password.secrets == ("p%40ss", "p@ss")


def test_a_way_of_sending_that_there_is_not_is_refused():
    with pytest.raises(Misconfigured, match=r"OTEL_EXPORTER_OTLP_PROTOCOL.*`grpc`"):
        read_traces(TO | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_nobody_is_told_where_nobody_wants_to_know():
    spans = NoSpans()
    assert not spans.is_on
    with spans.at("decide", of_delivery("3:guid")) as span, spans.within("push") as part:
        part.end()
        span.end({"honk.session": "7-12-1"}, error="Gone")


def test_all_tokens_that_went_in_are_input():
    used = Usage(input_tokens=1, output_tokens=2, cache_read_tokens=30, cache_write_tokens=400, cost_micro_usd=5000)
    assert of_usage(used) == {
        "gen_ai.usage.input_tokens": 431,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.cache_creation.input_tokens": 400,
        "gen_ai.usage.output_tokens": 2,
        "honk.cost.usd": 0.005,
    }
    assert set(PROVIDERS) == {"anthropic", "bedrock", "vertex", "foundry"}


def test_a_tool_that_there_is_not_goes_without_its_name():
    assert of_tool("edit", "toolu_1")["gen_ai.tool.name"] == "edit"
    assert of_tool("", "toolu_1")["gen_ai.tool.name"] == "unknown"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/repos/acme/issues/issues/12/comments?page=2", "/repos/{}/{}/issues/{}/comments"),
        ("/api/v3/repos/git/git/git/refs/heads/feature/x", "/api/v3/repos/{}/{}/git/refs/heads/{}/{}"),
        ("/app/installations/7/access_tokens", "/app/installations/{}/access_tokens"),
        ("/graphql", "/graphql"),
    ],
)
def test_a_path_is_told_without_what_others_named(path: str, template: str):
    assert template_of(path) == template
