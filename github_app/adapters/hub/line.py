"""What each request passes on its way to GitHub, and each answer on its way back: nothing is changed by who has lost
the work meanwhile, no secret leaves, nothing is sent that is known to be refused, and what we have already is not sent
again."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from github import GithubException
from github.Requester import Requester

from github_app.adapters.hub.answers import Answer, Answers
from github_app.adapters.hub.budgets import Budgets
from github_app.adapters.hub.errors import is_limit
from github_app.adapters.hub.tokens import TokenKey
from github_app.adapters.vault import Vault
from github_app.core.ports import Fence
from github_app.core.tracing import Span, Spans, template_of

CONTENT_PATHS = ("/git/blobs", "/git/trees")
"""Requests that carry the contents of files: these are checked before, and must not change on their way."""

CUT_ANSWERS = 2
"""So often a question whose answer broke off is asked again."""

FULL_PAGE = 100
"""So many entries GitHub puts on a page at most, and we ask for."""

FRESH = {"Cache-Control": "no-cache"}
"""Asks for an answer as it is now: one with addresses that are signed for minutes must not be kept."""

_LATER_PAGE = re.compile(r"[?&]page=(?!1\b)\d")

Payer = TokenKey | int
"""Whose token it is; the app (`APP`) or nobody (`NOBODY`) where there is none."""


class Line:
    """What all clients share. Safe to share between threads."""

    def __init__(self, *, vault: Vault, fence: Fence, budgets: Budgets, answers: Answers, spans: Spans) -> None:
        self._vault = vault
        self._fence = fence
        self._budgets = budgets
        self._answers = answers
        self._spans = spans
        self._local = threading.local()
        self.sent = 0
        self.unchanged = 0

    def watch(self, requester: Requester, payer: Payer) -> None:
        """Put ourselves between PyGithub and the wire, for REST and GraphQL: it has no hook for this."""
        send = requester.requestJson

        def send_watched(verb: str, url: str, *given: Any, **named: Any) -> tuple[int, dict[str, Any], str]:
            # parameters, headers, input, connection; only the last comes by name, and what follows it
            parameters, headers, body, *rest = [*given, None, None, None][: max(3, len(given))]
            if body is not None and not url.endswith(CONTENT_PATHS):
                body = self._vault.clean_request(body)
            if _LATER_PAGE.search(url):
                self._local.turned = True

            def ask(more: dict[str, str]) -> tuple[int, dict[str, Any], str]:
                if verb != "GET":  # GraphQL, even to read, is a POST
                    self._fence.require()
                    with self._spanned(verb, url) as span:
                        answer = send(verb, url, parameters, {**(headers or {}), **more}, body, *rest, **named)
                        span.end({"http.response.status_code": answer[0]})
                        return answer
                for _ in range(CUT_ANSWERS):
                    # A body that breaks off is nothing that urllib3 tries again.
                    with suppress(requests.exceptions.ChunkedEncodingError):
                        return send(verb, url, parameters, {**(headers or {}), **more}, body, *rest, **named)
                return send(verb, url, parameters, {**(headers or {}), **more}, body, *rest, **named)

            resource = "graphql" if url.endswith("/graphql") else "core"
            key = (payer, url, repr(sorted((parameters or {}).items())), repr(sorted((headers or {}).items())))
            may_be_held = verb == "GET" and "Cache-Control" not in (headers or {})
            return self._pass(ask, payer, resource, key if may_be_held else None)

        requester.requestJson = send_watched  # type: ignore[method-assign]

    def _spanned(self, verb: str, url: str) -> AbstractContextManager[Span]:
        template = template_of(urlsplit(url).path)
        told = {"http.request.method": verb, "url.template": template, "honk.api": "github"}
        return self._spans.within(f"{verb} {template}", kind="client", attributes=told)

    @contextmanager
    def noting(self) -> Iterator[Callable[[], bool]]:
        """Gives what tells whether this thread asked for a later page of a list within it."""
        self._local.turned = False
        yield lambda: bool(self._local.turned)

    def _pass(
        self,
        ask: Callable[[dict[str, str]], tuple[int, dict[str, Any], str]],
        payer: Payer,
        resource: str,
        key: tuple[Any, ...] | None,
    ) -> tuple[int, dict[str, Any], str]:
        who = payer if isinstance(payer, int) else payer.installation_id
        self._budgets.require(who, resource)
        held = self._answers.get(key) if key else None
        status, headers, body = ask({"If-None-Match": held.etag} if held else {})
        self.sent += 1
        self._budgets.learn(who, resource, status, headers, is_limit=_is_limit(status, headers, body))
        if status == 304 and held is not None:
            self.unchanged += 1
            return 200, {**held.headers, **headers}, held.body
        if status == 200 and key and (etag := headers.get("etag")) and not _may_go_on(headers, body):
            self._answers.keep(key, Answer(etag=etag, headers=headers, body=body))
        return status, headers, body


def _may_go_on(headers: dict[str, Any], body: str) -> bool:
    """Whether an answer is a last page that is full: its ETag stays the same when another page comes after it, and a
    304 need not tell of that one."""
    if 'rel="next"' in headers.get("link", ""):
        return False
    try:
        told = json.loads(body)
    except ValueError:
        return False
    lists = told.values() if isinstance(told, dict) else [told]
    return any(isinstance(each, list) and len(each) >= FULL_PAGE for each in lists)


def _is_limit(status: int, headers: dict[str, Any], body: str) -> bool:
    if status not in (403, 429):
        return False
    try:
        told = json.loads(body)
    except ValueError:
        told = {"message": body}
    return is_limit(GithubException(status, told, headers))
