"""The desk as HTTP, on a unix socket that one sandbox reaches: a Messages API that holds no key and asks nobody but
Honk, and Honk's own tools."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from github_app.adapters.claudecode import toolserver
from github_app.adapters.claudecode.messages import as_events, as_message, event, read_request
from github_app.core.errors import Rejected
from github_app.core.ports import ModelReply
from github_app.core.programs import Desk

_BODY_BYTES = 32 * 2**20  # the API's own ceiling for a request
_PING_S = 10.0
# Why is for those whom it concerns, and nobody in a sandbox is one of them.
_OVER = {"type": "api_error", "message": "Honk ended this leg"}
_ENDED = JSONResponse({"type": "error", "error": _OVER}, status_code=500)


@contextlib.asynccontextmanager
async def serving(desk: Desk, *, model: str) -> AsyncIterator[Path]:
    """Serve a desk as long as the context lasts, at the socket whose path is given. Only our own user may open it."""
    gateway = _Gateway(desk=desk, model=model)
    with tempfile.TemporaryDirectory(prefix="honk-desk-") as folder:
        path = Path(folder) / "socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen(64)
            config = uvicorn.Config(gateway.app(), lifespan="off", log_config=None, access_log=False, http="httptools")
            server = _Server(config)
            running = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield path
            finally:
                server.should_exit = server.force_exit = True
                await gateway.end()
                await asyncio.gather(running, return_exceptions=True)


class _Server(uvicorn.Server):
    """A server inside of a program that deals with signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals alone."""
        yield


@dataclass(kw_only=True)
class _Gateway:
    desk: Desk
    model: str
    _asked: set[asyncio.Task[ModelReply]] = field(default_factory=set)

    def app(self) -> Starlette:
        """All that there is; anything else is not found."""
        return Starlette(
            routes=[
                Route("/v1/messages", self.messages, methods=["POST"]),
                Route("/v1/messages/count_tokens", self.count_tokens, methods=["POST"]),
                Route("/mcp", self.tools, methods=["POST"]),
            ]
        )

    async def messages(self, request: Request) -> Response:
        """One reply. It is asked for and journalled to its end, whoever hangs up meanwhile."""
        try:
            body = await _body(request)
            asked = read_request(body, model=self.model)
        except Rejected as error:
            return _refused(error)
        task = asyncio.create_task(self.desk.reply(asked))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        task.add_done_callback(_is_well)  # looked at, so that nobody misses it
        if b'"stream":true' in body.replace(b" ", b""):
            return StreamingResponse(self._stream(task), media_type="text/event-stream")
        await asyncio.wait({task})
        return JSONResponse(as_message(task.result(), self.model)) if _is_well(task) else _ENDED

    async def count_tokens(self, request: Request) -> Response:
        """An estimate: nobody is asked for it."""
        try:
            return JSONResponse({"input_tokens": len(await _body(request)) // 4})
        except Rejected as error:
            return _refused(error)

    async def tools(self, request: Request) -> Response:
        """Honk's own tools."""
        try:
            told = toolserver.answer(await _body(request), self.desk.tools())
        except Rejected as error:
            return _refused(error)
        return Response(status_code=202) if told is None else JSONResponse(told)

    async def end(self) -> None:
        """Let go of what is still being asked: nobody is left to hear it."""
        for task in self._asked:
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)

    async def _stream(self, task: asyncio.Task[ModelReply]) -> AsyncIterator[str]:
        while not (await asyncio.wait({task}, timeout=_PING_S))[0]:
            yield event("ping")
        if not _is_well(task):
            yield event("error", error=_OVER)
            return
        for each in as_events(task.result(), self.model):
            yield each


async def _body(request: Request) -> bytes:
    """What was sent. Raises `Rejected` if it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            raise Rejected("more than a request may have", http_status=413)
    return bytes(body)


def _refused(error: Rejected) -> Response:
    wrong = {"type": "invalid_request_error", "message": str(error)}
    return JSONResponse({"type": "error", "error": wrong}, status_code=error.http_status)


def _is_well(task: asyncio.Task[ModelReply]) -> bool:
    return not task.cancelled() and task.exception() is None
