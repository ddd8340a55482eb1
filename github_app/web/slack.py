"""The route that Slack sends to: each request is verified, kept durably once, and answered at once. All else happens in
the engine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from github_app.core.chat.model import ChatEvent, Place, Said
from github_app.core.errors import Rejected, Transient
from github_app.core.messages.chat import ON_IT
from github_app.webhook.delivery import check_size
from github_app.webhook.readers import Ignored
from github_app.webhook.slack import Challenge, read, verify

PATH = "/webhooks/slack"
_MAX_BODY_BYTES = 1_000_000
_ANSWER_TIMEOUT_S = 2.5
"""Slack waits three seconds: https://docs.slack.dev/apis/events-api#responding"""

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """The inbox. Raises `Transient` when the store is away."""

    async def record_said(self, event: ChatEvent) -> bool:
        """Store what came from a chat durably; False if it was there already."""


@dataclass(frozen=True, kw_only=True)
class SlackDoor:
    """`POST /webhooks/slack`, for events, commands and buttons alike.

    Answers 200 for what is recorded, now or before, and for what is not for us, which is not kept; 401 for what Slack
    did not sign within the last minutes, 403 for another workspace, 413 and 400; 503 when the store is away or slow
    (Slack sends events again). `is_known` tells whether a thread is ours, and may block.
    """

    recorder: Recorder
    secrets: Sequence[str] = field(repr=False)
    teams: Sequence[str]
    is_known: Callable[[Place], bool]
    clock: Callable[[], float] = time.time

    def route(self) -> Route:
        """Where Slack sends to."""
        return Route(PATH, self._answer, methods=["POST"])

    async def _answer(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                return await self._take(request)
        except Rejected as error:
            log.warning("rejected", extra={"from_slack": str(error), "http_status": error.http_status})
            # What is wrong with it stays wrong when it comes again.
            return PlainTextResponse(f"{error}\n", error.http_status, {"X-Slack-No-Retry": "1"})
        except (Transient, TimeoutError) as error:
            log.warning("not recorded", extra={"why": str(error) or "the store did not answer in time"})
            return PlainTextResponse("not now\n", 503)

    async def _take(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = b""
        async for chunk in request.stream():
            body += chunk
            check_size(len(body), max_bytes=_MAX_BODY_BYTES)
        verify(headers, body, secrets=self.secrets, now=self.clock())
        found = read(headers, body, teams=self.teams)
        if isinstance(found, Challenge):
            return PlainTextResponse(found.text)
        if isinstance(found, Ignored) or not await self._is_for_us(found):
            return PlainTextResponse("")
        await self.recorder.record_said(found)
        if isinstance(found, Said) and found.is_command:
            return JSONResponse({"response_type": "ephemeral", "text": ON_IT})
        return PlainTextResponse("")

    async def _is_for_us(self, event: ChatEvent) -> bool:
        """What others say in threads that are not ours is nothing that we keep."""
        if not isinstance(event, Said) or event.is_addressed:
            return True
        return await asyncio.to_thread(self.is_known, event.place)
