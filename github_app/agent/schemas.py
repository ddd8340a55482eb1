"""JSON Schemas of tools' arguments, as a model is told them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Arguments(BaseModel):
    """What a tool takes. Nothing unknown, nothing converted: what the model gets wrong, it is told."""

    model_config = ConfigDict(extra="forbid", strict=True)


def input_schema(tool: type[BaseModel]) -> dict[str, Any]:
    """The schema of what a tool takes, without what is noise to a model."""
    # Nested definitions and titles; the nesting is never deep.
    schema = tool.model_json_schema()
    definitions = schema.pop("$defs", {})
    plain: dict[str, Any] = _plain(schema, definitions)
    plain.pop("description", None)
    return plain


def _plain(value: Any, definitions: Mapping[str, Any]) -> Any:
    match value:
        case {"$ref": str(reference)}:
            return _plain(definitions[reference.rpartition("/")[2]], definitions)
        case dict():
            return {
                key: _plain(each, definitions)
                for key, each in value.items()
                if key != "title" or not isinstance(each, str)
            }
        case list():
            return [_plain(each, definitions) for each in value]
        case _:
            return value
