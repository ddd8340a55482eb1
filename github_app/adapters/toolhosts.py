"""Tool servers by URL (MCP over "streamable HTTP"), asked from here and never from a sandbox: only at origins that the
operator allows, each with the token that the operator gave for it.

https://modelcontextprotocol.io/specification/2025-06-18/basic/transports
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from github_app.core.errors import ToolFailed
from github_app.core.toolservers import greeting, origin_of, ready, request, result_of

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

MAX_BYTES = 1_000_000

_END_S = 2.0
_SESSION = "mcp-session-id"
_HELLO, _REQUEST = "1", "2"


@dataclass(frozen=True, kw_only=True)
class HttpToolHosts:
    """`ToolHosts` over HTTP. `tokens` has an origin for each that is allowed, and its bearer token or nothing.

    Redirects are not followed: they could lead a token elsewhere.
    """

    tokens: Mapping[str, str] = field(repr=False)

    async def ask(self, url: str, method: str, params: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        """A request's result; see `ToolHosts.ask`."""
        # Importing it takes half a second; most repositories name no server.
        import httpx2

        origin = origin_of(url)
        if origin not in self.tokens:
            raise ToolFailed(f"the operator allows no server at {origin}")
        token = self.tokens[origin]
        headers = {"accept": "application/json, text/event-stream"}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        try:
            async with asyncio.timeout(timeout_s), httpx2.AsyncClient(headers=headers, timeout=timeout_s) as client:
                return await _exchange(client, url, method, params)
        except TimeoutError:
            raise ToolFailed(f"the server did not answer within {timeout_s:.0f} s") from None
        except httpx2.HTTPError as error:
            raise ToolFailed(f"the server cannot be reached, or broke off: {type(error).__name__}") from error


async def _exchange(client: AsyncClient, url: str, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    hello, headers = await _post(client, url, greeting(_HELLO), {}, number=_HELLO)
    session = {"mcp-protocol-version": str(hello.get("protocolVersion", ""))}
    session |= {_SESSION: headers[_SESSION]} if _SESSION in headers else {}
    await _post(client, url, ready(), session, number="")
    result, _ = await _post(client, url, request(_REQUEST, method, params), session, number=_REQUEST)
    if _SESSION in session:
        await _end(client, url, session)
    return result


async def _end(client: AsyncClient, url: str, session: Mapping[str, str]) -> None:
    """End the session, if the server lets us; the result is there already."""
    import httpx2

    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(_END_S), client.stream("DELETE", url, headers=dict(session)):
            pass


async def _post(
    client: AsyncClient, url: str, message: Mapping[str, Any], session: Mapping[str, str], *, number: str
) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Send a message; the result to its number (nothing is waited for without one), and the answer's headers."""
    async with client.stream("POST", url, json=message, headers=dict(session)) as response:
        if not response.is_success:
            raise ToolFailed(f"the server answers {response.status_code}")
        if not number:
            return {}, response.headers
        async for text in _messages(response):
            result = result_of([text], number)
            if result is not None:
                return result, response.headers
    raise ToolFailed("the server's answer holds no result")


async def _messages(response: Response) -> AsyncIterator[str]:
    """The messages in an answer, as they come: one as JSON, or several as events. Raises `ToolFailed` for a flood."""
    is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
    body, data, total = bytearray(), bytearray(), 0
    async for chunk in response.aiter_bytes():
        total += len(chunk)
        if total > MAX_BYTES:
            raise ToolFailed(f"the server's answer is longer than {MAX_BYTES} bytes")
        body += chunk
        if not is_stream or b"\n" not in chunk:
            continue
        *lines, body = body.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data += line[5:]
            elif not line.strip() and data:  # the end of an event
                yield data.decode("utf-8", "replace")
                data.clear()
    if not is_stream:
        yield body.decode("utf-8", "replace")
