"""The whole local GitHub behind one port, and `LocalHub`, which starts and stops it.

People and git go to `http://127.0.0.1:PORT`, REST to `/api/v3`, GraphQL to `/api/graphql`: the addresses of a GitHub
Enterprise Server, so every client that knows those knows this. `/_local` is what no GitHub has: faults and control.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from fastapi.concurrency import run_in_threadpool
from fastapi.requests import Request
from fastapi.responses import Response

from . import auth, limits, rest
from .deliveries import Post
from .exchange import ApiError, Call, Caller, Receive, Reply, Scope, Send, find, parse_query
from .faults import REQUEST_KINDS, Fault, Faults
from .githttp import PATH as GIT_PATH
from .githttp import GitOverHttp
from .limits import Meter
from .values import Repository
from .world import World

API = "/api/v3"
OPERATIONS = rest.__all__  # importing the package entered them in the table


class Judge(Protocol):
    """Holds what is said against GitHub's own documents; see `judge.py`."""

    def check_exchange(
        self,
        method: str,
        path: str,
        request_headers: Mapping[str, str],
        request_body: bytes,
        status: int,
        response_headers: Mapping[str, str],
        response_body: bytes,
    ) -> list[str]:
        """Return what is wrong with a REST or GraphQL exchange."""
        ...

    def check_delivery(self, event: str, payload: dict[str, Any]) -> list[str]:
        """Return what is wrong with a webhook payload."""
        ...


@dataclass(frozen=True)
class Exchange:
    """One REST or GraphQL request that was answered, for tests and pages. `repo` is the repository it is about."""

    method: str
    path: str
    status: int
    who: str
    body: bytes
    repo: str


