"""The repositories that Honk is installed on, as GitHub lists them, remembered for a minute."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from github_app.core.listing import Listing
from github_app.core.model import Repo
from github_app.core.ports import Clock

_KNOWN_FOR = timedelta(minutes=1)


class Catalogue:
    """Remembers the list. Thread-safe; raises what `Hub` raises."""

    def __init__(self, listing: Listing, clock: Clock) -> None:
        self._listing, self._clock = listing, clock
        self._known: tuple[Repo, ...] = ()
        self._read_at: datetime | None = None
        self._lock = threading.Lock()

    def all(self) -> tuple[Repo, ...]:
        """All of them."""
        with self._lock:
            now = self._clock.now()
            if self._read_at is None or now - self._read_at > _KNOWN_FOR:
                installations = self._listing.installations()
                self._known = tuple(repo for key, _ in installations for repo in self._listing.repositories(key))
                self._read_at = now
            return self._known
