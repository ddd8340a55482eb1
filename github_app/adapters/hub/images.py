"""Images that people attached to an issue and its comments. GitHub gives those of private repositories to no token: the
HTML that it renders for us holds addresses that are signed for some minutes, and these are fetched without credentials.

Nothing but GitHub's own hosts is ever asked, and no redirect leads elsewhere (`core.images`). Our token goes to the API
alone.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from math import ceil
from urllib.parse import urljoin

import requests
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.adapters.hub.line import FRESH, FULL_PAGE
from github_app.core.errors import AccessDenied, Gone, Transient
from github_app.core.images import MAX_BYTES, is_hosted, is_signed_for, may_follow

log = logging.getLogger(__name__)

DOWNLOAD_S = 20.0
ALL_S = 60.0
CONNECT_READ_S = (5, 10)
MAX_HOPS = 4

_RENDERED = {"Accept": "application/vnd.github.full+json", **FRESH}
_SOURCE = re.compile(r"<img\b[^<>]{0,4000}?\bsrc=\"([^\"<>]{1,4000})\"")


@dataclass(frozen=True, kw_only=True)
class Images:
    """Fetches images of one repository. `web_url` is where this GitHub is."""

    client: RepoClient
    web_url: str

    def fetch(self, number: int, urls: Sequence[str]) -> dict[str, bytes]:
        """The bytes of the images at these addresses; what cannot be had, or is too large, is left out."""
        wanted = [url for url in urls if is_hosted(url, web_url=self.web_url)]
        signed = self._signed(number) if wanted else []
        deadline = time.monotonic() + ALL_S
        found = {url: self._first(url, signed, deadline) for url in wanted}
        return {url: content for url, content in found.items() if content is not None}

    def _signed(self, number: int) -> list[str]:
        """The addresses of all images in the issue and its comments as GitHub shows them."""

        def ask(it: Repository) -> list[str]:
            _, issue = it.requester.requestJsonAndCheck("GET", f"{it.url}/issues/{number}", headers=_RENDERED)
            html = [str(issue.get("body_html") or "")]
            if issue.get("comments"):
                html += _rendered_comments(it, number, issue["comments"])
            return [unescape(each) for text in html for each in _SOURCE.findall(text)]

        try:
            return self.client.read(ask, what=f"images of #{number}")
        except (Gone, AccessDenied, Transient) as error:
            log.info("no signed addresses for images of #%s: %s", number, error)
            return []

    def _first(self, url: str, signed: Sequence[str], deadline: float) -> bytes | None:
        for address in (*(each for each in signed if is_signed_for(each, url)), url):
            try:
                return self._download(address, min(deadline, time.monotonic() + DOWNLOAD_S))
            except (ValueError, requests.RequestException) as error:
                log.info("an image cannot be had: %s", error if type(error) is ValueError else type(error).__name__)
        return None

    def _download(self, url: str, deadline: float) -> bytes:
        """What stands at an address. Raises `ValueError` for what is not GitHub's, is too large or takes too long."""
        for _ in range(MAX_HOPS):
            if not may_follow(url, web_url=self.web_url):
                raise ValueError("its address leads away from GitHub")
            with requests.get(
                url,
                stream=True,
                timeout=CONNECT_READ_S,
                allow_redirects=False,
                auth=_no_auth,
                verify=self.client.verify,
            ) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                    continue
                response.raise_for_status()
                return _read(response, deadline)
        raise ValueError("it is passed on again and again")


def _read(response: requests.Response, deadline: float) -> bytes:
    content = b""
    for chunk in response.iter_content(65_536):
        content += chunk
        if len(content) > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise ValueError("it takes too long")
    return content


def _rendered_comments(it: Repository, number: int, count: int) -> Iterator[str]:
    """The first hundred comments and the last page of them as HTML."""
    for page in sorted({1, ceil(count / FULL_PAGE)}):
        about = {"per_page": FULL_PAGE, "page": page}
        _, found = it.requester.requestJsonAndCheck(
            "GET", f"{it.url}/issues/{number}/comments", parameters=about, headers=_RENDERED
        )
        yield from (str(comment.get("body_html") or "") for comment in found)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep `requests` from looking for credentials in ~/.netrc."""
    return request
