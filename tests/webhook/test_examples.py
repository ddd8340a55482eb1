"""GitHub's own examples and schemas: what it may send is read; what is broken is refused by name, not by a crash."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import github_app.localhub
from github_app.core import events
from github_app.core.errors import Rejected
from github_app.core.messages import boxes
from github_app.webhook import payloads
from github_app.webhook.parse import TABLE, Ignored
from tests.webhook.deliveries import example_events, examples, read, wanted_events

MEANINGS = {
    ("issues", "opened"): ["IssueLabeled"] * 4,
    ("issues", "labeled"): ["IssueLabeled"] * 2,
    ("issues", "unlabeled"): ["IssueUnlabeled"] * 2,
    ("issues", "edited"): ["IssueEdited"] * 3,
    ("issues", "deleted"): ["IssueClosed"],
    ("issues", "transferred"): ["IssueClosed"],
    ("check_run", "completed"): ["ChecksChanged"] * 3,
    ("check_suite", "completed"): ["ChecksChanged"] * 4,
    ("workflow_run", "completed"): ["a workflow run of a fork", "ChecksChanged", "ChecksChanged"],
    ("status", None): ["ChecksChanged"] * 4,
    ("push", None): ["a push to a tag or a merge queue"] * 4
    + ["BranchPushed"] * 2
    + ["a push to a tag or a merge queue"],
    ("pull_request", "opened"): ["PullRequestPushed"] * 4,
    ("pull_request", "synchronize"): ["PullRequestPushed"],
    ("pull_request", "closed"): ["PullRequestClosed"] * 2,
    ("pull_request", "reopened"): ["PullRequestReopened"] * 2,
    ("pull_request", "converted_to_draft"): ["PullRequestDraftChanged"] * 3,
    ("pull_request", "ready_for_review"): ["PullRequestDraftChanged"] * 3,
    ("pull_request", "labeled"): ["IssueLabeled"] * 2,
    ("pull_request", "unlabeled"): ["IssueUnlabeled"] * 2,
    ("pull_request_review", "submitted"): ["ReviewSubmitted"] * 3,
    ("pull_request_review_comment", "created"): [
        "an inline comment without a command; its review is an event of its own"
    ]
    * 3,
    ("issue_comment", "created"): ["a comment without a command"] * 5,
    ("issue_comment", "edited"): ["a comment without a command"] * 2,
    ("installation", "created"): ["InstallationChanged"] * 2,
    ("installation", "deleted"): ["InstallationChanged"] * 2,
    ("installation", "suspend"): ["InstallationChanged"],
    ("installation", "unsuspend"): ["InstallationChanged"],
    ("installation", "new_permissions_accepted"): ["InstallationChanged"],
    ("installation_repositories", "added"): ["InstallationChanged"] * 2,
    ("installation_repositories", "removed"): ["InstallationChanged"],
}
"""What each example of an event and action says, in order, if it is sent to an app and `bug` is the trigger label."""


def of_app(example: dict[str, Any]) -> dict[str, Any]:
    """Add the installation that an app's deliveries have."""
    return {"installation": {"id": 5}} | example


def meaning(event: str, example: dict[str, Any]) -> str:
    parsed = read(event, example, trigger_label="bug")
    return parsed.reason if isinstance(parsed, Ignored) else type(parsed).__name__


def test_whoever_sent_it_is_who_counts_in_every_event():
    """Not who wrote the comment, opened the issue, or is called an owner."""
    editor = {"id": 4_711, "login": "editor", "type": "User"}
    kinds = set()
    for event in example_events():
        for example in examples(event):
            sent = copy.deepcopy(of_app(example)) | {"sender": editor}
            for thing in ("comment", "review"):
                if isinstance(sent.get(thing), dict):
                    sent[thing] |= {"body": "/honk do it", "author_association": "OWNER"}
            parsed = read(event, sent, trigger_label="bug")
            if not isinstance(parsed, Ignored | events.ChecksChanged):
                kinds.add(type(parsed))
                assert (parsed.actor.id, parsed.actor.login) == (4_711, "editor")
                if (event, sent.get("action")) == ("issue_comment", "edited"):
                    sent["changes"]["body"] = {"from": boxes.MARK}
                    redrawn = read(event, sent, trigger_label="bug")
                    assert isinstance(redrawn, events.TrackingEdited)
                    assert (redrawn.actor.id, redrawn.actor.login) == (4_711, "editor")
                    kinds.add(type(redrawn))
    assert kinds == {*get_args(events.HubEvent)} - {events.ChecksChanged}


def test_every_example_means_what_the_table_says():
    found: dict[tuple[str, str | None], list[str]] = {}
    for event in example_events():
        for example in examples(event):
            key = (event, example.get("action"))
            said = meaning(event, of_app(example))
            if said != "nothing follows from " + ".".join(filter(None, key)):
                found.setdefault(key, []).append(said)
    assert found == MEANINGS


@pytest.mark.parametrize("event", example_events())
def test_example_of_a_repository_webhook_means_nothing(event: str):
    for example in examples(event):
        repository_webhooks = {name: part for name, part in example.items() if name != "installation"}
        if event not in ("installation", "installation_repositories"):
            assert isinstance(read(event, repository_webhooks), Ignored)


def test_command_put_into_the_examples_is_heard():
    for event, action in [("issue_comment", "created"), ("pull_request_review_comment", "created")]:
        for example in examples(event):
            if example["action"] == action:
                example["comment"]["body"] = "/honk stop"
                assert meaning(event, of_app(example)) == "CommandIssued"


