"""The two pages of `honk setup`, for the browser of who registers the App: one sends the manifest to GitHub, to the
other GitHub sends the browser back. They are served on this machine alone, for as long as that takes."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from github_app.core.errors import HonkError
from github_app.core.registration import Registered, Registration
from github_app.web.rendering import render, text_of


def registration_routes(
    registration: Registration,
    wanted: Mapping[str, Any],
    *,
    state: str,
    finish: Callable[[str], Registered],
    close: Callable[[], None],
) -> list[Route]:
    """`/STATE` with the manifest (`wanted` is `app.yml`), and `/created`. Only who was shown the first address knows
    the state: other users of this machine cannot bring an App of their own.

    `finish` makes the App's settings of GitHub's code, and may block; `close` is called when the person has been told.
    An answer without our `state` was not asked for by us, and is refused.
    """
    origin = urlsplit(registration.github_url)
    # In the page: when the browser would ask for it, the last page's server is gone.
    style = text_of("style.css")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "frame-ancestors 'none'; "
        f"form-action {origin.scheme}://{origin.netloc}",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    def page(status: int = 200, background: BackgroundTask | None = None, **values: Any) -> Response:
        shown = {"registration": registration, "manifest": "", "app": None, "problem": "", "state": state, **values}
        content = render("setup.html", style=style, **shown)
        return HTMLResponse(content, status_code=status, headers=headers, background=background)

    def propose(_: Request) -> Response:
        action = f"{registration.form_url}?state={state}"
        return page(manifest=json.dumps(registration.manifest(wanted)), action=action)

    def created(request: Request) -> Response:
        query = request.query_params
        if not hmac.compare_digest(query.get("state", "").encode(), state.encode()) or not query.get("code"):
            return page(400, problem="This answer does not belong to this setup.", state="")
        try:
            app = finish(query["code"])
        except HonkError as error:
            return page(502, problem=str(error))
        return page(app=app, background=BackgroundTask(close))

    return [Route(f"/{state}", propose), Route("/created", created)]
