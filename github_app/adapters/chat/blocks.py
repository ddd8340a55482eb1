"""A card as Slack takes it: Block Kit, within its limits.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from typing import Any

from github_app.core.chat.model import Button, Card
from github_app.core.text.mrkdwn import escape, to_mrkdwn

SECTION_CHARS = 3_000
SECTIONS = 6
"""More than so much is read on GitHub, where it stands as well."""

_BUTTONS, _LABEL_CHARS, _FALLBACK_CHARS = 25, 75, 1_000
_CUT = "… _The rest stands on GitHub._"


def message_of(card: Card, *, home: str) -> dict[str, Any]:
    """The `text` (for notifications) and `blocks` of a message."""
    text = to_mrkdwn(card.text, home=home, repo=card.repo) or escape("…")
    parts = split(text, SECTION_CHARS)
    if len(parts) > SECTIONS:
        parts = [*parts[: SECTIONS - 1], _CUT]
    # Verbatim: what is no link or mention by now must not become one.
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}} for part in parts
    ]
    if card.buttons:
        elements = [_button(each, place) for place, each in enumerate(card.buttons[:_BUTTONS])]
        blocks.append({"type": "actions", "elements": elements})
    return {"text": split(text, _FALLBACK_CHARS)[0], "blocks": blocks}


def split(text: str, limit: int) -> list[str]:
    """A text in parts of at most `limit` characters, parted at ends of lines where it can be; a block of code that is
    parted is one in both parts."""
    parts: list[str] = []
    is_code = False
    while text:
        head = "```\n" if is_code else ""
        room = limit - len(head) - len("\n```")
        if len(text) <= room:
            parts.append(head + text)
            break
        cut = text.rfind("\n", 1, room)
        cut = cut if cut > 0 else _before_markup(text, room)
        part, text = text[:cut], text[cut:].lstrip("\n")
        is_code = (head + part).count("```") % 2 == 1
        parts.append(head + part + ("\n```" if is_code else ""))
    return parts or [text]


def _before_markup(text: str, room: int) -> int:
    """A place to part a line at, outside a link and an escaped character."""
    for mark, end in (("<", ">"), ("&", ";")):
        begin = text.rfind(mark, max(0, room - 2_500), room)
        if begin > 0 and end not in text[begin:room]:
            room = begin
    return room


def _button(button: Button, place: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "button",
        "text": {"type": "plain_text", "text": button.label[:_LABEL_CHARS]},
        # Unique within the message; what is before the colon says what it does.
        "action_id": f"{button.action or 'link'}:{place}",
    }
    if button.about:
        found["value"] = button.about
    if button.url:
        found["url"] = button.url
    if button.style:
        found["style"] = button.style
    if button.confirm:
        found["confirm"] = {
            "title": {"type": "plain_text", "text": button.label[:100]},
            "text": {"type": "plain_text", "text": button.confirm[:300]},
            "confirm": {"type": "plain_text", "text": button.label[:30]},
            "deny": {"type": "plain_text", "text": "Leave it"},
        }
    return found
