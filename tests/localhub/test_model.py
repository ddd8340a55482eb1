"""The scripted model, driven by the real client: it answers from its script and refuses what the API would refuse."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
import uvicorn
from anthropic import AsyncAnthropic

from github_app.localhub.model import create_model_app
from github_app.localhub.script import Script, ScriptError

MODEL = "claude-sonnet-5-5"
TOOLS: Any = [{"name": "bash", "description": "run", "input_schema": {"type": "object"}}]
Ask = dict[str, Any]


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def served(script: Script, **options: Any) -> AsyncIterator[tuple[AsyncAnthropic, Any]]:
    """A client of a server that runs in this loop, and the server's memory."""
    app = create_model_app(script, **options)
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.config.load()
    sock = config.bind_socket()
    running = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.005)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with AsyncAnthropic(api_key="any", base_url=url, max_retries=0) as client:
        try:
            yield client, app.state.model
        finally:
            server.should_exit = True
            await running
            sock.close()


def ask(*messages: Any, **more: Any) -> Any:
    return {"model": MODEL, "max_tokens": 100, "messages": list(messages) or [user("go")]} | more


def shown(block: dict[str, Any]) -> Ask:
    return {"role": "user", "content": [{"type": "text", "text": "go"}, block]}


def user(text: str) -> Ask:
    return {"role": "user", "content": text}


async def streamed(client: AsyncAnthropic, request: Any) -> Any:
    async with client.messages.stream(**request) as stream:
        return await stream.get_final_message()


def results(message: Any, *, text: str = "fine") -> list[Ask]:
    """The conversation's next two messages: what the model said, and what its tools gave."""
    calls = [block for block in message.content if block.type == "tool_use"]
    said = [block.model_dump(exclude_none=True) for block in message.content]
    given = [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call in calls]
    return [{"role": "assistant", "content": said}, {"role": "user", "content": given}]


THREE = Script.of(
    {"text": "I look.", "call": {"bash": {"command": "ls -a"}}},
    {"thinking": "hm", "call": [{"bash": {"command": "x" * 900}}, {"bash": {"command": "pwd"}}]},
    "All done.",
)


async def test_a_conversation_with_tools_goes_through_the_script_in_order():
    async with served(THREE) as (client, model):
        messages: list[Any] = [user("go")]
        seen = []
        for _ in range(3):
            message = await streamed(client, ask(*messages, tools=TOOLS))
            seen.append((message.stop_reason, [block.type for block in message.content]))
            messages += results(message)
        assert seen == [
            ("tool_use", ["text", "tool_use"]),
            ("tool_use", ["thinking", "tool_use", "tool_use"]),
            ("end_turn", ["text"]),
        ]
        assert messages[3]["content"][1]["input"] == {"command": "x" * 900}
        assert [(entry["scene"], entry["index"]) for entry in model.log] == [("only scene", n) for n in range(3)]


async def test_the_same_request_gets_the_same_reply_streamed_or_not_and_after_a_restart():
    async with served(THREE) as (client, _):
        one = await streamed(client, ask())
        two = await client.messages.create(**ask())
    async with served(THREE) as (client, _):
        three = await streamed(client, ask())
    assert [block.model_dump() for block in one.content] == [block.model_dump() for block in three.content]
    assert one.content[1].model_dump() == two.content[1].model_dump()
    assert one.id == two.id == three.id


async def test_ids_differ_between_places_of_a_conversation():
    script = Script.of(*[{"call": {"bash": {"command": "ls"}}}] * 3)
    async with served(script) as (client, _):
        messages = [user("go")]
        ids = set()
        for _ in range(3):
            message = await streamed(client, ask(*messages, tools=TOOLS))
            ids.add(message.content[0].id)
            messages += results(message)
    assert len(ids) == 3


