"""The API: sessions to programs that somebody gave a token. A token may do what its account may at GitHub at that
moment, and no more than its scope; what somebody may not see is as if it were not there. Whatever is asked goes into
the inbox and is decided on like a comment. Imports FastAPI: import it late."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from github_app import __version__
from github_app.core.commands import Command, parse_command
from github_app.core.doors import Desk, issue_of, said_by_door
from github_app.core.doors import Request as Words
from github_app.core.errors import Gone
from github_app.core.events import CommandIssued
from github_app.core.model import Actor, Permission, Repo
from github_app.core.ports import Clock
from github_app.core.record.audit import Link
from github_app.core.record.summary import summary_of
from github_app.core.record.timeline import lines_of
from github_app.core.requests import (
    LEFT_TO_PEOPLE,
    Token,
    asked_in_issue,
    is_request_of,
    name_request,
)
from github_app.core.session import Session, Status
from github_app.web.bounds import Rates, bounded
from github_app.web.problems import PROBLEMS, Trouble, absent, tell_problems
from github_app.web.shapes import EventList, Message, RequestShape, SessionList, ShownSession, Start
from github_app.web.webhooks import Application

_BEARER = HTTPBearer(auto_error=False, description="a token, made at `/tokens` or by `honk tokens create`")
_OPEN = [status for status in Status if not status.is_terminal]

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="any words: the same call with the same key is taken up once, however often it is made",
    ),
]


class Records(Protocol):
    """What is on record. All of it may block."""

    def repositories(self) -> Sequence[Repo]:
        """Those in which there is a session."""

    def page(
        self,
        repos: Sequence[Repo],
        statuses: Sequence[Status],
        login: str,
        *,
        after: tuple[str, str] | None,
        limit: int,
    ) -> tuple[Sequence[Session], tuple[str, str] | None]:
        """Sessions after a place, what changed last first, and where the next page begins."""

    def one(self, session_id: str) -> Session | None:
        """A session."""

    def links(self, session_id: str) -> Sequence[Link]:
        """Its records."""


class Rights(Protocol):
    """What people may do, as GitHub says. May block; raises `Transient`."""

    def readable(self, actor: Actor, repos: Sequence[Repo]) -> Sequence[Repo]:
        """Those that a person can read, or could a minute ago."""

    def permission(self, actor: Actor, repo: Repo) -> Permission:
        """What a person may do in a repository, as GitHub says at this moment."""


class Inbox(Protocol):
    """Where requests go. All of it may block."""

    def ask(self, event: CommandIssued) -> None:
        """Record a request durably; once, however often it comes."""

    def asked(self, request: str) -> tuple[CommandIssued, str, str, str | None] | None:
        """A request, its state (`waiting`, `decided`, `failed`), why, and the session that it came to."""


@dataclass(frozen=True, kw_only=True)
class Api:
    """The calls. `holder` says whose token it is, if it is one; `clean` takes secrets out of a text."""

    holder: Callable[[str], Token | None]
    records: Records
    rights: Rights
    desk: Desk
    inbox: Inbox
    clock: Clock
    clean: Callable[[str], str]
    github_url: str
    rates: Rates = field(default_factory=Rates)

    def router(self) -> APIRouter:
        """All of them."""
        router = APIRouter(prefix="/v1", dependencies=[Depends(self.admit)], responses=PROBLEMS)
        add = router.add_api_route
        add("/sessions", self.list_sessions, name="list_sessions", response_model=SessionList)
        add("/sessions", self.start, name="start", methods=["POST"], status_code=202, response_model=RequestShape)
        add("/sessions/{session_id}", self.show, name="show", response_model=ShownSession)
        add("/sessions/{session_id}/events", self.follow, name="follow", response_model=EventList)
        for path, call in (("messages", self.steer), ("stop", self.stop)):
            where = f"/sessions/{{session_id}}/{path}"
            add(where, call, name=call.__name__, methods=["POST"], status_code=202, response_model=RequestShape)
        add("/requests/{request_id}", self.outcome, name="outcome", response_model=RequestShape)
        return router

    def admit(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> None:
        """Let in whoever has a token, as far as it goes, and not too often."""
        token = self.holder(credentials.credentials) if credentials is not None else None
        if token is None:
            raise Trouble(401, "No token", "send a token that has not expired: `Authorization: Bearer honk_…`")
        wait_s = self.rates.wait_s(token.id, self.clock.now().timestamp())
        if wait_s:
            raise Trouble(429, "Too many calls", f"wait {wait_s} s", retry_after_s=wait_s)
        if request.method != "GET" and token.scope != "write":
            raise Trouble(403, "Only reading", "this token has the scope `read`; what changes anything needs `write`")
        request.state.token = token

    def list_sessions(
        self,
        request: Request,
        repository: Annotated[str, Query(max_length=201, description="OWNER/NAME (all that you can read)")] = "",
        open: Annotated[bool, Query(description="without those that have ended")] = False,
        person: Annotated[str, Query(max_length=100, description="who asked for it")] = "",
        cursor: Annotated[str, Query(max_length=400, description="`next` of the page before")] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        """List sessions of the repositories that you can read, what changed last first."""
        actor = _token(request).actor
        wanted = [r for r in self.records.repositories() if repository.casefold() in ("", r.full_name.casefold())]
        repos = self.rights.readable(actor, wanted)
        statuses = _OPEN if open else []
        found, after = self.records.page(repos, statuses, person, after=_place(cursor), limit=limit)
        return {"sessions": [self._summary(each) for each in found], "next": _cursor(after) if after else None}

    def show(self, request: Request, session_id: str) -> dict[str, Any]:
        """Show a session."""
        session = self._session(request, session_id)
        report = session.inquiry.report if session.inquiry is not None else ""
        return {**self._summary(session), "report": self.clean(report)}

    def follow(
        self,
        request: Request,
        session_id: str,
        after: Annotated[int, Query(ge=0, lt=2**31, description="`next` of the call before")] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 200,
    ) -> dict[str, Any]:
        """Tell what is on record of a session, after a number: call again with `next` to follow it."""
        session = self._session(request, session_id)
        lines = [line for line in lines_of(self.records.links(session.id)) if line.number > after]
        told = lines[:limit]
        return {
            "events": [
                vars(replace(line, text=self.clean(line.text), detail=self.clean(line.detail))) for line in told
            ],
            "next": told[-1].number if told else after,
            "status": session.status,
            "is_over": session.status.is_terminal and len(told) == len(lines),
        }

    def start(self, request: Request, response: Response, body: Start, key: Key = "") -> dict[str, Any]:
        """Begin work on an issue, or on what `prompt` says, for which Honk opens one; or have a report made."""
        actor, repo = _token(request).actor, self.desk.find_repo(body.repository)
        if repo is None:
            raise absent("repository")
        self._require_write(actor, repo, "repository")
        asked = name_request(actor, key or secrets.token_hex(), "start", str(repo.id), body.model_dump_json())
        if (known := self._known(asked)) is not None:
            return _accepted(response, known)
        number = body.review or body.issue
        if number is None:
            title, text = issue_of(body.prompt or body.question or "", actor, "api", title=body.title)
            number = self.desk.open_issue(repo, key=asked, title=title, body=text)
            event = asked_in_issue(asked, actor, repo, number, (title, text), question=body.question or "")
        else:
            event = self._asked_there(_words(asked, actor, _command_of(body)), repo, number)
        return self._record(response, event)

    def steer(
        self, request: Request, response: Response, session_id: str, body: Message, key: Key = ""
    ) -> dict[str, Any]:
        """Say something to a session: an instruction or a command, as after `/honk`."""
        return self._say(request, response, session_id, _command(body.text), key)

    def stop(self, request: Request, response: Response, session_id: str, key: Key = "") -> dict[str, Any]:
        """End a session's work and leave everything as it is."""
        return self._say(request, response, session_id, Command(verb="stop"), key)

    def outcome(self, request: Request, request_id: str) -> dict[str, Any]:
        """Tell what became of something that you asked."""
        actor = _token(request).actor
        found = self.inbox.asked(request_id) if is_request_of(actor, request_id) else None
        if found is None or not self.rights.readable(actor, [found[0].repo]):
            raise absent("request")
        return self._told(*found)

    def _say(self, request: Request, response: Response, session_id: str, command: Command, key: str) -> dict[str, Any]:
        actor, session = _token(request).actor, self._session(request, session_id)
        self._require_write(actor, session.repo, "session")
        asked = name_request(actor, key or secrets.token_hex(), "say", session.id, command.verb, command.text)
        if (known := self._known(asked)) is not None:
            return _accepted(response, known)
        if session.status.is_terminal:
            raise Trouble(409, "It has ended", "begin again by `POST /api/v1/sessions` with its issue")
        if session.inquiry is not None:
            # Words about its issue would reach the work on that.
            raise Trouble(409, "A report is made", "it takes no words, and ends by itself or by `/honk stop` on GitHub")
        return self._record(response, said_by_door(_words(asked, actor, command), session.repo, session.issue_number))

    def _session(self, request: Request, session_id: str) -> Session:
        session = self.records.one(session_id)
        if session is None or not self.rights.readable(_token(request).actor, [session.repo]):
            raise absent("session")
        return session

    def _require_write(self, actor: Actor, repo: Repo, what: str) -> None:
        permission = self.rights.permission(actor, repo)
        if not permission:
            raise absent(what)
        if permission < Permission.WRITE:
            raise Trouble(403, "Only reading", f"`{actor.login}` cannot write in {repo.full_name}")

    def _asked_there(self, words: Words, repo: Repo, number: int) -> CommandIssued:
        """A request about what is there. An issue counts as it reads now: later edits only by people with authority."""
        try:
            found = self.desk.linked(repo, number)
        except Gone:
            raise absent("issue") from None
        if found.kind == "issue":
            if words.command.verb == "review":
                raise Trouble(422, "Not a pull request", f"#{number} is an issue: name a pull request")
            return said_by_door(words, repo, number, issue_text=(found.title, found.body))
        if words.command.verb not in ("explain", "review"):
            raise Trouble(422, "Not an issue", f"#{number} is a pull request: name the issue that it is for")
        return said_by_door(words, repo, number, is_pull=True)

    def _record(self, response: Response, event: CommandIssued) -> dict[str, Any]:
        self.inbox.ask(event)
        return _accepted(response, self._told(event, "waiting", "", None))

    def _known(self, asked: str) -> dict[str, Any] | None:
        found = self.inbox.asked(asked)
        return self._told(*found) if found is not None else None

    def _told(self, event: CommandIssued, state: str, why: str, session: str | None) -> dict[str, Any]:
        return {
            "request": event.id,
            "state": state,
            "why": self.clean(why),
            "repository": event.repo.full_name,
            "issue_url": f"{self.github_url}/{event.repo.full_name}/issues/{event.number}",
            "session": session,
        }

    def _summary(self, session: Session) -> dict[str, Any]:
        told = summary_of(session, github_url=self.github_url)
        return {**told, "title": self.clean(told["title"])}


