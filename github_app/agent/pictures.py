"""Images for the model: named in the first words of a turn, then shown. The transcript holds what they are and never
their bytes, which are put in as a request goes out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from github_app.agent.templates import filled
from github_app.agent.untrusted import attribute
from github_app.core.images import Picture, Pictures, tokens_of

Block = dict[str, Any]

GONE = "[this image is not kept any more]"


def pictures_part(pictures: Pictures) -> str:
    """Which images follow, and which do not and why; empty if there are none."""
    lines = [*_named(pictures.shown), *_left_out(pictures)]
    return f"\n{filled('images', lines=chr(10).join(lines))}\n" if lines else ""


def _named(pictures: Sequence[Picture]) -> Iterator[str]:
    for number, each in enumerate(pictures, 1):
        size = f"{each.width} × {each.height} pixels"
        yield f"{number}. {attribute(each.url)}, by {attribute(each.author)}, {size}"


def _left_out(pictures: Pictures) -> Iterator[str]:
    if pictures.unread:
        yield f"Could not be shown: {', '.join(map(attribute, pictures.unread))}"
    if pictures.more:
        yield f"Left out for want of room: {pictures.more}"
    if pictures.elsewhere:
        yield f"Elsewhere than on GitHub, and not looked at: {pictures.elsewhere}"


def picture_blocks(pictures: Pictures) -> list[Block]:
    """The images as the transcript holds them."""
    return [
        {
            "type": "image",
            "source": {
                "type": "stored",
                "sha256": each.sha256,
                "media_type": each.media_type,
                "width": each.width,
                "height": each.height,
            },
        }
        for each in pictures.shown
    ]


def encode(contents: Mapping[str, bytes]) -> dict[str, str]:
    """The bytes of images, by their SHA-256, as requests hold them."""
    return {key: b64encode(content).decode() for key, content in contents.items()}


def show_pictures(messages: Sequence[Block], encoded: Mapping[str, str]) -> list[Block]:
    """Messages as they go out, with the bytes of their images; those that are gone are said to be."""
    return [{**message, "content": [_shown(block, encoded) for block in message["content"]]} for message in messages]


def _shown(block: Block, encoded: Mapping[str, str]) -> Block:
    if not _is_stored(block):
        return block
    source = block["source"]
    if source["sha256"] not in encoded:
        rest = {key: value for key, value in block.items() if key not in ("type", "source")}
        return {"type": "text", "text": GONE, **rest}
    data = encoded[source["sha256"]]
    return {**block, "source": {"type": "base64", "media_type": source["media_type"], "data": data}}


def picture_tokens(blocks: Sequence[Block]) -> int:
    """No fewer tokens than the images among these blocks count, beside their places in the transcript."""
    return sum(tokens_of(block["source"]["width"], block["source"]["height"]) for block in blocks if _is_stored(block))


def _is_stored(block: Block) -> bool:
    return block.get("type") == "image" and block["source"]["type"] == "stored"
