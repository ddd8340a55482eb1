"""Servers of the Model Context Protocol that a repository names, and what is said to them: values and messages, no I/O.

Each exchange is whole: hello, one request, its answer. So a server may hang, die or be started anew at any time, and
keeps nothing between two calls but what it writes down. https://modelcontextprotocol.io/specification/2025-06-18
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from github_app.core.errors import ToolFailed
from github_app.core.text.characters import spelled_out

PREFIX = "mcp__"
MAX_SERVERS = 8
MAX_TOOLS = 32

_VERSION = "2025-06-18"
_SERVER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_DEPTH = 6
_MAX_NAME = 64
_MAX_DESCRIPTION = 1_000
_MAX_SCHEMA_CHARS = 8_000


@dataclass(frozen=True, kw_only=True)
class ToolServer:
    """One server, by the name that a policy gives it: a shell command for the sandbox with the hosts that it may reach,
    or a URL."""

    name: str
    command: str = ""
    network: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class ServerTool:
    """A tool as a server offers it: its `name` there, and as the model is told it."""

    server: ToolServer
    name: str
    told_name: str
    description: str
    schema: Mapping[str, Any]


class ToolHosts(Protocol):
    """Servers by URL, as far as the operator allows them."""

    async def ask(self, url: str, method: str, params: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        """A request's result. Raises `ToolFailed` for a server that is not allowed, fails, hangs or floods."""


def is_server_name(text: str) -> bool:
    """Whether a server can be called so: what is within `mcp__server__tool`, and cannot be mistaken for its parts."""
    return bool(_SERVER_NAME.fullmatch(text))


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL in one form. Raises `ValueError` for what is no plain http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError("not a plain http(s) URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}:{port}"


def greeting(number: str) -> dict[str, Any]:
    """The first message."""
    about = {"name": "honk", "version": "1"}
    params = {"protocolVersion": _VERSION, "capabilities": {}, "clientInfo": about}
    return request(number, "initialize", params)


def ready() -> dict[str, Any]:
    """What follows the answer to that."""
    return {"jsonrpc": "2.0", "method": "notifications/initialized"}


def request(number: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A request; its answer has the same number."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)}


def result_of(texts: Iterable[str], number: str) -> Mapping[str, Any] | None:
    """The result of a request among what a server said; None if it is not there. Raises `ToolFailed` with its error."""
    for text in texts:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if not isinstance(message, dict) or message.get("id") != number:
            continue
        match message:
            case {"result": dict(result)}:
                return result
            case {"error": {"message": str(words)}}:
                raise ToolFailed(f"the server refuses: {words[:1_000]}")
            case _:
                continue
    return None


def tools_of(server: ToolServer, result: Mapping[str, Any]) -> tuple[ServerTool, ...]:
    """What a server offers, from its answer to `tools/list`: no more than `MAX_TOOLS`, made fit for the model's API."""
    listed = result.get("tools")
    found: dict[str, ServerTool] = {}
    for tool in listed[:MAX_TOOLS] if isinstance(listed, list) else ():
        if not isinstance(tool, Mapping) or not isinstance(tool.get("name"), str) or not tool["name"]:
            continue
        told_name = f"{PREFIX}{server.name}__{_NOT_IN_A_NAME.sub('_', tool['name'])}"[:_MAX_NAME]
        schema = {"properties": {}, **_plain(tool.get("inputSchema"), _DEPTH), "type": "object"}
        if len(json.dumps(schema)) > _MAX_SCHEMA_CHARS:
            schema = {"type": "object", "properties": {}}
        words = tool.get("description")
        description = spelled_out(words[:_MAX_DESCRIPTION]) if isinstance(words, str) else ""
        each = ServerTool(server=server, name=tool["name"], told_name=told_name, description=description, schema=schema)
        found.setdefault(told_name, each)
    return tuple(found.values())


def text_of(result: Mapping[str, Any]) -> str:
    """What a tool answered, as text. Raises `ToolFailed` with it where the server calls it an error."""
    parts = []
    content = result.get("content")
    for block in content if isinstance(content, list) else ():
        match block:
            case {"type": "text", "text": str(text)} | {"type": "resource", "resource": {"text": str(text)}}:
                parts.append(text)
            case {"type": str(kind)}:
                parts.append(f"[{kind[:30]}: not shown]")
            case _:
                continue
    if not parts and "structuredContent" in result:
        try:
            parts.append(json.dumps(result["structuredContent"], ensure_ascii=False))
        except RecursionError:  # it can be read a little deeper than it can be written
            raise ToolFailed("the answer is nested too deeply") from None
    text = "\n".join(parts)
    if result.get("isError") is True:
        raise ToolFailed(text or "the tool failed and does not say why")
    return text


def _plain(schema: object, depth: int) -> dict[str, Any]:
    """Of a schema what any model's API takes: a bad one must not cost the turn. What is left out is left open."""
    if not isinstance(schema, Mapping) or depth == 0:
        return {}
    plain: dict[str, Any] = {}
    match schema.get("type"):
        case str(kind) if kind in _TYPES:
            plain["type"] = kind
        case _:
            pass
    if isinstance(words := schema.get("description"), str):
        plain["description"] = spelled_out(words[:_MAX_DESCRIPTION])
    if isinstance(choices := schema.get("enum"), list) and choices and all(map(_is_choice, choices)):
        plain["enum"] = list(dict.fromkeys(choices))
    if isinstance(items := schema.get("items"), Mapping):
        plain["items"] = _plain(items, depth - 1)
    if isinstance(properties := schema.get("properties"), Mapping):
        known = {key: _plain(each, depth - 1) for key, each in properties.items() if _PROPERTY.fullmatch(str(key))}
        plain["properties"] = known
        required = schema.get("required")
        needed = (
            [key for key in required if isinstance(key, str) and key in known] if isinstance(required, list) else []
        )
        plain["required"] = list(dict.fromkeys(needed))
    return plain


def _is_choice(value: object) -> bool:
    return (isinstance(value, str) and spelled_out(value) == value) or isinstance(value, int | float)