def create_api(api: Api) -> Application:
    """The application that answers below `/api`."""
    return bounded(make_app(api))


def make_app(api: Api) -> FastAPI:
    """The same without its bounds; it describes itself in `/api/openapi.json`."""
    made = FastAPI(
        title="Honk",
        version=__version__,
        description="Sessions of a Honk, to programs that somebody gave a token.",
        servers=[{"url": "/api"}],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    made.include_router(api.router())
    tell_problems(made)
    return made


def _token(request: Request) -> Token:
    token: Token = request.state.token
    return token


def _accepted(response: Response, told: dict[str, Any]) -> dict[str, Any]:
    response.headers["Location"] = f"/api/v1/requests/{told['request']}"
    return told


def _words(key: str, actor: Actor, command: Command) -> Words:
    return Words(key=key, door="api", actor=actor, command=command)


def _command_of(body: Start) -> Command:
    if body.review is not None:
        return Command(verb="review", text=body.text or "")
    if body.question is not None:
        return Command(verb="explain", text=body.question)
    return _command(body.text or "")


def _command(text: str) -> Command:
    command = parse_command(f"/honk {text}")
    if command is None:  # pragma: no cover - what begins with the word is a command
        raise Trouble(422, "No words", "say what to do")
    if command.verb in LEFT_TO_PEOPLE:
        raise Trouble(403, "Left to people", f"`{command.verb}` is left to people, who say it on GitHub")
    return command


def _cursor(place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode("\n".join(place).encode()).decode()


def _place(cursor: str) -> tuple[str, str] | None:
    if not cursor:
        return None
    try:
        at, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition("\n")
    except (binascii.Error, ValueError):
        at = key = ""
    if not key or "\0" in at + key:
        raise Trouble(422, "No such page", "`cursor` is `next` of the page before, as it was given")
    return at, key