@dataclass
class Site:
    """The ASGI application."""

    world: World
    post: Post
    faults: Faults
    meter: Meter
    violations: list[str]
    judge: Judge | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    pages: Any = None
    _answered: int = 0

    def __post_init__(self) -> None:
        self._git = GitOverHttp(self.world, self.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if GIT_PATH.match(path):
            await self._git(scope, receive, send)
        elif path.startswith((API, "/api/graphql")):
            await self._api(Request(scope, receive), scope, receive, send)
        else:
            await self.pages(scope, receive, send)

    async def _api(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        body = await request.body()
        raw = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
        path = raw.removeprefix(API)
        about = await run_in_threadpool(self._repository_of, request, path, body)
        fault = self.faults.take(f"{request.method} {unquote(path)}", REQUEST_KINDS, repo=about, body=body)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        response, who = await run_in_threadpool(self._answer, request, path, body, fault)
        if fault and fault.kind == "stall":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind in ("hang", "stall"):
            # An answer that begins and never ends: the server then cuts the connection.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
            return
        query = f"?{request.url.query}" if request.url.query else ""
        if self.judge and fault is None:
            problems = self.judge.check_exchange(
                request.method, path + query, dict(request.headers), body,
                response.status_code, dict(response.headers), bytes(response.body),
            )  # fmt: skip
            self.violations += problems
        self.exchanges.append(Exchange(request.method, path + query, response.status_code, who, body, about))
        await response(scope, receive, send)

    def _repository_of(self, request: Request, path: str, body: bytes) -> str:
        """The repository in the path, or the only one that the token (or the token that is asked for) is for."""
        if match := re.match(r"/repos/([^/]+/[^/]+)", path):
            return unquote(match[1])
        with self.world.lock:
            ids: Any = ()
            try:
                token = auth.identify(self.world, request.headers.get("authorization", "")).token
                ids = (token.repository_ids or ()) if token else _parse(body).get("repository_ids") or ()
            except ApiError:
                pass
            found = [self.world.repositories[id] for id in ids if id in self.world.repositories]
        return found[0].full_name if len(found) == 1 else ""

    def _answer(self, request: Request, path: str, body: bytes, fault: Fault | None) -> tuple[Response, str]:
        caller = Caller()
        resource = "graphql" if path == "/api/graphql" else "core"
        is_free = path == "/rate_limit"
        try:
            if fault and (error := _before(fault)):
                raise error
            with self.world.lock:
                caller = auth.identify(self.world, request.headers.get("authorization", ""))
                parsed = _parse(body)
                if not is_free:
                    self.meter.admit(caller, resource, is_write=limits.is_write(request.method, path, parsed))
                reply = self._route(request, path, parsed, caller)
            if fault and fault.kind == "after":
                raise ApiError(fault.status, "Server Error")
        except ApiError as problem:
            reply = Reply(problem.body(), problem.status, problem.headers)
        except Exception:  # our defect, which no test may miss
            self.violations.append(f"localhub broke at {request.method} {path}:\n{traceback.format_exc()}")
            reply = Reply({"message": "Server Error"}, 500)
        return self._respond(reply, request, caller, "" if is_free else resource), _name(caller)

    def _route(self, request: Request, path: str, parsed: dict[str, Any], caller: Caller) -> Reply:
        if path == "/api/graphql":
            from . import graphql  # its library takes a third of a second to import

            return Reply(graphql.answer(self.world, caller, parsed))
        found = find(request.method, path)
        if found is None:
            raise ApiError(404, "Not Found")
        route, params = found
        call = Call(
            self.world, caller, params, parse_query(request.url.query), parsed, request.headers,
            f"{self.world.api}{path}",
        )  # fmt: skip
        match route.needs:
            case "anybody":
                pass
            case "app":
                if caller.app is None or caller.token:
                    raise ApiError(401, "A JSON web token could not be decoded")
            case "installation" | "user":
                if caller.user is None:
                    raise ApiError(401, "Requires authentication")
            case needs:
                self._enter(call, needs, writes=request.method != "GET")
        answer = route.answer(call)
        return answer if isinstance(answer, Reply) else Reply(answer)

    def _enter(self, call: Call, needs: str, *, writes: bool) -> None:
        if call.caller.app and not call.caller.token:
            raise ApiError(403, "Resource not accessible by integration")
        repo: Repository | None = self.world.repository(f"{call.params['owner']}/{call.params['repo']}")
        if repo is None:
            raise ApiError(404, "Not Found")
        call.repository = repo
        number = call.params.get("number", "")
        issue = repo.issues.get(int(number)) if number.isdecimal() else None
        if issue is None and "comment_id" in call.params:  # a comment belongs to an issue or a pull request
            wanted = call.number("comment_id")
            issue = next((i for i in repo.issues.values() for c in i.comments if c.id == wanted), None)
        auth.demand(self.world, call.caller, repo, needs, issue)
        if repo.archived and writes:
            raise ApiError(403, "Repository was archived so is read-only.")

    def _respond(self, reply: Reply, request: Request, caller: Caller, resource: str) -> Response:
        """Make an answer of a reply: with its headers, or 304 for what the caller has already, which is not counted."""
        content, media = limits.rendered(reply.body)
        told = limits.validators(content, reply.body) if request.method == "GET" and reply.status == 200 else {}
        is_unchanged = bool(told) and limits.is_unchanged(request.headers, told)
        with self.world.lock:
            self._answered += 1
            if resource and not is_unchanged:
                self.meter.charge(caller, resource)
            headers = {
                "Date": format_datetime(self.world.now(), usegmt=True),
                "X-GitHub-Media-Type": "github.v3; format=json",
                "X-GitHub-Request-Id": f"LOCAL:{self._answered}",
                **self.meter.headers(caller, resource or "core"),
                **told,
                **({"Content-Type": media} if media else {}),
                **reply.headers,
            }
        if is_unchanged:
            del headers["Content-Type"]
            headers.pop("Link", None)  # GitHub need not tell it again, and its ETag does not cover it
            return Response(b"", 304, headers)
        return Response(content, reply.status, headers)


def _parse(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        parsed = json.loads(body)
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if isinstance(parsed, list):  # labels may come as a bare list
        return {"labels": parsed}
    if not isinstance(parsed, dict):
        raise ApiError(400, "Body should be a JSON object")
    return parsed


def _name(caller: Caller) -> str:
    return caller.user.login if caller.user else f"app {caller.app.slug}" if caller.app else "nobody"


def _before(fault: Fault) -> ApiError | None:
    """Return the answer of faults that strike before anything is done.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    match fault.kind:
        case "before":
            return ApiError(fault.status, "Server Error" if fault.status >= 500 else fault.text or "Fault")
        case "unauthorized":
            return ApiError(401, "Bad credentials")
        case "secondary":
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            status = fault.status if fault.status in (403, 429) else 403
            told = {"Retry-After": str(int(fault.seconds))} if fault.seconds > 0 else {}
            return ApiError(status, message, headers=told)
        case "primary":
            headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time() + fault.seconds))}
            status = fault.status if fault.status in (403, 429) else 403
            return ApiError(status, "API rate limit exceeded for installation.", headers=headers)
        case _:
            return None


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


@dataclass
class Served:
    """A site on a port, in a thread of its own."""

    port: int
    _server: Any
    _thread: threading.Thread

    def stop(self) -> None:
        """Close the port."""
        self._server.should_exit = True
        self._thread.join(timeout=10)


@dataclass(frozen=True)
class Certificate:
    """Files (PEM) of a server that speaks TLS: its certificate, and the key to it."""

    certificate: Path
    key: Path


def serve(site: Any, host: str, port: int, tls: Certificate | None = None) -> Served:
    """Serve an ASGI application on a port (0: any free one); return when it answers."""
    import uvicorn

    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(256)
    config = uvicorn.Config(
        site, log_level="critical", access_log=False, timeout_graceful_shutdown=2, ws="none", date_header=False,
        ssl_certfile=tls.certificate if tls else None, ssl_keyfile=tls.key if tls else None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=[[listening]], name="localhub", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("localhub did not start")
        time.sleep(0.005)
    return Served(listening.getsockname()[1], server, thread)
