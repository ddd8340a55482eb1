"""Who has signed in, kept by the browser alone: sealed words that only we can make, good for some hours."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from github_app.core.chat.model import Person, Place
from github_app.core.model import Actor

SIGNED_IN_FOR = timedelta(hours=8)
"""Then GitHub is asked again who it is; what a person may read is asked far more often."""

ASKED_FOR = timedelta(minutes=10)
"""So long somebody may take to sign in at GitHub."""

HOME = "/sessions"

INVITED_FOR = timedelta(minutes=15)
"""So long somebody in a chat may take to say which account is theirs."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A person in a chat, called `name` there, is asked in a place which account is theirs. `nonce` is used once."""

    nonce: str
    person: Person
    place: Place
    name: str


@dataclass(frozen=True, kw_only=True)
class Seals:
    """Makes and opens sealed words with `key`. Whoever holds them can read them, and cannot change them."""

    key: bytes = field(repr=False)

    def visitor(self, actor: Actor, now: datetime) -> str:
        """Words that say who somebody is."""
        return self._seal("visitor", {"id": actor.id, "login": actor.login}, now + SIGNED_IN_FOR)

    def read_visitor(self, words: str, now: datetime) -> Actor | None:
        """Who it is; None for words that are not ours, were changed, or are too old."""
        told = self._open("visitor", words, now)
        return Actor(id=told["id"], login=told["login"]) if told else None

    def request(self, nonce: str, path: str, now: datetime) -> str:
        """What goes to GitHub and comes back (`state`): whose browser asked (`nonce`), and where it wanted to."""
        return self._seal("request", {"nonce": nonce, "path": path}, now + ASKED_FOR)

    def read_request(self, words: str, nonce: str, now: datetime) -> str | None:
        """The path that was wanted; None if this browser did not ask, or too long ago. Never an address elsewhere."""
        told = self._open("request", words, now)
        if not told or not nonce or not hmac.compare_digest(told["nonce"].encode(), nonce.encode()):
            return None
        path: str = told["path"]
        return path if path.startswith("/") and not path.startswith(("//", "/\\")) else HOME

    def form(self, words: str) -> str:
        """What the forms on a page carry that is shown to whoever has these words (`visitor`)."""
        return self._mark("form", words)

    def is_form(self, token: str, words: str) -> bool:
        """Whether a form comes from a page that was shown to whoever has these words."""
        return hmac.compare_digest(self.form(words).encode(), token.encode("utf-8", "replace"))

    def invitation(self, invitation: Invitation, now: datetime) -> str:
        """What only this person in the chat is shown, to be opened in their browser."""
        return self._seal("invitation", asdict(invitation), now + INVITED_FOR)

    def read_invitation(self, words: str, now: datetime) -> Invitation | None:
        """Who is meant; None for words that are not ours, were changed, or are too old."""
        told = self._open("invitation", words, now)
        if told is None:
            return None
        person, place = Person(**told["person"]), Place(**told["place"])
        return Invitation(nonce=told["nonce"], person=person, place=place, name=told["name"])

    def consent(self, invitation: Invitation, visitor: Actor) -> str:
        """What the page's button sends along: no other site, and no other visitor, can press it."""
        return self._mark("consent", f"{invitation.nonce} {visitor.id}")

    def is_consent(self, words: str, invitation: Invitation, visitor: Actor) -> bool:
        """Whether this visitor pressed the button of this invitation."""
        return hmac.compare_digest(self.consent(invitation, visitor).encode(), words.encode("utf-8", "replace"))

    def _seal(self, kind: str, told: dict[str, Any], until: datetime) -> str:
        document = json.dumps({**told, "until": until.timestamp()})
        body = base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")
        return f"{body}.{self._mark(kind, body)}"

    def _open(self, kind: str, words: str, now: datetime) -> dict[str, Any] | None:
        body, _, mark = words.partition(".")
        if not hmac.compare_digest(self._mark(kind, body).encode(), mark.encode()):
            return None
        try:
            told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (binascii.Error, ValueError):  # pragma: no cover — what we sealed is well made
            return None
        return told if told["until"] > now.timestamp() else None

    def _mark(self, kind: str, body: str) -> str:
        return hmac.new(self.key, f"{kind} {body}".encode(), hashlib.sha256).hexdigest()
