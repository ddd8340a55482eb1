"""YAML that people write for us, with the line of each key. Plain values only, and nothing that says a thing twice: the
reader of a file must not believe the one and we the other, and a small file must not become a large one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from github_app.core.errors import Misread
from github_app.core.policyfile import Lines
from github_app.core.text.prose import clause, code

_MAX_BYTES = 64_000
_MAX_PROBLEM_CHARS = 120


def load_yaml(text: bytes, name: str) -> tuple[object, Lines]:
    """The value of a file called `name`, and the lines of its keys. Raises `Misread` naming file and line."""
    if len(text) > _MAX_BYTES:
        raise Misread(name, f"{len(text):,} bytes are too many; {_MAX_BYTES:,} are allowed")
    try:
        return _load(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Misread(name, "this is not UTF-8 text", line=line) from None
    except _Wrong as error:
        raise Misread(name, str(error), line=error.line) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        problem = clause(error.problem or "it ends early")[:_MAX_PROBLEM_CHARS]
        raise Misread(name, f"this is not valid YAML ({problem})", line=line) from None
    except yaml.reader.ReaderError as error:
        raise Misread(name, "this is not valid YAML (a control character)", line=_line_at(text, error)) from None
    except RecursionError:
        raise Misread(name, "this is too deep to be understood", line=1) from None


class _Wrong(Exception):
    """Something that we do not take, at a line."""

    def __init__(self, node: Any, what: str) -> None:
        super().__init__(what)
        self.line: int = node.start_mark.line + 1


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            alias: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise _Wrong(alias, "aliases (`*name`) are not taken; write it out")
        return super().compose_node(parent, index)


def _load(text: str) -> tuple[object, Lines]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return (None, {}) if node is None else (_value(loader, node), dict(_lines(node, ())))
    finally:
        loader.dispose()


def _value(loader: _Loader, node: yaml.Node) -> Any:
    match node:
        case yaml.MappingNode():
            return {key: _value(loader, each) for key, each in _pairs(node)}
        case yaml.SequenceNode():
            return [_value(loader, each) for each in node.value]
        case _:
            try:
                return loader.construct_object(node)
            except (ValueError, OverflowError):  # a date that is none, a number without end
                raise _Wrong(node, f"{code(str(node.value))} is no value") from None


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    """Keys as they are written: `on` and `1` are words here."""
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
            raise _Wrong(key, "a key must be a word; merges (`<<`) are not taken")
        if key.value in seen:
            raise _Wrong(key, f"key {code(key.value)} is there twice")
        seen.add(key.value)
        yield key.value, value


def _lines(node: yaml.Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            yield from _lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*path, str(number)), item.start_mark.line + 1
            yield from _lines(item, (*path, str(number)))


def _line_at(text: bytes, error: yaml.reader.ReaderError) -> int:
    return text.decode("utf-8", "replace").count("\n", 0, error.position) + 1
