"""Addresses of pages that whoever was given the link may open: each holds a token that only we can make."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PageLinks:
    """The addresses of session pages, their tokens made with `key`. Without `public_url` there are none."""

    public_url: str = ""
    key: bytes = b""

    def of(self, session_id: str) -> str:
        """A session's address; empty if nobody could reach it."""
        return f"{self.public_url}/sessions/{session_id}/{self._token(session_id)}" if self.public_url else ""

    def is_valid(self, session_id: str, token: str) -> bool:
        """Whether this is the token of the session's address; never, where there are no addresses."""
        expected = self._token(session_id).encode()
        return bool(self.public_url) and hmac.compare_digest(expected, token.encode("utf-8", "replace"))

    def _token(self, session_id: str) -> str:
        return hmac.new(self.key, f"session page {session_id}".encode(), hashlib.sha256).hexdigest()[:40]
