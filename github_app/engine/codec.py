"""Core values as JSON and back, for the store: pydantic reads the standard-library dataclasses of `core`, so that
`core` need not know about storage. What was written by an older version keeps loading: new fields have defaults."""

from __future__ import annotations

import base64
import json
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter

from github_app.core.effects import Effect
from github_app.core.events import OwnEvent
from github_app.core.model import ChangeSet, FileChange, Repo, Session
from github_app.core.ports import Step

T = TypeVar("T")

_BY_NAME: dict[str, type] = {kind.__name__: kind for kind in (*get_args(OwnEvent), *get_args(Effect))}


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(value: Session | Repo | Step | OwnEvent | Effect) -> str:
    """A value as JSON text."""
    return _adapter(type(value)).dump_json(value).decode()


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
    """An event of ours or an effect, by the name of its class. Raises `KeyError` for a name that is neither."""
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
    return json.dumps({"base_sha": changes.base_sha, "changes": files}, separators=(",", ":")).encode()


def load_changes(data: bytes) -> ChangeSet:
    """A change set from its bytes."""
    document = json.loads(data)
    return ChangeSet(
        base_sha=document["base_sha"],
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
    value: T = _adapter(kind).validate_json(text)
    return value
