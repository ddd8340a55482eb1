"""Where artifacts are fetched: addresses that open for whoever has them, for a minute, whole or in parts as a blob
storage gives them. It has no parts that are counted from the end."""

from __future__ import annotations

import re

from fastapi.requests import Request
from fastapi.responses import Response

from .exchange import ApiError, not_found
from .world import World

LENT = re.compile(r"/_local/archives/(?P<key>[\w-]+)")

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def answer(world: World, match: re.Match[str], request: Request) -> Response:
    """What stands at such an address, which takes no other credentials."""
    if "authorization" in request.headers:
        raise ApiError(400, "Only one auth mechanism allowed")
    content, until = world.archives.get(match["key"], (b"", world.clock()))
    if until <= world.clock():
        raise not_found()
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None:
        return Response(content, media_type="application/zip")
    first, last = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
    if first > last:
        return Response(b"", 416, {"Content-Range": f"bytes */{len(content)}"})
    part = content[first : last + 1]
    return Response(part, 206, {"Content-Range": f"bytes {first}-{last}/{len(content)}"}, media_type="application/zip")
