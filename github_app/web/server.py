"""The web application: the door, health and metrics. Imports FastAPI, which takes half a second: import it late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute

from github_app.core.errors import Transient
from github_app.web.webhooks import PATH, Application, Door, Message, Receive, Recorder, Send

MAX_BODY_BYTES = 25 * 2**20
"""What GitHub sends at most (https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap)."""

_READY_TIMEOUT_S = 5.0


def create_app(
    *,
    recorder: Recorder,
    secrets: Sequence[bytes],
    ready: Callable[[], Awaitable[list[str]]],
    metrics: Callable[[], str],
    pages: Sequence[BaseRoute] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Application:
    """Build the ASGI application: `POST /webhooks/github`, `GET /healthz`, `/readyz`, `/metrics`.

    `ready` gives what is wrong, one sentence each; nothing wrong means ready. `metrics` gives Prometheus' text format
    and may block; the door's own counts are added to it. `pages` are what people may look at, and the API. Raises
    `Misconfigured` for a missing or empty secret.
    """
    app = FastAPI(title="Honk", openapi_url=None, docs_url=None, redoc_url=None)
    door = Door(recorder=recorder, secrets=secrets, max_body_bytes=max_body_bytes)
    app.router.routes.extend(pages)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Whether the process answers; says nothing about what it depends on."""
        return JSONResponse({"status": "alive"})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether deliveries can be taken in now."""
        problems = await _problems(ready)
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, status_code=503)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    def metrics_page() -> PlainTextResponse:
        """Numbers for Prometheus."""
        return PlainTextResponse(metrics() + _counts_of(door), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def site(scope: Message, receive: Receive, send: Send) -> None:
        """The door in front of all else: nothing of a framework runs for a delivery."""
        is_for_door = scope["type"] == "http" and scope["path"] == PATH
        await (door if is_for_door else app)(scope, receive, send)

    return site


def _counts_of(door: Door) -> str:
    lines = [
        "# HELP honk_webhook_answers_total What the door answered.",
        "# TYPE honk_webhook_answers_total counter",
        *(
            f'honk_webhook_answers_total{{code="{code}",status="{status}"}} {count}'
            for (code, status), count in sorted(door.answers.items())
        ),
    ]
    return "\n".join(lines) + "\n"


async def _problems(ready: Callable[[], Awaitable[list[str]]]) -> list[str]:
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            return await ready()
    except TimeoutError:
        return [f"no answer within {_READY_TIMEOUT_S:.0f} s"]
    except Transient as error:
        return [str(error)]