SCENES = Script.parse(
    {
        "scenes": [
            {"name": "review", "when": ["review", "<thread"], "replies": [{"call": {"say": {"id": ["{{thread:2}}"]}}}]},
            {"name": "steer", "when": "by the way", "replies": ["noted"]},
            {"name": "first", "when": "issue", "replies": [{"call": {"bash": {}}}, "one more", "and more"]},
        ]
    }
)


async def test_the_text_of_the_request_chooses_the_scene():
    async with served(SCENES) as (client, _):
        first = await streamed(client, ask(user("an issue"), tools=TOOLS))
        assert first.content[0].name == "bash"
        then = results(first)
        assert (await streamed(client, ask(user("an issue"), *then))).content[0].text == "one more"
        then[1]["content"].append({"type": "text", "text": "by the way: hurry"})
        assert (await streamed(client, ask(user("an issue"), *then))).content[0].text == "noted"
        then[1]["content"] = then[1]["content"][:1]
        then[1]["content"][0]["content"] = "a file that says: by the way"
        assert (await streamed(client, ask(user("an issue"), *then))).content[0].text == "one more"


async def test_thread_ids_are_filled_in_from_the_request():
    text = 'a review: <thread id="PRRT_a" path="x"> … <thread path="y" id="PRRT_b">'
    async with served(SCENES) as (client, _):
        message = await streamed(client, ask(user(text)))
        assert message.content[0].input == {"id": ["PRRT_b"]}
        with pytest.raises(anthropic.InternalServerError, match=r"names thread 2; the request has 1"):
            await streamed(client, ask(user('review <thread id="a">')))


async def test_a_script_without_an_answer_says_so_at_once():
    async with served(SCENES) as (client, model):
        eager = client.with_options(max_retries=5)
        with pytest.raises(
            anthropic.InternalServerError, match=r"no scene knows this conversation.*review, steer, first"
        ):
            await streamed(eager, ask(user("hello")))
        assert model.usage["requests"] == 1
    async with served(Script.of("one")) as (client, _):
        said = [user("go"), {"role": "assistant", "content": "one"}, user("again")]
        with pytest.raises(anthropic.InternalServerError, match="has 1 replies and is asked for number 2"):
            await streamed(client, ask(*said))


CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "bash", "input": {}}]}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
GIF = b"GIF89a\xd0\x02\xee\x02"


def image(content: bytes = GIF, media_type: str = "image/gif", data: str = "") -> dict[str, Any]:
    source = {"type": "base64", "media_type": media_type, "data": data or base64.b64encode(content).decode()}
    return {"type": "image", "source": source}


REFUSED: dict[str, tuple[Any, str]] = {
    "no messages": ({"messages": []}, "at least one message"),
    "first message not the user's": ({"messages": [{"role": "assistant", "content": "x"}]}, "first message"),
    "unknown role": ({"messages": [{"role": "bot", "content": "x"}]}, "messages.0"),
    "unknown field": ({"extra_body": {"temperature": 1}}, "temperature: Extra inputs"),
    "unknown field in a block": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "note": 1}]}]},
        "messages.0.*note: Extra inputs",
    ),
    "unknown block": ({"messages": [{"role": "user", "content": [{"type": "txt"}]}]}, "txt"),
    "empty text": ({"messages": [user(" ")]}, "non-whitespace"),
    "number as text": ({"max_tokens": "100"}, "max_tokens: Input should be a valid integer"),
    "tool without schema": ({"tools": [{"name": "bash"}]}, "input_schema: Field required"),
    "tools of one name": ({"tools": TOOLS * 2}, "unique"),
    "call without result": ({"messages": [user("go"), CALL]}, "without `tool_result`"),
    "call without result, then talk": ({"messages": [user("go"), CALL, user("so")]}, r"messages.2.*\['t1'\]"),
    "result without call": ({"messages": [{"role": "user", "content": [RESULT]}]}, "unexpected `tool_use_id`"),
    "result twice": ({"messages": [user("go"), CALL, {"role": "user", "content": [RESULT] * 2}]}, "single result"),
    "talk before the result": (
        {"messages": [user("go"), CALL, {"role": "user", "content": [{"type": "text", "text": "a"}, RESULT]}]},
        "must come first",
    ),
    "image of another kind": ({"messages": [shown(image(media_type="image/png"))]}, "media type image/png"),
    "image that is none": ({"messages": [shown(image(b"<svg/>"))]}, "Could not process image"),
    "image that is not base64": ({"messages": [shown(image(data="!"))]}, "invalid base64"),
    "image too large": ({"messages": [shown(image(GIF + bytes(5 * 2**20)))]}, "exceeds 5 MB"),
    "image of unknown kind": ({"messages": [shown(image(media_type="image/svg+xml"))]}, "media_type"),
    "stored image": ({"messages": [shown({"type": "image", "source": {"type": "stored"}})]}, "source"),
    "image said by the model": (
        {"messages": [user("go"), {"role": "assistant", "content": [image()]}, user("so")]},
        "user messages only",
    ),
    "five cache marks": (
        {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}] * 5},
        "maximum of 4 blocks",
    ),
    "unknown cache life": ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "ttl"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refuses_what_the_api_refuses(name: str):
    change, said = REFUSED[name]
    async with served(Script.of("hi")) as (client, _):
        with pytest.raises(anthropic.BadRequestError, match=said) as caught:
            await streamed(client, ask(**change))
        assert caught.value.type == "invalid_request_error"


