"""Core values as JSON and back, for the store: pydantic reads the standard-library dataclasses of `core`, so that
`core` need not know about storage. What was written by an older version keeps loading: new fields have defaults. Fields
that a newer one has added are read over, and what cannot be read at all is left to workers of that version."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, fields
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from github_app.core.chat.model import ChatEvent
from github_app.core.effects import Effect
from github_app.core.errors import Transient
from github_app.core.events import Event
from github_app.core.model import ChangeSet, FileChange, Merged, Repo
from github_app.core.ports import Step
from github_app.core.session import Session

T = TypeVar("T")

_BY_NAME: dict[str, type] = {
    kind.__name__: kind for kind in (*get_args(Event), *get_args(Effect), *get_args(ChatEvent))
}


_adapters: dict[type, TypeAdapter[Any]] = {}


class FromNewer(Transient):
    """By all that we can tell, a newer version wrote this: workers of that version will take it up."""


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(value: Session | Repo | Step | Event | Effect | ChatEvent) -> str:
    """A value as JSON text."""
    return _adapter(type(value)).dump_json(value).decode()


def dump_over(session: Session, before: str) -> str:
    """A session as JSON text in the place of another: what that one has of a newer version's fields stays."""
    text = dump(session)
    strange = json.loads(before).keys() - {each.name for each in fields(Session)}
    if not strange:
        return text
    kept = json.loads(before)
    return json.dumps({**json.loads(text), **{name: kept[name] for name in strange}})


def load_session(text: str) -> Session:
    """A session from its JSON text."""
    return _checked(Session, text)


def load_repo(text: str) -> Repo:
    """A repository from its JSON text."""
    return _checked(Repo, text)


def load_step(text: str) -> Step:
    """A journalled step from its JSON text."""
    return _checked(Step, text)


def load_named(name: str, text: str) -> Any:
    """An event or an effect, by the name of its class."""
    if name not in _BY_NAME:
        raise FromNewer(f"this version knows no {name}")
    return _checked(_BY_NAME[name], text)


def dump_changes(changes: ChangeSet) -> bytes:
    """A change set as bytes; the same change set always gives the same bytes."""
    files = [
        {
            "path": change.path,
            "mode": change.mode,
            "content": None if change.content is None else base64.b64encode(change.content).decode(),
            # Left out where there is none: what older versions wrote keeps its bytes.
            **({"base_mode": change.base_mode} if change.base_mode is not None else {}),
        }
        for change in changes.changes
    ]
    document: dict[str, Any] = {"base_sha": changes.base_sha, "changes": files}
    if changes.merged is not None:
        document["merged"] = asdict(changes.merged)
    return json.dumps(document, separators=(",", ":")).encode()


def load_changes(data: bytes) -> ChangeSet:
    """A change set from its bytes."""
    document = json.loads(data)
    merged = document.get("merged")
    return ChangeSet(
        base_sha=document["base_sha"],
        merged=Merged(**merged) if merged is not None else None,
        changes=tuple(
            FileChange(
                path=file["path"],
                mode=file["mode"],
                base_mode=file.get("base_mode"),
                content=None if file["content"] is None else base64.b64decode(file["content"]),
            )
            for file in document["changes"]
        ),
    )


def _checked(kind: type[T], text: str) -> T:
    try:
        value: T = _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise FromNewer(f"this version cannot read this {kind.__name__}: {error.errors()[0]['msg']}") from error
    return value
