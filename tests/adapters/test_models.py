"""The model adapter against the scripted Messages API over real HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Literal

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

from github_app.adapters.model.claude import ClaudeModel
from github_app.adapters.model.prices import DEAREST, PRICES, price_of
from github_app.core.access import ModelAccess
from github_app.core.errors import AccessDenied, LimitReached, Misconfigured, RateLimited, Transient
from github_app.core.model import Usage
from github_app.core.ports import ModelRequest
from github_app.localhub.model import ScriptedModel, create_model_app
from github_app.localhub.script import Script

TOOLS = [{"name": "look", "description": "Look.", "input_schema": {"type": "object", "properties": {}}}]
REQUEST = ModelRequest(
    model="claude-sonnet-5-5",
    max_tokens=2_000,
    system=[{"type": "text", "text": "Be brief. " * 600, "cache_control": {"type": "ephemeral"}}],
    tools=TOOLS,
    messages=[{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
)


@contextmanager
def serving(app: Any, *, lifespan: Literal["on", "off"] = "off") -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none", lifespan=lifespan))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ScriptedModel, str]]:
    app = create_model_app(Script.of("Hi."))
    with serving(app) as url:
        yield app.state.model, url


@pytest.fixture
def say(server: tuple[ScriptedModel, str]) -> Callable[..., Any]:
    """Have the server answer with these replies; the model reply that comes of it."""
    scripted, url = server

    async def reply(*replies: Any, request: ModelRequest = REQUEST, **limits: Any) -> Any:
        scripted.script = Script.of(*replies)
        scripted.log.clear()
        scripted._faults.clear()
        model = ClaudeModel(ModelAccess(api_key="sk-test", base_url=url), **limits)
        try:
            return await model.reply(request)
        finally:
            await model.close()

    reply.log = scripted.log  # type: ignore[attr-defined]
    return reply


async def test_a_reply_comes_back_as_blocks_that_may_be_sent_again(say):
    reply = await say(
        {"thinking": "Hm…", "text": "I look.", "call": {"look": {"at": "ä" * 500, "deep": {"x": [1, None]}}}}
    )
    thinking, text, call = reply.content
    assert thinking == {"type": "thinking", "thinking": "Hm…", "signature": "scripted"}
    assert text == {"type": "text", "text": "I look."}
    assert (call["name"], call["input"]) == ("look", {"at": "ä" * 500, "deep": {"x": [1, None]}})
    assert reply.stop_reason == "tool_use"
    assert reply.request_id.startswith("req_scripted_")
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "seen"}
    again = replace(
        REQUEST,
        messages=[
            *REQUEST.messages,
            {"role": "assistant", "content": list(reply.content)},
            {"role": "user", "content": [result]},
        ],
    )
    assert (await say("First.", "Second.", request=again)).content == ({"type": "text", "text": "Second."},)


async def test_usage_is_what_the_server_counted_and_has_its_price(say):
    counts = {
        "input_tokens": 100,
        "output_tokens": 10,
        "cache_read_input_tokens": 1_000,
        "cache_creation_input_tokens": 200,
    }
    reply = await say({"text": "Hi.", "usage": counts})
    assert reply.usage == Usage(
        input_tokens=100,
        output_tokens=10,
        cache_read_tokens=1_000,
        cache_write_tokens=200,
        cost_micro_usd=200 + 100 + 500 + 100,
        steps=1,
    )


async def test_a_second_request_reads_what_the_first_one_cached(say):
    fresh = replace(REQUEST, system=[{**REQUEST.system[0], "text": "Be kind. " * 700}])
    first = await say("Hi.", request=fresh)
    second = await say("Hi.", request=fresh)
    assert first.usage.cache_write_tokens > 1_000
    assert second.usage.cache_read_tokens == first.usage.cache_write_tokens


@pytest.mark.parametrize(("model", "thinks"), [("claude-sonnet-5-5", True), ("claude-unheard-of", False)])
async def test_models_that_can_think_adaptively(say, model: str, thinks: bool):
    await say("Hi.", request=replace(REQUEST, model=model))
    body = say.log[-1]["body"]
    assert body.get("thinking") == ({"type": "adaptive"} if thinks else None)
    assert body["stream"] is True


async def test_a_tool_that_must_be_called_leaves_no_room_for_thinking(say):
    forced = {"type": "tool", "name": REQUEST.tools[0]["name"]}
    with pytest.raises(Transient):  # this script answers no forced tool
        await say("Hi.", request=replace(REQUEST, model="claude-haiku-5-5", tool_choice=forced))
    assert say.log[-1]["body"]["tool_choice"] == forced
    assert "thinking" not in say.log[-1]["body"]


async def test_two_short_failures_are_retried(say):
    reply = await say({"text": "Hi.", "faults": [{"status": 529, "retry_after_s": 0.01}] * 2})
    assert reply.content[0]["text"] == "Hi."
    assert len(say.log) == 3


@pytest.mark.parametrize(
    ("faults", "error", "calls"),
    [
        ([{"status": 529, "retry_after_s": 0.01}] * 3, Transient, 3),
        ([{"status": 500, "retry_after_s": 0.01}] * 3, Transient, 3),
        ([{"status": 429, "retry_after_s": 0.01}] * 3, RateLimited, 3),
        ([{"status": 429, "retry_after_s": 3600}], RateLimited, 1),
        ([{"status": 529, "retry_after_s": 3600}], RateLimited, 1),
        ([{"status": 401}], AccessDenied, 1),
        ([{"status": 402}], AccessDenied, 1),
        ([{"status": 403}], AccessDenied, 1),
        ([{"status": 413}], LimitReached, 1),
        ([{"after_events": 0}], Transient, 1),
        ([{"after_events": 3}], Transient, 1),
        ([{"after_events": 3, "event": "overloaded_error"}], Transient, 1),
        ([{"after_events": 3, "event": "rate_limit_error"}], RateLimited, 1),
    ],
)
async def test_failures_are_named_by_who_must_act(say, faults: list[Any], error: type[Exception], calls: int):
    with pytest.raises(error) as caught:
        await say({"text": "Hi, and goodbye.", "faults": faults})
    assert type(caught.value) is error
    assert "sk-test" not in str(caught.value)
    assert len(say.log) == calls


async def test_a_long_wait_is_handed_on(say):
    with pytest.raises(RateLimited) as caught:
        await say({"text": "Hi.", "faults": [{"status": 429, "retry_after_s": 3600}]})
    assert caught.value.retry_after_s == 3600


async def test_a_model_that_does_not_exist(say):
    with pytest.raises(Misconfigured, match="model: gpt-1"):
        await say("Hi.", request=replace(REQUEST, model="gpt-1"))


async def test_a_call_has_a_deadline(say):
    with pytest.raises(Transient, match="longer than 0 s"):
        await say({"text": "Hi.", "latency_s": 2}, deadline_s=0.3)


async def test_a_malformed_request_of_ours_is_a_bug(say):
    from anthropic import BadRequestError

    with pytest.raises(BadRequestError):
        await say("Hi.", request=replace(REQUEST, messages=[]))


async def test_nobody_there():
    model = ClaudeModel(ModelAccess(api_key="sk-test", base_url="http://127.0.0.1:9"))
    with pytest.raises(Transient, match="no connection"):
        await model.reply(REQUEST)
    await model.close()


@pytest.mark.parametrize(("key", "sent"), [("sk-test", "Bearer sk-test"), (None, None)])
async def test_a_gateway_may_want_no_key(monkeypatch: pytest.MonkeyPatch, key: str | None, sent: str | None):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-the-environment")
    seen: list[str | None] = []

    async def gateway(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen.append(headers.get("authorization"))
        assert "sk-of-the-environment" not in headers.values()
        await receive()
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    with serving(gateway) as url:
        model = ClaudeModel(ModelAccess(api_key=key, base_url=url))
        with pytest.raises(AccessDenied):
            await model.reply(REQUEST)
        await model.close()
    assert seen == [sent]


async def test_a_conversation_that_is_too_long_is_a_limit():
    app = FastAPI()

    @app.post("/v1/messages")
    async def messages():
        from fastapi.responses import JSONResponse

        text = "prompt is too long: 1203948 tokens > 1000000 maximum"
        error = {"type": "invalid_request_error", "message": text}
        return JSONResponse({"type": "error", "error": error}, 400)

    with serving(app) as url:
        model = ClaudeModel(ModelAccess(api_key="k", base_url=url))
        with pytest.raises(LimitReached) as caught:
            await model.reply(REQUEST)
        await model.close()
    assert caught.value.limit == "tokens"


def test_one_adapter_serves_several_event_loops(server: tuple[ScriptedModel, str]):
    scripted, url = server
    scripted.script = Script.of("Hi.")
    model = ClaudeModel(ModelAccess(api_key="sk-test", base_url=url))

    async def once() -> str:
        reply = await model.reply(REQUEST)
        await model.close()
        return str(reply.content[0]["text"])

    for _ in range(2):
        with closing(asyncio.new_event_loop()) as loop:
            assert loop.run_until_complete(once()) == "Hi."


def test_the_sdk_is_imported_late():
    program = "import sys, github_app.adapters.model.claude as m; m.ClaudeModel(m.ModelAccess(api_key='k'))"
    code = f"{program}; print('anthropic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- prices


@pytest.mark.parametrize("model", ["claude-of-2040", "", "gpt-1"])
def test_an_unknown_model_costs_as_much_as_the_dearest(model: str):
    for usage in (Usage(input_tokens=10**6), Usage(output_tokens=10**6), Usage(cache_read_tokens=10**6)):
        assert price_of(model, usage) == max(price_of(known, usage) for known in PRICES)


def test_prices():
    million = Usage(input_tokens=10**6, output_tokens=10**6, cache_read_tokens=10**6, cache_write_tokens=10**6)
    assert price_of("claude-sonnet-5-5", million) == 14_600_000
    assert price_of("claude-haiku-5-5-20260801", million) == 735_000
    assert price_of("claude-haiku-5-5", Usage(cache_read_tokens=1)) == 1
    assert DEAREST.output == 50


async def test_a_tool_call_that_is_no_json_is_asked_for_again():
    app = FastAPI()
    message: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "x",
        "content": [],
        "stop_reason": None,
    }
    call = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": call},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"at": "\\ud800"}'},
        },
    ]
    lines = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)

    @app.post("/v1/messages")
    def messages() -> Response:
        return Response(lines, media_type="text/event-stream")

    with serving(app) as url:
        model = ClaudeModel(ModelAccess(api_key="sk-test", base_url=url))
        with pytest.raises(Transient, match="could not be read"):
            await model.reply(REQUEST)
        await model.close()
