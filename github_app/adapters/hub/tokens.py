"""Installation tokens: narrowed to one repository and a few permissions, kept until shortly before they end.

https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth

from github_app.adapters.vault import Vault
from github_app.core.errors import Misconfigured

MARGIN_S = 300.0
"""Tokens live an hour; one with less than this left is not handed out any more, so that work can be done with it."""

SKEW_S = 120
"""By so much our clock may be ahead of GitHub's: it refuses what was signed in its future."""

JWT_LIFE_S = 300
"""The app's own signature holds for so long; GitHub allows ten minutes, its clock or ours."""

LAG_S = 10.0
"""For so long after its making a token may be unknown to some of GitHub's machines (401 or 403)."""


@dataclass(frozen=True, kw_only=True)
class TokenKey:
    """What a token is for. `repo_id` is None only where all repositories of an installation are listed."""

    installation_id: int
    repo_id: int | None
    permissions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, installation_id: int, repo_id: int | None, permissions: Mapping[str, str]) -> TokenKey:
        """Make the key of a permission map, in any order."""
        return cls(installation_id=installation_id, repo_id=repo_id, permissions=tuple(sorted(permissions.items())))

    @property
    def request(self) -> dict[str, Any]:
        """The body of the request for such a token."""
        narrowed = {} if self.repo_id is None else {"repository_ids": [self.repo_id]}
        return {**narrowed, "permissions": dict(self.permissions)}


@dataclass(frozen=True, kw_only=True)
class Token:
    """An installation token. Times are seconds since 1970."""

    key: TokenKey
    value: str = field(repr=False)
    minted_at: float
    expires_at: float

    def is_fresh(self, now: float) -> bool:
        """Whether GitHub may not know it everywhere yet."""
        return now - self.minted_at < LAG_S


def make_app_auth(app_id: str, private_key: str) -> Auth.AppAuth:
    """Return what signs the requests of the app itself. Raises `Misconfigured` for what cannot sign."""
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"the app's private key is not a PEM key without a password: {error}") from error
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("the app's private key is not an RSA key; GitHub makes them on the app's settings page")
    if not app_id.strip():
        raise Misconfigured("the app's id is empty")
    # The key as it was read: reading it checks its numbers, a hundred times the cost of a signature.
    signed_with: Any = lambda: key  # noqa: E731 — PyGithub's type names only the text of a key
    return Auth.AppAuth(app_id.strip(), signed_with, jwt_issued_at=-SKEW_S, jwt_expiry=JWT_LIFE_S)


class Tokens:
    """The tokens of one app, shared by all threads. `mint` asks GitHub for one: it blocks, and may raise our errors.

    The vault learns of each before anybody can use it.
    """

    def __init__(
        self, mint: Callable[[TokenKey], Mapping[str, Any]], *, clock: Callable[[], float], vault: Vault
    ) -> None:
        self._mint = mint
        self._vault = vault
        self._clock = clock
        self._guard = threading.Lock()
        self._locks: dict[TokenKey, threading.Lock] = {}
        self._held: dict[TokenKey, Token] = {}

    def get(self, key: TokenKey) -> Token:
        """Return a token with some minutes left, made now if there is none."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # of many threads that come at once, one asks
            held = self._held.get(key)
            now = self._clock()
            if held and held.expires_at - MARGIN_S > now:
                return held
            answer = self._mint(key)
            expires_at = datetime.fromisoformat(answer["expires_at"]).timestamp()
            token = Token(key=key, value=answer["token"], minted_at=self._clock(), expires_at=expires_at)
            self._vault.remember(token.value, until=expires_at)
            with self._guard:
                self._held = {k: t for k, t in self._held.items() if t.expires_at > now} | {key: token}
                # A lock that somebody waits for may be among those that go: then two ask for a token at worst.
                self._locks = {k: each for k, each in self._locks.items() if k in self._held or each.locked()}
            return token

    def drop(self, token: Token) -> None:
        """Forget a token that GitHub does not accept."""
        with self._guard:
            if self._held.get(token.key) == token:
                del self._held[token.key]
