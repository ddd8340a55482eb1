"""GitHub's own OpenAPI documents as judge of every exchange and every webhook.

The client cannot invent a field and the stand-in cannot drift, because both are held against what GitHub publishes:
`openapi/rest.json.gz` and `openapi/webhooks.json.gz`, pruned copies of `@octokit/openapi` and
`@octokit/openapi-webhooks` (made by `scripts/prune_openapi.py`, which writes the source versions into them). What
they cannot say is in `laws.py`; where they are wrong, the exception stands here with its reason. The library behind it
(`jsonschema-rs`, extra `demo`) is imported at the first question.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from github_app.localhub import laws

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]

# Paths that are GitHub's but not in its REST document: git over HTTP, GraphQL (`laws.py` has rules for that one), and
# repositories by number, which GitHub itself redirects renamed ones to.
OUTSIDE = re.compile(r"/[^/]+/[^/]+\.git(/.*)?$|(/api)?/graphql$|/repositories/\d+$")
# GitHub answers these to any operation; the document lists them only here and there.
ANYWHERE = {304, 400, 401, 403, 404, 406, 410, 413, 422, 429, 500, 502, 503, 504}
# Path parameters that may contain slashes (`basehead` because branch names do).
SLASHED = {"path", "ref", "basehead", "branch", "tag", "dir", "name"}
MAX_PROBLEMS = 12


@dataclass(frozen=True)
class Operation:
    """One method of one path of the document, with its parameters resolved."""

    template: str
    method: str
    spec: Schema
    parameters: tuple[Schema, ...]


class Judge:
    """Says what GitHub would not have said or accepted. Thread-safe; making one costs about 50 ms."""

    def __init__(self) -> None:
        self._rest = _Document("rest.json.gz", nullable=True)
        self._webhooks = _Document("webhooks.json.gz", nullable=False)

    @property
    def sources(self) -> tuple[str, str]:
        """Package and version of both documents."""
        return self._rest.root["source"], self._webhooks.root["source"]

    def check_exchange(
        self,
        method: str,
        path: str,
        request_headers: Mapping[str, str],
        request_body: bytes,
        status: int,
        response_headers: Mapping[str, str],
        response_body: bytes,
    ) -> list[str]:
        """Violations of one REST (or GraphQL) exchange; empty when GitHub's documents agree with it.

        `path` is as sent: with its query, percent-encoded, with or without GHES's `/api/v3`. Headers in any case.
        """
        asked = _lower(request_headers)
        answered = _lower(response_headers)
        parts = urlsplit(path)
        plain = unquote(parts.path).removeprefix("/api/v3").rstrip("/") or "/"
        if OUTSIDE.match(plain):
            return laws.graphql(request_body, status, response_body) if plain.endswith("graphql") else []
        operation = self._rest.route(method, plain)
        if operation is None:
            return [f"no such operation at GitHub: {method} {plain}"]
        problems = self._request(operation, parts.query, request_body)
        refused = status >= 400
        if refused:  # a bad request that was refused is the client's test, not its mistake
            problems = []
        problems += laws.request(operation.method, operation.template, asked, request_body, refused=refused)
        problems += self._response(operation, asked, (status, answered, response_body))
        where = f"{operation.method} {operation.template}"
        return [f"{where}: {problem}" for problem in problems[:MAX_PROBLEMS]]

    def check_delivery(self, event: str, payload: dict[str, Any]) -> list[str]:
        """Violations of one webhook payload; `event` is the value of X-GitHub-Event."""
        actions = self._webhooks.root["events"].get(event)
        if actions is None:
            return [f"no such event (or not one that is kept in openapi/): {event}"]
        action = "" if "" in actions else str(payload.get("action", ""))
        if action not in actions:
            return [f"{event}: no such action: {action!r}"]
        problems = laws.delivery(event, payload)
        problems += self._webhooks.violations(("webhook", event, action), actions[action], payload)
        return [f"{event}.{action or '-'}: {problem}" for problem in problems[:MAX_PROBLEMS]]

    def _request(self, operation: Operation, query: str, body: bytes) -> list[str]:
        problems = []
        known = {p["name"].removesuffix("[]"): p for p in operation.parameters if p["in"] == "query"}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameter = known.get(name.removesuffix("[]"))
            if parameter is None:
                problems.append(f"request query: unknown parameter {name!r}")
                continue
            of_query = (operation.template, operation.method, "query", name)
            found = self._rest.violations(of_query, parameter["schema"], _typed(value, parameter["schema"]))
            problems += [f"request query {name}{problem}" for problem in found]
        content = self._rest.resolve(operation.spec.get("requestBody", {}))
        schema = content.get("content", {}).get("application/json", {}).get("schema")
        if not body:
            return problems + (["request: body missing"] if content.get("required") else [])
        if schema is None:
            # PyGithub sends `{}` where nothing is expected; GitHub ignores it.
            return problems + ([] if body.strip() in {b"{}", b"null"} else ["request: no body is expected"])
        parsed, wrong = _json(body)
        if wrong:
            return [*problems, f"request body: {wrong}"]
        if isinstance(parsed, list) and operation.template.endswith("/issues/{issue_number}/labels"):
            parsed = {"labels": parsed}  # the bare list is the older form; PyGithub sends it and GitHub takes it
        key = (operation.template, operation.method, "request")
        problems += [f"request{p}" for p in self._rest.violations(key, schema, parsed)]
        if isinstance(parsed, dict) and (fields := self._rest.fields(schema)):
            problems += [f"request: unknown field {name!r}" for name in sorted(parsed.keys() - fields)]
        return problems

    def _response(
        self, operation: Operation, asked: Mapping[str, str], answer: tuple[int, Mapping[str, str], bytes]
    ) -> list[str]:
        status, headers, body = answer
        documented = operation.spec["responses"]
        if str(status) not in documented:
            if status in ANYWHERE:
                return laws.error_body(status, body)
            return [f"status {status} is not documented (documented: {', '.join(sorted(documented))})"]
        content = self._rest.resolve(documented[str(status)]).get("content", {})
        if not body:
            return [f"answer {status}: body missing"] if "application/json" in content else []
        media = headers.get("content-type", "").partition(";")[0]
        if "application/json" not in content:
            if status >= 400:  # the document often forgets that errors have a body
                return laws.error_body(status, body)
            return [] if content else [f"answer {status}: no body is documented"]
        if "json" not in media:
            other = re.search(r"\.(diff|patch|raw|html|sha)\b", asked.get("accept", ""))
            return [] if other else [f"answer {status}: content-type is {media!r}, not JSON"]
        parsed, wrong = _json(body)
        if wrong:
            return [f"answer body: {wrong}"]
        key = (operation.template, operation.method, str(status))
        found = self._rest.violations(key, content["application/json"]["schema"], parsed)
        return [f"answer {status}{problem}" for problem in found]


class _Document:
    """One pruned document: its routes, and validators compiled when they are first needed."""

    def __init__(self, name: str, *, nullable: bool) -> None:
        packed = resources.files("github_app.localhub").joinpath("openapi", name).read_bytes()
        self.root: Schema = json.loads(gzip.decompress(packed))
        if nullable:
            _correct(self.root)
        _repair(self.root, nullable=nullable)
        self._old = nullable  # OpenAPI 3.0 speaks draft 4, 3.1 speaks draft 2020-12
        self._compiled: dict[tuple[str, ...], Any] = {}

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], str, Schema]]:
        ordered = sorted(self.root["paths"].items(), key=lambda item: (item[0].count("{"), -len(item[0])))
        return [(_pattern(template), template, methods) for template, methods in ordered]

    @cached_property
    def _registry(self) -> Any:
        import jsonschema_rs as rs

        draft = rs.Draft4 if self._old else rs.Draft202012
        return rs.Registry([("urn:github", {"components": self.root["components"]})], draft=draft)

    def route(self, method: str, path: str) -> Operation | None:
        """The operation that GitHub would run, or None. Literal paths win over parameters."""
        for pattern, template, methods in self._routes:
            spec = methods.get(method.lower())
            found = pattern.match(path)
            if spec is None or found is None:
                continue
            parameters = tuple(self.resolve(p) for p in spec.get("parameters", ()))
            numbers = {p["name"] for p in parameters if p["schema"].get("type") == "integer"}
            if all(v.isdecimal() for k, v in found.groupdict().items() if k in numbers):
                return Operation(template, method.upper(), spec, parameters)
        return None

    def resolve(self, node: Schema) -> Schema:
        """`node`, or what its `$ref` stands for."""
        while "$ref" in node:
            kind, name = node["$ref"].removeprefix("#/components/").split("/", 1)
            node = self.root["components"][kind][name]
        return node

    def fields(self, schema: Schema) -> set[str]:
        """Names that an object of `schema` may have at its top; empty where the schema names none."""
        schema = self.resolve(schema)
        names = set(schema.get("properties", ()))
        for word in ("allOf", "anyOf"):
            names.update(*(self.fields(part) for part in schema.get(word, ())))
        return names

    def violations(self, key: tuple[str, ...], schema: Schema, value: Any) -> list[str]:
        """`.path: message` of each violation; `key` names the schema for the cache of compiled validators."""
        if key not in self._compiled:
            import jsonschema_rs as rs

            make = rs.Draft4Validator if self._old else rs.Draft202012Validator
            self._compiled[key] = make(_absolute(schema), registry=self._registry, validate_formats=True)
        found = []
        for error in self._compiled[key].iter_errors(value):
            at = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
            found.append(f"{at}: {error.message[:200]}")
        return found


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^}]+)\}", template)
    pieces = [
        f"(?P<{part}>{'.+' if part in SLASHED else '[^/]+'})" if index % 2 else re.escape(part)
        for index, part in enumerate(parts)
    ]
    # The root directory is `/contents/` at GitHub, too, though the document asks for a path.
    return re.compile("".join(pieces).replace("/contents/(?P<path>.+)", "/contents(?:/(?P<path>.+))?") + "$")


def _correct(root: Schema) -> None:
    """Set right, in place, where the REST document contradicts what GitHub answers."""
    listed = root["paths"]["/app/installations"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    account = listed["items"]["properties"]["account"]
    account["anyOf"] = account.pop("allOf")  # an account is a user *or* an enterprise, as in the single installation
    for name in ("pull-request-review-comment", "review-comment"):
        for field in ("line", "position", "original_line"):  # null in an outdated thread, or one on a whole file
            root["components"]["schemas"][name]["properties"][field]["nullable"] = True


def _repair(node: Any, *, nullable: bool) -> None:
    """Turn OpenAPI into JSON Schema, in place.

    `nullable` becomes a type. `oneOf` becomes `anyOf`: GitHub's alternatives overlap (a label as a string in two of
    five request forms, files and directories), so real requests match several of them.
    """
    if isinstance(node, list):
        for item in node:
            _repair(item, nullable=nullable)
    if not isinstance(node, dict):
        return
    for value in node.values():
        _repair(value, nullable=nullable)
    if isinstance(node.get("oneOf"), list) and "anyOf" not in node:
        node["anyOf"] = node.pop("oneOf")
    if nullable and node.get("nullable") is True:
        inner = {key: value for key, value in node.items() if key != "nullable"}
        node.clear()
        node["anyOf"] = [inner, {"type": "null"}]


def _absolute(node: Any) -> Any:
    if isinstance(node, list):
        return [_absolute(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"urn:github{value}" if key == "$ref" and isinstance(value, str) else _absolute(value)
        for key, value in node.items()
    }


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


def _json(body: bytes) -> tuple[Any, str]:
    try:
        return json.loads(body), ""
    except ValueError as error:
        return None, f"not JSON ({error})"


def _typed(value: str, schema: Schema) -> Any:
    kinds = {schema.get("type"), *(part.get("type") for part in schema.get("anyOf", ()))}
    if "integer" in kinds and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "boolean" in kinds and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return [value] if kinds == {"array"} else value