async def test_an_image_counts_by_its_pixels():
    async with served(Script.of("hi")) as (client, _):
        without = await streamed(client, ask(user("go")))
        with_it = await streamed(client, ask(shown(image())))
    assert with_it.usage.input_tokens - without.usage.input_tokens == 720


async def test_needs_a_key_and_a_version():
    async with served(Script.of("hi")) as (client, _):
        gone: Any = anthropic.Omit()
        with pytest.raises(anthropic.AuthenticationError):
            await client.messages.create(**ask(), extra_headers={"Authorization": gone, "x-api-key": ""})
        both = {"Authorization": gone, "x-api-key": "k"}
        assert (await client.messages.create(**ask(), extra_headers=both)).content
        with pytest.raises(anthropic.BadRequestError, match="anthropic-version"):
            await client.messages.create(**ask(), extra_headers={"anthropic-version": ""})


async def test_faults_come_once_each_and_then_the_reply():
    script = Script.of({"text": "at last", "faults": [{"status": 529}, {"status": 429, "retry_after_s": 0.01}]})
    async with served(script) as (client, model):
        with pytest.raises(anthropic.APIStatusError) as overloaded:
            await streamed(client, ask())
        assert (overloaded.value.status_code, overloaded.value.type) == (529, "overloaded_error")
        with pytest.raises(anthropic.RateLimitError) as limited:
            await streamed(client, ask())
        assert limited.value.response.headers["retry-after"] == "0.01"
        assert (await streamed(client, ask())).content[0].text == "at last"
        assert model.usage["output_tokens"] > 0
        assert model.usage["requests"] == 3


async def test_the_clients_own_retries_get_over_faults():
    script = Script.of({"text": "at last", "faults": [{"status": 429, "retry_after_s": 0.01}] * 2})
    async with served(script) as (client, _):
        assert (await streamed(client.with_options(max_retries=2), ask())).content[0].text == "at last"


async def test_a_stream_can_break_off_in_the_middle():
    faults = [{"after_events": 3}, {"after_events": 3, "event": "overloaded_error"}]
    async with served(Script.of({"text": "x" * 500, "faults": faults})) as (client, _):
        with pytest.raises(httpx2.RemoteProtocolError, match="incomplete"):
            await streamed(client, ask())
        with pytest.raises(anthropic.APIError, match="overloaded_error"):
            await streamed(client, ask())
        assert (await streamed(client, ask())).content[0].text == "x" * 500


def marked(text: str, ttl: str = "5m") -> Ask:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}


