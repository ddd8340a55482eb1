"""Refuses what the Messages API would refuse: request bodies are held against the SDK's own types.

The types of `anthropic` are TypedDicts that only a type checker reads. Here they become strict validators: no unknown
fields, lists checked to the bottom, blocks and tools chosen by their `type`. Importing and compiling them costs seconds
and happens at the first request, or in `warm()`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType, TypedDict, get_type_hints, is_typeddict

from github_app.core.images import read_format

Json = dict[str, Any]
MAX_IMAGE_CHARS = 5 * 1024 * 1024


def refusal(body: Any, *, beta: bool = False, counting: bool = False) -> str:
    """Why the API would answer 400 (or "")."""
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    try:
        _adapter(beta, counting).validate_python(body)
    except ValidationError as error:
        # Of the branches of a union, the one that got furthest is the one that was meant.
        first = max(error.errors(include_url=False, include_input=False), key=lambda each: len(each["loc"]))
        where = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
        return f"{where}: {first['msg'].replace(' found using pick()', '')}"
    return _misfit(body)


def warm() -> None:
    """Import and compile the types now."""
    _adapter(False, False)


def _misfit(body: Json) -> str:
    """The rules between the parts of a request."""
    messages = body["messages"]
    if not messages:
        return "messages: at least one message is required"
    if messages[0]["role"] != "user":
        return "messages.0: the first message must use the `user` role"
    names = [tool["name"] for tool in body.get("tools") or () if "name" in tool]
    if len(names) != len(set(names)):
        return "tools: Tool names must be unique."
    waiting: set[str] = set()
    for place, message in enumerate(messages):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        problem = _content(blocks, message["role"], waiting, last=place == len(messages) - 1)
        if problem:
            return f"messages.{place}: {problem}"
        if message["role"] != "system":
            waiting = {block["id"] for block in blocks if block.get("type") == "tool_use"}
    if waiting:
        return f"messages: `tool_use` ids were found without `tool_result` blocks after: {sorted(waiting)}"
    return ""


def _content(blocks: Sequence[Json], role: str, waiting: set[str], *, last: bool) -> str:
    if not blocks and not (role == "assistant" and last):
        return "all messages must have non-empty content"
    if any(block.get("type") == "text" and not block["text"].strip() for block in blocks):
        return "text content blocks must contain non-whitespace text"
    if role == "system":
        return ""
    if problem := next(
        (wrong for block in blocks if block.get("type") == "image" and (wrong := _image(block, role))), ""
    ):
        return problem
    results = [block["tool_use_id"] for block in blocks if block.get("type") == "tool_result"]
    if missing := waiting - set(results):
        return f"`tool_use` ids were found without `tool_result` blocks immediately after: {sorted(missing)}"
    if strange := [each for each in results if each not in waiting]:
        return f"unexpected `tool_use_id` found in `tool_result` blocks: {strange}"
    if len(results) != len(set(results)):
        return "each `tool_use` must have a single result"
    if any(block.get("type") != "tool_result" for block in blocks[: len(results)]):
        return "`tool_result` blocks must come first in the content"
    return ""


def _image(block: Json, role: str) -> str:
    """https://docs.claude.com/en/docs/build-with-claude/vision"""
    if role != "user":
        return "image blocks are allowed in user messages only"
    source = block["source"]
    if source["type"] != "base64":
        return ""
    try:
        content = b64decode(source["data"], validate=True)
    except ValueError:
        return "image.source.base64.data: invalid base64 data"
    if len(source["data"]) > MAX_IMAGE_CHARS:
        return f"image.source.base64: image exceeds 5 MB maximum: {len(source['data'])} bytes > {MAX_IMAGE_CHARS} bytes"
    found = read_format(content)
    if found is None:
        return "Could not process image"
    if found.media_type != source["media_type"]:
        return f"Image does not match the provided media type {source['media_type']}"
    return ""


