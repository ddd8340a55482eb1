"""The last step of registering a GitHub App: a code for its id, private key and webhook secret."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import requests
from pydantic import BaseModel, ValidationError

from github_app.core.errors import Refused, Transient
from github_app.core.registration import Registered

_TIMEOUT_S = 30.0


class _Answer(BaseModel):
    id: int
    slug: str
    html_url: str
    pem: str
    webhook_secret: str
    client_id: str
    client_secret: str


def convert(code: str, *, api_url: str, ca_file: Path | None) -> Registered:
    """Exchange the code that GitHub sent the browser back with. It is good for an hour, and once.

    https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
    Raises `Transient` if GitHub does not answer as documented, `Refused` if it does not know the code.
    """
    url = f"{api_url}/app-manifests/{quote(code, safe='')}/conversions"
    try:
        answer = requests.post(
            url,
            headers={"Accept": "application/vnd.github+json"},
            timeout=_TIMEOUT_S,
            verify=str(ca_file) if ca_file else True,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise Transient(f"GitHub could not be reached at {api_url} ({type(error).__name__}).") from error
    if answer.status_code in (404, 422):
        raise Refused("GitHub does not know this code (any more): it is good for one hour, and once.")
    try:
        answer.raise_for_status()
        found = _Answer.model_validate_json(answer.content)
    except (requests.RequestException, ValidationError) as error:
        raise Transient(f"GitHub gave no App for this code (HTTP {answer.status_code}).") from error
    return Registered(
        app_id=found.id,
        name=found.slug,
        page_url=found.html_url,
        private_key=found.pem,
        webhook_secret=found.webhook_secret,
        client_id=found.client_id,
        client_secret=found.client_secret,
    )
