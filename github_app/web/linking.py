"""The page on which somebody says that a person in a chat and a GitHub account are one: reached by an address that only
that person was shown, opened by who signed in, and confirmed there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from github_app.core.chat.model import Linked, Person
from github_app.core.model import Actor
from github_app.core.ports import Clock
from github_app.core.signin import Invitation, Seals
from github_app.core.text.characters import legible
from github_app.web.rendering import HEADERS, render

Guard = Callable[[Callable[[Request, Actor], Response]], Callable[[Request], Response]]


class Links(Protocol):
    """Where it is kept. Raises `Transient`."""

    def link(self, person: Person, actor: Actor, *, nonce: str) -> bool:
        """Note whose account a person's is; False if the invitation was used before."""


def link_routes(
    seals: Seals, links: Links, guard: Guard, clock: Clock, *, note: Callable[[Linked], object]
) -> list[Route]:
    """The page and its button. `note` records that it was pressed, for the chat to hear of; both may block."""

    def show(request: Request, visitor: Actor) -> Response:
        invitation = _invitation(request)
        if invitation is None:
            return _over(visitor)
        action = f"{request.url.path}?consent={seals.consent(invitation, visitor)}"
        return _page(
            "link.html", visitor, nickname=legible(invitation.name), team=invitation.person.team, action=action
        )

    def confirm(request: Request, visitor: Actor) -> Response:
        invitation = _invitation(request)
        consent = request.query_params.get("consent", "")
        if invitation is None or not seals.is_consent(consent, invitation, visitor):
            return _over(visitor)
        if not links.link(invitation.person, visitor, nonce=invitation.nonce):
            return _over(visitor)
        key = f"linked:{invitation.nonce}"
        note(Linked(id=key, person=invitation.person, place=invitation.place, login=visitor.login))
        text = f"{legible(invitation.name)} in Slack is {visitor.login} on GitHub. Go back to Slack and ask away."
        return _page("note.html", visitor, title="Linked", text=text, link=None)

    def _invitation(request: Request) -> Invitation | None:
        return seals.read_invitation(request.path_params["words"], clock.now())

    return [
        Route("/link/{words}", guard(show), methods=["GET"]),
        Route("/link/{words}", guard(confirm), methods=["POST"]),
    ]


def _over(visitor: Actor) -> Response:
    text = "This link was used, or is too old, or is not whole. Ask me something in Slack, and you get a new one."
    return _page("note.html", visitor, 400, title="Not linked", text=text, link=None)


def _page(template: str, visitor: Actor, status: int = 200, **values: object) -> Response:
    return HTMLResponse(render(template, visitor=visitor, **values), status_code=status, headers=HEADERS)
