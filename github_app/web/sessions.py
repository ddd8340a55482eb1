"""A session's page: what is on record of it, for whoever has the link. Rendered here, without a script; all that is
shown is escaped by the template engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from github_app.core.links import PageLinks
from github_app.core.messages.account import status_word, waiting
from github_app.core.messages.figures import cost
from github_app.core.model import Session
from github_app.core.record.audit import Link
from github_app.core.record.timeline import lines_of
from github_app.core.text.characters import legible
from github_app.core.waits import Wait

_HEADERS = {
    # The link is the key: it must not travel on, and the page must not stay behind.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

Look = Callable[[str], tuple[Session, Sequence[Link], Wait | None] | None]


def page_routes(links: PageLinks, look: Look) -> list[Route]:
    """The routes of session pages. `look` gives a session, its records and what it waits for, and may block."""

    def show(request: Request) -> Response:
        session_id = request.path_params["session_id"]
        if not links.is_valid(session_id, request.path_params["token"]) or (found := look(session_id)) is None:
            return PlainTextResponse("There is no such page.\n", status_code=404, headers=_HEADERS)
        return HTMLResponse(render_session(*found), headers=_HEADERS)

    def style(_: Request) -> Response:
        return Response(text_of("style.css"), media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})

    return [Route("/sessions/{session_id}/{token}", show), Route("/style.css", style)]


def render_session(session: Session, links: Sequence[Link], wait: Wait | None) -> str:
    """The page of a session, as HTML."""
    template = environment().from_string(text_of("session.html"))
    return template.render(
        session=session,
        title=legible(session.issue_title),
        status=status_word(session.status),
        spent=cost(session.usage),
        waiting=waiting(wait),
        lines=lines_of(links),
    )


@cache
def environment() -> Environment:
    """What renders pages: everything is escaped, and a name that is not given is an error."""
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@cache
def text_of(name: str) -> str:
    """A file of `pages`."""
    return (files("github_app.web") / "pages" / name).read_text(encoding="utf-8")
