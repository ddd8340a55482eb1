"""Anthropic's prompt cache as its documentation describes it, so that a token bill in the demo means something.

Rules (https://docs.claude.com/en/docs/build-with-claude/prompt-caching): a prompt is tools, then system, then messages;
blocks marked with `cache_control` end prefixes that are stored; a prefix is found again only at a place where it was
stored, at most 20 blocks before a mark; below 1,024 tokens nothing is stored; entries live 5 minutes (or an hour) from
their last use; another model, or other thinking or tool choice (for messages), is another prefix. A string as content
is short for one text block, so both are the same prefix; a mark inside of a tool result marks the result. Tokens are
estimated: four bytes of JSON each, and of an image about a 750th of its pixels.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from github_app.core.images import read_format
from github_app.core.images import tokens_of as tokens_of_image

MAX_MARKS = 4
LOOK_BACK_BLOCKS = 20
MIN_TOKENS = 1_024
TTL_S = {"5m": 300, "1h": 3_600}


@dataclass(frozen=True)
class Block:
    """One block of a prompt: the hash of the prefix that it ends, its size, and its mark ("", "5m", "1h")."""

    prefix: bytes
    tokens: int
    mark: str


def tokens_of(value: Any) -> int:
    """Estimated tokens of a JSON value."""
    return len(_bytes(value)) // 4 + 1


def read_blocks(request: dict[str, Any]) -> list[Block]:
    """The prompt of a request body, block by block. Raises ValueError for more than four marks."""
    settings = {key: request.get(key) for key in ("tool_choice", "thinking")}
    blocks: list[Block] = []
    running = hashlib.sha256(_bytes(request["model"]))
    for kind, value in _parts(request, settings):
        raw = _bytes(_plain(value))
        running.update(kind.encode() + raw)
        mark = _mark(value)
        blocks.append(
            Block(
                running.digest(), _image_tokens(value) or len(raw) // 4 + 1, mark.get("ttl") or ("5m" if mark else "")
            )
        )
    found = sum(bool(block.mark) for block in blocks)
    top = request.get("cache_control")
    if top and blocks and not blocks[-1].mark:  # the automatic mark: the last block
        blocks[-1] = Block(blocks[-1].prefix, blocks[-1].tokens, top.get("ttl") or "5m")
        found += 1
    if found > MAX_MARKS:
        raise ValueError(f"A maximum of {MAX_MARKS} blocks with cache_control may be provided. Found {found}.")
    return blocks


@dataclass
class PromptCache:
    """What the server remembers of prompts; `clock` gives seconds."""

    clock: Callable[[], float]
    _until: dict[bytes, tuple[float, int]] = field(default_factory=dict)  # prefix -> (end of life, its TTL)

    def bill(self, blocks: list[Block]) -> dict[str, Any]:
        """The input side of `usage` for this prompt; what it stores is there for the next one."""
        now = self.clock()
        ends = list(accumulate(block.tokens for block in blocks))
        marks = [place for place, block in enumerate(blocks) if block.mark]
        read = max((self._hit(blocks, mark, now) for mark in marks), default=-1)
        cached = ends[read] if read >= 0 else 0
        if read >= 0:
            life = self._until[blocks[read].prefix][1]
            self._until[blocks[read].prefix] = (now + life, life)
        written = {"5m": 0, "1h": 0}
        last = cached
        for mark in marks:
            if mark <= read or ends[mark] < MIN_TOKENS:
                continue
            life = TTL_S[blocks[mark].mark]
            self._until[blocks[mark].prefix] = (now + life, life)
            written[blocks[mark].mark] += ends[mark] - last
            last = ends[mark]
        return {
            "input_tokens": (ends[-1] if ends else 0) - last,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": last - cached,
            "cache_creation": {
                "ephemeral_5m_input_tokens": written["5m"],
                "ephemeral_1h_input_tokens": written["1h"],
            },
        }

    def _hit(self, blocks: list[Block], mark: int, now: float) -> int:
        """The last stored place at or before a mark, as far as the server looks back; -1 if there is none."""
        for place in range(mark, max(-1, mark - LOOK_BACK_BLOCKS - 1), -1):
            if self._until.get(blocks[place].prefix, (0.0, 0))[0] > now:
                return place
        return -1


def _parts(request: dict[str, Any], settings: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    parts = [("tool", tool) for tool in request.get("tools") or ()]
    system = request.get("system") or ()
    parts += [("system", block) for block in ([_text(system)] if isinstance(system, str) else system)]
    for message in request["messages"]:
        content = message["content"]
        for block in [_text(content)] if isinstance(content, str) else content:
            # The settings are hashed with each message block and with nothing before: changing them spares the rest.
            parts.append((f"{message['role']}{json.dumps(settings, sort_keys=True)}", block))
    return parts


def _image_tokens(block: dict[str, Any]) -> int:
    """About a 750th of an image's pixels; 0 for what is none."""
    if block.get("type") != "image" or block["source"]["type"] != "base64":
        return 0
    found = read_format(b64decode(block["source"]["data"]))
    return tokens_of_image(found.width, found.height) if found is not None else 0


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    plain = {key: item for key, item in block.items() if key != "cache_control"}
    if plain.get("type") == "tool_result":
        content = plain.get("content") or ()
        plain["content"] = [_plain(each) for each in ([_text(content)] if isinstance(content, str) else content)]
    return plain


def _mark(block: dict[str, Any]) -> dict[str, Any]:
    inside = block.get("content") if block.get("type") == "tool_result" else None
    marks = [each.get("cache_control") for each in inside] if isinstance(inside, list) else []
    return next((mark for mark in (block.get("cache_control"), *marks) if mark), {})


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