# --- GitHub's schemas ------------------------------------------------------------------------------------------------

SCHEMAS = Path(github_app.localhub.__file__).parent / "openapi" / "webhooks.json.gz"


@cache
def schemas() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(gzip.decompress(SCHEMAS.read_bytes()))
    return document


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = schemas()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def variants(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every shape that a schema allows."""
    schema = resolve(schema)
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts:
        for part in parts:
            yield from variants(part)
    elif "allOf" in schema:
        merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in schema["allOf"]:
            for shape in variants(part):
                merged["properties"] |= shape.get("properties", {})
                merged["required"] += shape.get("required", [])
        yield merged
    else:
        yield schema


def is_null(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind) or schema.get("nullable") is True


def unpromised(model: type[BaseModel], schema: dict[str, Any], path: str) -> Iterator[str]:
    """Name the fields that a model insists on and GitHub's schema does not promise."""
    for shape in variants(schema):
        if shape.get("type") == "null":
            continue
        for name, field in model.model_fields.items():
            key = field.alias or name
            here = f"{path}.{key}"
            part = shape.get("properties", {}).get(key)
            takes_null = type(None) in get_args(field.annotation)
            if field.is_required() and key not in shape.get("required", []):
                yield f"{here} may be missing"
            if part is None:
                continue
            if not takes_null and any(is_null(each) for each in [resolve(part), *variants(part)]):
                yield f"{here} may be null"
            for inner, inner_schema in inner_models(field.annotation, part):
                yield from unpromised(inner, inner_schema, here)


def inner_models(annotation: Any, schema: dict[str, Any]) -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, schema
    for argument in get_args(annotation):
        items = [shape["items"] for shape in variants(schema) if "items" in shape]
        for part in items or [schema]:
            yield from inner_models(argument, part)


@pytest.mark.parametrize(("event", "action"), [(event, action or "") for event, action in TABLE])
def test_nothing_is_insisted_on_that_github_does_not_promise(event: str, action: str):
    schema = schemas()["events"][event][action]
    assert sorted(set(unpromised(TABLE[event, action or None].model, schema, event))) == []


# --- broken examples -------------------------------------------------------------------------------------------------

READABLE = [
    (event, of_app(example))
    for event in wanted_events()
    for example in examples(event)
    if (event, example.get("action")) in TABLE
]
JUNK: st.SearchStrategy[object] = st.sampled_from(
    [
        *(None, True, False, 0, -1, 2**63, 2**400, 1.5),
        *("", "x", "\x00", "\ud800", "/honk stop", "a" * 70_000),
        *([], [None], [[]], [{"name": 5}], {}, {"id": None}, {"from": 5}),
    ]
)
DROP = object()


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the path of every node but the root."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def change(document: Any, path: tuple[str | int, ...], value: object) -> Any:
    changed = copy.deepcopy(document)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    if value is DROP:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return changed


def read_or_refuse(event: str, example: dict[str, Any]) -> object:
    try:
        return read(event, example, trigger_label="bug")
    except Rejected as error:
        return error


@given(st.data())
@settings(max_examples=300)
def test_any_change_to_an_example_is_read_ignored_or_refused(data: st.DataObject):
    event, example = data.draw(st.sampled_from(READABLE))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(example))))
        example = change(example, path, data.draw(JUNK | st.just(DROP)))
        if not example:
            break
    outcome = read_or_refuse(event, example)
    assert isinstance(outcome, (*get_args(events.HubEvent), Ignored, Rejected))
    if isinstance(outcome, Rejected):
        assert outcome.http_status == 400


def read_places(model: Any, node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the path of every node of an example that a model looks at."""
    if isinstance(model, type) and issubclass(model, BaseModel) and isinstance(node, dict):
        for name, field in model.model_fields.items():
            key = field.alias or name
            if key in node:
                yield (*path, key)
                yield from read_places(field.annotation, node[key], (*path, key))
    elif isinstance(node, list) and node:
        for argument in get_args(model):
            yield (*path, 0)
            yield from read_places(argument, node[0], (*path, 0))
    else:
        for argument in get_args(model):
            yield from read_places(argument, node, path)


@pytest.mark.parametrize("key", {(event, example.get("action")): None for event, example in READABLE})
def test_each_field_that_is_read_may_be_missing_or_anything(key: tuple[str, str | None]):
    event, example = next((name, each) for name, each in READABLE if (name, each.get("action")) == key)
    paths = set(read_places(TABLE[key].model, example))
    assert len(paths) >= 2
    for path in paths:
        for value in (DROP, None, 5, "x", [], {}):
            outcome = read_or_refuse(event, change(example, path, value))
            assert isinstance(outcome, (*get_args(events.HubEvent), Ignored, Rejected))


def test_models_hold_nothing_that_is_not_read():
    """A model class that no row uses would be dead weight."""
    used: set[type[BaseModel]] = set()

    def collect(model: Any) -> None:
        if isinstance(model, type) and issubclass(model, BaseModel):
            used.update(base for base in model.__mro__ if base in all_models)
            for field in model.model_fields.values():
                collect(field.annotation)
        for argument in get_args(model):
            collect(argument)

    all_models = {
        thing for thing in vars(payloads).values() if isinstance(thing, type) and issubclass(thing, BaseModel)
    } - {BaseModel}
    for row in TABLE.values():
        collect(row.model)
    assert used == all_models
