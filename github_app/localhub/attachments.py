"""What people attach to a text. Its address opens for a browser's session alone, as on GitHub for private repositories;
the HTML that the API renders has signed addresses, which open for whoever has them, for five minutes."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from html import escape
from uuid import uuid4

from fastapi.requests import Request
from fastapi.responses import Response

from .exchange import ApiError, not_found
from .world import World

SIGNED = re.compile(r"/_local/attached/(?P<name>[0-9a-f-]{36})/(?P<key>[\w-]+)")

_IMAGE = re.compile(r"!\[[^\[\]]*\]\((?P<url>[^\s()]+)\)|<img\s[^<>]*\bsrc=\"(?P<src>[^\"<>]+)\"[^<>]*>")
_LIFE = timedelta(minutes=5)


def attach(world: World, content: bytes) -> str:
    """Keep a file; its address, for a text."""
    name = str(uuid4())
    world.attachments[name] = content
    return f"{world.web}/user-attachments/assets/{name}"


def rendered(world: World, body: str) -> str:
    """A text as HTML, as far as images go: all else is shown as it was written."""
    shown, done = [], 0
    for found in _IMAGE.finditer(body):
        address = _sign(world, found["url"] or found["src"])
        shown += [escape(body[done : found.start()]), f'<img src="{escape(address)}">']
        done = found.end()
    return f'<p dir="auto">{"".join(shown)}{escape(body[done:])}</p>'


def answer(world: World, match: re.Match[str], request: Request) -> Response:
    """What stands at a signed address, which takes no other credentials: S3 does not, either."""
    if "authorization" in request.headers:
        raise ApiError(400, "Only one auth mechanism allowed")
    name, until = world.lent.get(match["key"], ("", world.clock()))
    if name != match["name"] or until <= world.clock():
        raise not_found()
    return Response(world.attachments[name], media_type="application/octet-stream")


def _sign(world: World, url: str) -> str:
    name = url.rpartition("/")[2]
    if name not in world.attachments:
        return url
    key = secrets.token_urlsafe(12)
    world.lent[key] = (name, world.clock() + _LIFE)
    return f"{world.web}/_local/attached/{name}/{key}"
