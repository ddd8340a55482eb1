"""Requests of the Messages API as they come out of a sandbox, made to what Honk asks of a model; and the reply as the
stream that its client wants.

Nothing is passed on because it was there: of a request, only what is read here leaves. So there is no asking for
another model, for tools that run at the provider (search, fetch, code) or for addresses that it would go to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from github_app.core.errors import Rejected
from github_app.core.ports import ModelReply, ModelRequest

Block = dict[str, Any]

_MARK = {"type": "ephemeral"}
_PLAIN = {
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id", "is_error"),
}
_TOOL = ("name", "description", "input_schema")


def read_request(body: bytes, *, model: str) -> ModelRequest:
    """A request for this model, its cache marks of the usual length. Raises `Rejected` with what is wrong."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise _wrong("it is no JSON") from error
    if not isinstance(given, dict):
        raise _wrong("it is no object")
    if given.get("model") != model:
        raise _wrong(f"this desk has {model} and nothing else")
    max_tokens = given.get("max_tokens")
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        raise _wrong("max_tokens")
    system = given.get("system") or ()
    messages = _joined([_message(each) for each in _list(given.get("messages"), "messages")])
    if not messages:
        raise _wrong("messages")
    return ModelRequest(
        model=model,
        max_tokens=max_tokens,
        system=_blocks(system, "system", ("text",)) if system else (),
        tools=[_tool(each) for each in _list(given.get("tools") or [], "tools")],
        messages=messages,
        tool_choice=_choice(given.get("tool_choice")),
    )


def _message(given: Any) -> Block:
    if not isinstance(given, dict) or given.get("role") not in ("user", "assistant", "system"):
        raise _wrong("a message's role")
    return {"role": given["role"], "content": _blocks(given.get("content"), "content", (*_PLAIN, "image", "document"))}


def _joined(messages: list[Block]) -> list[Block]:
    """Words of Claude Code's own between the messages (role `system`) as the end of what the user says: not every
    provider knows them."""
    joined: list[Block] = []
    for message in messages:
        if message["role"] == "assistant" or not joined or joined[-1]["role"] == "assistant":
            joined.append({**message, "role": "assistant" if message["role"] == "assistant" else "user"})
        else:
            joined[-1] = {"role": "user", "content": [*joined[-1]["content"], *message["content"]]}
    return joined


def _blocks(given: Any, where: str, kinds: Sequence[str]) -> list[Block]:
    blocks = [{"type": "text", "text": given}] if isinstance(given, str) else _list(given, where)
    return [_block(each, where, kinds) for each in blocks]


def _block(given: Any, where: str, kinds: Sequence[str]) -> Block:
    if not isinstance(given, dict) or given.get("type") not in kinds:
        raise _wrong(f"a block in {where}")
    kind = given["type"]
    if kind == "document":
        return {"type": "text", "text": "(a document, which is not shown here)"}
    block: Block = {"type": kind}
    if kind == "image":
        block["source"] = _source(given.get("source"))
    else:
        block |= {name: given[name] for name in _PLAIN[kind] if name in given}
    if kind == "tool_result" and given.get("content"):
        block["content"] = _blocks(given["content"], "a result", ("text", "image", "document"))
    if given.get("cache_control"):
        block["cache_control"] = _MARK
    return block


def _source(given: Any) -> Block:
    """The bytes of an image; never an address that the provider would fetch it from."""
    if not isinstance(given, dict) or given.get("type") != "base64":
        raise _wrong("an image that is not sent along")
    return {"type": "base64", "media_type": given.get("media_type"), "data": given.get("data")}


def _tool(given: Any) -> Block:
    if not isinstance(given, dict) or given.get("type") not in (None, "custom"):
        raise _wrong("tools that run elsewhere")
    tool = {name: given[name] for name in _TOOL if name in given}
    return {**tool, "cache_control": _MARK} if given.get("cache_control") else tool


def _choice(given: Any) -> Block | None:
    """A tool that must be called. What is free anyway goes without saying, and so leaves room for thinking."""
    if not isinstance(given, dict) or given.get("type") in (None, "auto"):
        return None
    return {name: given[name] for name in ("type", "name", "disable_parallel_tool_use") if name in given}


def _list(given: Any, where: str) -> list[Any]:
    if not isinstance(given, list):
        raise _wrong(where)
    return given


def _wrong(what: str) -> Rejected:
    return Rejected(f"Honk's desk does not take this: {what}", http_status=400)


def as_message(reply: ModelReply, model: str) -> dict[str, Any]:
    """A reply as the API gives it whole."""
    usage = reply.usage
    return {
        "id": f"msg_{uuid4().hex}",  # Claude Code takes messages of one id for parts of one
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(reply.content),
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_input_tokens": usage.cache_read_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens,
        },
    }


def as_events(reply: ModelReply, model: str) -> Iterator[str]:
    """A reply as the API streams it. https://docs.claude.com/en/docs/build-with-claude/streaming"""
    whole = as_message(reply, model)
    yield event("message_start", message={**whole, "content": [], "stop_reason": None})
    for index, block in enumerate(reply.content):
        empty, deltas = _parts(block)
        yield event("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    yield event(
        "message_delta",
        delta={"stop_reason": reply.stop_reason, "stop_sequence": None},
        usage=whole["usage"],
    )
    yield event("message_stop")


def event(kind: str, **more: Any) -> str:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"


def _parts(block: Mapping[str, Any]) -> tuple[Block, list[Block]]:
    """A block as it begins, and what is added to it."""
    match block:
        case {"type": "text", "text": text}:
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": text}]
        case {"type": "tool_use", "input": given}:
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": json.dumps(given)}]
        case {"type": "thinking", "thinking": text, "signature": signature}:
            deltas = [{"type": "thinking_delta", "thinking": text}, {"type": "signature_delta", "signature": signature}]
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case _:
            return dict(block), []
