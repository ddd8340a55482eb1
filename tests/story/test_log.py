"""An issue's story in Honk's log: from GitHub's delivery to the session, to its turn, to the commit, and back."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from github_app.core.tracing import trace_id_of
from github_app.demo.stack import SCRIPTED_KEY
from tests.deploy.test_watching import TOLD
from tests.story.collector import the_collector
from tests.story.world import World


def lines_of(world: World, begin: int) -> list[dict[str, Any]]:
    """What Honk has logged from a place on."""
    return [json.loads(line) for line in world.stack.log_path.read_bytes()[begin:].splitlines()]


def test_a_story_is_found_in_the_log_by_its_ids(world: World) -> None:
    begin = world.stack.log_path.stat().st_size
    world.ask_for()
    world.wait_pull()
    world.rest()
    (session,) = world.sessions()
    lines = lines_of(world, begin)

    def told(**ids: str) -> dict[tuple[str, str], dict[str, Any]]:
        found = [line for line in lines if ids.items() <= line.items()]
        return {(line["event"], line.get("kind", "")): line for line in found}

    (opened,) = [
        each.guid for each in world.stack.hub.deliveries
        if (each.event, each.payload.get("action")) == ("issues", "opened")
        and each.payload["repository"]["full_name"] == world.repo.full_name
    ]  # fmt: skip
    (key,) = {line["delivery"] for line in lines if line.get("delivery", "").endswith(opened)}
    of_delivery = told(delivery=key)
    assert of_delivery[("decided", "IssueLabeled")]["session"] == session.id
    turn = of_delivery[("performed", "RunTurn")]["turn"]
    of_turn = told(session=session.id, turn=turn)
    assert "turn begins" in {event for event, _ in of_turn}
    assert of_turn[("performed", "Publish")]["delivery"] == f"{turn}/finished"
    of_session = told(session=session.id)
    assert of_session[("decided", "TurnFinished")]["delivery"] == f"{turn}/finished"
    assert ("decided", "Published") in of_session
    assert all("delivery" in line for line in lines if line["event"] in {"decided", "performed"})
    assert {of_turn[("performed", "Publish")]["trace_id"], of_delivery[("decided", "IssueLabeled")]["trace_id"]} == {
        f"{trace_id_of(key):032x}"
    }
    look_at_the_trace(world, f"{trace_id_of(key):032x}", turn)


def look_at_the_trace(world: World, trace_id: str, turn: str) -> None:
    """From the delivery to the push, in one piece, and without a word of what was said."""

    def whole() -> dict[str, Span] | None:
        spans = the_collector().trace(trace_id)
        told = {span.name for span in spans.values()}
        return spans if "perform Publish" in told and "perform ShowProof" in told else None

    spans = world.wait("the trace", whole)
    named = {span.name: span for span in spans.values()}
    assert [span.name for span in spans.values() if not span.parent_span_id] == ["receive issues"]
    assert {span.parent_span_id.hex() for span in spans.values()} - {""} <= spans.keys()

    def way_of(span: Span) -> list[str]:
        parent = spans.get(span.parent_span_id.hex())
        return [span.name, *(way_of(parent) if parent is not None else ())]

    turns = ["invoke_agent honk", "perform RunTurn", "decide IssueLabeled", "receive issues"]
    assert way_of(named["push"]) == ["push", "perform Publish", "decide TurnFinished", *turns]
    assert way_of(named["POST /repos/{}/{}/pulls"])[1] == "perform Publish"
    chats = [span for span in spans.values() if span.name.startswith("chat ")]
    assert len(chats) == len(world.requests())
    for step in (*chats, named["execute_tool bash"], named["execute_tool submit"]):
        assert way_of(step)[1:] == turns
    words = {each.key: each.value for each in named["invoke_agent honk"].attributes}
    assert words["honk.turn"].string_value == turn
    assert words["gen_ai.usage.output_tokens"].int_value > 0
    said = " ".join(map(str, spans.values()))
    for secret in (world.repo.owner.login, "Say hello", "In a file", "hello.txt", SCRIPTED_KEY):
        assert secret not in said, secret


def test_what_a_running_honk_tells_prometheus_is_what_alerts_and_dashboard_are_made_of(world: World) -> None:
    with urllib.request.urlopen(f"{world.stack.url}/metrics", timeout=30) as answer:  # noqa: S310 - our own server
        names = set(re.findall(r"^(honk_\w+)", answer.read().decode(), re.MULTILINE))
    assert names <= TOLD.keys()
    assert TOLD.keys() - names <= {"honk_workers_alive", "honk_worker_heartbeat_age_seconds",
                                   "honk_worker_takeovers_total", "honk_turn_duration_seconds"}  # fmt: skip
