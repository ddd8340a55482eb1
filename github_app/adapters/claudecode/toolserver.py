"""Honk's own tools as Claude Code finds them: an MCP server that lists them, and answers each call with the same words.
What was called is not read here but in the model's own reply, so that nothing in the sandbox can make a call up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

TAKEN = "Honk has it. Stop here: its answer is the next message."
_VERSION = "2025-06-18"


def answer(body: bytes, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The answer to a message; None for one that wants none. https://modelcontextprotocol.io/specification/2025-06-18"""
    try:
        asked = json.loads(body)
    except ValueError:
        return _error(None, -32700, "no JSON")
    if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
        return _error(None, -32600, "no request")
    if "id" not in asked:
        return None
    match asked["method"]:
        case "initialize":
            result: dict[str, Any] = {
                "protocolVersion": _VERSION,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "honk", "version": "1"},
            }
        case "ping":
            result = {}
        case "tools/list":
            result = {"tools": [_told(tool) for tool in tools]}
        case "tools/call":
            result = {"content": [{"type": "text", "text": TAKEN}]}
        case unknown:
            return _error(asked["id"], -32601, f"no method {unknown[:60]}")
    return {"jsonrpc": "2.0", "id": asked["id"], "result": result}


def _told(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": tool["name"], "description": tool["description"], "inputSchema": tool["input_schema"]}


def _error(request_id: Any, code: int, words: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": words}}
