"""Tool servers: what may be told of them to a model, whatever they say, and what is an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from github_app.core.errors import ToolFailed
from github_app.core.toolservers import (
    MAX_TOOLS,
    ToolServer,
    greeting,
    is_server_name,
    origin_of,
    ready,
    request,
    result_of,
    text_of,
    tools_of,
)

DOCS = ToolServer(name="docs", command="docs-server")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("docs", True), ("a", True), ("my-docs2", True), ("", False), ("Docs", False), ("a_b", False), ("-a", False),
     ("a" * 21, False)],
)  # fmt: skip
def test_names_of_servers(name: str, is_one: bool):
    assert is_server_name(name) == is_one


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://mcp.example.com/mcp", "https://mcp.example.com:443"),
        ("HTTPS://MCP.example.com:8443/", "https://mcp.example.com:8443"),
        ("http://localhost", "http://localhost:80"),
        ("http://[::1]:9/x?y", "http://[::1]:9"),
    ],
)
def test_an_origin_has_one_form(url: str, origin: str):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    ["mcp.example.com", "ftp://x", "https://", "https://u:p@x", "https://@x", "https://x/#y", "https://x:99999/"],
)
def test_what_is_no_plain_url(url: str):
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        origin_of(url)


def test_an_answer_is_found_among_what_else_was_said():
    said = ["Starting…", "[1]", '{"id": "0", "result": {"x": 0}}', '{"id": "1"}', '{"id": "1", "result": {"x": 1}}']
    assert result_of(said, "1") == {"x": 1}
    assert result_of(said[:4], "1") is None
    assert result_of(["[" * 100_000], "1") is None


def test_an_error_is_told():
    with pytest.raises(ToolFailed, match="the server refuses: no such tool"):
        result_of(['{"id": "1", "error": {"code": -1, "message": "no such tool"}}'], "1")


def tools(*listed: Any) -> tuple[Any, ...]:
    return tools_of(DOCS, {"tools": list(listed)})


def test_tools_are_named_after_their_server():
    schema = {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What."}, "kinds": {"type": "array", "items": {
            "enum": ["a", "b", "a"]}}},
        "required": ["query", "gone"],
    }  # fmt: skip
    (found,) = tools({"name": "search.all", "description": "Search \u202eall", "inputSchema": schema})
    assert (found.name, found.told_name) == ("search.all", "mcp__docs__search_all")
    assert found.description == "Search \\u202eall"
    assert found.schema == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What."},
            "kinds": {"type": "array", "items": {"enum": ["a", "b"]}},
        },
        "required": ["query"],
    }


@pytest.mark.parametrize("result", [{}, {"tools": {"name": "x"}}, {"tools": [1, {}, {"name": ""}, {"name": 3}]}])
def test_a_list_that_is_none_has_no_tools(result: dict[str, Any]):
    assert tools_of(DOCS, result) == ()


def test_there_are_never_too_many_tools_and_no_two_of_one_name():
    many = tools(*({"name": f"t{number}"} for number in range(MAX_TOOLS + 5)))
    assert len(many) == MAX_TOOLS
    assert [each.name for each in tools({"name": "a.b"}, {"name": "a/b"}, {"name": "c" * 99})] == ["a.b", "c" * 99]
    assert all(len(each.told_name) <= 64 for each in tools({"name": "c" * 99}))


def _deep(levels: int) -> dict[str, Any]:
    return {"items": _deep(levels - 1)} if levels else {"type": "string"}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"type": "string", "oneOf": [{}], "$ref": "#/x"},
        {"type": ["object"], "properties": [], "required": ["x"]},
        {"type": "made-up", "enum": [], "description": 7},
        {"enum": [{}, "x"]},
        {"enum": ["\u202e"]},
        {"properties": {"a b": {"type": "string"}}, "required": "x"},
    ],
)
def test_a_bad_schema_is_an_open_one(schema: Any):
    (found,) = tools({"name": "t", "inputSchema": schema})
    assert found.schema["type"] == "object"
    assert found.schema["properties"] == {}
    assert found.schema.get("required", []) == []
    assert found.schema.keys() <= {"type", "properties", "required"}


def test_a_schema_has_an_end():
    (found,) = tools({"name": "t", "inputSchema": {"properties": {"x": _deep(50)}}})
    assert json.dumps(found.schema).count("items") < 10
    (large,) = tools({"name": "t", "inputSchema": {"properties": {f"p{n}": {"type": "string"} for n in range(1_000)}}})
    assert large.schema == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
        ({"content": [{"type": "resource", "resource": {"text": "r"}}, {"type": "image", "data": "…"}]},
         "r\n[image: not shown]"),
        ({"content": [3, {}]}, ""),
        ({"content": "x"}, ""),
        ({"structuredContent": {"ä": 1}}, '{"ä": 1}'),
        ({"content": [{"type": "text", "text": "a"}], "structuredContent": {"a": 1}}, "a"),
        ({"isError": "yes"}, ""),
    ],
)  # fmt: skip
def test_an_answer_is_text(result: dict[str, Any], text: str):
    assert text_of(result) == text


def test_an_answer_may_be_an_error():
    with pytest.raises(ToolFailed, match=r"^no luck$"):
        text_of({"content": [{"type": "text", "text": "no luck"}], "isError": True})
    with pytest.raises(ToolFailed, match="does not say why"):
        text_of({"isError": True})
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ToolFailed, match="nested too deeply"):
        text_of({"structuredContent": deep})


def test_an_exchange_begins_with_a_greeting():
    assert greeting("1")["method"] == "initialize"
    assert "id" not in ready()
    assert request("2", "tools/call", {"name": "x"}) == {
        "jsonrpc": "2.0", "id": "2", "method": "tools/call", "params": {"name": "x"}
    }  # fmt: skip
