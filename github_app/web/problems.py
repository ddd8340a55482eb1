"""What the API answers where it does not do what it is asked: problem details (RFC 9457), each with what to do."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from github_app.core.errors import AccessDenied, Gone, RateLimited, Refused, Transient
from github_app.web.bounds import problem
from github_app.web.shapes import Problem

_LOG = logging.getLogger(__name__)

_RETRY_AFTER_S = 30

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
    for status, meaning in {
        401: "no token, or none that is good",
        403: "the token's scope, or its account at GitHub, allows no more than reading; or it is left to people",
        404: "not there, or not for this account to see",
        409: "the session has ended",
        413: "the call is too large",
        422: "the call is not of this form, or GitHub does not do it",
        429: "too many calls in a minute",
        503: "GitHub or the database does not answer",
    }.items()
}


class Trouble(Exception):
    """A call that is not answered."""

    def __init__(self, status: int, title: str, detail: str, *, retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.retry_after_s = status, title, detail, retry_after_s


def absent(what: str) -> Trouble:
    """The same for what is not there and for what somebody may not see."""
    return Trouble(404, "Not found", f"there is no such {what}, or your account cannot see it")


def tell_problems(app: FastAPI) -> None:
    """Have an application answer in problems, whatever goes wrong."""

    def trouble(_: Request, error: Trouble) -> JSONResponse:
        return _answer(error.status, error.title, error.detail, retry_after_s=error.retry_after_s)

    def misshapen(_: Request, error: RequestValidationError) -> JSONResponse:
        told = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
        return _answer(422, "Not of this form", "; ".join(told))

    def not_routed(_: Request, error: HTTPException) -> JSONResponse:
        # FastAPI says 400 of a body that is no text, and 422 of text that is no JSON: to callers it is the same.
        status = 422 if error.status_code == 400 else error.status_code
        return _answer(status, error.detail, "see /api/openapi.json", headers=dict(error.headers or {}))

    def not_now(_: Request, error: Exception) -> JSONResponse:
        wait_s = int(error.retry_after_s) + 1 if isinstance(error, RateLimited) else _RETRY_AFTER_S
        return _answer(503, "Not now", f"{error}; try again with the same Idempotency-Key", retry_after_s=wait_s)

    def refused(_: Request, error: Exception) -> JSONResponse:
        _LOG.warning("a call of the API was refused: %s", error)
        return _answer(422, "GitHub does not do it", str(error))

    told: dict[type[Exception], Any] = {
        Trouble: trouble,
        RequestValidationError: misshapen,
        HTTPException: not_routed,
        Transient: not_now,
        **dict.fromkeys((Refused, AccessDenied, Gone), refused),
    }
    for kind, answer in told.items():
        app.add_exception_handler(kind, answer)


def _answer(
    status: int, title: str, detail: str, *, retry_after_s: int = 0, headers: dict[str, str] | None = None
) -> JSONResponse:
    given = {**(headers or {}), **({"Retry-After": str(retry_after_s)} if retry_after_s else {})}
    if status == 401:
        given["WWW-Authenticate"] = "Bearer"
    told = problem(status, title, detail)
    return JSONResponse(told, status_code=status, headers=given, media_type="application/problem+json")