async def test_a_conversation_with_a_moving_mark_pays_for_what_is_new():
    script = Script.of(*[{"call": {"bash": {"command": "ls"}}}] * 9)
    async with served(script) as (client, model):
        messages: list[Any] = [user("begin " * 2_000)]
        bills = []
        for _ in range(6):
            mark = {"type": "ephemeral"}
            message = await streamed(client, ask(*messages, tools=TOOLS, cache_control=mark))
            bills.append(message.usage)
            messages += results(message, text="line\n" * 400)
        assert bills[0].cache_read_input_tokens == 0
        assert bills[0].cache_creation_input_tokens > 3_000
        for before, now in pairwise(bills):
            stored = before.cache_read_input_tokens + before.cache_creation_input_tokens
            assert now.cache_read_input_tokens == stored
            assert 500 < now.cache_creation_input_tokens < 700
            assert now.input_tokens == 0
        assert model.usage["cache_read_input_tokens"] == sum(bill.cache_read_input_tokens for bill in bills)


async def test_the_cache_follows_the_rules():
    clock = Clock()
    long, short = "word " * 2_000, "word " * 500

    async with served(Script.of("hi"), clock=clock) as (client, _):

        async def bill(**more: Any) -> tuple[int, int]:
            usage = (await streamed(client, ask(**more))).usage
            return usage.cache_read_input_tokens, usage.cache_creation_input_tokens

        assert await bill(system=[marked(short)]) == (0, 0), "too short"
        read, written = await bill(system=[marked(long)])
        assert (read, written > 2_000) == (0, True)
        assert await bill(system=[marked(long)]) == (written, 0)
        assert await bill(system=[marked(long)], model="claude-opus-5-5") == (0, written), "another model"
        assert (await bill(system=[marked(long)], tools=TOOLS))[0] == 0, "tools come before"
        assert (await bill(system=[marked(long)], thinking={"type": "adaptive"}))[0] == written, "comes after"
        assert await bill(system=[{"type": "text", "text": long}]) == (0, 0), "no mark"
        clock.now += 299
        assert (await bill(system=[marked(long)]))[0] == written
        clock.now += 299
        assert (await bill(system=[marked(long)]))[0] == written, "use prolongs"
        clock.now += 301
        assert await bill(system=[marked(long)]) == (0, written), "forgotten"
        blocks = [{"type": "text", "text": f"block {n}"} for n in range(20)]
        plain = [{"type": "text", "text": long}]
        near: Any = [{"role": "user", "content": [*blocks[:19], marked("end")]}]
        far: Any = [{"role": "user", "content": [*blocks, marked("end")]}]
        assert (await bill(system=plain, messages=near))[0] == written, "20 blocks back"
        assert (await bill(system=plain, messages=far))[0] == 0, "21 blocks back"


async def test_a_result_told_as_a_string_or_as_marked_blocks_is_the_same_prefix():
    async with served(Script.of({"call": {"bash": {"command": "ls"}}}, "done", "more")) as (client, _):
        opening, text = user("begin " * 2_000), "line\n" * 400
        call = await streamed(client, ask(opening, tools=TOOLS))
        said, told = results(call, text=text)
        (result,) = told["content"]
        in_blocks = {"role": "user", "content": [{**result, "content": [marked(text)]}]}
        first = (await streamed(client, ask(opening, said, in_blocks, tools=TOOLS))).usage
        assert first.cache_creation_input_tokens > 3_000
        later = [{"role": "assistant", "content": "done"}, {"role": "user", "content": [marked("go on")]}]
        then = (await streamed(client, ask(opening, said, told, *later, tools=TOOLS))).usage
        assert then.cache_read_input_tokens == first.cache_creation_input_tokens


async def test_an_hour_long_mark_is_billed_apart():
    async with served(Script.of("hi")) as (client, _):
        usage = (await streamed(client, ask(system=[marked("word " * 2_000, "1h")]))).usage
        assert usage.cache_creation.ephemeral_1h_input_tokens == usage.cache_creation_input_tokens > 0
        assert usage.cache_creation.ephemeral_5m_input_tokens == 0