@cache
def _adapter(beta: bool, counting: bool) -> TypeAdapter[Any]:
    from anthropic.types import message_count_tokens_params, message_create_params
    from anthropic.types.beta import message_count_tokens_params as beta_count
    from anthropic.types.beta import message_create_params as beta_create

    model: Any
    if counting:
        model = beta_count.MessageCountTokensParams if beta else message_count_tokens_params.MessageCountTokensParams
    else:
        module: Any = beta_create if beta else message_create_params
        model = module.MessageCreateParamsNonStreaming
    return TypeAdapter(_Retyping().convert(model))


class _Retyping:
    """Rewrites the SDK's types so that pydantic checks all of them, strictly."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def convert(self, kind: Any) -> Any:
        origin, args = get_origin(kind), get_args(kind)
        if is_typeddict(kind):
            return self._typed_dict(kind)
        if origin is Annotated:
            return self.convert(args[0])
        if origin in (Union, UnionType):
            return self._union(args)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return dict[str, self.convert(args[1])]  # type: ignore[misc]  # built at run time
        if isinstance(origin, type) and issubclass(origin, Iterable):
            return list[self.convert(args[0])]  # type: ignore[misc]  # built at run time
        if origin is Literal or kind in (str, int, float, bool, NoneType, object, Any):
            return Any if kind is object else kind
        if isinstance(kind, TypeAliasType):  # type: ignore[unreachable,unused-ignore]
            return self.convert(kind.__value__)
        return str  # datetimes, and files, which travel as base64

    def _typed_dict(self, kind: Any) -> Any:
        if kind not in self._made:
            fields: dict[str, Any] = {}
            for name, hint in get_type_hints(kind, include_extras=True).items():
                if name in ("betas", "user_profile_id", "workspace_id"):  # the SDK sends these as headers
                    continue
                origin: Any = get_origin(hint)
                needed = origin is Required
                inner = self.convert(get_args(hint)[0] if needed else hint)
                fields[name] = Required[inner] if needed else NotRequired[inner]
            if "model" in fields and "messages" in fields:
                fields["stream"] = NotRequired[bool]
            make: Any = TypedDict  # Any: mypy knows only the form with literals
            made = make(kind.__name__, fields)
            made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
            self._made[kind] = made
        return self._made[kind]

    def _union(self, args: Sequence[Any]) -> Any:
        args = [arg for arg in args if not _is_model(arg)]
        dicts = [arg for arg in args if is_typeddict(arg)]
        others = [self.convert(arg) for arg in args if not is_typeddict(arg)]
        others = [kind for place, kind in enumerate(others) if kind not in others[:place]]
        for key in ("type", "role"):
            tags = [_tags(arg, key) for arg in dicts]
            if len(dicts) > 1 and all(tags):
                chosen = [Annotated[self.convert(d), Tag(tag)] for d, ts in zip(dicts, tags, strict=True) for tag in ts]
                pick = _picker(key, {tag for some in tags for tag in some})
                others.append(Annotated[Union[tuple(chosen)], Discriminator(pick)])  # noqa: UP007 (members are known at run time)
                break
        else:
            others += [self.convert(arg) for arg in dicts]
        return Union[tuple(others)]  # noqa: UP007 (members are known at run time)


def _is_model(kind: Any) -> bool:
    """Whether a type is the SDK's class of an answer, which it takes for input, too; in a body it is a dict."""
    if get_origin(kind) is Annotated:
        return _is_model(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return all(_is_model(arg) for arg in get_args(kind))
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _tags(kind: Any, key: str) -> list[str]:
    """The values of a discriminating field; of an optional one, too (`type` of a custom tool)."""
    hint = get_type_hints(kind).get(key)
    literals = [hint] if get_origin(hint) is Literal else [arg for arg in get_args(hint) if get_origin(arg) is Literal]
    return [value for literal in literals for value in get_args(literal) if isinstance(value, str)]


def _picker(key: str, known: set[str]) -> Callable[[Any], str | None]:
    default = "custom" if "custom" in known else None

    def pick(value: Any) -> str | None:
        given = value.get(key) if isinstance(value, dict) else None
        return default if given is None else str(given)

    return pick
