"""Addresses of pages that whoever was given the link may open: each holds a token that only we can make."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, kw_only=True)
class PageLinks:
    """The addresses of pages, their tokens made with `key`. Without `public_url` there are none, and, unless people can
    sign in, none of builds."""

    public_url: str = ""
    key: bytes = b""
    signs_in: bool = False

    def of(self, session_id: str) -> str:
        """A session's address; empty if nobody could reach it."""
        token = self._token(f"session page {session_id}")
        return f"{self.public_url}/sessions/{session_id}/{token}" if self.public_url else ""

    def is_valid(self, session_id: str, token: str) -> bool:
        """Whether this is the token of the session's address; never, where there are no addresses."""
        return self._is_token(token, f"session page {session_id}")

    def of_lessons(self, repo_id: int) -> str:
        """The address of the page with a repository's lessons; empty if nobody could reach it."""
        token = self._token(f"lessons page {repo_id}")
        return f"{self.public_url}/lessons/{repo_id}/{token}" if self.public_url else ""

    def is_valid_for_lessons(self, repo_id: int, token: str) -> bool:
        """Whether this is the token of that address; never, where there are no addresses."""
        return self._is_token(token, f"lessons page {repo_id}")

    def of_build(self, session_id: str, head_sha: str, until: datetime) -> str:
        """The address, good until then, of what was built of a session's commit; empty if nobody could reach it."""
        if not (self.public_url and self.signs_in):
            return ""
        end = int(until.timestamp())
        token = self._token(f"build page {session_id} {head_sha} {end}")
        return f"{self.public_url}/builds/{session_id}/{head_sha}/{end}/{token}"

    def end_of_build(self, session_id: str, head_sha: str, end: int, token: str) -> datetime | None:
        """Until when such an address is good; None if it is none of ours."""
        is_ours = self.signs_in and self._is_token(token, f"build page {session_id} {head_sha} {end}")
        return datetime.fromtimestamp(end, UTC) if is_ours else None

    def _is_token(self, token: str, page: str) -> bool:
        expected = self._token(page).encode()
        return bool(self.public_url) and hmac.compare_digest(expected, token.encode("utf-8", "replace"))

    def _token(self, page: str) -> str:
        return hmac.new(self.key, page.encode(), hashlib.sha256).hexdigest()[:40]
