"""The page of a repository's lessons, for whoever has the link. It only shows: people change lessons on
pages for which they sign in, or by comments on GitHub."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from github_app.core.lessons import Lesson
from github_app.core.links import PageLinks
from github_app.core.text.characters import spelled_out
from github_app.web.rendering import HEADERS, render

Find = Callable[[int], tuple[str, Sequence[tuple[Lesson, bool]]] | None]


def lesson_routes(links: PageLinks, find: Find, *, github_url: str, clean: Callable[[str], str]) -> list[Route]:
    """The route of these pages. `find` gives a repository's name and its lessons, each with whether it has expired, and
    may block; `clean` takes secrets out of a text."""

    def shown(text: str) -> str:
        return clean(spelled_out(text))

    def show(request: Request) -> Response:
        repo_id = request.path_params["repo_id"]
        if not links.is_valid_for_lessons(repo_id, request.path_params["token"]) or (found := find(repo_id)) is None:
            return PlainTextResponse("There is no such page.\n", status_code=404, headers=HEADERS)
        repo, lessons = found
        page = render("lessons.html", visitor=None, repo=repo, lessons=lessons, url=github_url, spelled=shown)
        return HTMLResponse(page, headers=HEADERS)

    return [Route("/lessons/{repo_id:int}/{token}", show)]
