"""Pages for people who signed in with GitHub: sessions and what they cost, of the repositories that they can read. What
somebody can read is asked of GitHub; the browser keeps who it is, in sealed words, and nothing else is kept."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from github_app.core.errors import HonkError, Refused, Transient
from github_app.core.messages.account import status_word
from github_app.core.model import Actor, Repo
from github_app.core.outcomes import Tally, outcomes, total
from github_app.core.ports import Clock
from github_app.core.record.story import Story
from github_app.core.registration import CALLBACK_PATH
from github_app.core.session import Session, Status
from github_app.core.signin import ASKED_FOR, HOME, SIGNED_IN_FOR, Seals
from github_app.core.text.characters import legible
from github_app.web.rendering import HEADERS, render
from github_app.web.sessions import SessionPages
from github_app.web.streams import Streams

VISITOR, REQUEST = "honk_visitor", "honk_request"
PER_PAGE = 50

MAX_FORM_BYTES = 10_000

Form = Callable[[Request], Awaitable[Response]]
Grouping = Literal["repository", "person"]


class SignIn(Protocol):
    """GitHub, which says who somebody is."""

    def url(self, state: str) -> str:
        """Where the browser goes to sign in."""

    def actor(self, code: str) -> Actor:
        """Who came back with a code. May block. Raises `Refused` for a code that is not good, `Transient`."""


class Records(Protocol):
    """What is on record. All of it may block."""

    def repositories(self) -> Sequence[Repo]:
        """Those in which there is a session."""

    def sessions(
        self, repos: Sequence[Repo], statuses: Sequence[Status], login: str, *, skip: int, limit: int
    ) -> Sequence[Session]:
        """Sessions, what changed last first."""

    def tallies(self, repos: Sequence[Repo], *, by: Grouping) -> Sequence[Tally]:
        """Sums of sessions by group and status."""

    def repository_of(self, session_id: str) -> Repo | None:
        """Where a session is."""

    def story(self, session_id: str) -> Story | None:
        """A session and what is on record of it."""


@dataclass(frozen=True, kw_only=True)
class Visits:
    """The pages. `readable` gives those of some repositories that a person can read now; it may block, and raises
    `Transient` if GitHub does not say. `origin` is scheme, host and port by which the server is reached."""

    seals: Seals
    sign_in: SignIn
    records: Records
    readable: Callable[[Actor, Sequence[Repo]], Sequence[Repo]]
    clock: Clock
    pages: SessionPages
    streams: Streams
    origin: str

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/", lambda _: RedirectResponse(HOME, 303)),
            Route("/login", self._log_in),
            Route(CALLBACK_PATH, self._come_back),
            Route("/logout", self._log_out, methods=["POST"]),
            Route("/sessions", self.guarded(self._list)),
            Route("/sessions/{session_id}", self.guarded(self._show)),
            Route("/sessions/{session_id}/stream", self.guarded(self._follow)),
            Route("/costs", self.guarded(self._count)),
        ]

    def guarded(self, page: Callable[[Request, Actor], Response]) -> Callable[[Request], Response]:
        """A page for people who signed in; others do so first."""

        def answer(request: Request) -> Response:
            visitor = self._visitor(request)
            if visitor is None:
                wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                wanted = wanted if request.method == "GET" else HOME
                return RedirectResponse(f"/login?{urlencode({'next': wanted})}", 303, headers=HEADERS)
            try:
                return page(request, visitor)
            except Transient as error:
                return note("Not now", f"{error}. Try again in a minute.", 503, visitor)

        return answer

    def guarded_form(self, act: Callable[[Request, Actor, Mapping[str, str]], Response]) -> Form:
        """What a form of a page does, for people who signed in. One that comes from elsewhere does nothing."""

        async def answer(request: Request) -> Response:
            form = await _read_form(request)

            def guarded(request: Request, visitor: Actor) -> Response:
                is_ours = self.seals.is_form(form.get("token", ""), request.cookies.get(VISITOR, ""))
                if request.headers.get("origin") != self.origin or not is_ours:
                    return note("Not done", "This form was not on a page of ours, or is too old.", 403, visitor)
                return act(request, visitor, form)

            return await asyncio.to_thread(self.guarded(guarded), request)

        return answer

    def _visitor(self, request: Request) -> Actor | None:
        return self.seals.read_visitor(request.cookies.get(VISITOR, ""), self.clock.now())

    def _log_in(self, request: Request) -> Response:
        nonce = secrets.token_urlsafe(24)
        state = self.seals.request(nonce, request.query_params.get("next", HOME), self.clock.now())
        answer = RedirectResponse(self.sign_in.url(state), 303, headers=HEADERS)
        self._remember(answer, REQUEST, nonce, ASKED_FOR.total_seconds(), path="/login")
        return answer

    def _come_back(self, request: Request) -> Response:
        query, nonce = request.query_params, request.cookies.get(REQUEST, "")
        path = self.seals.read_request(query.get("state", ""), nonce, self.clock.now())
        again = ("Sign in", f"/login?{urlencode({'next': path or HOME})}")
        if path is None or not query.get("code"):
            return note("Not signed in", "This sign-in was not begun here, or was left for too long.", 400, link=again)
        try:
            actor = self.sign_in.actor(query["code"])
        except HonkError as error:
            return note("Not signed in", str(error), 403 if isinstance(error, Refused) else 503, link=again)
        answer = RedirectResponse(path, 303, headers=HEADERS)
        words = self.seals.visitor(actor, self.clock.now())
        self._remember(answer, VISITOR, words, SIGNED_IN_FOR.total_seconds(), path="/")
        answer.delete_cookie(REQUEST, path="/login")
        return answer

    def _remember(self, answer: Response, name: str, words: str, life_s: float, *, path: str) -> None:
        is_secure = self.origin.startswith("https:")
        answer.set_cookie(name, words, max_age=int(life_s), path=path, httponly=True, samesite="lax", secure=is_secure)

    def _log_out(self, _: Request) -> Response:
        answer = note("Signed out", "This browser has forgotten you.", link=("Sign in", "/login"))
        answer.delete_cookie(VISITOR, path="/")
        return answer

    def _list(self, request: Request, visitor: Actor) -> Response:
        query = request.query_params
        chosen = {name: query.get(name, "") for name in ("repository", "status", "person")}
        page = int(text) if (text := query.get("page", "0")).isdecimal() and len(text) < 6 else 0
        repos = self.readable(visitor, self.records.repositories())
        wanted = [repo for repo in repos if chosen["repository"] in ("", repo.full_name)]
        statuses = [Status(chosen["status"])] if chosen["status"] in set(Status) else []
        found = self.records.sessions(
            wanted, statuses, chosen["person"].strip(), skip=page * PER_PAGE, limit=PER_PAGE + 1
        )

        def address(number: int) -> str:
            return f"/sessions?{urlencode({**chosen, 'page': number})}"

        return page_of(
            "sessions.html",
            visitor,
            chosen=chosen,
            is_narrowed=any(chosen.values()) or page > 0,
            repositories=sorted(repo.full_name for repo in repos),
            statuses={status.value: status_word(status) for status in Status},
            sessions=[_row(session) for session in found[:PER_PAGE]],
            newer=address(page - 1) if page else "",
            older=address(page + 1) if len(found) > PER_PAGE else "",
        )

    def _show(self, request: Request, visitor: Actor) -> Response:
        found = self.records.story(request.path_params["session_id"])
        if found is None or not self.readable(visitor, [found.session.repo]):
            # The same for both: who may not read a repository does not learn that there is a session in it.
            return note("There is no such session", "Or you cannot read its repository.", 404, visitor)
        return self.pages.page(request, found, visitor=visitor)

    def _follow(self, request: Request, visitor: Actor) -> Response:
        session_id = request.path_params["session_id"]

        def may_go_on() -> bool:
            is_known = self._visitor(request) is not None
            return is_known and self._is_readable(session_id, visitor)

        if not self._is_readable(session_id, visitor):
            return note("There is no such session", "Or you cannot read its repository.", 404, visitor)
        return self.streams.answer(request, session_id, whose=f"person {visitor.id}", may_go_on=may_go_on)

    def _is_readable(self, session_id: str, visitor: Actor) -> bool:
        repo = self.records.repository_of(session_id)
        return repo is not None and bool(self.readable(visitor, [repo]))

    def _count(self, request: Request, visitor: Actor) -> Response:
        by: Grouping = "person" if request.query_params.get("by") == "person" else "repository"
        repos = self.readable(visitor, self.records.repositories())
        counted = outcomes(self.records.tallies(repos, by=by))
        return page_of("costs.html", visitor, by=by, outcomes=counted, total=total(counted))


def page_of(name: str, visitor: Actor | None, status: int = 200, **values: Any) -> Response:
    """A page with the usual headers."""
    return HTMLResponse(render(name, visitor=visitor, **values), status_code=status, headers=HEADERS)


def note(
    title: str, text: str, status: int = 200, visitor: Actor | None = None, link: tuple[str, str] | None = None
) -> Response:
    """A page that says one thing, and where to go from there."""
    return page_of("note.html", visitor, status, title=title, text=text, link=link)


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a small form; none of a large one."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _row(session: Session) -> dict[str, Any]:
    pull = f", pull request #{session.pull_number}" if session.pull_number is not None else ""
    return {
        "id": session.id,
        "title": legible(session.issue_title) or "(without a title)",
        "place": f"{session.repo.full_name} #{session.issue_number}{pull}",
        "kind": session.kind,
        "status": status_word(session.status),
        "login": session.requested_by.login,
        "turns": session.turns,
        "micro_usd": session.usage.cost_micro_usd,
    }
