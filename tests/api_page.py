"""The part of docs/api.md that is made of the API's own description, so that it cannot drift.

`UPDATE_GOLDEN=1 python -m pytest tests/test_docs.py` writes it."""

from __future__ import annotations

from typing import Any, cast

from github_app.web.api import Api, make_app

BEGIN, END = "<!-- made from /api/openapi.json -->", "<!-- end of what is made -->"


def described() -> dict[str, Any]:
    """The API's description of itself."""
    nothing = cast(Any, None)
    api = Api(
        holder=nothing,
        records=nothing,
        rights=nothing,
        desk=nothing,
        inbox=nothing,
        clock=nothing,
        clean=nothing,
        github_url="",
    )
    return make_app(api).openapi()


def reference() -> str:
    """Its calls, what they take and what they give, in Markdown."""
    told = described()
    parts = []
    for path, calls in told["paths"].items():
        for method, call in calls.items():
            parts += [f"### `{method.upper()} /api{path}`", "", _ended(call["description"]), "", *_takes(told, call)]
    parts += ["### What is given", ""]
    for name in ("SessionShape", "ShownSession", "EventShape", "EventList", "RequestShape"):
        parts += [*_shape(told, name, told["components"]["schemas"][name]["description"]), ""]
    parts += ["### Problems", "", "| status | meaning |", "|---|---|"]
    parts += [
        f"| {status} | {each['description']} |"
        for status, each in told["paths"]["/v1/sessions"]["post"]["responses"].items()
        if status != "202"
    ]
    return "\n".join(parts)


def _takes(told: dict[str, Any], call: dict[str, Any]) -> list[str]:
    given = [
        f"| `{each['name']}` | {each['in']} | {each.get('description', '')} |"
        for each in call.get("parameters", ())
        if each["in"] != "path"
    ]
    if "requestBody" in call:
        shape = call["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        fields = told["components"]["schemas"][shape]["properties"]
        given += [f"| `{name}` | body | {each.get('description', '')} |" for name, each in fields.items()]
    return ["| name | in | what |", "|---|---|---|", *given, ""] if given else []


def _shape(told: dict[str, Any], name: str, meaning: str) -> list[str]:
    shapes = told["components"]["schemas"]
    known = shapes["SessionShape"]["properties"] if name == "ShownSession" else {}
    fields = {key: each for key, each in shapes[name]["properties"].items() if key not in known}
    rows = [f"| `{key}` | {each.get('description', '')} |" for key, each in fields.items()]
    return [_ended(meaning), "", "| field | what |", "|---|---|", *rows]


def _ended(sentence: str) -> str:
    return sentence.replace("\n", " ").strip().rstrip(".") + "."
