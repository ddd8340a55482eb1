"""Scripts of the scripted model: which reply answers which request, as data.

A script is a list of scenes. The scene of a request is the first one whose `when` stands in the latest user text that
any scene knows; the reply is the one whose number is how many assistant messages the conversation has had since that
text. So a script has no state: the same request gets the same reply, also after a crash of either side.

As YAML or JSON (Python objects of the same form work, too):

    scenes:
      - name: fix the checks
        when: Checks of that commit have failed      # or a list: all of them; without `when`: any request
        replies:
          - text: I look at the file.
            call: {view: {path: a.py}}               # or a list of such, for several calls at once
          - call: [{verify: {}}, {bash: {command: ls}}]
            faults: [{status: 529}, {status: 429, retry_after_s: 1}, {after_events: 3}]
          - Done.                                    # text alone

A request that forces a tool (`tool_choice`) is answered by scenes of that `tool` alone; without any that fits, Honk's
judge finds nothing.

`{{thread:N}}` in a reply stands for the id of the Nth `<thread id="…">` of the text that chose the scene.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
THREAD = re.compile(r"<thread\b[^>]*?\bid=\"([^\"]+)\"")
BLANK = re.compile(r"\{\{\s*thread:(\d+)\s*\}\}")


class ScriptError(Exception):
    """The script is wrong, or has no answer for a request. The text says which scene and which reply."""


@dataclass(frozen=True)
class Fault:
    """One failure before (or, with `after_events`, in the middle of) a reply; each is given once, in order.

    `status` answers with that HTTP error; `after_events` breaks the stream off after so many events, with an error
    event if `event` names its type (`overloaded_error`), else by closing the connection.
    """

    status: int = 0
    retry_after_s: float | None = None
    after_events: int | None = None
    event: str = ""


@dataclass(frozen=True)
class Reply:
    """One assistant message: content blocks without ids, in the Messages API's shapes."""

    content: tuple[Json, ...]
    stop_reason: str = ""  # empty: tool_use or end_turn, by content
    usage: Json = field(default_factory=dict)  # replaces what the server counted
    latency_s: float = 0.0
    gate: str = ""  # the reply waits while this gate of the server is closed
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Replies to one task. `when`: texts that must all stand in the user text; none means any."""

    name: str
    replies: tuple[Reply, ...]
    when: tuple[str, ...] = ()
    tool: str = ""


@dataclass(frozen=True)
class Answer:
    """The reply to one request, with everything filled in."""

    scene: str
    index: int
    reply: Reply
    message: Json  # a Message without `usage`


@dataclass(frozen=True)
class Script:
    """All scenes; earlier ones are preferred."""

    scenes: tuple[Scene, ...]

    @classmethod
    def of(cls, *replies: Any) -> Script:
        """A script of one scene that answers any conversation; each reply as in a file (text or mapping)."""
        return cls((Scene("only scene", tuple(_reply(reply, f"reply {n}") for n, reply in enumerate(replies))),))

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Script:
        """A script from the data of a file. Raises ScriptError."""
        _known(data, {"scenes"}, "the script")
        return cls(tuple(_scene(scene, number) for number, scene in enumerate(data["scenes"])))

    @classmethod
    def load(cls, path: Path) -> Script:
        """A script from a YAML or JSON file. Raises ScriptError, OSError."""
        try:
            return cls.parse(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, TypeError, KeyError) as error:
            raise ScriptError(f"{path}: {type(error).__name__}: {error}") from error

    def answer(self, request: Json) -> Answer:
        """The reply to a request body. Raises ScriptError where the script has none."""
        messages = request["messages"]
        forced = (request.get("tool_choice") or {}).get("name", "")
        scenes = [*(scene for scene in self.scenes if scene.tool == forced), *([CALM] if forced == CALM.tool else [])]
        for start in range(len(messages) - 1, -1, -1):
            text = user_text(messages[start])
            for scene in scenes:
                if text and all(part in text for part in scene.when):
                    if not scene.when:  # knows no beginning: the whole conversation is the scene
                        start, text = 0, user_text(messages[0])
                    return _answer(scene, messages, start, request["model"])
        opening = user_text(messages[0])[:300]
        names = ", ".join(scene.name for scene in scenes)
        raise ScriptError(f"no scene knows this conversation (scenes: {names}); it begins with: {opening!r}")


NOTHING_FOUND: Json = {"in_scope": True, "complete": True, "tests_weakened": False, "confidence": "high"}
CALM = Scene(
    "the judge finds nothing", (Reply(({"type": "tool_use", "name": "judge", "input": NOTHING_FOUND},)),), tool="judge"
)


def user_text(message: Json) -> str:
    """The text that a user message says itself; tool results are not the user's words."""
    if message.get("role") != "user":
        return ""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block.get("type") == "text")


