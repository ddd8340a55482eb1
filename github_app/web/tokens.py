"""The page of somebody's API tokens: made, shown once, revoked. Only forms of the page itself do
anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from github_app.core.errors import Refused
from github_app.core.model import Actor
from github_app.core.requests import LIVES_FOR, MOST_DAYS, Scope, Token
from github_app.core.text.characters import legible
from github_app.web.rendering import WITH_FORMS, render
from github_app.web.visits import VISITOR, Visits, note

_PATH = "/tokens"
_NAME_CHARS = 60


class Tokens(Protocol):
    """The tokens. All of it may block."""

    def create(self, actor: Actor, scope: Scope, *, name: str, lives_for: timedelta) -> tuple[Token, str]:
        """Make a token; what is known of it, and the token. Raises `Refused` where the account has too many."""

    def of(self, actor: Actor) -> Sequence[Token]:
        """An account's tokens, the newest first."""

    def revoke(self, key: str, *, actor: Actor | None = None) -> bool:
        """Take a token of an account back; whether there was one."""


@dataclass(frozen=True, kw_only=True)
class TokenPages:
    """The page, and what its forms do."""

    visits: Visits
    tokens: Tokens

    def routes(self) -> list[Route]:
        """All of them."""
        form = self.visits.guarded_form
        return [
            Route(_PATH, self.visits.guarded(self._show)),
            Route(_PATH, form(self._make), methods=["POST"]),
            Route(f"{_PATH}/{{key}}/revoke", form(self._revoke), methods=["POST"]),
        ]

    def _make(self, request: Request, visitor: Actor, form: Mapping[str, str]) -> Response:
        days = form.get("days", "")
        lives_for = timedelta(days=min(max(int(days), 1), MOST_DAYS)) if _is_small(days) else LIVES_FOR
        scope: Scope = "write" if form.get("scope") == "write" else "read"
        name = " ".join(legible(form.get("name", "")).split())[:_NAME_CHARS]
        try:
            made = self.tokens.create(visitor, scope, name=name, lives_for=lives_for)
        except Refused as error:
            return note("Not done", str(error), 409, visitor, ("Tokens", _PATH))
        return self._page(request, visitor, made)

    def _revoke(self, request: Request, visitor: Actor, _: Mapping[str, str]) -> Response:
        self.tokens.revoke(request.path_params["key"], actor=visitor)
        return RedirectResponse(_PATH, 303, headers=WITH_FORMS)

    def _show(self, request: Request, visitor: Actor) -> Response:
        return self._page(request, visitor, None)

    def _page(self, request: Request, visitor: Actor, made: tuple[Token, str] | None) -> Response:
        now = self.visits.clock.now()
        page = render(
            "tokens.html",
            visitor=visitor,
            made=made,
            tokens=[token for token in self.tokens.of(visitor) if token.expires_at > now],
            token=self.visits.seals.form(request.cookies.get(VISITOR, "")),
            days=LIVES_FOR.days,
            most_days=MOST_DAYS,
        )
        return HTMLResponse(page, headers=WITH_FORMS)


def _is_small(days: str) -> bool:
    return days.isascii() and days.isdecimal() and len(days) < 5
