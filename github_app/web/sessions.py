"""A session's page: what is on record of it, for whoever has the link."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from github_app.core.links import PageLinks
from github_app.core.messages.account import status_word, waiting
from github_app.core.messages.figures import cost
from github_app.core.model import Actor
from github_app.core.record.audit import Link
from github_app.core.record.timeline import lines_of
from github_app.core.session import Session
from github_app.core.text.characters import legible
from github_app.core.waits import Wait
from github_app.web.rendering import HEADERS, render, text_of

Look = Callable[[str], tuple[Session, Sequence[Link], Wait | None] | None]


def page_routes(links: PageLinks, look: Look, *, github_url: str) -> list[Route]:
    """The routes of session pages. `look` gives a session, its records and what it waits for, and may block;
    `github_url` is where its issue is."""

    def show(request: Request) -> Response:
        session_id = request.path_params["session_id"]
        if not links.is_valid(session_id, request.path_params["token"]) or (found := look(session_id)) is None:
            return PlainTextResponse("There is no such page.\n", status_code=404, headers=HEADERS)
        return session_page(request, *found, github_url=github_url, lessons=links.of_lessons(found[0].repo.id))

    def style(_: Request) -> Response:
        return Response(text_of("style.css"), media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})

    return [Route("/sessions/{session_id}/{token}", show), Route("/style.css", style)]


def session_page(
    request: Request,
    session: Session,
    links: Sequence[Link],
    wait: Wait | None,
    *,
    github_url: str,
    visitor: Actor | None = None,
    lessons: str = "",
) -> Response:
    """The page of a session, for a person who signed in or for whoever has its link; with `?follow` the browser asks
    again every few seconds for as long as the session is open. `lessons` is the address of its repository's lessons."""
    page = render(
        "session.html",
        repo_url=f"{github_url}/{session.repo.full_name}",
        path=request.url.path,
        is_over=session.status.is_terminal,
        is_followed="follow" in request.query_params and not session.status.is_terminal,
        visitor=visitor,
        session=session,
        title=legible(session.issue_title),
        status=status_word(session.status),
        spent=cost(session.usage),
        waiting=waiting(wait),
        lines=lines_of(links),
        lessons=lessons,
    )
    return HTMLResponse(page, headers=HEADERS)