def _answer(scene: Scene, messages: Sequence[Json], start: int, model: str) -> Answer:
    index = sum(message["role"] == "assistant" for message in messages[start:])
    if index >= len(scene.replies):
        said = f"scene {scene.name!r} has {len(scene.replies)} replies and is asked for number {index + 1}"
        raise ScriptError(f"{said}; the last message was: {json.dumps(messages[-1])[-600:]}")
    reply = scene.replies[index]
    threads = THREAD.findall(user_text(messages[start]))
    # Ids are the same for the same request, and differ between places of a conversation.
    seed = f"{scene.name}/{index}/{len(messages)}"
    content = []
    for number, block in enumerate(reply.content):
        block = _filled(block, threads, scene.name)
        if block["type"] == "tool_use":
            block["id"] = f"toolu_{_digest(f'{seed}/{number}')}"
        content.append(block)
    calls = any(block["type"] == "tool_use" for block in content)
    message = {
        "id": f"msg_{_digest(seed + json.dumps(messages[-1]))}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": reply.stop_reason or ("tool_use" if calls else "end_turn"),
        "stop_sequence": None,
    }
    return Answer(scene.name, index, reply, message)


def _filled(value: Any, threads: Sequence[str], scene: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, threads, scene) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, threads, scene) for item in value]
    if not isinstance(value, str):
        return value

    def thread(found: re.Match[str]) -> str:
        number = int(found[1])
        if not 1 <= number <= len(threads):
            raise ScriptError(f"scene {scene!r} names thread {number}; the request has {len(threads)}")
        return threads[number - 1]

    return BLANK.sub(thread, value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _scene(data: Mapping[str, Any], number: int) -> Scene:
    name = str(data.get("name", f"scene {number + 1}"))
    _known(data, {"name", "when", "tool", "replies"}, f"scene {name!r}")
    when = data.get("when", ())
    replies = [_reply(reply, f"scene {name!r}, reply {n}") for n, reply in enumerate(data["replies"])]
    return Scene(name, tuple(replies), (when,) if isinstance(when, str) else tuple(when), data.get("tool", ""))


def _reply(data: Any, where: str) -> Reply:
    if isinstance(data, Reply):
        return data
    if isinstance(data, str):
        data = {"text": data}
    _known(data, {"text", "thinking", "call", "content", "stop_reason", "usage", "latency_s", "gate", "faults"}, where)
    content: list[Json] = list(data.get("content", ()))
    if data.get("thinking"):
        content.append({"type": "thinking", "thinking": data["thinking"], "signature": "scripted"})
    if data.get("text"):
        content.append({"type": "text", "text": data["text"]})
    calls = data.get("call", ())
    for call in [calls] if isinstance(calls, Mapping) else calls:
        content += [{"type": "tool_use", "name": name, "input": dict(given or {})} for name, given in call.items()]
    try:
        faults = tuple(Fault(**fault) for fault in data.get("faults", ()))
    except TypeError as error:
        raise ScriptError(f"{where}: {error}") from error
    named = {key: data[key] for key in ("stop_reason", "usage", "latency_s", "gate") if key in data}
    return Reply(tuple(content), faults=faults, **named)


def _known(data: Mapping[str, Any], names: set[str], where: str) -> None:
    if not isinstance(data, Mapping):
        raise ScriptError(f"{where}: expected a mapping, found {type(data).__name__}")
    if unknown := data.keys() - names:
        raise ScriptError(f"{where}: unknown {sorted(unknown)}; there are {sorted(names)}")
