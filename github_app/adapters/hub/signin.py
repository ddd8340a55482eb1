"""Signing in with GitHub: who came back with a code.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from pydantic import BaseModel, ValidationError

from github_app.core.errors import Refused, Transient
from github_app.core.model import Actor

_TIMEOUT_S = 15.0


class _User(BaseModel):
    id: int
    login: str


@dataclass(frozen=True, kw_only=True)
class GitHubSignIn:
    """Asks GitHub who somebody is, by the App's own client. The token that this takes is let go of at once."""

    web_url: str
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    return_url: str
    ca_file: Path | None = None

    def url(self, state: str) -> str:
        """Where the browser goes to sign in."""
        asked = {"client_id": self.client_id, "redirect_uri": self.return_url, "state": state}
        return f"{self.web_url}/login/oauth/authorize?{urlencode(asked)}"

    def actor(self, code: str) -> Actor:
        """Who came back with a code. Raises `Refused` if GitHub does not know the code, `Transient`."""
        asked = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "code": code,
            "redirect_uri": self.return_url,
        }
        token = self._ask("POST", f"{self.web_url}/login/oauth/access_token", data=asked).get("access_token")
        if not isinstance(token, str):
            # GitHub answers 200 with an `error`: the code was used, is too old, or the client's secret is wrong.
            raise Refused("GitHub did not accept this sign-in; begin again.")
        told = self._ask("GET", f"{self.api_url}/user", headers={"Authorization": f"Bearer {token}"})
        try:
            user = _User.model_validate(told)
        except ValidationError as error:
            raise Transient("GitHub did not say who you are") from error
        return Actor(id=user.id, login=user.login)

    def _ask(self, method: str, url: str, *, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        try:
            answer = requests.request(
                method,
                url,
                headers={"Accept": "application/json", **(headers or {})},
                timeout=_TIMEOUT_S,
                verify=str(self.ca_file) if self.ca_file else True,
                allow_redirects=False,
                **more,
            )
            answer.raise_for_status()
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Transient(f"GitHub does not answer ({type(error).__name__})") from error
        return told if isinstance(told, dict) else {}
