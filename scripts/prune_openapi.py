"""Make the small copies of GitHub's OpenAPI documents that `github_app.localhub.judge` reads.

Usage: npm install --no-save --ignore-scripts @octokit/openapi @octokit/openapi-webhooks
       python scripts/prune_openapi.py node_modules

Kept: the REST paths of `paths.txt`, the webhooks of EVENTS, and the components that these reach. Dropped: everything
that only people read, and formats other than `date-time` (`format: uri` refuses the `[bot]` in GitHub's own URLs).
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent / "github_app" / "localhub" / "openapi"

EVENTS = [
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment_status",
    "installation",
    "installation_repositories",
    "installation_target",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "ping",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "release",
    "repository",
    "status",
    "workflow_job",
    "workflow_run",
]

PROSE = {
    "default",
    "deprecated",
    "description",
    "example",
    "examples",
    "externalDocs",
    "operationId",
    "summary",
    "tags",
    "title",
    "headers",
    "links",
    "servers",
}
NAMED = {"properties", "patternProperties", "schemas", "responses", "parameters", "content"}  # keys are names there


def strip(node: Any, *, names: bool = False) -> Any:
    """`node` without prose. `names`: the keys of this object are names chosen by GitHub, not keywords."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if not names and (key in PROSE or key.startswith("x-")):
            continue
        if not names and key == "format" and value != "date-time":
            continue
        if not names and key == "enum":
            kept[key] = value
            continue
        kept[key] = strip(value, names=not names and key in NAMED and isinstance(value, dict))
    return kept


def references(node: Any) -> set[str]:
    """Every `$ref` below `node`."""
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return found.union(*map(references, node.values()))


def reachable(roots: Any, components: dict[str, Any]) -> dict[str, Any]:
    """The components that `roots` needs, directly or through others."""
    kept: dict[str, Any] = {}
    wanted = references(roots)
    while wanted:
        kind, name = wanted.pop().removeprefix("#/components/").split("/", 1)
        if name not in kept.setdefault(kind, {}):
            kept[kind][name] = strip(components[kind][name])
            wanted |= references(kept[kind][name])
    return {kind: dict(sorted(named.items())) for kind, named in sorted(kept.items())}


def prune_rest(document: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """The REST document cut down to `paths`. Raises KeyError for a path that GitHub does not have."""
    kept = {path: strip(document["paths"][path]) for path in paths}
    return {
        "openapi": document["openapi"],
        "source": f"@octokit/openapi {document['info']['version']}",
        "paths": kept,
        "components": reachable(kept, document["components"]),
    }


def prune_webhooks(document: dict[str, Any]) -> dict[str, Any]:
    """`{event: {action or "": schema}}` and the components of it."""
    events: dict[str, dict[str, Any]] = {event: {} for event in EVENTS}
    for hook in document["webhooks"].values():
        event, _, action = hook["post"]["operationId"].replace("-", "_").partition("/")
        if event in events:
            content = hook["post"]["requestBody"]["content"]["application/json"]
            events[event][action] = strip(content["schema"])
    missing = [event for event, actions in events.items() if not actions]
    if missing:
        raise KeyError(f"no such events: {missing}")
    return {
        "openapi": document["openapi"],
        "source": f"@octokit/openapi-webhooks {document['info']['version']}",
        "events": events,
        "components": reachable(events, document["components"]),
    }


def write(name: str, document: dict[str, Any]) -> None:
    """Write gzip JSON that is byte-equal for equal input."""
    raw = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    packed = gzip.compress(raw, 9, mtime=0)
    (HOME / name).write_bytes(packed)
    print(f"{name}: {document['source']}, {len(raw):,} bytes, {len(packed):,} packed")


def main() -> None:
    """Read the two unpacked packages below the node_modules directory in argv[1] and write both copies."""
    octokit = Path(sys.argv[1]) / "@octokit"
    read = {
        name: json.loads((octokit / name / "generated" / "api.github.com.json").read_text())
        for name in ("openapi", "openapi-webhooks")
    }
    listed = (HOME / "paths.txt").read_text().splitlines()
    paths = [line for line in listed if re.match("/", line)]
    write("rest.json.gz", prune_rest(read["openapi"], paths))
    write("webhooks.json.gz", prune_webhooks(read["openapi-webhooks"]))


if __name__ == "__main__":
    main()
