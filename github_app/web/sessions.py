"""A session's page: what is on record of it, for whoever has the link, and as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from github_app.core.links import PageLinks
from github_app.core.messages.account import status_word, waiting
from github_app.core.messages.aftermath import watch_line
from github_app.core.messages.figures import cost, size
from github_app.core.model import Actor
from github_app.core.record.story import Story, rows_of
from github_app.core.session import Session
from github_app.core.text.characters import legible, spelled_out
from github_app.web.rendering import HEADERS, SCRIPTED, render
from github_app.web.streams import Streams

MAX_PATHS = 20


@dataclass(frozen=True, kw_only=True)
class SessionPages:
    """Makes the pages of sessions. `clean` takes secrets out of a text; `github_url` is where issues are; `build_url`
    makes the address of a session's build, empty if there is none."""

    clean: Callable[[str], str]
    github_url: str
    build_url: Callable[[Session], str] = lambda _: ""

    def page(self, request: Request, story: Story, *, visitor: Actor | None = None, lessons: str = "") -> Response:
        """The page of a session, for a person who signed in or for whoever has its link. A script follows it for as
        long as it is open; where none runs, with `?follow` the browser asks again every few seconds. `lessons` is the
        address of its repository's lessons."""
        is_over = story.session.status.is_terminal
        is_followed = "follow" in request.query_params and not is_over
        page = render(
            "session.html",
            path=request.url.path,
            is_over=is_over,
            is_followed=is_followed,
            visitor=visitor,
            session=story.session,
            title=legible(story.session.issue_title),
            repo_url=f"{self.github_url}/{story.session.repo.full_name}",
            head=self.head(story),
            lessons=lessons,
            lines=self.lines(story),
            last=story.links[-1].number if story.links else 0,
        )
        return HTMLResponse(page, headers=HEADERS if is_over or is_followed else SCRIPTED)

    def lines(self, story: Story) -> tuple[tuple[int, str], ...]:
        """The rows of a story as HTML, each with the number of its record."""
        return tuple((row.line.number, render("row.html", row=row)) for row in rows_of(story, self.clean))

    def head(self, story: Story) -> str:
        """What stands above the rows: how it is now, and what was published."""
        session = story.session
        items = session.build.items if session.build is not None else ()
        previews = session.build.previews if session.build is not None else ()
        rounds = [
            {
                "sha": each.head_sha,
                "title": self._shown(each.title),
                "paths": [self._shown(path) for path in each.paths[:MAX_PATHS]],
                "more": max(0, len(each.paths) - MAX_PATHS),
                "undone_in": each.undone_in,
            }
            for each in session.published
        ]
        return render(
            "head.html",
            session=session,
            repo_url=f"{self.github_url}/{session.repo.full_name}",
            status=status_word(session.status),
            spent=cost(session.usage),
            waiting=waiting(story.wait),
            since_merge=self._shown(watch_line(session)),
            build=session.build,
            build_url=self.build_url(session) if session.build is not None else "",
            items=[(self._shown(each.name), size(each.size_bytes), each.sha256) for each in items],
            previews=[(self._shown(each.name), each.url) for each in previews],
            rounds=rounds,
        )

    def _shown(self, text: str) -> str:
        return self.clean(spelled_out(text))


def page_routes(
    links: PageLinks, look: Callable[[str], Story | None], pages: SessionPages, streams: Streams
) -> list[Route]:
    """The routes of sessions for whoever has their links. `look` gives a session's story, and may block."""

    def show(request: Request) -> Response:
        session_id = request.path_params["session_id"]
        if not links.is_valid(session_id, request.path_params["token"]) or (found := look(session_id)) is None:
            return _nothing()
        return pages.page(request, found, lessons=links.of_lessons(found.session.repo.id))

    async def follow(request: Request) -> Response:
        session_id = request.path_params["session_id"]
        if not links.is_valid(session_id, request.path_params["token"]):
            return _nothing()
        return streams.answer(request, session_id, whose=f"link {session_id}", may_go_on=lambda: True)

    return [
        Route("/sessions/{session_id}/{token}", show),
        Route("/sessions/{session_id}/{token}/stream", follow),
    ]


def _nothing() -> Response:
    return PlainTextResponse("There is no such page.\n", status_code=404, headers=HEADERS)
