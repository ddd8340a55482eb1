"""One REST exchange: what a route is given, what it may answer, which permission it asks for, how lists are paged."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from .values import App, Installation, Issue, Pull, Repository, Token, User
from .world import World

# ASGI's values, by its specification.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DOCS = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer other than success, with GitHub's body."""

    def __init__(
        self, status: int, message: str, errors: Sequence[Any] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message, self.errors, self.headers = status, message, list(errors), dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the JSON that GitHub would send."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors:
            body["errors"] = self.errors
        return {**body, "documentation_url": DOCS, "status": str(self.status)}


def not_found() -> ApiError:
    """What GitHub says of things that are not there or that the token may not know of."""
    return ApiError(404, "Not Found")


def forbidden() -> ApiError:
    """What GitHub says to an installation token that lacks a permission."""
    return ApiError(403, "Resource not accessible by integration")


def invalid(resource: str, fieldname: str, code: str, message: str = "") -> ApiError:
    """A 422 with one entry in `errors`."""
    error = {"resource": resource, "field": fieldname, "code": code}
    return ApiError(422, "Validation Failed", [{**error, "message": message} if message else error])


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is JSON (dict or list), text, bytes, or None for an empty one."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """Who asks: an app by JWT, an installation by token, or a person."""

    user: User | None = None
    app: App | None = None
    token: Token | None = None

    @property
    def installation(self) -> Installation | None:
        """The installation of the token, if it is one."""
        return self.token.installation if self.token else None


@dataclass
class Call:
    """One request to a route, after authentication. `repo` is set for routes under a repository."""

    world: World
    caller: Caller
    params: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
    headers: Mapping[str, str]
    url: str
    repository: Repository | None = None

    @property
    def repo(self) -> Repository:
        """The repository in the path."""
        if self.repository is None:
            raise not_found()
        return self.repository

    @property
    def user(self) -> User:
        """The account that acts: the person, or the app's bot."""
        if self.caller.user is None:
            raise ApiError(401, "Requires authentication")
        return self.caller.user

    @property
    def issue(self) -> Issue:
        """The issue (or pull request as an issue) in the path."""
        number = self.number("number")
        found = self.repo.issues.get(number)
        if found is not None:
            return found
        if number not in self.repo.gone:
            raise not_found()
        moved = self.repo.gone[number]
        if moved is None:
            raise ApiError(410, "This issue was deleted")
        there = f"{self.world.api}/repos/{moved.repo.full_name}/issues/{moved.number}"
        raise ApiError(301, "Moved Permanently", headers={"Location": there})

    @property
    def pull(self) -> Pull:
        """The pull request in the path."""
        found = self.issue.pull
        if found is None:
            raise not_found()
        return found

    def number(self, name: str) -> int:
        """Return a numeric part of the path."""
        if not self.params[name].isdecimal():
            raise not_found()
        return int(self.params[name])

    def want(self, name: str, kind: type | tuple[type, ...] = str) -> Any:
        """Return a required field of the body; 422 when it is missing or of another type."""
        value = self.body.get(name)
        if value is None:
            raise ApiError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return self._typed(name, value, kind)

    def may(self, name: str, kind: type | tuple[type, ...] = str, default: Any = None) -> Any:
        """Return an optional field of the body; 422 when it is of another type."""
        value = self.body.get(name)
        return default if value is None else self._typed(name, value, kind)

    def _typed(self, name: str, value: Any, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise ApiError(422, f"Invalid request.\n\nFor '{name}', {value!r} is not of the expected type.")
        return value

    def page(self, items: Sequence[Any], shape: Callable[[Any], Any], key: str = "") -> Reply:
        """Answer one page of a list with GitHub's Link header; `key` wraps it with `total_count`."""
        size = min(max(_integer(self.query.get("per_page"), 30), 1), 100)
        number = max(_integer(self.query.get("page"), 1), 1)
        last = max((len(items) + size - 1) // size, 1)
        part = [shape(x) for x in items[(number - 1) * size : number * size]]
        links = []
        for name, target, shown in (
            ("prev", number - 1, number > 1),
            ("next", number + 1, number < last),
            ("last", last, number < last),
            ("first", 1, number > 1),
        ):
            if shown:
                query = urlencode({**self.query, "per_page": size, "page": target})
                links.append(f'<{self.url}?{query}>; rel="{name}"')
        headers = {"Link": ", ".join(links)} if links else {}
        return Reply({"total_count": len(items), key: part} if key else part, headers=headers)


def _integer(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


Answer = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """One operation of GitHub's REST API.

    `needs` is who may call it: `app` (JWT), `installation`, `user`, or permissions as `name:level`, several
    alternatives joined by `|`.
    """

    method: str
    template: str
    needs: str
    answer: Answer
    pattern: re.Pattern[str]


ROUTES: list[Route] = []


def route(method: str, template: str, needs: str) -> Callable[[Answer], Answer]:
    """Enter a function into the table of operations. `{name+}` in a template also takes slashes."""

    def enter(answer: Answer) -> Answer:
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
        ROUTES.append(Route(method, template, needs, answer, re.compile(f"^{pattern}$")))
        return answer

    return enter


@functools.lru_cache(maxsize=1)
def _ordered(_count: int) -> list[Route]:
    return sorted(ROUTES, key=lambda r: ("+}" in r.template, r.template.count("{"), -len(r.template)))


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a raw (still percent-encoded) path, and the decoded parts; plain templates win."""
    for candidate in _ordered(len(ROUTES)):
        match = candidate.pattern.match(path) if candidate.method == method else None
        if match:
            return candidate, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def parse_query(text: str) -> dict[str, str]:
    """Return the last value of each query parameter."""
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
