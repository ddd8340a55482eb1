"""What Slack takes and gives, as its own library knows it: `slack_sdk`'s types and their limits."""

from __future__ import annotations

import re
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.metadata import Metadata

MAX_BLOCKS = 50
MAX_TEXT_CHARS = 40_000
CALLS_PEOPLE = re.compile(r"<(?:!(?:channel|here|everyone|subteam)|@[UW])")


def wrong_with(message: dict[str, Any]) -> list[str]:
    """What is wrong with the words, blocks and metadata of a message."""
    found: list[str] = []
    text, blocks = message.get("text") or "", message.get("blocks") or []
    if not text:
        found.append("no text: it is what notifications and screen readers have")
    if len(text) > MAX_TEXT_CHARS:
        found.append(f"text of {len(text)} characters")
    if len(blocks) > MAX_BLOCKS:
        found.append(f"{len(blocks)} blocks")
    for block in blocks:
        found += _wrong_with_block(block)
    actions = [each["action_id"] for block in blocks for each in block.get("elements", ()) if "action_id" in each]
    if len(set(actions)) != len(actions):
        found.append("two elements with one action_id")
    metadata = message.get("metadata")
    if metadata is not None and Metadata(**metadata).to_dict() != metadata:
        found.append("metadata has other fields than event_type and event_payload")
    return found


def _wrong_with_block(block: dict[str, Any]) -> list[str]:
    try:
        parsed = Block.parse(block)
        if parsed is None:
            return [f"no block is called {block.get('type')}"]
        told = parsed.to_dict()
    except SlackObjectFormationError as error:
        return [f"{block.get('type')}: {error}"]
    # What the types do not know is gone now.
    return [] if told == block else [f"{block.get('type')}: {block} would be read as {told}"]