async def test_counts_tokens_and_lists_models():
    async with served(Script.of("hi")) as (client, _):
        count = await client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "a" * 4_000}])
        assert 1_000 <= count.input_tokens <= 1_050
        listed = [model.id async for model in client.models.list()]
        assert MODEL in listed
        assert (await client.models.retrieve(MODEL)).display_name.startswith("Scripted")
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("gpt-x")
        with pytest.raises(anthropic.NotFoundError):
            await streamed(client, ask(model="gpt-x"))


async def test_takes_the_beta_form_with_context_editing():
    async with served(Script.of("hi")) as (client, _):
        edits: Any = {"edits": [{"type": "clear_tool_uses_20250919"}]}
        betas = ["context-management-2025-06-27"]
        async with client.beta.messages.stream(**ask(), betas=betas, context_management=edits) as stream:
            message: Any = await stream.get_final_message()
        assert message.content[0].text == "hi"


async def test_tells_what_it_was_asked_and_what_it_billed():
    async with served(Script.of("hi")) as (client, _):
        await streamed(client, ask())
        (entry,) = await client.get("/_log", cast_to=list[Any])
        assert entry["body"]["messages"] == [{"role": "user", "content": "go"}]
        assert entry["bytes"] > 50
        totals = await client.get("/_usage", cast_to=dict[str, Any])
        assert totals["requests"] == 1
        assert totals["output_tokens"] == entry["usage"]["output_tokens"]


def test_a_script_is_read_from_a_file(tmp_path: Path):
    path = tmp_path / "script.yml"
    path.write_text("scenes:\n- name: a\n  when: x\n  replies: [hello, {call: {ls: }}]\n")
    (scene,) = Script.load(path).scenes
    assert (scene.name, scene.when, len(scene.replies)) == ("a", ("x",), 2)
    assert scene.replies[1].content == ({"type": "tool_use", "name": "ls", "input": {}},)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenes: [{replies: [{say: hi}]}]", r"reply 0: unknown \['say'\]"),
        ("scenes: [{reply: []}]", r"'scene 1': unknown \['reply'\]"),
        ("scenes: [{replies: [{text: a, faults: [{code: 1}]}]}]", "reply 0.*code"),
        ("- a", "expected a mapping"),
        ("scenes: [", "ParserError"),
    ],
)
def test_a_wrong_script_says_where(tmp_path: Path, text: str, said: str):
    path = tmp_path / "script.yml"
    path.write_text(text)
    with pytest.raises(ScriptError, match=said):
        Script.load(path)


async def test_reply_waits_while_its_gate_is_closed():
    async with served(Script.of({"text": "at last", "gate": "later"})) as (client, model):
        model.closed_gates.add("later")
        asked = asyncio.create_task(client.messages.create(**ask()))
        while not model.log:
            await asyncio.sleep(0.005)
        assert not asked.done()
        model.closed_gates.clear()
        assert (await asked).content[0].text == "at last"


JUDGE: Any = [{"name": "judge", "description": "say", "input_schema": {"type": "object"}}]
FORCED: Any = {"tools": JUDGE, "tool_choice": {"type": "tool", "name": "judge"}}


async def test_who_must_call_a_tool_is_answered_by_scenes_of_that_tool_alone():
    doubts = {"name": "doubts", "tool": "judge", "when": "b.py", "replies": [{"call": {"judge": {"complete": False}}}]}
    script = Script.parse({"scenes": [doubts, {"replies": ["Work."]}]})
    async with served(script) as (client, _):
        told = [
            (await streamed(client, ask(user(words), **more))).content[0]
            for words, more in (("a.py", FORCED), ("b.py", FORCED), ("b.py", {}))
        ]
    assert told[0].input["complete"] is True
    assert told[1].input == {"complete": False}
    assert told[2].text == "Work."
