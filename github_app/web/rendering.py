"""How pages are made: files of `pages`, filled in by a template engine that escapes everything; the headers that all of
them have; and the style and script that they load, under addresses that change with what is in them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from github_app.core.messages.figures import money

HEADERS = {
    # What a page shows is for who may see it now: it must not stay behind, nor its address travel on.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

SCRIPTED = {
    **HEADERS,
    "Content-Security-Policy": f"{HEADERS['Content-Security-Policy']}; script-src 'self'; connect-src 'self'",
}
"""Those of a page that runs our own script, from a file of ours, which asks nobody but us."""

WITH_FORMS = {**HEADERS, "Referrer-Policy": "same-origin"}
"""Those of a page with forms: with no referrer at all, browsers do not say either from where a form comes."""

_ASSETS = {"style.css": "text/css", "live.js": "text/javascript"}


def render(name: str, **values: Any) -> str:
    """A page. A name that its template uses and that is not given is an error."""
    return _environment().get_template(name).render(**values)


@cache
def text_of(name: str) -> str:
    """A file of `pages`, as it is."""
    return (files("github_app.web") / "pages" / name).read_text(encoding="utf-8")


@cache
def address_of(name: str) -> str:
    """Where the style or the script is, as it is now."""
    return f"/{name}?v={hashlib.sha256(text_of(name).encode()).hexdigest()[:16]}"


def asset_routes() -> list[Route]:
    """The routes of what pages load. What is asked for by its present address may be kept for a year."""

    def show(request: Request) -> Response:
        name = request.url.path[1:]
        is_present = f"/{name}?{request.url.query}" == address_of(name)
        keep = "public, max-age=31536000, immutable" if is_present else "no-cache"
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": keep}
        return Response(text_of(name), media_type=_ASSETS[name], headers=headers)

    return [Route(f"/{name}", show) for name in _ASSETS]


@cache
def _environment() -> Environment:
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, loader=FunctionLoader(text_of))
    made.filters["money"] = money
    made.globals["address_of"] = address_of
    return made
