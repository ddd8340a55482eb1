"""What CI made of a session's commit, for people who can read its repository at GitHub at this moment: a page reached
by a link that ends, and downloads that pass through us. None of it is ours: no byte is served that a browser runs."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from urllib.parse import quote

import segno
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from github_app.core.builds import Build, Builds, Item
from github_app.core.errors import AccessDenied, Gone, Refused
from github_app.core.links import PageLinks
from github_app.core.messages.builds import day, way
from github_app.core.messages.figures import size
from github_app.core.model import Actor, Permission, Repo
from github_app.core.session import Session
from github_app.core.text.characters import legible, spelled_out
from github_app.web.rendering import HEADERS, render
from github_app.web.visits import Visits, note

log = logging.getLogger(__name__)

AT_ONCE, AT_ONCE_EACH = 4, 2

WITH_PICTURES = {
    **HEADERS,
    "Content-Security-Policy": f"{HEADERS['Content-Security-Policy']}; img-src 'self'",
}

DOWNLOAD = {
    **HEADERS,
    # Should a browser show it after all, it does so in an origin of its own, without scripts.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_TYPES = {
    "apk": "application/vnd.android.package-archive",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "png": "image/png",
    "webm": "video/webm",
    "webp": "image/webp",
}
"""All else is bytes. None of these holds a script: SVG and HTML are bytes, too."""

_TOO_OLD = "This link is too old. The page of the work has one that is new."
_OVER = "The work has ended, or there is a newer build: its link is in the pull request."


@dataclass(kw_only=True)
class BuildPages:
    """The pages. `find` gives a session, `permission` asks GitHub at once what an account may do; both may block.
    `clean` takes secrets out of a text."""

    visits: Visits
    links: PageLinks
    builds: Builds
    find: Callable[[str], Session | None]
    permission: Callable[[Actor, Repo], Permission]
    clean: Callable[[str], str]
    github_url: str
    _readers: Counter[int] = field(default_factory=Counter)

    def routes(self) -> list[Route]:
        """All of them."""
        page = "/builds/{session_id}/{head_sha}/{end:int}/{token}"
        guarded = self.visits.guarded
        return [Route(page, guarded(self._show)), Route(page + "/{number:int}", guarded(self._download))]

    def _show(self, request: Request, visitor: Actor) -> Response:
        found = self._find(request, visitor)
        if isinstance(found, Response):
            return found
        session, build = found
        path = request.url.path
        page = render(
            "build.html",
            visitor=visitor,
            session=session,
            build=build,
            title=legible(session.issue_title),
            repo_url=f"{self.github_url}/{session.repo.full_name}",
            items=[self._shown(item, f"{path}/{number}") for number, item in enumerate(build.items)],
            previews=[(self.clean(spelled_out(each.name)), each.url) for each in build.previews],
            code=segno.make(f"{self.links.public_url}{path}", micro=False).svg_inline(scale=4, border=2),
            until=day(datetime.fromtimestamp(request.path_params["end"], UTC)),
        )
        return HTMLResponse(page, headers=WITH_PICTURES)

    def _shown(self, item: Item, address: str) -> dict[str, object]:
        at_github = f"actions/runs/{item.run_id}/artifacts/{item.artifact_id}"
        return {
            "name": self.clean(spelled_out(item.name)),
            "address": address if item.is_passed_on else "",
            "at_github": at_github,
            "is_picture": item.kind == "image" and item.is_passed_on,
            "size": size(item.size_bytes),
            "sha256": item.sha256,
            "until": day(item.expires_at) if item.expires_at is not None else "",
            "way": way(item.kind).replace("`", ""),
        }

    def _download(self, request: Request, visitor: Actor) -> Response:
        found = self._find(request, visitor)
        if isinstance(found, Response):
            return found
        (session, build), number = found, request.path_params["number"]
        item = build.items[number] if number < len(build.items) else None
        if item is None or not item.is_passed_on:
            return note("There is no such file", "Or it is so large that GitHub alone gives it.", 404, visitor)
        if self._readers.total() >= AT_ONCE or self._readers[visitor.id] >= AT_ONCE_EACH:
            return note("Not now", "Too much is being downloaded at this moment. Try again in a minute.", 503, visitor)
        try:
            chunks = self.builds.read(session.repo, item)
            first = next(chunks, b"")
        except (AccessDenied, Gone, Refused) as error:
            log.info("a file of a build is not passed on", extra={"session": session.id, "why": str(error)})
            text = "GitHub does not have it any more, or it is not what it was. A new run of CI makes a new one."
            return note("It cannot be had", text, 410, visitor)
        log.info("passing on a build", extra={"session": session.id, "account": visitor.id, "file": item.name})
        return StreamingResponse(
            self._passed_on(chain([first], chunks), visitor), headers=_headers_of(item), media_type=_type_of(item)
        )

    async def _passed_on(self, chunks: Iterator[bytes], visitor: Actor) -> AsyncIterator[bytes]:
        self._readers[visitor.id] += 1
        try:
            while chunk := await asyncio.to_thread(next, chunks, b""):
                yield chunk
        finally:
            self._readers[visitor.id] -= 1
            self._readers += Counter()  # those at zero go

    def _find(self, request: Request, visitor: Actor) -> tuple[Session, Build] | Response:
        """The session and the build of an address, for who may see them; or the page that says why not."""
        given = request.path_params
        end = self.links.end_of_build(given["session_id"], given["head_sha"], given["end"], given["token"])
        session = self.find(given["session_id"]) if end is not None else None
        if end is None or session is None or self.permission(visitor, session.repo) < Permission.READ:
            return note("There is no such build", "Or you cannot read its repository.", 404, visitor)
        page = ("The work", f"/sessions/{session.id}")
        if end <= self.visits.clock.now():
            return note("Not any more", _TOO_OLD, 410, visitor, link=page)
        if session.build is None or session.build.head_sha != given["head_sha"]:
            return note("Not any more", _OVER, 410, visitor, link=page)
        return session, session.build


def _type_of(item: Item) -> str:
    return _TYPES.get(item.name.rpartition(".")[2].lower(), "application/octet-stream")


def _headers_of(item: Item) -> dict[str, str]:
    name = legible(item.name)
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    # How long GitHub's own archive is, is known when it ends.
    length = {"Content-Length": str(item.size_bytes)} if item.path else {}
    return {**DOWNLOAD, "Content-Disposition": disposition, **length}
