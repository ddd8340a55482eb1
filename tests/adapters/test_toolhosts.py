"""Tool servers by URL: the protocol's own, and such as hang, flood, lead away or were never allowed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from github_app.adapters.toolhosts import HttpToolHosts
from github_app.core.errors import ToolFailed
from github_app.core.toolservers import ToolServer, origin_of, tools_of
from tests.adapters.test_models import serving
from tests.agent.data.official import server as official

TOKEN = "hush"


class Tempted:
    """A server that does what its path says, and keeps what it was told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, str]]] = []

    async def answer(self, request: Request) -> Response:
        how = request.url.path.strip("/")
        self.heard.append((request.method, how, dict(request.headers)))
        match how:
            case "away":
                return RedirectResponse("/elsewhere", 307)
            case "hang":
                await asyncio.sleep(3)
            case "flood":
                return StreamingResponse(_flood(), media_type="text/event-stream")
            case "endless":
                return StreamingResponse(_drip(), media_type="text/event-stream")
            case "closed":
                return Response(status_code=401)
            case "empty":
                return Response("", media_type="application/json")
            case _:
                pass
        if request.method == "DELETE":
            return Response(status_code=405)
        message = await request.json()
        if "id" not in message:
            return Response(status_code=202)
        result: dict[str, Any] = {"protocolVersion": "2025-03-26"}
        if message["method"] == "tools/list":
            result = {"tools": [{"name": "find"}]}
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return JSONResponse(body, headers={"mcp-session-id": "s-1"})


async def _flood() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b"data: " + b"x" * 100_000


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(1_000):
        yield b': still here\r\n\r\ndata: {"id": "7", "result": {}}\r\n\r\n'
        await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def tempted() -> Iterator[tuple[str, Tempted]]:
    tempted = Tempted()
    app = Starlette(routes=[Route("/{path:path}", tempted.answer, methods=["POST", "DELETE"])])
    with serving(app) as url:
        yield url, tempted


def hosts(url: str, *, token: str = TOKEN) -> HttpToolHosts:
    return HttpToolHosts(tokens={origin_of(url): token})


async def ask(url: str, where: str = "", *, timeout_s: float = 20.0) -> Any:
    return await hosts(url).ask(f"{url}/{where}", "tools/list", {}, timeout_s=timeout_s)


async def test_the_protocols_own_server_is_understood():
    with serving(official.streamable_http_app(), lifespan="on") as url:
        listed = await ask(url, "mcp")
        told = await hosts(url).ask(
            f"{url}/mcp", "tools/call", {"name": "add", "arguments": {"a": 40, "b": 2}}, timeout_s=20.0
        )
    (tool,) = tools_of(ToolServer(name="official"), listed)
    assert tool.told_name == "mcp__official__add"
    assert tool.schema["properties"] == {"a": {"type": "integer"}, "b": {"type": "integer"}}
    assert told["content"][0]["text"] == "42"


async def test_the_token_and_the_session_go_along_and_the_session_is_ended(tempted: tuple[str, Tempted]):
    url, server = tempted
    server.heard.clear()
    assert await ask(url, "fine") == {"tools": [{"name": "find"}]}
    assert [method for method, _, _ in server.heard] == ["POST", "POST", "POST", "DELETE"]
    assert all(headers["authorization"] == "Bearer hush" for _, _, headers in server.heard)
    assert [headers.get("mcp-session-id") for _, _, headers in server.heard] == [None, "s-1", "s-1", "s-1"]
    assert server.heard[-1][2]["mcp-protocol-version"] == "2025-03-26"
    await hosts(url, token="").ask(f"{url}/fine", "tools/list", {}, timeout_s=20.0)
    assert "authorization" not in server.heard[-1][2]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("away", "the server answers 307"),
        ("closed", "the server answers 401"),
        ("empty", "the server's answer holds no result"),
        ("flood", "the server's answer is longer than 1000000 bytes"),
        ("hang", "the server did not answer within 1 s"),
        ("endless", "the server did not answer within 1 s"),
    ],
)
async def test_what_a_server_does_wrong_is_bounded_and_named(tempted: tuple[str, Tempted], where: str, words: str):
    url, server = tempted
    server.heard.clear()
    with pytest.raises(ToolFailed, match=words):
        await ask(url, where, timeout_s=1.0 if where in ("hang", "endless") else 20.0)
    # Where there is one second, a busy machine may not come to ask at all.
    assert [path for _, path, _ in server.heard] in ([where], [] if where in ("hang", "endless") else [where])


async def test_only_what_the_operator_allows_is_asked(tempted: tuple[str, Tempted]):
    url, server = tempted
    server.heard.clear()
    for other in (url.replace("127.0.0.1", "localhost"), url.replace("http:", "https:"), "http://169.254.169.254"):
        with pytest.raises(ToolFailed, match="the operator allows no server at"):
            await hosts(url).ask(f"{other}/fine", "tools/list", {}, timeout_s=20.0)
    assert server.heard == []


async def test_nobody_there():
    with pytest.raises(ToolFailed, match="cannot be reached, or broke off: ConnectError"):
        await ask("http://127.0.0.1:9")


def test_a_token_does_not_show():
    assert "hush" not in repr(hosts("https://mcp.example.com"))
