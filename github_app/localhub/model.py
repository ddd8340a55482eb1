"""The scripted model: a Messages API server that answers from a script, and is called scripted wherever it shows.

It refuses what Anthropic's API would refuse (`modelrequest.py`), bills as its prompt cache would (`promptcache.py`)
and answers from data (`script.py`). It has no state for conversations: only counts, the simulated cache, which faults
were given already and the last requests are kept, in memory.

    python -m github_app.localhub.model SCRIPT.yml --port 8101
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from github_app.localhub import modelrequest
from github_app.localhub.promptcache import PromptCache, read_blocks, tokens_of
from github_app.localhub.script import Answer, Fault, Json, Script, ScriptError

MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")
CHUNK = 200  # characters in one delta
KEPT_REQUESTS = 200
GATE_POLL_S = 0.02
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ScriptedModel:
    """The server's memory. `script` may be exchanged while it runs, and `closed_gates` too: replies wait at them."""

    def __init__(self, script: Script, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.script = script
        self.log: deque[Json] = deque(maxlen=KEPT_REQUESTS)
        self.usage: Counter[str] = Counter()
        self.closed_gates: set[str] = set()
        self._cache = PromptCache(clock)
        self._faults: Counter[str] = Counter()
        self._count = 0

    def request_id(self) -> str:
        """A new id, as in the `request-id` header."""
        self._count += 1
        return f"req_scripted_{self._count:06d}"

    def record(self, body: Json, size_bytes: int) -> Json:
        """Keep a request; the answer's parts are written into the record."""
        entry: Json = {"body": body, "bytes": size_bytes}
        self.log.append(entry)
        self.usage["requests"] += 1
        self.usage["bytes_received"] += size_bytes
        return entry

    def next_fault(self, answer: Answer) -> Fault | None:
        """The next fault for this reply that was not given yet; the id stands for the conversation so far."""
        given = self._faults[answer.message["id"]]
        if given >= len(answer.reply.faults):
            return None
        self._faults[answer.message["id"]] += 1
        return answer.reply.faults[given]

    def bill(self, body: Json, answer: Answer) -> Json:
        """The `usage` of an answer; adds it to the totals. Raises ValueError for too many cache marks."""
        usage = self._cache.bill(read_blocks(body))
        usage |= {"output_tokens": tokens_of(answer.message["content"]), "service_tier": "standard"}
        usage |= answer.reply.usage
        self.usage.update({key: count for key, count in usage.items() if isinstance(count, int)})
        return usage


def create_model_app(script: Script, *, clock: Callable[[], float] = time.monotonic) -> FastAPI:
    """The server as an ASGI app; `app.state.model` is its `ScriptedModel`. `clock` (seconds) ages the prompt cache."""
    app = FastAPI(title="Scripted Messages API", openapi_url=None)
    model = app.state.model = ScriptedModel(script, clock=clock)

    @app.post("/v1/messages")
    async def messages(request: Request) -> Response:
        return await _messages(model, request)

    @app.post("/v1/messages/count_tokens")
    async def count_tokens(request: Request) -> Response:
        body, refused = await _read(model, request, counting=True)
        if refused:
            return refused
        return _answered(model, {"input_tokens": sum(block.tokens for block in read_blocks(body))})

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        listed = [_model(name) for name in MODELS]
        page = {"data": listed, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
        return _closed(model, request) or _answered(model, page)

    @app.get("/v1/models/{name}")
    async def one_model(name: str, request: Request) -> Response:
        unknown = None if name in MODELS else _error(model, 404, f"model: {name}")
        return _closed(model, request) or unknown or _answered(model, _model(name))

    @app.get("/_log")
    async def log() -> list[Json]:
        return list(model.log)

    @app.get("/_usage")
    async def usage() -> dict[str, int]:
        return dict(model.usage)

    return app


async def _messages(model: ScriptedModel, request: Request) -> Response:
    body, refused = await _read(model, request, counting=False)
    if refused:
        return refused
    record = model.record(body, int(request.headers.get("content-length", 0)))
    try:
        answer = model.script.answer(body)
    except ScriptError as error:
        record["error"] = str(error)
        # Loud and at once: the client's retries would only hide it.
        return _error(model, 500, f"scripted model: {error}", {"x-should-retry": "false"})
    record |= {"scene": answer.scene, "index": answer.index}
    fault = model.next_fault(answer)
    if fault and fault.status:
        headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
        record["fault"] = fault.status
        return _error(model, fault.status, "scripted fault", headers)
    try:
        message = answer.message | {"usage": model.bill(body, answer)}
    except ValueError as error:
        return _error(model, 400, str(error))
    record["usage"] = message["usage"]
    if answer.reply.latency_s:
        await asyncio.sleep(answer.reply.latency_s)
    while answer.reply.gate in model.closed_gates:
        await asyncio.sleep(GATE_POLL_S)
    if not body.get("stream"):
        return _answered(model, message)
    return _Stream(message, model.request_id(), fault)


async def _read(model: ScriptedModel, request: Request, *, counting: bool) -> tuple[Json, Response | None]:
    """The body, or the refusal of it."""
    if closed := _closed(model, request):
        return {}, closed
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        return {}, _error(model, 400, f"The request body is not valid JSON: {error}")
    beta = "anthropic-beta" in request.headers
    if wrong := modelrequest.refusal(body, beta=beta, counting=counting):
        return {}, _error(model, 400, wrong)
    if not str(body["model"]).startswith("claude-"):
        return {}, _error(model, 404, f"model: {body['model']}")
    return body, None


def _closed(model: ScriptedModel, request: Request) -> Response | None:
    """The refusal of a request without key or version."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer").strip()
    if not request.headers.get("x-api-key") and not bearer:
        return _error(model, 401, "x-api-key header is required")
    if not request.headers.get("anthropic-version"):
        return _error(model, 400, "anthropic-version: header is required")
    return None


def _answered(model: ScriptedModel, body: Json) -> Response:
    return JSONResponse(body, headers={"request-id": model.request_id()})


def _error(model: ScriptedModel, status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    number = model.request_id()
    error = {"type": ERRORS.get(status, "api_error"), "message": text}
    body = {"type": "error", "error": error, "request_id": number}
    return JSONResponse(body, status, headers={"request-id": number, **(headers or {})})


def _model(name: str) -> Json:
    return {
        "id": name,
        "type": "model",
        "display_name": f"Scripted ({name})",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }


class _Stream(Response):
    """Server-sent events of one message; with a fault, only the first of them."""

    def __init__(self, message: Json, request_id: str, fault: Fault | None) -> None:
        super().__init__(media_type="text/event-stream", headers={"request-id": request_id})
        del self.headers["content-length"]
        self._events = list(events_of(message))
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for part, more in self._parts():
            await send({"type": "http.response.body", "body": part, "more_body": more})

    async def _parts(self) -> AsyncIterator[tuple[bytes, bool]]:
        if self._fault is None or self._fault.after_events is None:
            yield b"".join(self._events), False
            return
        yield b"".join(self._events[: self._fault.after_events]), True
        if self._fault.event:
            error = {"type": self._fault.event, "message": "scripted fault"}
            yield _event("error", error=error), False
        # Otherwise the body never ends: the server closes the connection in the middle of it.


def events_of(message: Json) -> Iterator[bytes]:
    """A message as the events of a stream."""
    usage = message["usage"]
    opening = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield _event("message_start", message=opening)
    for index, block in enumerate(message["content"]):
        start, deltas = _deltas(block)
        yield _event("content_block_start", index=index, content_block=start)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=ending, usage={"output_tokens": usage["output_tokens"]})
    yield _event("message_stop")


def _deltas(block: Json) -> tuple[Json, list[Json]]:
    """A content block as it starts, and what follows."""
    match block["type"]:
        case "text":
            pieces = [{"type": "text_delta", "text": part} for part in _chunks(block["text"])]
            return {**block, "text": ""}, pieces
        case "tool_use":
            raw = json.dumps(block["input"])
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": p} for p in _chunks(raw)]
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": part} for part in _chunks(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thoughts, signed]
        case _:
            return block, []


def _chunks(text: str) -> list[str]:
    return [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def main() -> None:
    """Serve a script file until interrupted."""
    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m github_app.localhub.model", description="The scripted model.")
    parser.add_argument("script", type=Path, help="YAML or JSON file, see github_app/localhub/script.py")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8101)
    args = parser.parse_args()
    app = create_model_app(Script.load(args.script))
    modelrequest.warm()
    uvicorn.run(app, host=args.host, port=args.port, log_level="warning")


if __name__ == "__main__":
    main()
