"""placeholder"""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send


class Pages:
    def __init__(self, world: Any, faults: Any, violations: list[str]) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = scope["path"].rpartition("/")[2]
        job = self.world.logs.get(key)
        await PlainTextResponse(job[0].log if job else "?")(scope, receive, send)
